//! What a link is told.

use std::time::Duration;

use homeroom_domain::sms::cut::Cut;
use secrecy::{ExposeSecret, SecretString};

use super::pdu::BindMode;
use super::provider_id::IdRules;
use super::receipt::IdSource;
use super::status::Exceptions;
use crate::tls::Tls;

/// A link to a message centre.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its number, the `esme` of requests.
    pub id: i64,
    /// Links whose centre shares its ids have the same group.
    pub provider: String,
    /// Name or address of the centre.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account, at most 15 characters.
    pub system_id: String,
    /// Its password.
    pub password: SecretString,
    /// At most 12 characters.
    pub system_type: String,
    /// What the session is for.
    pub bind: BindMode,
    /// Calling code of numbers that the centre writes without one.
    pub country: Option<String>,
    /// TLS; `None` is plain.
    pub tls: Option<Tls>,
    /// Switched off.
    pub disabled: bool,
    /// Parts sent and not answered, from 1.
    pub window: u32,
    /// Parts a second; infinite for no limit of ours.
    pub rate: f64,
    /// Parts at once after a pause, from 1.
    pub burst: u32,
    /// The times below.
    pub timers: Timers,
    /// How the centre writes its ids.
    pub ids: IdRules,
    /// Which of two ids in a receipt counts.
    pub id_source: IdSource,
    /// Whether parts carry optional parameters, which a centre below 3.4 does not know.
    pub parameters: bool,
    /// How texts for it are cut; by its alphabet what comes is read.
    pub cut: Cut,
    /// Statuses that mean something else here.
    pub exceptions: Exceptions,
    /// Attempts of one part before a refusal is final, throttling not counted as such.
    pub max_attempts: u32,
    /// Whether the centre is told how long a message is good.
    pub send_validity: bool,
}

impl LinkConfig {
    /// A link with the usual settings.
    #[must_use]
    pub fn new(id: i64, host: &str, port: u16, system_id: &str, password: &str) -> Self {
        Self {
            id,
            provider: id.to_string(),
            host: host.to_owned(),
            port,
            system_id: system_id.to_owned(),
            password: password.into(),
            system_type: String::new(),
            bind: BindMode::Transceiver,
            country: None,
            tls: None,
            disabled: false,
            window: 10,
            rate: 10.0,
            burst: 10,
            timers: Timers::default(),
            ids: IdRules::default(),
            id_source: IdSource::Parameter,
            parameters: false,
            cut: Cut::default(),
            exceptions: Exceptions::default(),
            max_attempts: 20,
            send_validity: true,
        }
    }

    /// Whether a session of the one serves the other too.
    #[must_use]
    pub(super) fn same_session(&self, other: &Self) -> bool {
        (&self.host, self.port, &self.system_id, &self.system_type)
            == (
                &other.host,
                other.port,
                &other.system_id,
                &other.system_type,
            )
            && self.password.expose_secret() == other.password.expose_secret()
            && (self.bind, &self.tls, self.disabled, self.parameters)
                == (other.bind, &other.tls, other.disabled, other.parameters)
    }
}

/// How long a link waits for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// For TCP and TLS.
    pub connect: Duration,
    /// For the answer to the bind.
    pub bind: Duration,
    /// For the answer to a request; after it a part is ambiguous.
    pub response: Duration,
    /// Silence after which the centre is asked whether it lives.
    pub enquire_link: Duration,
    /// Without any message, after which a session is made anew; never where absent.
    pub inactivity: Option<Duration>,
    /// Before the first attempt to connect again; doubled each time.
    pub backoff_min: Duration,
    /// Most of that.
    pub backoff_max: Duration,
    /// A session that lasted this long was a good one: the backoff starts anew.
    pub stable: Duration,
    /// After a refused account or password: accounts get locked when they are tried too often.
    pub refused: Duration,
    /// After "already bound": the old session has to die first.
    pub already_bound: Duration,
    /// Before a part is tried again that the centre refused for now; doubled each time.
    pub retry_min: Duration,
    /// Most of that.
    pub retry_max: Duration,
    /// For answers that are still out when the centre unbinds, and for its `unbind_resp`.
    pub unbind: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            bind: Duration::from_secs(10),
            response: Duration::from_secs(30),
            enquire_link: Duration::from_secs(30),
            inactivity: None,
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_mins(1),
            stable: Duration::from_secs(30),
            refused: Duration::from_mins(5),
            already_bound: Duration::from_secs(30),
            retry_min: Duration::from_secs(2),
            retry_max: Duration::from_mins(5),
            unbind: Duration::from_secs(2),
        }
    }
}
