//! What the passwords Worker is asked and what it answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The service binding of the passwords Worker.
pub const BINDING: &str = "PASSWORDS";
/// Where requests to it are posted; only the binding gives the address a meaning.
pub const URL: &str = "https://passwords/";
/// The longest password that is hashed, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// One piece of password work.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum PasswordRequest {
    /// Hash a new password.
    Hash {
        /// The password in clear.
        password: String,
    },
    /// Compare a password with a stored hash.
    Verify {
        /// The password in clear.
        password: String,
        /// The stored hash; none for an unknown user, which costs the same work.
        phc: Option<String>,
    },
}

/// The answer to a [`PasswordRequest`]. Neither shape has a field of the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PasswordReply {
    /// To [`PasswordRequest::Hash`].
    Hashed {
        /// The hash to store, as a PHC string.
        phc: String,
    },
    /// To [`PasswordRequest::Verify`].
    Verified {
        /// Whether the password is the one that was hashed.
        matches: bool,
        /// A new hash to store instead, when the stored one has parameters other than today's.
        rehash: Option<String>,
    },
}

// Both Debug forms leave the secrets out, so that a request in a log line gives nothing away.
impl fmt::Debug for PasswordRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash { .. } => f.debug_struct("Hash").finish_non_exhaustive(),
            Self::Verify { phc, .. } => f
                .debug_struct("Verify")
                .field("known_user", &phc.is_some())
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for PasswordReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashed { .. } => f.debug_struct("Hashed").finish_non_exhaustive(),
            Self::Verified { matches, rehash } => f
                .debug_struct("Verified")
                .field("matches", matches)
                .field("rehashed", &rehash.is_some())
                .finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_have_the_agreed_form() {
        for (request, json) in [
            (
                PasswordRequest::Hash {
                    password: "pw".into(),
                },
                r#"{"op":"hash","password":"pw"}"#,
            ),
            (
                PasswordRequest::Verify {
                    password: "pw".into(),
                    phc: None,
                },
                r#"{"op":"verify","password":"pw","phc":null}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&request).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<PasswordRequest>(json).unwrap(),
                request
            );
        }
        for (reply, json) in [
            (
                PasswordReply::Hashed { phc: "$a".into() },
                r#"{"phc":"$a"}"#,
            ),
            (
                PasswordReply::Verified {
                    matches: true,
                    rehash: None,
                },
                r#"{"matches":true,"rehash":null}"#,
            ),
            (
                PasswordReply::Verified {
                    matches: true,
                    rehash: Some("$b".into()),
                },
                r#"{"matches":true,"rehash":"$b"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&reply).unwrap(), json);
            assert_eq!(serde_json::from_str::<PasswordReply>(json).unwrap(), reply);
        }
    }

    #[test]
    fn debug_output_shows_neither_password_nor_hash() {
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            PasswordRequest::Hash {
                password: "s3cret".into()
            },
            PasswordRequest::Verify {
                password: "s3cret".into(),
                phc: Some("s3cret".into())
            },
            PasswordReply::Hashed {
                phc: "s3cret".into()
            },
            PasswordReply::Verified {
                matches: true,
                rehash: Some("s3cret".into())
            },
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
