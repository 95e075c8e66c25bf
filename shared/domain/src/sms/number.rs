//! Addresses of both ends: phone numbers, short codes and names, with type of number and numbering plan as SMPP wants them.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// An address that can be sent to or from.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Type of number: 0 unknown, 1 international, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan indicator: 0 unknown, 1 ISDN (E.164).
    pub npi: u8,
    text: String,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not a number that a message can be sent to.
    #[error("a phone number in international form is expected: a plus and 7 to 15 digits")]
    NoNumber,
    /// Neither a number nor a name that a message can be sent from.
    #[error(
        "a sender is a phone number, a short code of 3 to 8 digits, or a name of up to 11 letters, digits and spaces"
    )]
    NoSender,
    /// Longer than the given type of number allows.
    #[error("an address has at most 20 characters")]
    TooLong,
}

impl Address {
    /// The receiver: an international number, with or without a plus or `00`, or a short code. Spaces, dots, dashes, slashes and brackets are
    /// taken off, and the zero of `+44 (0)20 …` too.
    pub fn receiver(text: &str) -> Result<Self, AddressError> {
        let (plus, digits) = digits(text).ok_or(AddressError::NoNumber)?;
        if let Some(number) = international(plus, &digits) {
            return Ok(number);
        }
        short_code(plus, &digits).ok_or(AddressError::NoNumber)
    }

    /// The sender: as the receiver, or a name of 1 to 11 characters of the GSM alphabet's letters, digits, space and `-_.&+'`.
    pub fn sender(text: &str) -> Result<Self, AddressError> {
        if let Some((plus, digits)) = digits(text) {
            return international(plus, &digits)
                .or_else(|| short_code(plus, &digits))
                .ok_or(AddressError::NoSender);
        }
        let name = text.trim();
        let known =
            |character: char| character.is_ascii_alphanumeric() || " -_.&+'".contains(character);
        let good = (1..=11).contains(&name.len())
            && name.chars().all(known)
            && name.contains(|character: char| character.is_ascii_alphabetic());
        if good {
            Ok(Self {
                ton: 5,
                npi: 0,
                text: name.to_owned(),
            })
        } else {
            Err(AddressError::NoSender)
        }
    }

    /// The same address with the type and plan that a caller insists on.
    #[must_use]
    pub fn with(mut self, ton: Option<u8>, npi: Option<u8>) -> Self {
        self.ton = ton.unwrap_or(self.ton);
        self.npi = npi.unwrap_or(self.npi);
        self
    }

    /// As it goes over the wire: no plus.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As people write it: a plus before an international number.
    #[must_use]
    pub fn display(&self) -> String {
        if self.ton == 1 {
            format!("+{}", self.text)
        } else {
            self.text.clone()
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Address({}/{} {})",
            self.ton,
            self.npi,
            masked(&self.text)
        )
    }
}

/// For logs: the first three and the last two characters.
#[must_use]
pub fn masked(address: &str) -> String {
    let length = address.chars().count();
    if length < 7 {
        return "*".repeat(length);
    }
    address
        .chars()
        .enumerate()
        .map(|(index, character)| {
            if index < 3 || index + 2 >= length {
                character
            } else {
                '*'
            }
        })
        .collect()
}

/// Digits of a text that has nothing else but separators, and whether a plus stood before them.
fn digits(text: &str) -> Option<(bool, String)> {
    let text = text.trim();
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (rest, abroad) = without_trunk_zero(plus, rest);
    let mut digits = String::with_capacity(rest.len());
    for character in rest.chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '-' | '.' | '/' | '\u{A0}' => {}
            // An area code in brackets is how people write a number at home: read as an international one it is somebody else's.
            '(' | ')' if abroad => {}
            _ => return None,
        }
    }
    (!digits.is_empty()).then_some((plus, digits))
}

/// `+44 (0)20 …` shows the zero that only callers at home dial. In Italy it is part of the number. Also whether the number is plainly an
/// international one.
fn without_trunk_zero(plus: bool, rest: &str) -> (Cow<'_, str>, bool) {
    let country = if plus {
        Some(rest.trim_start())
    } else {
        rest.strip_prefix("00")
    };
    match country {
        Some(country) if !country.starts_with("39") => (rest.replacen("(0)", "", 1).into(), true),
        known => (rest.into(), known.is_some()),
    }
}

