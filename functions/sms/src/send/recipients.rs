//! The body of a batch: what all messages have in common, and who gets them.

use homeroom_domain::sms::number::Address;
use homeroom_kernel::{FieldErrors, Fields, Input, rules};
use homeroom_store::sms::{batches::Rejected, messages::Callback};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::draft::{Draft, Envelope};
use crate::fields::{MAX_INTEGER, MAX_TEXT, own_id, receiver, transaction_id};

/// Receivers of one batch.
const MAX_RECIPIENTS: usize = 1_000;
/// With a hyphen and a place behind it, it is the id of a message.
const MAX_TRANSACTION_ID: usize = 60;
/// Characters of a destination that are said again where it is none.
const MAX_SHOWN: usize = 64;

/// A batch as it is asked for, checked.
pub(crate) struct BatchIn {
    pub(crate) esme: i64,
    pub(crate) source: Address,
    pub(crate) callback: Callback,
    pub(crate) name: String,
    pub(crate) transaction_id: Option<String>,
    pub(crate) recipients: Vec<Recipient>,
    /// Those of which no message can be made.
    pub(crate) unreadable: Vec<Rejected>,
}

/// A receiver, and its message.
pub(crate) struct Recipient {
    pub(crate) index: usize,
    /// As it was sent.
    shown: String,
    pub(crate) draft: Draft,
}

impl Recipient {
    /// The same with a transaction id, where it was given none: that of the batch, and its place.
    pub(crate) fn within(mut self, batch: &str) -> Self {
        let index = self.index;
        self.draft
            .transaction_id
            .get_or_insert_with(|| format!("{batch}-{index}"));
        self
    }

    pub(crate) fn transaction_id(&self) -> &str {
        self.draft.transaction_id.as_deref().unwrap_or_default()
    }

    /// Number and text.
    pub(crate) fn receiver(&self) -> (&str, &str) {
        (self.draft.destination.as_str(), &self.draft.text)
    }

    /// What a repetition must have in common.
    pub(crate) fn content(&self) -> Value {
        json!([
            self.index,
            self.draft.transaction_id,
            self.draft.content_hash()
        ])
    }

    pub(crate) fn rejected(&self, code: &str, words: &str) -> Rejected {
        Rejected {
            index: self.index,
            destination: self.shown.clone(),
            code: code.to_owned(),
            error: words.to_owned(),
        }
    }
}

/// One of `recipients`.
struct Line {
    destination: Address,
    text: Option<String>,
    transaction_id: Option<String>,
    task_id: Option<i64>,
}

impl Input for Line {
    fn read(fields: &mut Fields) -> Option<Self> {
        let destination = fields.required("destination", receiver);
        let text = fields.nullable("message", rules::verbatim(1, MAX_TEXT));
        let transaction_id = fields.nullable("transaction_id", transaction_id);
        let task_id = fields.nullable("task_id", rules::integer(0, MAX_INTEGER));
        Some(Self {
            destination: destination?,
            text: text?.flatten(),
            transaction_id: transaction_id?.flatten(),
            task_id: task_id?.flatten(),
        })
    }
}

impl Input for BatchIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", rules::text(0, 100));
        let text = fields.nullable("message", rules::verbatim(1, MAX_TEXT));
        let transaction_id =
            fields.nullable("transaction_id", |value| own_id(value, MAX_TRANSACTION_ID));
        let lines = fields.required("recipients", lines);
        let envelope = Envelope::read(fields);
        let (text, envelope) = (text?.flatten(), envelope?);
        let mut batch = Self {
            esme: envelope.esme,
            source: envelope.source.clone(),
            callback: envelope.callback.clone(),
            name: name?.unwrap_or_default(),
            transaction_id: transaction_id?.flatten(),
            recipients: Vec::new(),
            unreadable: Vec::new(),
        };
        for (index, line) in lines?.into_iter().enumerate() {
            let shown = line.get("destination").and_then(Value::as_str);
            let shown = shown.unwrap_or_default();
            let shown: String = shown.chars().take(MAX_SHOWN).collect();
            match read_line(line, &envelope, text.as_deref()) {
                Ok(draft) => batch.recipients.push(Recipient {
                    index,
                    shown,
                    draft,
                }),
                Err((code, error)) => batch.unreadable.push(Rejected {
                    index,
                    destination: shown,
                    code: code.to_owned(),
                    error,
                }),
            }
        }
        Some(batch)
    }
}

fn lines(value: &Value) -> Result<Vec<Value>, String> {
    let lines = value.as_array().ok_or("Expected a list of items.")?;
    if (1..=MAX_RECIPIENTS).contains(&lines.len()) {
        Ok(lines.clone())
    } else {
        Err(format!("Name 1 to {MAX_RECIPIENTS} receivers."))
    }
}

