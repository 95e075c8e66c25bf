//! Keys derived from the master key, one per purpose and tenant (HKDF-SHA256, RFC 5869), so that what one school
//! signs cannot even be verified in another.

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use thiserror::Error;

use super::encoding::{from_base64url, hex};
use crate::TenantId;

/// Whose identity a credential speaks of: the platform's, or one school's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Plane {
    /// Platform administration.
    System,
    /// One school.
    School(TenantId),
}

impl Plane {
    /// The audience of tokens and the context of derived keys.
    #[must_use]
    pub fn audience(self) -> String {
        match self {
            Self::System => "platform".to_owned(),
            Self::School(tenant) => tenant.to_string(),
        }
    }

    /// The issuer of tokens.
    #[must_use]
    pub const fn issuer(self) -> &'static str {
        match self {
            Self::System => "homeroom/system",
            Self::School(_) => "homeroom/school",
        }
    }
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs access tokens.
    AccessToken,
    /// Derives a refresh token's successor.
    RefreshToken,
    /// Seals stored answers.
    Sealing,
    /// Hashes identifiers for the directory and the names of limiters.
    Directory,
    /// Signs the tokens of SMS accounts, which the bridge verifies too.
    SmsToken,
    /// Hashes codes for a new password.
    ResetCode,
    /// Hashes students' PINs.
    StudentPin,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::AccessToken => "access-token",
            Self::RefreshToken => "refresh-token",
            Self::Sealing => "sealing",
            Self::Directory => "directory",
            Self::SmsToken => "sms-token",
            Self::ResetCode => "reset-code",
            Self::StudentPin => "student-pin",
        }
    }
}

/// Why a key ring's configuration cannot be used. Never carries key material.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyRingError {
    /// There is no key.
    #[error("MASTER_KEYS is empty: set it to <key id>:<base64url of 32 bytes>")]
    Empty,
    /// An entry is not `<key id>:<base64url of 32 bytes>`.
    #[error("entry {0} of MASTER_KEYS is not <key id>:<base64url of 32 bytes>")]
    Malformed(usize),
}

struct MasterKey {
    kid: String,
    bytes: SecretBox<[u8; 32]>,
}

/// The platform's master keys: the first makes, the others still verify what they made.
pub struct KeyRing {
    first: MasterKey,
    older: Vec<MasterKey>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("kid", &self.first.kid)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Reads `<kid>:<base64url of 32 bytes>[,<kid>:<…>]`.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = Vec::new();
        for (n, entry) in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .enumerate()
        {
            let malformed = KeyRingError::Malformed(n + 1);
            let Some((kid, encoded)) = entry.split_once(':') else {
                return Err(malformed);
            };
            let bytes = from_base64url(encoded.trim_end_matches('='));
            let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
            match bytes {
                Some(bytes) if !kid.is_empty() && kid.len() <= 16 => {
                    keys.push(MasterKey {
                        kid: kid.to_owned(),
                        bytes: SecretBox::new(Box::new(bytes)),
                    });
                }
                _ => return Err(malformed),
            }
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeyRingError::Empty)?;
        Ok(Self {
            first,
            older: keys.collect(),
        })
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn signing_kid(&self) -> &str {
        &self.first.kid
    }

    /// The key that makes new things of a purpose and plane.
    #[must_use]
    pub fn current(&self, purpose: Purpose, plane: Plane) -> [u8; 32] {
        derive(&self.first, purpose, plane)
    }

    /// The key that makes new things of a purpose and plane that are kept as long as they are good: the last of the ring, which stays
    /// there when others are put in front.
    #[must_use]
    pub fn lasting(&self, purpose: Purpose, plane: Plane) -> [u8; 32] {
        derive(self.last(), purpose, plane)
    }

    fn last(&self) -> &MasterKey {
        self.older.last().unwrap_or(&self.first)
    }

    /// The key with the id `kid`, for things made earlier.
    #[must_use]
    pub fn by_kid(&self, kid: &str, purpose: Purpose, plane: Plane) -> Option<[u8; 32]> {
        std::iter::once(&self.first)
            .chain(&self.older)
            .find(|key| key.kid == kid)
            .map(|key| derive(key, purpose, plane))
    }

