//! The events for the platform, as they are written.

use homeroom_domain::sms::status::MessageStatus;
use homeroom_sms_contract::events::{
    Event, INBOUND_PATH, Inbound, MessageChanged, PartState, RECEIPTS_PATH,
};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{StoreError, states, work::Loaded};

/// An event that is not in the table yet.
#[derive(Clone, Debug)]
pub(super) struct NewEvent {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) topic: String,
    pub(super) body: String,
    /// It says all that an earlier one of its topic says: that one goes, unless it was given out.
    pub(super) replaces: bool,
}

impl NewEvent {
    fn new<T: Serialize>(
        path: &str,
        topic: String,
        replaces: bool,
        at: i64,
        what: T,
    ) -> Result<Self, serde_json::Error> {
        let id = new_id();
        let event = Event { id, at, what };
        Ok(Self {
            body: serde_json::to_string(&event)?,
            id: event.id,
            path: path.to_owned(),
            topic,
            replaces,
        })
    }

    /// The state of a message after a change.
    pub(super) fn message(message: &Loaded, at: i64) -> Result<Self, serde_json::Error> {
        let error = message
            .parts
            .iter()
            .find_map(|part| {
                let code = part.error.as_ref()?;
                Some(format!(
                    "part {}: {}, error {code}",
                    part.number,
                    states::name(part.status)
                ))
            })
            .unwrap_or_default();
        let statuses: Vec<_> = message.parts.iter().map(|part| part.status).collect();
        let what = MessageChanged {
            message_id: message.message_id.clone(),
            app_id: message.app_id,
            tenant: message.tenant.clone(),
            version: u64::try_from(message.version).unwrap_or_default(),
            status: MessageStatus::of(&statuses).name().to_owned(),
            parts: message
                .parts
                .iter()
                .map(|part| PartState {
                    number: part.number,
                    status: states::name(part.status).to_owned(),
                    error: part.error.clone(),
                })
                .collect(),
            error,
        };
        let topic = format!("message:{}", message.message_id);
        Self::new(RECEIPTS_PATH, topic, true, at, what)
    }

    /// A message from a phone, with the parts that came.
    pub(super) fn inbound(what: Inbound, at: i64) -> Result<Self, serde_json::Error> {
        let topic = format!("inbound:{}:{}", what.source, what.destination);
        Self::new(INBOUND_PATH, topic, false, at, what)
    }

    /// An event that somebody else describes; its id and time are added where they are missing.
    pub(super) fn announced(
        path: &str,
        topic: &str,
        body: &str,
        at: i64,
    ) -> Result<Self, StoreError> {
        let mut what: Map<String, Value> = serde_json::from_str(body)
            .map_err(|error| StoreError::Failed(format!("an event must be an object: {error}")))?;
        let id = match what.get("id") {
            Some(Value::String(id)) => id.clone(),
            None => new_id(),
            Some(_) => {
                return Err(StoreError::Failed(
                    "the id of an event must be text".to_owned(),
                ));
            }
        };
        what.insert("id".to_owned(), Value::from(id.clone()));
        what.entry("at").or_insert_with(|| Value::from(at));
        Ok(Self {
            id,
            path: path.to_owned(),
            topic: topic.to_owned(),
            body: Value::Object(what).to_string(),
            replaces: true,
        })
    }
}

pub(super) fn new_id() -> String {
    Uuid::now_v7().to_string()
}
