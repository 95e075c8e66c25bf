//! From the bridge to the platform. Delivered at least once; a repetition has the same `id`. All times are unix milliseconds.

use serde::{Deserialize, Serialize};

/// Where the bridge posts [`Events`] of receipts and other changes of a message.
pub const RECEIPTS_PATH: &str = "/api/v1/sms/dlr";
/// Where it posts those of messages from phones.
pub const INBOUND_PATH: &str = "/api/v1/sms/mo";
/// Where it posts those of links.
pub const LINK_STATE_PATH: &str = "/api/v1/sms/link-state";
/// Most events of one request.
pub const MAX_EVENTS: usize = 100;

/// One request. The platform answers 2xx once all of them are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Events<T> {
    /// The events, in the order in which they happened.
    pub events: Vec<Event<T>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<T> {
    /// Unique; the same in a repetition.
    pub id: String,
    /// When it happened.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub what: T,
}

/// The whole state of a message after a change: an event that arrives late or twice does no harm when the highest `version` wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageChanged {
    /// The message.
    pub message_id: String,
    /// The app that it belongs to.
    pub app_id: i64,
    /// The school, as it was submitted.
    pub tenant: Option<String>,
    /// Counts the changes of this message.
    pub version: u64,
    /// Of all parts together.
    pub status: String,
    /// Every part.
    pub parts: Vec<PartState>,
    /// Why it failed, for a person; empty where it did not.
    pub error: String,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartState {
    /// From 1.
    pub number: u16,
    /// `ACCEPTED`, `SUBMITTED`, `ENROUTE`, `DELIVERED`, `EXPIRED`, `DELETED`, `UNDELIVERABLE`, `REJECTED` or `UNKNOWN`.
    pub status: String,
    /// The centre's error code, where it gave one.
    pub error: Option<String>,
}

/// A message from a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// Id of the message, all its parts joined.
    pub inbound_id: String,
    /// The link that received it.
    pub esme: i64,
    /// The phone.
    pub source: String,
    /// The number that it was sent to.
    pub destination: String,
    /// The text. Never logged.
    pub text: String,
    /// Parts of it that never came.
    pub missing_parts: u16,
}

/// A link went up or down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkChanged {
    /// The bridge that says so: several may have a session of their own for the link. Empty from one that does not say.
    #[serde(default)]
    pub bridge: String,
    /// Its state now. Not flattened: the event has an id of its own.
    pub link: super::submit::Link,
}
