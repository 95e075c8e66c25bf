//! PINs with which families ask for a student's results: six digits, made by the platform, shown once.
//!
//! At rest a PIN is an HMAC under a key that is not in the database. A slow hash would be no shelter: a million PINs are tried
//! in hours whatever one costs. What keeps a PIN from being guessed at the door is the count of failures.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{
    encoding::hex,
    keys::{KeyRing, Plane, Purpose},
};

const DIGITS: usize = 6;

/// A PIN in the clear. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct StudentPin(SecretString);

impl StudentPin {
    /// A new PIN: each is as likely as any other. None begins with a zero, which spreadsheets drop.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let number = random
            .iter()
            .take(8)
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        Self((100_000 + number % 900_000).to_string().into())
    }

    /// Reads what a client presents; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| Self(text.to_owned().into()))
    }

    /// The form at rest, of this student in this school only.
    #[must_use]
    pub fn seal(&self, keys: &KeyRing, plane: Plane, student: &str) -> String {
        let key = keys.current(Purpose::StudentPin, plane);
        format!("{}:{}", keys.signing_kid(), self.hash(&key, student))
    }

    /// Whether this is the PIN at rest, in constant time; none at rest costs the same work.
    #[must_use]
    pub fn matches(
        &self,
        keys: &KeyRing,
        plane: Plane,
        student: &str,
        stored: Option<&str>,
    ) -> bool {
        let (kid, hash) = stored
            .and_then(|stored| stored.split_once(':'))
            .unwrap_or_default();
        let known = keys.by_kid(kid, Purpose::StudentPin, plane);
        let key = known.unwrap_or_else(|| keys.current(Purpose::StudentPin, plane));
        let same: bool = self
            .hash(&key, student)
            .as_bytes()
            .ct_eq(hash.as_bytes())
            .into();
        same && known.is_some()
    }

    /// The text, to be handed over.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn hash(&self, key: &[u8; 32], student: &str) -> String {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else {
            return String::new();
        };
        mac.update(student.as_bytes());
        mac.update(b":");
        mac.update(self.expose().as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::{ring, tenant};
    use super::*;

    #[test]
    fn a_pin_is_six_digits_and_shown_to_nobody_by_accident() {
        for random in [[0; 32], [7; 32], [255; 32]] {
            let pin = StudentPin::new(random);
            assert!(
                StudentPin::parse(pin.expose()).is_some(),
                "{}",
                pin.expose()
            );
            assert!(!pin.expose().starts_with('0'), "a spreadsheet drops it");
            assert!(!format!("{pin:?}").contains(pin.expose()));
        }
        for text in ["", "12345", "1234567", "12345x", "１２３４５６", "+12345"] {
            assert!(StudentPin::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_pin_opens_its_own_student_in_its_own_school_only() {
        let (keys, plane) = (ring(&["k1"]), Plane::School(tenant(1)));
        let pin = StudentPin::parse("012345").unwrap();
        let stored = pin.seal(&keys, plane, "a");
        assert!(!stored.contains("012345"));
        assert!(pin.matches(&keys, plane, "a", Some(&stored)));
        let other = StudentPin::parse("012346").unwrap();
        assert!(!other.matches(&keys, plane, "a", Some(&stored)));
        assert!(!pin.matches(&keys, plane, "b", Some(&stored)));
        assert!(!pin.matches(&keys, Plane::School(tenant(2)), "a", Some(&stored)));
        assert!(!pin.matches(&keys, plane, "a", None));
    }

    #[test]
    fn a_pin_outlives_a_new_key_and_ends_with_its_own() {
        let plane = Plane::School(tenant(1));
        let pin = StudentPin::parse("012345").unwrap();
        let stored = pin.seal(&ring(&["k1"]), plane, "a");
        assert!(pin.matches(&ring(&["k2", "k1"]), plane, "a", Some(&stored)));
        assert!(!pin.matches(&ring(&["k2"]), plane, "a", Some(&stored)));
    }
}
