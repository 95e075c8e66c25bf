//! From the platform to the bridge. All times are unix milliseconds.

use homeroom_domain::sms::cut::Cut;
use serde::{Deserialize, Serialize};

/// Where the platform posts [`Submissions`].
pub const SUBMISSIONS_PATH: &str = "/v1/submissions";
/// Where the platform posts a [`Cancellation`].
pub const CANCELLATIONS_PATH: &str = "/v1/cancellations";
/// Where the platform reads [`Links`].
pub const LINKS_PATH: &str = "/v1/links";
/// Most messages of one request.
pub const MAX_SUBMISSIONS: usize = 100;

/// One request: up to [`MAX_SUBMISSIONS`] messages, each with an outcome of its own; none where it only says what is switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submissions {
    /// The messages.
    pub messages: Vec<Submission>,
    /// Replaces what was said before; where absent, that holds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<SwitchedOff>,
}

/// Links and pools that administrators switched off: no pool sends by such a link. What the link itself was given before still leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchedOff {
    /// Their numbers.
    pub esmes: Vec<i64>,
    /// When that was so: what is older than what the bridge knows changes nothing.
    pub at: i64,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The platform's id of it, at most 64 characters; the bridge keeps it. A repetition with the same content changes nothing.
    pub message_id: String,
    /// The account's app.
    pub app_id: i64,
    /// The school, where one sends; the bridge only gives it back in events.
    pub tenant: Option<String>,
    /// The sender's own id of the message, unique within the app, at most 64 characters.
    pub transaction_id: String,
    /// The sender's campaign; given back in answers.
    pub task_id: Option<i64>,
    /// Link or pool that sends it.
    pub esme: i64,
    /// Sender: digits with an optional plus, a short code, or up to 11 letters and digits.
    pub source: String,
    /// Receiver: digits with an optional plus.
    pub destination: String,
    /// The text. Never logged.
    pub text: String,
    /// Type of number of the sender; worked out from it where absent.
    #[serde(default)]
    pub ston: Option<u8>,
    /// Numbering plan of the sender.
    #[serde(default)]
    pub snpi: Option<u8>,
    /// Type of number of the receiver.
    #[serde(default)]
    pub dton: Option<u8>,
    /// Numbering plan of the receiver.
    #[serde(default)]
    pub dnpi: Option<u8>,
    /// 0 (lowest) to 3.
    #[serde(default)]
    pub priority: u8,
    /// Not before this.
    #[serde(default)]
    pub send_at: Option<i64>,
    /// Not after this; the bridge's own limit where absent.
    #[serde(default)]
    pub valid_until: Option<i64>,
    /// Characters outside the GSM alphabet are replaced by similar ones where such exist.
    #[serde(default)]
    pub transliterate: bool,
}

/// The answer, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// One outcome for each message.
    pub outcomes: Vec<Outcome>,
}

/// How far ahead a message may be scheduled at the bridge, in seconds: 30 days. The platform keeps what is to leave later.
pub const MAX_DELAY_SECONDS: i64 = 30 * 86_400;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Stored on disk, now or by an earlier request with the same content.
    Accepted {
        /// The message.
        message_id: String,
        /// Ids of the parts in their order, `<message_id>-<n>`.
        sms_ids: Vec<String>,
    },
    /// Not stored, and not worth another attempt.
    Refused {
        /// The message.
        message_id: String,
        /// Stable code: `unknown_esme`, `ip_not_allowed`, `link_disabled`, `invalid_source`, `invalid_destination`, `invalid_text`, `too_long`,
        /// `conflict`, `expired`, `invalid_id`, `invalid_time`.
        code: String,
        /// What is wrong, for a person.
        error: String,
    },
    /// Not stored; try again after `retry_after` seconds.
    Later {
        /// The message.
        message_id: String,
        /// Stable code: `queue_full`.
        code: String,
        /// Seconds to wait.
        retry_after: u32,
    },
}

/// Withdraws a message that has not left yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// The message.
    pub message_id: String,
    /// The app that it belongs to.
    pub app_id: i64,
}

/// The answer to a [`Cancellation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// No part had left; none will.
    Cancelled,
    /// A part is on its way or gone: it is too late.
    TooLate,
    /// No such message of this app.
    Unknown,
}

/// Every link and pool, for checks and dashboards. Names no credential, address or number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Links {
    /// The links.
    pub links: Vec<Link>,
    /// The pools.
    pub pools: Vec<Pool>,
}

impl Links {
    /// The links that send for a number: itself, the one that sends for a link that only receives, or those of a pool; none where nothing has it.
    #[must_use]
    pub fn route(&self, esme: i64) -> Vec<i64> {
        if let Some(pool) = self.pools.iter().find(|pool| pool.id == esme) {
            return pool.links.clone();
        }
        let own = self.links.iter().filter(|link| link.id == esme);
        own.map(|link| link.sends_by.unwrap_or(link.id)).collect()
    }
}

/// One connection to a message centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its number, the `esme` of requests.
    pub id: i64,
    /// The centre's own name, as it said it at the bind; empty before the first.
    pub system_id: String,
    /// Its state.
    pub status: LinkStatus,
    /// Messages a second that it may send now; 0 while it is not up.
    pub rate: f64,
    /// Parts sent and not answered.
    pub in_flight: u32,
    /// Most parts that may be so.
    pub window: u32,
    /// When its centre was last heard; 0 where it never was.
    pub last_check: i64,
    /// How it cuts texts.
    #[serde(default)]
    pub cut: Cut,
    /// The link that sends for it, where it only receives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_by: Option<i64>,
}

/// What a link is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// Bound: it sends and receives.
    Up,
    /// Connecting, or waiting to try again.
    Down,
    /// Bound, and slowed down by the centre.
    Throttled,
    /// Switched off in the configuration.
    Disabled,
}

/// Links that share their messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Its number, the `esme` of requests.
    pub id: i64,
    /// Sum of the rates of the links that are up and not switched off.
    pub rate: f64,
    /// Its links.
    pub links: Vec<i64>,
    /// Messages of each link since the start, in the order of `links`.
    pub distribution: Vec<u64>,
    /// Messages that wait.
    pub queued: u64,
}