fn read_line(
    line: Value,
    envelope: &Envelope,
    text: Option<&str>,
) -> Result<Draft, (&'static str, String)> {
    let Value::Object(map) = line else {
        return Err(("invalid", "an object is expected".to_owned()));
    };
    let line: Line = Fields::parse(map, false).map_err(|errors| {
        let is_destination = errors.names().eq(["destination"]);
        let code = if is_destination {
            "invalid_destination"
        } else {
            "invalid"
        };
        (code, in_words(&errors))
    })?;
    let text = line.text.as_deref().or(text);
    let text = text.ok_or(("invalid", "message: This field is required".to_owned()))?;
    let mut envelope = envelope.clone();
    envelope.task_id = line.task_id.filter(|id| *id != 0).or(envelope.task_id);
    Ok(Draft {
        envelope,
        destination: line.destination,
        text: text.to_owned(),
        transaction_id: line.transaction_id,
    })
}

fn in_words(errors: &FieldErrors) -> String {
    let lines: Vec<String> = errors
        .messages()
        .iter()
        .flat_map(|(field, said)| said.iter().map(move |words| (field, words)))
        .map(|(field, words)| {
            let field: String = field.chars().take(MAX_SHOWN).collect();
            format!("{field}: {}", words.trim_end_matches('.'))
        })
        // A line may have as many unknown fields as it has room for.
        .take(5)
        .collect();
    lines.join("; ")
}

/// Many messages.
#[derive(ToSchema)]
#[schema(as = SendBatchIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; BatchIn reads it"
)]
pub(crate) struct BatchBody {
    /// Link or pool that sends them.
    #[schema(example = 1000, minimum = 1)]
    esme: i64,
    /// Sender: a phone number, a short code, or a name of up to 11 letters and digits.
    #[schema(example = "Greenwood")]
    source: String,
    /// The text of those that have none of their own, in at most 10 parts.
    #[schema(
        example = "School closes at noon today.",
        min_length = 1,
        max_length = 10_000
    )]
    message: Option<String>,
    /// Your own id of the batch: a repetition sends nothing again. Made here where it is absent.
    #[schema(example = "term-2", max_length = 60)]
    transaction_id: Option<String>,
    /// What it is called.
    #[schema(example = "Closing early", max_length = 100)]
    name: Option<String>,
    /// Who gets them.
    #[schema(min_items = 1, max_items = 1000)]
    recipients: Vec<RecipientBody>,
    /// Your campaign.
    #[schema(example = 12345, minimum = 0)]
    task_id: Option<i64>,
    /// Not before this: unix seconds, or RFC 3339.
    #[schema(example = 1_900_000_000)]
    send_at: Option<i64>,
    /// Not after this; a day after it may leave, where absent.
    valid_until: Option<i64>,
    /// The same in seconds.
    #[schema(minimum = 1, maximum = 604_800)]
    validity_seconds: Option<i64>,
    /// 0 to 3.
    #[schema(maximum = 3, minimum = 0)]
    priority: Option<u8>,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    transliterate: Option<bool>,
    /// Where to tell what became of them, instead of where the app says.
    #[schema(example = "https://hooks.example.org/sms", max_length = 500)]
    callback_url: Option<String>,
    /// Of what: 1: the first change, 2: the last, 3: all.
    #[schema(minimum = 1, maximum = 3)]
    callback_level: Option<u8>,
    /// Type of number of the sender.
    #[schema(maximum = 7, minimum = 0)]
    ston: Option<u8>,
    /// Numbering plan of the sender.
    #[schema(maximum = 18, minimum = 0)]
    snpi: Option<u8>,
    /// Type of number of the receivers.
    #[schema(maximum = 7, minimum = 0)]
    dton: Option<u8>,
    /// Numbering plan of the receivers.
    #[schema(maximum = 18, minimum = 0)]
    dnpi: Option<u8>,
}

/// A receiver.
#[derive(ToSchema)]
#[schema(as = RecipientIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; Line reads it"
)]
pub(crate) struct RecipientBody {
    /// In international form.
    #[schema(example = "+263771234567")]
    destination: String,
    /// Its own text.
    #[schema(max_length = 10_000)]
    message: Option<String>,
    /// Your own id of the message; made of the batch's and the place where it is absent.
    #[schema(example = "term-2-ada", max_length = 64)]
    transaction_id: Option<String>,
    /// Its own campaign.
    #[schema(minimum = 0)]
    task_id: Option<i64>,
}