/// E.164: a country code, and 7 to 15 digits with it.
fn international(plus: bool, digits: &str) -> Option<Address> {
    let digits = match digits.strip_prefix("00") {
        Some(rest) if !plus => rest,
        _ => digits,
    };
    let good = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    good.then(|| Address {
        ton: 1,
        npi: 1,
        text: digits.to_owned(),
    })
}

fn short_code(plus: bool, digits: &str) -> Option<Address> {
    let good = !plus && (3..=8).contains(&digits.len()) && !digits.starts_with("00");
    good.then(|| Address {
        ton: 0,
        npi: 1,
        text: digits.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn receivers() {
        for (text, expected) in [
            ("+263771234567", Ok((1, 1, "263771234567"))),
            ("263771234567", Ok((1, 1, "263771234567"))),
            ("00263 77 123 4567", Ok((1, 1, "263771234567"))),
            ("+49 (151) 234-567/89", Ok((1, 1, "4915123456789"))),
            ("+44 (0)20 7946 0018", Ok((1, 1, "442079460018"))),
            ("0044(0)2079460018", Ok((1, 1, "442079460018"))),
            ("+39 (0)6 1234 5678", Ok((1, 1, "390612345678"))),
            ("(201) 555-0123", Err(AddressError::NoNumber)),
            ("12345", Ok((0, 1, "12345"))),
            ("0771", Ok((0, 1, "0771"))),
            ("0771234567", Err(AddressError::NoNumber)),
            ("+0771234567", Err(AddressError::NoNumber)),
            ("+12345", Err(AddressError::NoNumber)),
            ("1234567890123456", Err(AddressError::NoNumber)),
            ("12", Err(AddressError::NoNumber)),
            ("", Err(AddressError::NoNumber)),
            ("+", Err(AddressError::NoNumber)),
            ("++263771234567", Err(AddressError::NoNumber)),
            ("26377x1234567", Err(AddressError::NoNumber)),
            ("٢٦٣٧٧١٢٣٤٥٦٧", Err(AddressError::NoNumber)),
            ("School", Err(AddressError::NoNumber)),
        ] {
            let read = Address::receiver(text);
            let read = read
                .as_ref()
                .map(|address| (address.ton, address.npi, address.as_str()))
                .map_err(|error| *error);
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn senders() {
        for (text, expected) in [
            ("Greenwood", Ok((5, 0, "Greenwood"))),
            ("St. Mary's", Ok((5, 0, "St. Mary's"))),
            ("4Kids", Ok((5, 0, "4Kids"))),
            ("+263771234567", Ok((1, 1, "263771234567"))),
            ("33555", Ok((0, 1, "33555"))),
            ("TwelveLetter", Err(AddressError::NoSender)),
            ("Školа", Err(AddressError::NoSender)),
            ("--", Err(AddressError::NoSender)),
            ("", Err(AddressError::NoSender)),
        ] {
            let read = Address::sender(text);
            let read = read
                .as_ref()
                .map(|address| (address.ton, address.npi, address.as_str()))
                .map_err(|error| *error);
            assert_eq!(read, expected, "{text:?}");
        }
        let insisted = Address::sender("33555").unwrap().with(Some(3), None);
        assert_eq!((insisted.ton, insisted.npi), (3, 1));
    }

    #[test]
    fn logs_show_no_full_number() {
        assert_eq!(masked("263771234567"), "263*******67");
        assert_eq!(masked("33555"), "*****");
        let debug = format!("{:?}", Address::receiver("+263771234567").unwrap());
        assert_eq!(debug, "Address(1/1 263*******67)");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same(text in "\\+?[0-9 ]{3,18}") {
            if let Ok(address) = Address::receiver(&text) {
                prop_assert_eq!(Address::receiver(&address.display()), Ok(address.clone()));
                prop_assert!(address.as_str().len() <= 20);
            }
        }

        #[test]
        fn nothing_stops_it(text: String) {
            let _ = Address::receiver(&text);
            let _ = Address::sender(&text);
            let _ = masked(&text);
        }
    }
}
