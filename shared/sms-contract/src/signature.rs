//! Signed requests, in both directions, as Standard Webhooks writes them down: HMAC-SHA256 over `id.timestamp.body`.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Header with the unique id of the request; a repetition has the same.
pub const ID: &str = "webhook-id";
/// Header with the unix seconds of the signature.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures: `v1,<base64>`, several separated by spaces while a secret is replaced.
pub const SIGNATURE: &str = "webhook-signature";
/// Header with the address of the client for whom the bridge asks; believed where the headers above sign [`client`] of it.
pub const CLIENT: &str = "x-bridge-client";
/// How far the clocks of the two sides may differ, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Shortest secret in bytes.
pub const MIN_SECRET: usize = 24;

/// Why a signature was not accepted. None of it is told to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Invalid {
    /// A header is missing or malformed.
    #[error("a signature header is missing or malformed")]
    Malformed,
    /// Too old, or from the future.
    #[error("the signature's time is too far from now")]
    Time,
    /// None of the signatures is right.
    #[error("no signature matches")]
    Mismatch,
}

/// The value of [`SIGNATURE`] for a body, signed with one secret.
#[must_use]
pub fn sign(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    format!(
        "v1,{}",
        Base64::encode_string(&mac(secret, id, seconds, body))
    )
}

/// What is signed to say for whom a path is asked. No body of an event has this form.
#[must_use]
pub fn client(path: &str, address: &str) -> String {
    format!("client {address} {}", path.trim_end_matches('/'))
}

/// Checks the headers of a request against the secrets that are good now.
pub fn verify(
    secrets: &[&[u8]],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now_seconds: i64,
) -> Result<(), Invalid> {
    let seconds: i64 = timestamp.parse().map_err(|_| Invalid::Malformed)?;
    if id.is_empty() || id.len() > 128 || signatures.len() > 1_024 {
        return Err(Invalid::Malformed);
    }
    if seconds.abs_diff(now_seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Invalid::Time);
    }
    let given = signatures
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|text| Base64::decode_vec(text).ok());
    let good: Vec<[u8; 32]> = secrets
        .iter()
        .map(|secret| mac(secret, id, seconds, body))
        .collect();
    // Every pair is compared, so that the time says nothing about which was near.
    let mut found = subtle::Choice::from(0);
    for candidate in given {
        for right in &good {
            found |= right.as_slice().ct_eq(&candidate);
        }
    }
    if bool::from(found) {
        Ok(())
    } else {
        Err(Invalid::Mismatch)
    }
}

fn mac(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length: the error does not exist.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return [0; 32];
    };
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
    const NOW: i64 = 1_768_473_000;

    #[test]
    fn a_signed_body_verifies_until_something_in_it_changes() {
        let signature = sign(SECRET, "evt_1", NOW, b"{}");
        let time = NOW.to_string();
        let check = |id: &str, time: &str, signature: &str, body: &[u8], now: i64| {
            verify(&[SECRET], id, time, signature, body, now)
        };
        assert_eq!(check("evt_1", &time, &signature, b"{}", NOW), Ok(()));
        assert_eq!(
            check("evt_1", &time, &signature, b"{} ", NOW),
            Err(Invalid::Mismatch)
        );
        assert_eq!(
            check("evt_2", &time, &signature, b"{}", NOW),
            Err(Invalid::Mismatch)
        );
        assert_eq!(
            check("evt_1", &time, "v1,", b"{}", NOW),
            Err(Invalid::Mismatch)
        );
        assert_eq!(
            check("evt_1", "soon", &signature, b"{}", NOW),
            Err(Invalid::Malformed)
        );
        assert_eq!(
            check("", &time, &signature, b"{}", NOW),
            Err(Invalid::Malformed)
        );
        assert_eq!(
            check("evt_1", &time, &signature, b"{}", NOW + 301),
            Err(Invalid::Time)
        );
        assert_eq!(
            check("evt_1", &time, &signature, b"{}", NOW - 301),
            Err(Invalid::Time)
        );
        assert_eq!(
            check("evt_1", "-9223372036854775808", &signature, b"{}", NOW),
            Err(Invalid::Time)
        );
    }

    #[test]
    fn while_a_secret_is_replaced_both_are_good() {
        let both = format!(
            "{} {}",
            sign(b"old secret", "a", NOW, b"x"),
            sign(SECRET, "a", NOW, b"x")
        );
        assert_eq!(
            verify(&[SECRET], "a", &NOW.to_string(), &both, b"x", NOW),
            Ok(())
        );
        let old = sign(b"old secret", "a", NOW, b"x");
        assert_eq!(
            verify(
                &[SECRET, b"old secret"],
                "a",
                &NOW.to_string(),
                &old,
                b"x",
                NOW
            ),
            Ok(())
        );
    }
}
