//! Links and pools.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use homeroom_domain::sms::text::{Alphabet, Header};
use ipnet::IpNet;
use serde::Deserialize;

use super::values::{self, Secret};
use crate::smpp::pdu::BindMode;
use crate::smpp::provider_id::IdForm;
use crate::smpp::receipt::IdSource;

/// A connection to a message centre.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Name or address of the centre.
    pub host: String,
    /// Its port.
    #[serde(
        default = "port",
        deserialize_with = "values::within::<1, 65_535, _, _>"
    )]
    pub port: u16,
    /// The account's name, at most 15 characters.
    pub system_id: String,
    /// Its password.
    pub password: Option<Secret>,
    /// A file with it.
    pub password_file: Option<PathBuf>,
    /// What the centre calls this kind of client, at most 12 characters.
    #[serde(default)]
    pub system_type: String,
    /// What the connection is for.
    #[serde(default)]
    pub bind: BindMode,
    /// Switched off.
    #[serde(default)]
    pub disabled: bool,
    /// Parts sent and not answered, at most.
    #[serde(
        default = "window",
        deserialize_with = "values::within::<1, 10_000, _, _>"
    )]
    pub window: u32,
    /// Parts a second.
    #[serde(default = "rate", deserialize_with = "values::rate")]
    pub rate: f64,
    /// Parts at once after a pause; as many as `rate` where absent.
    #[serde(default, deserialize_with = "burst")]
    pub burst: Option<u32>,
    /// How long the line may be silent before it is tested.
    #[serde(default = "half_a_minute", deserialize_with = "values::time")]
    pub enquire_link: Duration,
    /// How long a session without any message is kept, signs of life not counted; for ever where absent.
    #[serde(default, deserialize_with = "optional_time")]
    pub inactivity: Option<Duration>,
    /// How long an answer is awaited.
    #[serde(default = "half_a_minute", deserialize_with = "values::time")]
    pub response_timeout: Duration,
    /// How long a receipt is awaited before the centre is asked, and asked again (`query_sm`); never where absent.
    #[serde(default, deserialize_with = "optional_time")]
    pub query_after: Option<Duration>,
    /// TLS; plain where absent.
    pub tls: Option<LinkTls>,
    /// What the centre takes `data_coding` 0 for.
    #[serde(default)]
    pub alphabet: Alphabet,
    /// How parts say that they belong together.
    #[serde(default)]
    pub header: Header,
    /// How the centre writes its ids.
    #[serde(default)]
    pub id_form: IdForms,
    /// Links with the same name share the centre's ids: a receipt may come on any of them. The link's own number where absent.
    pub provider: Option<String>,
    /// What a link that only receives sends by: answers to what comes in on it, and whatever names it.
    pub sends_by: Option<i64>,
    /// Calling code of the country whose numbers the centre writes without it, such as 263; all of them have it where absent.
    pub country: Option<String>,
    /// What to do with parts whose answer never came.
    #[serde(default)]
    pub on_ambiguous: OnAmbiguous,
    /// Clients that may send through it; everyone where empty.
    #[serde(default, deserialize_with = "values::networks")]
    pub allowed_ips: Vec<IpNet>,
    /// Statuses of this centre, beside the known ones, after which another attempt is of no use.
    #[serde(default)]
    pub permanent_errors: Vec<u32>,
}

/// TLS to a centre.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkTls {
    /// PEM of the authority that vouches for the centre; the system's authorities where absent.
    pub ca: Option<PathBuf>,
    /// PEM of this side's certificate, where the centre wants one.
    pub client_cert: Option<PathBuf>,
    /// PEM of its key.
    pub client_key: Option<PathBuf>,
    /// The name in the centre's certificate, where it is not `host`.
    pub server_name: Option<String>,
}

/// How a centre writes its ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdForms {
    /// In the answer to `submit_sm`.
    pub response: IdForm,
    /// In receipts.
    pub receipt: IdForm,
    /// Which of two ids in a receipt counts.
    pub from: IdSource,
}

/// What to do with parts whose answer never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAmbiguous {
    /// Send again: at least once.
    #[default]
    Resend,
    /// Leave as `UNKNOWN`: never twice.
    Hold,
}

/// Links that share their messages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Weight of each link, 1 to 1,000: `{ 100 = 2, 101 = 1 }`.
    #[serde(deserialize_with = "values::numbered")]
    pub links: BTreeMap<i64, Weight>,
    /// Parts a second over all links; as many as the links may where absent.
    #[serde(default, deserialize_with = "pool_rate")]
    pub rate: Option<f64>,
    /// Parts at once after a pause; as many as `rate` where absent.
    #[serde(default, deserialize_with = "burst")]
    pub burst: Option<u32>,
}

impl Pool {
    /// Parts at once after a pause.
    #[must_use]
    pub fn burst(&self, rate: f64) -> u32 {
        burst_of(self.burst, rate)
    }
}

/// As many as a second allows, where nothing else is said.
pub(super) fn burst_of(burst: Option<u32>, rate: f64) -> u32 {
    // The value is at most a million.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let second = rate.ceil() as u32;
    burst.unwrap_or(second).max(1)
}

/// Weight of a link in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Weight(
    /// 1 to 1,000.
    #[serde(deserialize_with = "values::within::<1, 1_000, _, _>")]
    pub u32,
);

const fn port() -> u16 {
    2775
}

const fn window() -> u32 {
    10
}

const fn rate() -> f64 {
    10.0
}

const fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn optional_time<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    values::time(deserializer).map(Some)
}

fn pool_rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    values::rate(deserializer).map(Some)
}

fn burst<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    values::within::<1, 1_000_000, u32, D>(deserializer).map(Some)
}
