//! Users: how they are named, and what their passwords must be.

use std::{collections::HashSet, sync::LazyLock};

use homeroom_kernel::rules;
use secrecy::SecretString;
use serde_json::Value;

/// The most common passwords with at least eight characters, from the first 3,000 of zxcvbn's list (MIT), sorted.
static COMMON_PASSWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("../data/common_passwords.txt")
        .lines()
        .collect()
});

/// Shortest password, in characters.
pub const PASSWORD_MIN: usize = 8;
/// Longest password, in characters.
pub const PASSWORD_MAX: usize = 128;

/// A new password: 8 to 128 characters, none of the most common, no rules of composition.
pub fn new_password(value: &Value) -> Result<SecretString, String> {
    let text = rules::verbatim(PASSWORD_MIN, PASSWORD_MAX)(value)?;
    if COMMON_PASSWORDS.contains(text.to_lowercase().as_str()) {
        return Err("This password is too common.".into());
    }
    Ok(text.into())
}

/// A password presented at sign-in: any text of sane length, so that the answer is about the pair, not the form.
pub fn presented_password(value: &Value) -> Result<SecretString, String> {
    rules::verbatim(1, PASSWORD_MAX)(value).map(Into::into)
}

/// An email address, lower case.
pub fn email(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 254)(value)?;
    let options = email_address::Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    if email_address::EmailAddress::parse_with_options(&text, options).is_ok() && text.is_ascii() {
        Ok(text.to_lowercase())
    } else {
        Err("Enter a valid email address.".into())
    }
}

/// A phone number: digits with an optional `+`, spaces and punctuation removed; `00` in front reads as `+`.
pub fn phone_number(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 40)(value)?;
    let mut digits = String::new();
    for (n, c) in text.chars().enumerate() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if n == 0 => digits.push(c),
            ' ' | '-' | '.' | '(' | ')' | '/' => {}
            _ => return Err("Enter a valid phone number.".into()),
        }
    }
    if let Some(rest) = digits.strip_prefix("00") {
        digits = format!("+{rest}");
    }
    let count = digits.trim_start_matches('+').len();
    if (6..=15).contains(&count) {
        Ok(digits)
    } else {
        Err("Enter a valid phone number.".into())
    }
}

/// A password for a first sign-in: 20 characters without look-alikes, 100 bits.
#[must_use]
pub fn temporary_password(random: [u8; 32]) -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
    let letters = random.iter().take(20).map(|byte| {
        ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .unwrap_or(b'a')
    });
    let mut text = String::new();
    for (n, letter) in letters.enumerate() {
        if n > 0 && n % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(letter));
    }
    text.into()
}

/// Most roles that one user holds.
pub const MAX_ROLES_PER_USER: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    #[test]
    fn common_short_and_endless_passwords_are_refused() {
        for bad in [
            "",
            "1234567",
            "password",
            "PassWord",
            "12345678",
            &"x".repeat(129),
        ] {
            assert!(new_password(&json!(bad)).is_err(), "{bad}");
        }
        for good in ["correct horse", "žluťoučký", &"x".repeat(128)] {
            assert!(new_password(&json!(good)).is_ok(), "{good}");
        }
    }

    #[test]
    fn one_address_has_one_spelling() {
        assert_eq!(
            email(&json!(" Ada@Example.ORG ")),
            Ok("ada@example.org".to_owned())
        );
        for bad in [
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "Ada <ada@example.org>",
            "ada@[127.0.0.1]",
            "a b@c.de",
        ] {
            assert!(email(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_phone_number_has_one_spelling() {
        for text in ["+263 77 212-3456", "00263772123456", "+263(77)2123456"] {
            assert_eq!(phone_number(&json!(text)), Ok("+263772123456".to_owned()));
        }
        assert_eq!(
            phone_number(&json!("0772 123 456")),
            Ok("0772123456".to_owned())
        );
        for bad in ["12345", "call me", "+1+2345678", "1234567890123456"] {
            assert!(phone_number(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_temporary_password_passes_its_own_rules() {
        let made = temporary_password([200; 32]);
        assert!(new_password(&json!(made.expose_secret())).is_ok());
        assert_eq!(made.expose_secret().len(), 23);
    }
}
