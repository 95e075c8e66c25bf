//! The configuration: one TOML file, read and checked as a whole before anything starts. See `bridge.example.toml`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use homeroom_domain::credentials::sms_token::SmsKeys;
use ipnet::IpNet;
use serde::Deserialize;

mod check;
mod error;
mod links;
mod reload;
mod smpp;
mod values;

pub use error::{Mistake, Mistakes};
pub use links::{IdForms, Link, LinkTls, OnAmbiguous, Pool, Weight};
pub use reload::Changes;
pub use values::Secret;

/// Everything that the file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
    /// TLS of REST and gRPC; plain where absent.
    pub tls: Option<Tls>,
    /// The platform.
    pub platform: Platform,
    /// Keys of the accounts' tokens.
    pub keys: Keys,
    /// Where messages are kept.
    #[serde(default)]
    pub store: StoreAt,
    /// How much of everything.
    #[serde(default)]
    pub limits: Limits,
    /// What is logged.
    #[serde(default)]
    pub log: Log,
    /// Connections to message centres.
    #[serde(default, deserialize_with = "values::numbered")]
    pub links: BTreeMap<i64, Link>,
    /// Links that share their messages.
    #[serde(default, deserialize_with = "values::numbered")]
    pub pools: BTreeMap<i64, Pool>,
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// REST, dashboard and metrics.
    pub rest: SocketAddr,
    /// gRPC.
    pub grpc: SocketAddr,
    /// Who may read `/metrics` and `/dashboard/`; everyone where empty.
    #[serde(deserialize_with = "values::networks")]
    pub monitoring_ips: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "values::networks")]
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            rest: (Ipv4Addr::UNSPECIFIED, 8080).into(),
            grpc: (Ipv4Addr::UNSPECIFIED, 44044).into(),
            monitoring_ips: Vec::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// The bridge's own certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM, the bridge's own first, then those that vouch for it.
    pub cert: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// The platform, which sends messages and is told what became of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Without a path.
    pub url: String,
    /// Signs in both directions.
    pub secret: Option<Secret>,
    /// A file with it.
    pub secret_file: Option<PathBuf>,
    /// Accepted too, while the secret is replaced.
    pub old_secret: Option<Secret>,
    /// PEM of the authority that vouches for the platform, where it is not a public one.
    pub ca: Option<PathBuf>,
    /// Plain HTTP to another machine.
    #[serde(default)]
    pub allow_http: bool,
    /// Webhook requests at a time.
    #[serde(default = "four", deserialize_with = "values::within::<1, 64, _, _>")]
    pub concurrency: usize,
}

/// Keys of the accounts' tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `<key id>:<base64url of 32 bytes>[,…]`.
    pub sms: Option<Secret>,
    /// A file with them.
    pub sms_file: Option<PathBuf>,
    /// The keys, read.
    #[serde(skip)]
    pub read: Option<Arc<SmsKeys>>,
}

/// Where messages are kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreAt {
    /// File of the built-in database.
    pub sqlite: Option<PathBuf>,
    /// URL of a `PostgreSQL` database, for several bridges on one queue.
    pub postgres: Option<Secret>,
    /// A file with that URL.
    pub postgres_file: Option<PathBuf>,
    /// TLS to that database; plain where absent.
    pub tls: Option<StoreTls>,
    /// This bridge's name among those on one `PostgreSQL` database, the same after a restart.
    pub name: String,
    /// How long finished messages stay.
    #[serde(deserialize_with = "values::time")]
    pub finished: Duration,
    /// How long events stay that the platform did not take.
    #[serde(deserialize_with = "values::time")]
    pub dead_letters: Duration,
    /// Where the running bridge answers its operator.
    #[serde(skip)]
    pub socket: PathBuf,
}

impl Default for StoreAt {
    fn default() -> Self {
        Self {
            sqlite: None,
            postgres: None,
            postgres_file: None,
            tls: None,
            name: "bridge".to_owned(),
            finished: Duration::from_hours(24),
            dead_letters: Duration::from_hours(30 * 24),
            socket: PathBuf::new(),
        }
    }
}

/// TLS to the database, whose certificate has the name that its URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreTls {
    /// PEM of the authority that vouches for the database; the system's authorities where absent.
    pub ca: Option<PathBuf>,
    /// PEM of the bridge's certificate, where the database wants one.
    pub client_cert: Option<PathBuf>,
    /// PEM of its key.
    pub client_key: Option<PathBuf>,
}

/// How much of everything.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request's body.
    #[serde(deserialize_with = "values::within::<1_024, 16_777_216, _, _>")]
    pub body: usize,
    /// Connections at a time, REST and gRPC each.
    #[serde(deserialize_with = "values::within::<1, 100_000, _, _>")]
    pub connections: usize,
    /// Requests at a time, REST and gRPC together.
    #[serde(deserialize_with = "values::within::<1, 100_000, _, _>")]
    pub requests: usize,
    /// For a TLS handshake, and for the head of a request.
    #[serde(deserialize_with = "values::time")]
    pub header_timeout: Duration,
    /// For the body of a request.
    #[serde(deserialize_with = "values::time")]
    pub body_timeout: Duration,
    /// Requests a second of one app.
    #[serde(deserialize_with = "values::rate")]
    pub app_rate: f64,
    /// Requests of one app at once.
    #[serde(deserialize_with = "values::within::<1, 1_000_000, _, _>")]
    pub app_burst: u32,
    /// Parts that may wait, over all.
    #[serde(deserialize_with = "values::within::<1, 1_000_000_000, _, _>")]
    pub queue: u64,
    /// Parts of one app that may wait.
    #[serde(deserialize_with = "values::within::<1, 1_000_000_000, _, _>")]
    pub queue_app: u64,
    /// Parts of one link or pool that may wait.
    #[serde(deserialize_with = "values::within::<1, 1_000_000_000, _, _>")]
    pub queue_esme: u64,
    /// How long a message is tried.
    #[serde(deserialize_with = "values::time")]
    pub validity: Duration,
    /// Parts of one message.
    #[serde(deserialize_with = "values::within::<1, 255, _, _>")]
    pub segments: usize,
    /// How long answers are awaited when the bridge stops.
    #[serde(deserialize_with = "values::time")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 262_144,
            connections: 4_096,
            requests: 1_024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            app_rate: 1_000.0,
            app_burst: 2_000,
            queue: 1_000_000,
            queue_app: 250_000,
            queue_esme: 500_000,
            validity: Duration::from_hours(24),
            segments: 10,
            drain: Duration::from_secs(10),
        }
    }
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// As `tracing` reads it: `info`, `debug`, `warn,homeroom_bridge=debug`.
    pub level: String,
    /// One object a line, or text.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Json,
        }
    }
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Text,
}

const fn four() -> usize {
    4
}

impl Config {
    /// Reads a file and what it points to.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Mistakes {
            file: name.clone(),
            list: vec![Mistake {
                line: 0,
                column: 0,
                text: format!("cannot be read: {error}"),
            }],
        })?;
        // A name alone has an empty folder, which is the present one.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let base = folder.unwrap_or(Path::new("."));
        Self::parse(&text, base).map_err(|list| Mistakes { file: name, list })
    }

    /// Reads a text; relative names in it start at `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Vec<Mistake>> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| vec![Mistake::of(text, &error)])?;
        let mistakes = check::complete(&mut config, text, base);
        if mistakes.is_empty() {
            Ok(config)
        } else {
            Err(mistakes)
        }
    }

    /// The secrets that are good now; the first signs.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let Platform {
            secret, old_secret, ..
        } = &self.platform;
        secret.iter().chain(old_secret).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