    /// Every key of a purpose and plane, the current one first.
    pub fn all(&self, purpose: Purpose, plane: Plane) -> impl Iterator<Item = [u8; 32]> {
        std::iter::once(&self.first)
            .chain(&self.older)
            .map(move |key| derive(key, purpose, plane))
    }

    /// Every key id with its key of a purpose and plane, the current one first: for those who may have these and not the master keys.
    pub fn with_kids(
        &self,
        purpose: Purpose,
        plane: Plane,
    ) -> impl Iterator<Item = (&str, [u8; 32])> {
        std::iter::once(&self.first)
            .chain(&self.older)
            .map(move |key| (key.kid.as_str(), derive(key, purpose, plane)))
    }

    /// Keyed hash of a normalised identifier: what the directory and the limiters know of a person.
    /// Made with the last key of the ring, so that adding a new one in front does not orphan the directory.
    #[must_use]
    pub fn identifier_hash(&self, identifier: &str) -> String {
        use hmac::{Hmac, Mac};
        let key = derive(self.last(), Purpose::Directory, Plane::System);
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&key) else {
            return String::new();
        };
        mac.update(identifier.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

fn derive(key: &MasterKey, purpose: Purpose, plane: Plane) -> [u8; 32] {
    let info = format!(
        "homeroom/v1/{}/{}/{}",
        purpose.label(),
        plane.audience(),
        key.kid
    );
    let mut derived = [0u8; 32];
    // Cannot fail: 32 bytes are far below HKDF's limit of 255 blocks.
    let _ =
        Hkdf::<Sha256>::new(None, key.bytes.expose_secret()).expand(info.as_bytes(), &mut derived);
    derived
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use homeroom_kernel::Id;

    pub(crate) fn ring(kids: &[&str]) -> KeyRing {
        let entries: Vec<String> = kids
            .iter()
            .map(|kid| {
                let byte = kid.bytes().last().unwrap_or(0);
                format!("{kid}:{}", super::super::encoding::base64url(&[byte; 32]))
            })
            .collect();
        KeyRing::parse(&entries.join(",")).unwrap()
    }

    pub(crate) fn tenant(n: u8) -> TenantId {
        Id::parse(&format!("00000000-0000-7000-8000-0000000000{n:02x}")).unwrap()
    }

    #[test]
    fn every_purpose_plane_and_key_has_its_own_key() {
        let ring = ring(&["k1", "k2"]);
        let mut seen = std::collections::BTreeSet::new();
        for purpose in [
            Purpose::AccessToken,
            Purpose::RefreshToken,
            Purpose::Sealing,
            Purpose::Directory,
            Purpose::SmsToken,
            Purpose::ResetCode,
            Purpose::StudentPin,
        ] {
            for plane in [
                Plane::System,
                Plane::School(tenant(1)),
                Plane::School(tenant(2)),
            ] {
                for key in ring.all(purpose, plane) {
                    assert!(seen.insert(key));
                }
            }
        }
        assert_eq!(seen.len(), 42);
    }

    #[test]
    fn a_new_key_in_front_still_verifies_what_the_old_one_made() {
        let before = ring(&["k1"]);
        let after = ring(&["k2", "k1"]);
        let key = before.current(Purpose::AccessToken, Plane::System);
        assert_eq!(
            after.by_kid("k1", Purpose::AccessToken, Plane::System),
            Some(key)
        );
        assert_eq!(
            before.identifier_hash("a@b.example"),
            after.identifier_hash("a@b.example")
        );
    }

    #[test]
    fn a_wrong_configuration_says_which_entry_and_never_the_key() {
        assert_eq!(KeyRing::parse(" ").unwrap_err(), KeyRingError::Empty);
        let error = KeyRing::parse("k1:AAAA").unwrap_err();
        assert_eq!(error, KeyRingError::Malformed(1));
        assert!(!error.to_string().contains("AAAA"));
        assert!(!format!("{:?}", ring(&["k1"])).contains("49, 49"));
    }
}
