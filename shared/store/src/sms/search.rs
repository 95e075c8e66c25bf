//! An app's messages, the newest first.

use homeroom_domain::{SmsBatchId, SmsMessageId, sms::status::MessageStatus};
use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    contacts::first_id,
    messages::{COLUMNS, MessageRow},
};
use crate::{
    connection::IdentityDb,
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// Most messages that one search looks at: no index has statuses and campaigns, and a search for a rare one ends here and goes on
/// with the next page.
pub const WINDOW: u16 = 5_000;

/// What is looked for; everything where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// One of these; any where empty.
    pub statuses: Vec<MessageStatus>,
    /// The receiver, without a plus.
    pub destination: Option<String>,
    /// The sender's own id.
    pub transaction_id: Option<String>,
    /// The batch.
    pub batch_id: Option<SmsBatchId>,
    /// The campaign.
    pub task_id: Option<i64>,
    /// Accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Accepted before this.
    pub to: Option<Timestamp>,
    /// Older than this message.
    pub before: Option<SmsMessageId>,
}

/// Some of what was found.
#[derive(Debug)]
pub struct Found {
    /// The messages, the newest first.
    pub messages: Vec<MessageRow>,
    /// After which message the search goes on; none: there is nothing more.
    pub next: Option<SmsMessageId>,
}

#[derive(Deserialize)]
struct Row {
    id: SmsMessageId,
}

/// Searches the messages of an app: at most `limit` of them, in one trip.
pub async fn search(
    db: &impl IdentityDb,
    app_id: i64,
    search: &Search,
    limit: u16,
) -> Result<Found, StoreError> {
    let mut params = vec![Value::from(app_id)];
    // A batch has fewer messages than an app: its index is the one to use, whatever the engine would guess.
    let mut window = vec![match search.batch_id {
        Some(_) => "+m.app_id = ?1".to_owned(),
        None => "m.app_id = ?1".to_owned(),
    }];
    for (condition, value) in [
        (
            "m.destination = ",
            search.destination.clone().map(Value::from),
        ),
        (
            "m.transaction_id = ",
            search.transaction_id.clone().map(Value::from),
        ),
        ("m.batch_id = ", search.batch_id.map(Value::from)),
        ("m.id >= ", search.from.map(first_id).map(Value::from)),
        ("m.id < ", search.to.map(first_id).map(Value::from)),
        ("m.id < ", search.before.map(Value::from)),
    ] {
        if let Some(value) = value {
            params.push(value);
            window.push(format!("{condition}?{}", params.len()));
        }
    }
    let window = window.join(" and ");
    let last = format!(
        "select m.id from sms_messages m where {window} order by m.id desc limit 1 offset {}",
        WINDOW - 1
    );
    let last = Statement {
        sql: last.into(),
        params: params.clone(),
    };
    let mut filter = vec!["true".to_owned()];
    if !search.statuses.is_empty() {
        params.push(json!(search.statuses).to_string().into());
        filter.push(format!(
            "m.status in (select value from json_each(?{}))",
            params.len()
        ));
    }
    if let Some(task_id) = search.task_id {
        params.push(task_id.into());
        filter.push(format!("m.task_id = ?{}", params.len()));
    }
    let filter = filter.join(" and ");
    let text = format!(
        "select {COLUMNS} from (select * from sms_messages m where {window} order by m.id desc limit {WINDOW}) m \
         where {filter} order by m.id desc limit {}",
        limit + 1
    );
    let rows = Statement {
        sql: text.into(),
        params,
    };
    let mut outcomes = db.connection().batch(vec![rows, last]).await?;
    let mut messages: Vec<MessageRow> = outcomes.rows()?;
    let last: Vec<Row> = outcomes.rows()?;
    let next = if messages.len() > usize::from(limit) {
        messages.truncate(usize::from(limit));
        messages.last().map(|row| row.id)
    } else {
        last.first().map(|row| row.id)
    };
    Ok(Found { messages, next })
}

/// How many messages wait for the bridge, and since when the oldest does.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Waiting {
    /// Messages.
    pub count: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
}

/// What the bridge does not have yet.
pub async fn count_waiting(db: &impl IdentityDb) -> Result<Waiting, StoreError> {
    let statement = sql!(
        "select count(*) as count, min(created_at) as oldest from sms_messages \
         where handed_at is null and status = 'ACCEPTED'"
    );
    let found = db.connection().first(statement).await?;
    found.ok_or_else(|| StoreError::Broken("a count gave no row".into()))
}
