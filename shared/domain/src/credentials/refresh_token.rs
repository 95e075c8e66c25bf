//! Refresh tokens: opaque, 256 bits, stored as SHA-256, rotated at every use (RFC 9700, section 4.14).
//!
//! A token's successor is derived from it with a key of the tenant, so that a client whose answer was lost gets the
//! very same successor again within the grace, and the database alone cannot produce one.

use hmac::{Hmac, Mac};
use homeroom_kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::encoding::{base64url, from_base64url};
use super::keys::{KeyRing, Plane, Purpose};

/// Life of a refresh token in seconds, counted anew at each rotation.
pub const LIFETIME_SECONDS: i64 = 30 * 24 * 3600;
/// How long a used token still returns its successor, in seconds.
pub const GRACE_SECONDS: i64 = 30;

/// A refresh token in the clear. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// The first token of a sign-in.
    #[must_use]
    pub fn first(secret: [u8; 32]) -> Self {
        Self(base64url(&secret).into())
    }

    /// Reads what a client presents; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = from_base64url(text)?;
        (bytes.len() == 32).then(|| Self(text.to_owned().into()))
    }

    /// The token that replaces this one, one candidate per master key, the current key's first.
    #[must_use]
    pub fn successors(&self, keys: &KeyRing, plane: Plane) -> Vec<Self> {
        keys.all(Purpose::RefreshToken, plane)
            .filter_map(|key| {
                let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).ok()?;
                mac.update(self.0.expose_secret().as_bytes());
                Some(Self(base64url(&mac.finalize().into_bytes()).into()))
            })
            .collect()
    }

    /// SHA-256 in hexadecimal: the form at rest.
    #[must_use]
    pub fn digest(&self) -> String {
        super::digest(self.0.expose_secret())
    }

    /// The text for the client.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What the store knows of a presented token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// When it was exchanged, if it was.
    pub used_at: Option<Timestamp>,
    /// When its sign-in ends by itself.
    pub session_expires_at: Timestamp,
    /// Whether its sign-in was ended.
    pub session_revoked: bool,
    /// Whether its user may sign in.
    pub user_active: bool,
}

/// What to do with a presented token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Exchange it for its successor.
    Rotate,
    /// Its answer was probably lost: give the same successor again.
    Repeat,
    /// Used again after the grace: somebody has a copy, the whole sign-in ends.
    Reuse,
    /// Dead: expired, revoked, or its user may not sign in.
    Refuse,
}

/// Decides about a presented token.
#[must_use]
pub fn decide(presented: Presented, now: Timestamp) -> Decision {
    if presented.session_revoked || !presented.user_active || presented.session_expires_at <= now {
        return Decision::Refuse;
    }
    match presented.used_at {
        None => Decision::Rotate,
        Some(used_at) if now <= used_at.plus_seconds(GRACE_SECONDS) => Decision::Repeat,
        Some(_) => Decision::Reuse,
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::{ring, tenant};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_768_473_000_000);
    const LIVE: Presented = Presented {
        used_at: None,
        session_expires_at: Timestamp::from_millis(1_800_000_000_000),
        session_revoked: false,
        user_active: true,
    };

    #[test]
    fn a_lost_answer_gets_the_same_successor_and_a_late_copy_ends_the_sign_in() {
        let used = |seconds_ago: i64| Presented {
            used_at: Some(NOW.plus_seconds(-seconds_ago)),
            ..LIVE
        };
        let table = [
            (LIVE, Decision::Rotate),
            (used(0), Decision::Repeat),
            (used(30), Decision::Repeat),
            (used(31), Decision::Reuse),
            (
                Presented {
                    session_revoked: true,
                    ..LIVE
                },
                Decision::Refuse,
            ),
            (
                Presented {
                    session_revoked: true,
                    ..used(31)
                },
                Decision::Refuse,
            ),
            (
                Presented {
                    user_active: false,
                    ..LIVE
                },
                Decision::Refuse,
            ),
            (
                Presented {
                    session_expires_at: NOW,
                    ..LIVE
                },
                Decision::Refuse,
            ),
        ];
        for (presented, expected) in table {
            assert_eq!(decide(presented, NOW), expected, "{presented:?}");
        }
    }

    #[test]
    fn a_successor_depends_on_token_school_and_key_alone() {
        let token = RefreshToken::first([7; 32]);
        let one = ring(&["k1"]);
        let next = |ring: &KeyRing, n| {
            token.successors(ring, Plane::School(tenant(n)))[0]
                .expose()
                .to_owned()
        };
        assert_eq!(next(&one, 1), next(&one, 1));
        assert_ne!(next(&one, 1), next(&one, 2));
        assert_ne!(next(&one, 1), next(&ring(&["k2"]), 1));
        assert_ne!(next(&one, 1), token.expose());
        assert!(RefreshToken::parse(&next(&one, 1)).is_some());
    }

    #[test]
    fn what_is_not_a_token_is_not_looked_up() {
        for text in ["", "abc", "a.b.c", &"A".repeat(44), &"A".repeat(5_000)] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }
}
