//! Tokens of SMS accounts: JSON Web Tokens, HS256 only, twelve hours. The platform signs them; the bridge verifies them
//! without asking, with keys that are derived for this alone.

use chrono::{DateTime, Duration, Utc};
use homeroom_kernel::Timestamp;
use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::encoding::{base64url, from_base64url};
use super::keys::{KeyRing, Plane, Purpose};

/// Life of a token in seconds.
pub const LIFETIME_SECONDS: i64 = 12 * 3600;
const ISSUER: &str = "homeroom/sms";
const TOKEN_TYPE: &str = "sms";
const MAX_LENGTH: usize = 2_048;

/// What a token states once it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsClaims {
    /// The account's app; at least 1.
    pub app_id: i64,
    /// The account.
    pub user_id: i64,
    /// Whether it may see and remove other accounts.
    pub is_admin: bool,
    /// The school that the account belongs to, where it does.
    pub tenant: Option<String>,
}

/// Why keys cannot be used. Never carries key material.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SmsKeysError {
    /// There is no key.
    #[error("there is no key: write <key id>:<base64url of 32 bytes>, several separated by commas")]
    Empty,
    /// An entry has another form.
    #[error("entry {0} is not <key id>:<base64url of 32 bytes>")]
    Malformed(usize),
}

/// The keys that sign tokens of SMS accounts, each under its id; the first signs. Its `Debug` shows no key.
pub struct SmsKeys {
    keys: Vec<(String, SecretBox<[u8; 32]>)>,
}

impl std::fmt::Debug for SmsKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.keys.iter().map(|(kid, _)| kid))
            .finish()
    }
}

impl SmsKeys {
    /// Derives them from the master keys.
    #[must_use]
    pub fn derive(ring: &KeyRing) -> Self {
        let keys = ring
            .with_kids(Purpose::SmsToken, Plane::System)
            .map(|(kid, key)| (kid.to_owned(), SecretBox::new(Box::new(key))))
            .collect();
        Self { keys }
    }

    /// Reads what [`Self::export`] wrote: `<kid>:<base64url of 32 bytes>[,…]`.
    pub fn parse(text: &str) -> Result<Self, SmsKeysError> {
        let entries = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let mut keys = Vec::new();
        for (n, entry) in entries.enumerate() {
            let key = entry.split_once(':').and_then(|(kid, encoded)| {
                let bytes = from_base64url(encoded.trim_end_matches('='))?;
                let bytes: [u8; 32] = bytes.try_into().ok()?;
                let named = !kid.is_empty() && kid.len() <= 16;
                named.then(|| (kid.to_owned(), SecretBox::new(Box::new(bytes))))
            });
            keys.push(key.ok_or(SmsKeysError::Malformed(n + 1))?);
        }
        if keys.is_empty() {
            return Err(SmsKeysError::Empty);
        }
        Ok(Self { keys })
    }

    /// The keys as text, for the bridge's configuration.
    #[must_use]
    pub fn export(&self) -> SecretString {
        let entries: Vec<String> = self
            .keys
            .iter()
            .map(|(kid, key)| format!("{kid}:{}", base64url(key.expose_secret())))
            .collect();
        entries.join(",").into()
    }

    fn by_kid(&self, kid: &str) -> Option<Hs256Key> {
        let (_, key) = self.keys.iter().find(|(name, _)| name == kid)?;
        Some(Hs256Key::new(key.expose_secret()))
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    knd: String,
    app_id: i64,
    user_id: i64,
    is_admin: bool,
    tenant: Option<String>,
}

/// Signs a token for an account.
#[must_use]
pub fn sign(keys: &SmsKeys, claims: &SmsClaims, now: Timestamp) -> String {
    // Neither form of the keys can be made without one; an empty token verifies nowhere.
    let Some((kid, key)) = keys.keys.first() else {
        return String::new();
    };
    let header = Header::empty().with_key_id(kid).with_token_type("at+jwt");
    let mut claims = Claims::new(Wire {
        iss: ISSUER.to_owned(),
        knd: TOKEN_TYPE.to_owned(),
        app_id: claims.app_id,
        user_id: claims.user_id,
        is_admin: claims.is_admin,
        tenant: claims.tenant.clone(),
    });
    claims.issued_at = Some(moment(now));
    claims.expiration = Some(moment(now.plus_seconds(LIFETIME_SECONDS)));
    let key = Hs256Key::new(key.expose_secret());
    Hs256.token(&header, &claims, &key).unwrap_or_default()
}

/// Verifies a token: algorithm, key id, signature, kind, issuer and time. `None` for anything else.
#[must_use]
pub fn verify(keys: &SmsKeys, token: &str, now: Timestamp) -> Option<SmsClaims> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let untrusted = UntrustedToken::new(token).ok()?;
    if untrusted.algorithm() != "HS256" {
        return None;
    }
    let key = keys.by_kid(untrusted.header().key_id.as_deref()?)?;
    let token = Hs256.validator::<Wire>(&key).validate(&untrusted).ok()?;
    let now = moment(now);
    token
        .claims()
        .validate_expiration(&TimeOptions::new(Duration::zero(), move || now))
        .ok()?;
    let wire = &token.claims().custom;
    let right = wire.iss == ISSUER && wire.knd == TOKEN_TYPE && wire.app_id > 0;
    right.then(|| SmsClaims {
        app_id: wire.app_id,
        user_id: wire.user_id,
        is_admin: wire.is_admin,
        tenant: wire.tenant.clone(),
    })
}

