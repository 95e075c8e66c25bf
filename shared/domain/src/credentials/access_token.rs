//! Access tokens: JSON Web Tokens, HS256 only, fifteen minutes (RFC 7519, and the advice of RFC 8725).

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use homeroom_kernel::Timestamp;
use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

use super::keys::{KeyRing, Plane, Purpose};
use crate::{SessionId, UserId};

/// Life of an access token in seconds.
pub const LIFETIME_SECONDS: i64 = 15 * 60;
const TOKEN_TYPE: &str = "access";
/// A token of ours has about 450 bytes; anything near this is not one.
const MAX_LENGTH: usize = 2_048;

/// What an access token states once it is verified for a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// The user.
    pub user: UserId,
    /// The sign-in that it belongs to.
    pub session: SessionId,
}

/// A token whose signature, kind, place and time were found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it states.
    pub claims: AccessClaims,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    iss: Cow<'a, str>,
    aud: Cow<'a, str>,
    knd: Cow<'a, str>,
    sub: UserId,
    sid: SessionId,
}

/// Signs a token for a user's sign-in on a plane.
#[must_use]
pub fn sign(keys: &KeyRing, plane: Plane, claims: AccessClaims, now: Timestamp) -> String {
    let key = Hs256Key::new(keys.current(Purpose::AccessToken, plane));
    let wire = Wire {
        iss: plane.issuer().into(),
        aud: plane.audience().into(),
        knd: TOKEN_TYPE.into(),
        sub: claims.user,
        sid: claims.session,
    };
    let header = Header::empty()
        .with_key_id(keys.signing_kid())
        .with_token_type("at+jwt");
    let mut claims = Claims::new(wire);
    claims.issued_at = Some(moment(now));
    claims.expiration = Some(moment(now.plus_seconds(LIFETIME_SECONDS)));
    // Serialising plain strings cannot fail; an empty token verifies nowhere.
    Hs256.token(&header, &claims, &key).unwrap_or_default()
}

/// Verifies a token for a plane: algorithm, key id, signature, kind, issuer, audience and time. `None` for anything else.
#[must_use]
pub fn verify(keys: &KeyRing, plane: Plane, token: &str, now: Timestamp) -> Option<Verified> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let untrusted = UntrustedToken::new(token).ok()?;
    if untrusted.algorithm() != "HS256" {
        return None;
    }
    let kid = untrusted.header().key_id.as_deref()?;
    let key = Hs256Key::new(keys.by_kid(kid, Purpose::AccessToken, plane)?);
    let token = Hs256
        .validator::<Wire<'_>>(&key)
        .validate(&untrusted)
        .ok()?;
    let now = moment(now);
    let claims = token.claims();
    claims
        .validate_expiration(&TimeOptions::new(Duration::zero(), move || now))
        .ok()?;
    let wire = &claims.custom;
    let right_place =
        wire.knd == TOKEN_TYPE && wire.iss == plane.issuer() && wire.aud == plane.audience();
    let expires_at = Timestamp::from_millis(claims.expiration?.timestamp_millis());
    right_place.then_some(Verified {
        claims: AccessClaims {
            user: wire.sub,
            session: wire.sid,
        },
        expires_at,
    })
}

fn moment(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(time.seconds(), 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::encoding::base64url;
    use super::super::keys::tests::{ring, tenant};
    use super::*;
    use homeroom_kernel::Id;

    const NOW: Timestamp = Timestamp::from_millis(1_768_473_000_000);

    fn claims() -> AccessClaims {
        AccessClaims {
            user: Id::parse("01890000-0000-7000-8000-000000000001").unwrap(),
            session: Id::parse("01890000-0000-7000-8000-000000000002").unwrap(),
        }
    }

    #[test]
    fn a_token_verifies_on_its_own_plane_only() {
        let ring = ring(&["k1"]);
        let planes = [
            Plane::System,
            Plane::School(tenant(1)),
            Plane::School(tenant(2)),
        ];
        for made_for in planes {
            let token = sign(&ring, made_for, claims(), NOW);
            for tried_on in planes {
                let expected = (made_for == tried_on).then(claims);
                let found = verify(&ring, tried_on, &token, NOW).map(|verified| verified.claims);
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn a_token_ends_after_fifteen_minutes() {
        let ring = ring(&["k1"]);
        let token = sign(&ring, Plane::System, claims(), NOW);
        assert!(verify(&ring, Plane::System, &token, NOW.plus_seconds(899)).is_some());
        assert!(verify(&ring, Plane::System, &token, NOW.plus_seconds(901)).is_none());
    }

    #[test]
    fn a_token_survives_a_new_key_and_dies_with_its_own() {
        let token = sign(&ring(&["k1"]), Plane::System, claims(), NOW);
        assert!(verify(&ring(&["k2", "k1"]), Plane::System, &token, NOW).is_some());
        assert!(verify(&ring(&["k2"]), Plane::System, &token, NOW).is_none());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let ring = ring(&["k1"]);
        let token = sign(&ring, Plane::System, claims(), NOW);
        let (head, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let none = base64url(br#"{"alg":"none","kid":"k1"}"#);
        let hs512 = base64url(br#"{"alg":"HS512","kid":"k1"}"#);
        for forged in [
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{hs512}.{body}.{signature}"),
            format!("{head}.{body}."),
            format!("{head}.{body}.AAAA"),
            format!("{head}.{}.{signature}", base64url(b"{}")),
            "a.b.c".to_owned(),
            String::new(),
            "x".repeat(10_000),
        ] {
            assert_eq!(verify(&ring, Plane::System, &forged, NOW), None, "{forged}");
        }
    }
}
