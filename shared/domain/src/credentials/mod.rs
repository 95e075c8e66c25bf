//! Credentials: derived keys, access tokens, refresh tokens, API keys, calendar feeds, codes for new passwords, students' PINs. Kinds are never
//! interchangeable.

pub mod access_token;
pub mod api_key;
pub mod encoding;
pub mod feed_token;
pub mod keys;
pub mod refresh_token;
pub mod reset_code;
pub mod sealed;
pub mod sms_token;
pub mod student_pin;

pub use keys::{KeyRing, Plane};

/// SHA-256 in hexadecimal: how every opaque secret is stored. They carry 256 bits, so no slow hash is needed.
#[must_use]
pub fn digest(secret: &str) -> String {
    use sha2::{Digest, Sha256};
    encoding::hex(&Sha256::digest(secret.as_bytes()))
}