fn moment(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(time.seconds(), 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::access_token;
    use super::super::keys::tests::ring;
    use super::*;
    use homeroom_kernel::Id;

    const NOW: Timestamp = Timestamp::from_millis(1_768_473_000_000);

    fn keys(kids: &[&str]) -> SmsKeys {
        SmsKeys::derive(&ring(kids))
    }

    fn claims() -> SmsClaims {
        SmsClaims {
            app_id: 7,
            user_id: 3,
            is_admin: false,
            tenant: Some("hillside".to_owned()),
        }
    }

    #[test]
    fn what_the_platform_signs_verifies_with_the_exported_keys_for_twelve_hours() {
        let platform = keys(&["k2", "k1"]);
        let bridge = SmsKeys::parse(platform.export().expose_secret()).unwrap();
        let token = sign(&platform, &claims(), NOW);
        assert_eq!(verify(&bridge, &token, NOW), Some(claims()));
        let last = NOW.plus_seconds(LIFETIME_SECONDS - 1);
        assert_eq!(verify(&bridge, &token, last), Some(claims()));
        assert_eq!(verify(&bridge, &token, last.plus_seconds(2)), None);
        let older = sign(&keys(&["k1"]), &claims(), NOW);
        assert_eq!(verify(&bridge, &older, NOW), Some(claims()));
        assert_eq!(verify(&keys(&["k3"]), &token, NOW), None);
    }

    #[test]
    fn a_token_without_a_right_signature_is_refused() {
        let keys = keys(&["k1"]);
        let token = sign(&keys, &claims(), NOW);
        let mut parts = token.split('.');
        let (head, body, signature) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let none = base64url(br#"{"alg":"none","kid":"k1"}"#);
        let hs512 = base64url(br#"{"alg":"HS512","kid":"k1"}"#);
        for forged in [
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{hs512}.{body}.{signature}"),
            format!("{head}.{body}."),
            format!("{head}.{}.{signature}", base64url(b"{}")),
            "a.b.c".to_owned(),
            String::new(),
            "x".repeat(10_000),
        ] {
            assert_eq!(verify(&keys, &forged, NOW), None, "{forged}");
        }
    }

    #[test]
    fn another_kind_of_token_is_not_an_sms_token_and_the_reverse() {
        let ring = ring(&["k1"]);
        let keys = SmsKeys::derive(&ring);
        let person = access_token::AccessClaims {
            user: Id::parse("01890000-0000-7000-8000-000000000001").unwrap(),
            session: Id::parse("01890000-0000-7000-8000-000000000002").unwrap(),
        };
        let access = access_token::sign(&ring, Plane::System, person, NOW);
        assert_eq!(verify(&keys, &access, NOW), None);
        let sms = sign(&keys, &claims(), NOW);
        assert_eq!(access_token::verify(&ring, Plane::System, &sms, NOW), None);
    }

    #[test]
    fn wrong_keys_are_named_by_their_place_and_not_shown() {
        assert_eq!(SmsKeys::parse(" , ").unwrap_err(), SmsKeysError::Empty);
        let good = keys(&["k1"]).export();
        let two = format!("{},k2:c2hvcnQ", good.expose_secret());
        assert_eq!(
            SmsKeys::parse(&two).unwrap_err(),
            SmsKeysError::Malformed(2)
        );
        assert_eq!(format!("{:?}", keys(&["k1", "k2"])), r#"["k1", "k2"]"#);
    }
}
