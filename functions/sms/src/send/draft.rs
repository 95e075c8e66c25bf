//! A message as it is asked for, checked.

use homeroom_domain::{
    SmsBatchId, SmsMessageId, credentials,
    sms::{
        cut::{Cuts, NOTHING_LEFT},
        number::Address,
        segments::TextError,
        text::TextLength,
    },
};
use homeroom_edge::ApiError;
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::sms::messages::{Callback, NewMessage, Numbering};
use serde_json::{Value, json};

use crate::fields::{MAX_INTEGER, MAX_TEXT, callback, moment, receiver, transaction_id};

/// How long a message is tried where its sender says nothing.
const VALIDITY_SECONDS: i64 = 24 * 3_600;
const MAX_VALIDITY_SECONDS: i64 = 7 * 24 * 3_600;
/// The contact policies that clients of this kind of gateway name. The app's own policy holds whatever they say.
const STRATEGIES: &[&str] = &["cp1", "onbuild_cp1", "cp2", "blacklist"];

/// Until when a message is worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Validity {
    Default,
    Until(Timestamp),
    Seconds(i64),
}

/// What all messages of a request have in common.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) esme: i64,
    pub(crate) source: Address,
    pub(crate) task_id: Option<i64>,
    pub(crate) send_at: Option<Timestamp>,
    validity: Validity,
    pub(crate) priority: u8,
    pub(crate) transliterate: bool,
    numbering: Numbering,
    pub(crate) callback: Callback,
}

impl Envelope {
    /// From when it is of no use any more, where that does not depend on when it leaves.
    pub(crate) fn valid_until(&self) -> Option<Timestamp> {
        match self.validity {
            Validity::Until(until) => Some(until),
            Validity::Default | Validity::Seconds(_) => None,
        }
    }

    /// Refuses what is of no use any more.
    pub(crate) fn check_validity(&self, now: Timestamp) -> Result<(), ApiError> {
        match self.valid_until() {
            Some(until) if until <= now => Err(ApiError::field(
                "valid_until",
                "This is over already: the message would not be sent.",
            )),
            _ => Ok(()),
        }
    }

    /// Reads its fields out of a body.
    pub(crate) fn read(fields: &mut Fields) -> Option<Self> {
        let esme = fields.required("esme", rules::integer(1, MAX_INTEGER));
        let source = fields.required("source", |value| {
            let text = value.as_str().ok_or("Not a valid string.")?;
            Address::sender(text).map_err(|error| error.to_string())
        });
        let task_id = fields.nullable("task_id", rules::integer(0, MAX_INTEGER));
        let send_at = fields.nullable("send_at", moment);
        // The name that it has in clients of the gateway's kind.
        let sent_at = fields.nullable("sent_at", moment);
        let valid_until = fields.nullable("valid_until", moment);
        let validity_seconds =
            fields.nullable("validity_seconds", rules::integer(1, MAX_VALIDITY_SECONDS));
        let priority = fields.optional("priority", rules::integer(0, 3));
        let transliterate = fields.optional("transliterate", rules::boolean);
        let strategy = fields.nullable("strategy", |value| {
            let known = value.as_str().filter(|name| STRATEGIES.contains(name));
            known
                .map(|_| ())
                .ok_or_else(|| format!("One of {}.", STRATEGIES.join(", ")))
        });
        let number = |fields: &mut Fields, name: &str, max: i64| {
            let read = fields.nullable(name, rules::integer(0, max))?.flatten();
            Some(read.and_then(|number| u8::try_from(number).ok()))
        };
        let (ston, snpi) = (number(fields, "ston", 7), number(fields, "snpi", 18));
        let (dton, dnpi) = (number(fields, "dton", 7), number(fields, "dnpi", 18));
        let callback = callback(fields);
        let validity = match (valid_until?.flatten(), validity_seconds?.flatten()) {
            (Some(_), Some(_)) => {
                fields.fail("validity_seconds", "Give this or valid_until, not both.");
                return None;
            }
            (Some(until), None) => Validity::Until(until),
            (None, Some(seconds)) => Validity::Seconds(seconds),
            (None, None) => Validity::Default,
        };
        strategy?;
        let send_at = send_at?.flatten().or(sent_at?.flatten());
        if let (Validity::Until(until), Some(from)) = (validity, send_at)
            && until <= from
        {
            fields.fail("valid_until", "This is before the message is sent.");
            return None;
        }
        Some(Self {
            esme: esme?,
            source: source?,
            task_id: task_id?.flatten().filter(|task| *task != 0),
            send_at: send_at.filter(|moment| moment.millis() > 0),
            validity,
            priority: priority?
                .and_then(|level| u8::try_from(level).ok())
                .unwrap_or(0),
            transliterate: transliterate?.unwrap_or(false),
            numbering: Numbering {
                ston: ston?,
                snpi: snpi?,
                dton: dton?,
                dnpi: dnpi?,
            },
            callback: callback?,
        })
    }
}

