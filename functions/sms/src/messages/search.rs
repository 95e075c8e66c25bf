//! An app's messages, the newest first.

use homeroom_domain::{
    SmsBatchId, SmsMessageId, credentials::encoding, sms::status::MessageStatus,
};
use homeroom_edge::{ApiError, Json, Query, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::sms::{
    messages::MessageRow,
    search::{self, Search},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::info::InfoOut;
use crate::fields::{MAX_INTEGER, moment, receiver, shown, transaction_id};

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: i64 = 100;

pub(crate) struct SearchIn {
    search: Search,
    limit: u16,
}

impl Input for SearchIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let statuses = fields.nullable("status", statuses);
        let destination = fields.nullable("destination", |value| {
            // A plus that was not escaped arrives as a space.
            let text = value.as_str().unwrap_or_default().trim();
            receiver(&text.into())
        });
        let transaction_id = fields.nullable("transaction_id", transaction_id);
        let batch_id = fields.nullable("batch_id", rules::id);
        let task_id = fields.nullable("task_id", rules::integer(1, MAX_INTEGER));
        let from = fields.nullable("from", moment);
        let to = fields.nullable("to", moment);
        let before = fields.nullable("cursor", position);
        let limit = fields.optional("limit", rules::integer(1, MAX_LIMIT));
        let batch_id: Option<SmsBatchId> = batch_id?.flatten();
        let limit = limit?.and_then(|limit| u16::try_from(limit).ok());
        Some(Self {
            search: Search {
                statuses: statuses?.flatten().unwrap_or_default(),
                destination: destination?
                    .flatten()
                    .map(|address| address.as_str().to_owned()),
                transaction_id: transaction_id?.flatten(),
                batch_id,
                task_id: task_id?.flatten(),
                from: from?.flatten(),
                to: to?.flatten(),
                before: before?.flatten(),
            },
            limit: limit.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

/// One status, or several with commas between them.
fn statuses(value: &Value) -> Result<Vec<MessageStatus>, String> {
    let text = value.as_str().unwrap_or_default();
    if text.len() > 200 {
        return Err("Ensure this field has no more than 200 characters.".into());
    }
    text.split(',')
        .map(|name| {
            MessageStatus::parse(&name.trim().to_ascii_uppercase())
                .ok_or_else(|| "There is no such status.".to_owned())
        })
        .collect()
}

/// A cursor: where an answer before ended.
fn position(value: &Value) -> Result<SmsMessageId, String> {
    let wrong = || "Send what the answer before said in next.".to_owned();
    let text = value.as_str().ok_or_else(wrong)?;
    let bytes = encoding::from_base64url(text).ok_or_else(wrong)?;
    let uuid = uuid::Uuid::from_slice(&bytes).map_err(|_| wrong())?;
    Ok(SmsMessageId::from_uuid(uuid))
}

/// A message. Times are unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageOut {
    /// The receiver.
    #[schema(example = "+987654321")]
    destination: String,
    #[serde(flatten)]
    info: InfoOut,
}

impl MessageOut {
    pub(crate) fn new(row: MessageRow) -> Self {
        Self {
            destination: shown(&row.destination),
            info: InfoOut::new(row),
        }
    }
}

/// Some of the messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessagesOut {
    /// The messages, the newest first.
    results: Vec<MessageOut>,
    /// Send it as `cursor` for what follows; empty at the end.
    #[schema(example = "")]
    next: String,
}

/// Search messages
///
/// The newest first. A search by status or campaign looks at 5,000 messages at a time: an answer may be short, or empty, and go on all the
/// same where `next` is not empty.
#[utoipa::path(get, path = "/api/v1/sms/messages", tag = "messages",
    params(
        ("status" = Option<String>, Query, description = "One status, or several with commas between them."),
        ("destination" = Option<String>, Query, description = "The receiver, in international form."),
        ("transaction_id" = Option<String>, Query, description = "Your own id of a message."),
        ("batch_id" = Option<String>, Query, description = "A batch."),
        ("task_id" = Option<i64>, Query, description = "Your campaign."),
        ("from" = Option<String>, Query, description = "Accepted at this time or later: unix seconds, or RFC 3339."),
        ("to" = Option<String>, Query, description = "Accepted before this."),
        ("cursor" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 100; 50 where absent."),
    ),
    responses((status = 200, body = MessagesOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_messages(
    caller: AppCaller,
    query: Query,
) -> Result<Json<MessagesOut>, ApiError> {
    let SearchIn { search, limit } = query.read()?;
    let found = search::search(&caller.db, caller.sms_app.id, &search, limit).await?;
    let cursor = |id: SmsMessageId| encoding::base64url(id.uuid().as_bytes());
    Ok(Json(MessagesOut {
        results: found.messages.into_iter().map(MessageOut::new).collect(),
        next: found.next.map(cursor).unwrap_or_default(),
    }))
}
