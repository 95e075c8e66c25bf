//! Sealed text: ChaCha20-Poly1305 (RFC 8439) under a key of the plane, bound to its place by associated data.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};

use super::encoding::{base64url, from_base64url};
use super::keys::{KeyRing, Plane, Purpose};

/// Seals `text` for `place`, for days at most; `nonce` must be fresh random bytes.
#[must_use]
pub fn seal(keys: &KeyRing, plane: Plane, place: &str, text: &str, nonce: [u8; 12]) -> String {
    seal_with(keys.current(Purpose::Sealing, plane), place, text, nonce)
}

/// The same for as long as the last key of the ring is there.
#[must_use]
pub fn seal_lasting(
    keys: &KeyRing,
    plane: Plane,
    place: &str,
    text: &str,
    nonce: [u8; 12],
) -> String {
    seal_with(keys.lasting(Purpose::Sealing, plane), place, text, nonce)
}

fn seal_with(key: [u8; 32], place: &str, text: &str, nonce: [u8; 12]) -> String {
    let cipher = ChaCha20Poly1305::new(&key.into());
    let payload = Payload {
        msg: text.as_bytes(),
        aad: place.as_bytes(),
    };
    // Fails only beyond 256 GB.
    let sealed = cipher.encrypt(&nonce.into(), payload).unwrap_or_default();
    base64url(&[&nonce[..], &sealed].concat())
}

/// Opens what [`seal`] made for the same plane and place; `None` when it was changed or moved.
#[must_use]
pub fn open(keys: &KeyRing, plane: Plane, place: &str, sealed: &str) -> Option<String> {
    let bytes = from_base64url(sealed)?;
    let (nonce, sealed) = bytes.split_first_chunk::<12>()?;
    keys.all(Purpose::Sealing, plane).find_map(|key| {
        let payload = Payload {
            msg: sealed,
            aad: place.as_bytes(),
        };
        let text = ChaCha20Poly1305::new(&key.into())
            .decrypt(nonce.into(), payload)
            .ok()?;
        String::from_utf8(text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::{ring, tenant};
    use super::*;

    #[test]
    fn a_seal_opens_at_its_own_place_only() {
        let keys = ring(&["k1"]);
        let plane = Plane::School(tenant(1));
        let sealed = seal(&keys, plane, "here", "secret", [5; 12]);
        assert_eq!(
            open(&keys, plane, "here", &sealed).as_deref(),
            Some("secret")
        );
        assert_eq!(
            open(&ring(&["k2", "k1"]), plane, "here", &sealed).as_deref(),
            Some("secret")
        );
        assert_eq!(open(&keys, plane, "there", &sealed), None);
        assert_eq!(open(&keys, Plane::School(tenant(2)), "here", &sealed), None);
        assert_eq!(
            open(&keys, plane, "here", &sealed[..sealed.len() - 2]),
            None
        );
        assert_eq!(open(&keys, plane, "here", ""), None);
    }

    #[test]
    fn a_lasting_seal_opens_as_long_as_the_last_key_of_its_ring_is_there() {
        let plane = Plane::System;
        let sealed = seal_lasting(&ring(&["k2", "k1"]), plane, "here", "secret", [5; 12]);
        let opened = |kids: &[&str]| open(&ring(kids), plane, "here", &sealed);
        assert_eq!(opened(&["k3", "k1"]).as_deref(), Some("secret"));
        assert_eq!(opened(&["k3", "k2"]), None);
    }
}