/// Why a text is not sent, for a person.
pub(crate) fn unsendable(error: TextError) -> String {
    match error {
        TextError::TooLong { segments, max } => {
            format!("The message takes {segments} parts, and at most {max} are sent.")
        }
        TextError::Empty | TextError::Unwritable(_) => NOTHING_LEFT.to_owned(),
    }
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) envelope: Envelope,
    pub(crate) destination: Address,
    pub(crate) text: String,
    pub(crate) transaction_id: Option<String>,
}

impl Draft {
    /// Its length, as the links send it, or why they do not.
    pub(crate) fn measure(&self, cuts: &Cuts) -> Result<TextLength, TextError> {
        cuts.admit(&self.text, self.envelope.transliterate)
    }

    /// What a repetition under the same transaction id must have in common, as it was asked for.
    pub(crate) fn content_hash(&self) -> String {
        let Envelope {
            esme,
            source,
            task_id,
            send_at,
            validity,
            priority,
            transliterate,
            numbering,
            callback,
        } = &self.envelope;
        let validity = match validity {
            Validity::Default => Value::Null,
            Validity::Until(until) => json!(until.millis()),
            Validity::Seconds(seconds) => json!([seconds]),
        };
        let mut content = json!([
            esme,
            source.as_str(),
            self.destination.as_str(),
            self.text,
            task_id,
            send_at.map(Timestamp::millis),
            validity,
            priority,
            transliterate,
            numbering
        ]);
        // Those that say nothing of it have the hash that they had before there were callbacks.
        if let (Some(content), true) = (content.as_array_mut(), *callback != Callback::default()) {
            content.push(json!([callback.url, callback.level]));
        }
        credentials::digest(&content.to_string())
    }

    /// The message to be stored, of this length; `send_at` is when it may leave, which a contact policy may have moved.
    pub(crate) fn into_message(
        self,
        length: TextLength,
        id: SmsMessageId,
        app_id: i64,
        batch_id: Option<SmsBatchId>,
        now: Timestamp,
        send_at: Option<Timestamp>,
    ) -> NewMessage {
        let content_hash = self.content_hash();
        let envelope = self.envelope;
        let leaves = send_at.unwrap_or(now);
        let valid_until = match envelope.validity {
            Validity::Default => leaves.plus_seconds(VALIDITY_SECONDS),
            Validity::Until(until) => until,
            Validity::Seconds(seconds) => leaves.plus_seconds(seconds),
        };
        NewMessage {
            id,
            app_id,
            transaction_id: self.transaction_id.unwrap_or_else(|| id.to_string()),
            content_hash,
            batch_id,
            task_id: envelope.task_id,
            esme: envelope.esme,
            source: envelope.source.as_str().to_owned(),
            destination: self.destination.as_str().to_owned(),
            text: self.text,
            confidential: false,
            numbering: envelope.numbering,
            transliterate: envelope.transliterate,
            length,
            priority: envelope.priority,
            send_at,
            valid_until: Some(valid_until),
            created_by: None,
            callback: envelope.callback,
        }
    }
}

impl Input for Draft {
    fn read(fields: &mut Fields) -> Option<Self> {
        let destination = fields.required("destination", receiver);
        let text = fields.required("message", rules::verbatim(1, MAX_TEXT));
        let transaction_id = fields.nullable("transaction_id", transaction_id);
        let envelope = Envelope::read(fields);
        Some(Self {
            envelope: envelope?,
            destination: destination?,
            text: text?,
            transaction_id: transaction_id?.flatten(),
        })
    }
}
