//! API keys: `hr_<environment>_<id>_<secret>_<checksum>`. The checksum lets a scanner recognise a leaked key offline,
//! as GitHub's tokens do; only the SHA-256 of the secret is stored, and the key is shown once.

use std::net::IpAddr;

use homeroom_kernel::Timestamp;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::encoding::hex;
use crate::TenantId;

/// A key in the clear. Its `Debug` shows nothing.
#[derive(Debug)]
pub struct ApiKey {
    /// The public part that the lists show.
    pub prefix: String,
    text: SecretString,
    secret_hash: String,
}

impl ApiKey {
    /// Makes a key for an environment (`live`, `dev`) from fresh random bytes.
    #[must_use]
    pub fn generate(environment: &str, random: [u8; 32], id_random: [u8; 32]) -> Self {
        let id: String = hex(&id_random).chars().take(12).collect();
        let secret = hex(&random);
        let prefix = format!("hr_{environment}_{id}");
        let body = format!("{prefix}_{secret}");
        let checksum = checksum(&body);
        Self {
            prefix,
            text: format!("{body}_{checksum}").into(),
            secret_hash: super::digest(&secret),
        }
    }

    /// Reads what a client presents; `None` when form or checksum are wrong, so that nonsense costs no query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 160 || !text.is_ascii() {
            return None;
        }
        let (body, sum) = text.rsplit_once('_')?;
        if checksum(body) != sum {
            return None;
        }
        let (prefix, secret) = body.rsplit_once('_')?;
        if !prefix.starts_with("hr_") || secret.len() != 64 {
            return None;
        }
        Some(Self {
            prefix: prefix.to_owned(),
            text: text.to_owned().into(),
            secret_hash: super::digest(secret),
        })
    }

    /// The form at rest.
    #[must_use]
    pub fn secret_hash(&self) -> &str {
        &self.secret_hash
    }

    /// The whole key, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether the presented key is the stored one, in constant time.
    #[must_use]
    pub fn matches(&self, stored_hash: &str) -> bool {
        self.secret_hash
            .as_bytes()
            .ct_eq(stored_hash.as_bytes())
            .into()
    }
}

/// What is stored of a key and decides whether it opens a door.
#[derive(Clone, Debug)]
pub struct Grant {
    /// `None`: every school and the platform.
    pub tenant: Option<TenantId>,
    /// `None`: no end.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Empty: from anywhere.
    pub allowed_ips: Vec<IpNet>,
}

/// Why a key that is genuine opens nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Expired, revoked, or of another school: indistinguishable from an unknown key.
    Unknown,
    /// The address is not on its list.
    Address,
}

impl Grant {
    /// Checks the key for a place (`None` = the platform), an address and a moment.
    pub fn check(
        &self,
        place: Option<TenantId>,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.revoked || self.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Unknown);
        }
        if self.tenant.is_some() && self.tenant != place {
            return Err(Refusal::Unknown);
        }
        let known = self.allowed_ips.is_empty()
            || ip.is_some_and(|ip| {
                let ip = ip.to_canonical();
                self.allowed_ips.iter().any(|net| net.contains(&ip))
            });
        if known { Ok(()) } else { Err(Refusal::Address) }
    }
}

/// Reads an address or a network in CIDR form.
#[must_use]
pub fn parse_network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| {
        text.parse::<IpAddr>()
            .ok()
            .map(|ip| IpNet::from(ip.to_canonical()))
    })
}

fn checksum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::tenant;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_768_473_000_000);

    fn grant() -> Grant {
        Grant {
            tenant: Some(tenant(1)),
            expires_at: None,
            revoked: false,
            allowed_ips: Vec::new(),
        }
    }

    #[test]
    fn a_generated_key_reads_back_and_a_typo_is_noticed() {
        let key = ApiKey::generate("dev", [9; 32], [3; 32]);
        let read = ApiKey::parse(key.expose()).unwrap();
        assert_eq!(read.prefix, key.prefix);
        assert!(read.matches(key.secret_hash()));
        assert!(!read.matches(&super::super::digest("other")));
        let typo = key.expose().replacen("dev", "dew", 1);
        assert!(ApiKey::parse(&typo).is_none());
        assert!(ApiKey::parse("").is_none());
        assert!(ApiKey::parse("hr_dev_a_b_00000000").is_none());
        assert!(!format!("{key:?}").contains(key.expose()));
    }

    #[test]
    fn a_key_of_one_school_opens_no_other_and_not_the_platform() {
        assert_eq!(grant().check(Some(tenant(1)), None, NOW), Ok(()));
        assert_eq!(
            grant().check(Some(tenant(2)), None, NOW),
            Err(Refusal::Unknown)
        );
        assert_eq!(grant().check(None, None, NOW), Err(Refusal::Unknown));
        let global = Grant {
            tenant: None,
            ..grant()
        };
        assert_eq!(global.check(Some(tenant(2)), None, NOW), Ok(()));
        assert_eq!(global.check(None, None, NOW), Ok(()));
    }

    #[test]
    fn an_ended_key_opens_nothing() {
        assert_eq!(
            Grant {
                revoked: true,
                ..grant()
            }
            .check(Some(tenant(1)), None, NOW),
            Err(Refusal::Unknown)
        );
        let expired = Grant {
            expires_at: Some(NOW),
            ..grant()
        };
        assert_eq!(
            expired.check(Some(tenant(1)), None, NOW),
            Err(Refusal::Unknown)
        );
    }

    #[test]
    fn addresses_are_compared_as_networks_and_mapped_forms_are_the_same() {
        let nets = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
            .map(|net| parse_network(net).unwrap())
            .to_vec();
        let grant = Grant {
            allowed_ips: nets,
            ..grant()
        };
        let check = |ip: &str| grant.check(Some(tenant(1)), ip.parse().ok(), NOW);
        assert_eq!(check("10.2.3.4"), Ok(()));
        assert_eq!(check("::ffff:10.2.3.4"), Ok(()));
        assert_eq!(check("192.0.2.7"), Ok(()));
        assert_eq!(check("192.0.2.8"), Err(Refusal::Address));
        assert_eq!(check("2001:db8::1"), Ok(()));
        assert_eq!(check("not an address"), Err(Refusal::Address));
    }
}
