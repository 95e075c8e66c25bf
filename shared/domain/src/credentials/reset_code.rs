//! Codes that a phone is sent to set a forgotten password anew: six digits, stored as a keyed hash, since a million of them are tried in no time.

use hmac::{Hmac, Mac};
use homeroom_kernel::rules;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

use super::{
    encoding::hex,
    keys::{KeyRing, Plane, Purpose},
};

/// How long a code is good, in seconds.
pub const LIFETIME_SECONDS: i64 = 10 * 60;
/// Wrong tries after which a code is dead; the schema knows it, too.
pub const MAX_TRIES: i64 = 5;
/// Most codes of a user in an hour, and in a day: with their tries they are what somebody who guesses has.
pub const PER_HOUR: i64 = 3;
/// See [`PER_HOUR`].
pub const PER_DAY: i64 = 10;

const DIGITS: usize = 6;

/// A code in the clear. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct ResetCode(SecretString);

/// What a code is good for: once one of these has changed, it is good for nothing.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The request for it.
    pub reset: &'a str,
    /// The phone that it was sent to.
    pub phone_number: &'a str,
    /// The stored hash of the password that it replaces.
    pub password_hash: &'a str,
}

impl ResetCode {
    /// A new code.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        // Of 2^64 values, no code gets more than a hair over its part.
        let wide = secret.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let number = wide % 1_000_000;
        Self(format!("{number:0DIGITS$}").into())
    }

    /// Reads what a client presents.
    pub fn read(value: &Value) -> Result<Self, String> {
        let text = rules::text(1, 40)(value)?;
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err("Enter the six digits of the code.".into())
        }
    }

    /// The keyed hash: the form at rest.
    #[must_use]
    pub fn hash(&self, keys: &KeyRing, plane: Plane, subject: Subject<'_>) -> String {
        self.with_key(&keys.current(Purpose::ResetCode, plane), subject)
    }

    /// Whether a stored hash is that of this code, whichever master key made it.
    #[must_use]
    pub fn fits(&self, hash: &str, keys: &KeyRing, plane: Plane, subject: Subject<'_>) -> bool {
        keys.all(Purpose::ResetCode, plane)
            .any(|key| self.with_key(&key, subject) == hash)
    }

    fn with_key(&self, key: &[u8; 32], subject: Subject<'_>) -> String {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else {
            return String::new();
        };
        for text in [
            self.expose(),
            subject.reset,
            subject.phone_number,
            subject.password_hash,
        ] {
            mac.update(text.as_bytes());
            mac.update(&[0]);
        }
        hex(&mac.finalize().into_bytes())
    }

    /// The text for the message.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::{ring, tenant};
    use super::*;
    use serde_json::json;

    const SUBJECT: Subject<'static> = Subject {
        reset: "r1",
        phone_number: "+263771000001",
        password_hash: "$argon2id$1",
    };

    fn secret(number: u64) -> [u8; 32] {
        let mut bytes = [9; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    #[test]
    fn a_code_has_six_digits_and_is_read_as_it_was_written() {
        for (number, text) in [(0, "000000"), (42, "000042"), (7_654_321, "654321")] {
            let code = ResetCode::new(secret(number));
            assert_eq!(code.expose(), text);
            assert_eq!(ResetCode::read(&json!(text)).unwrap().expose(), text);
            assert!(!format!("{code:?}").contains(text));
        }
        assert_eq!(
            ResetCode::read(&json!(" 000042 ")).unwrap().expose(),
            "000042"
        );
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "+12345"] {
            assert!(ResetCode::read(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_good_for_what_it_was_asked_for_and_nothing_else() {
        let (keys, here) = (ring(&["k1"]), Plane::School(tenant(1)));
        let code = ResetCode::new(secret(42));
        let hash = code.hash(&keys, here, SUBJECT);
        assert_eq!(hash.len(), 64);
        assert!(code.fits(&hash, &keys, here, SUBJECT));
        assert!(code.fits(&hash, &ring(&["k2", "k1"]), here, SUBJECT));
        assert!(!code.fits(&hash, &ring(&["k2"]), here, SUBJECT));
        assert!(!code.fits(&hash, &keys, Plane::School(tenant(2)), SUBJECT));
        assert!(!ResetCode::new(secret(43)).fits(&hash, &keys, here, SUBJECT));
        for other in [
            Subject {
                reset: "r2",
                ..SUBJECT
            },
            Subject {
                phone_number: "+263771000002",
                ..SUBJECT
            },
            Subject {
                password_hash: "$argon2id$2",
                ..SUBJECT
            },
        ] {
            assert!(!code.fits(&hash, &keys, here, other), "{other:?}");
        }
    }
}
