//! Messages: stored once, handed to the bridge, read, withdrawn.

use homeroom_domain::{
    SmsBatchId, SmsMessageId,
    sms::{
        status::{MessageStatus, PartStatus},
        text::TextLength,
    },
};
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DELETED, day, due, stops};
use crate::{
    batch::Batch, connection::IdentityDb, error::StoreError, rows, sql::sql, telling::is_due,
};

/// Types of number and numbering plans, where the sender insists on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Numbering {
    /// Type of number of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ston: Option<u8>,
    /// Numbering plan of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snpi: Option<u8>,
    /// Type of number of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dton: Option<u8>,
    /// Numbering plan of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnpi: Option<u8>,
}

/// A message that is to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: SmsMessageId,
    /// The app that sends it.
    pub app_id: i64,
    /// The sender's own id of it, unique within the app.
    pub transaction_id: String,
    /// SHA-256 of all that a repetition must have in common, hexadecimal.
    pub content_hash: String,
    /// The batch that it is part of.
    pub batch_id: Option<SmsBatchId>,
    /// The sender's campaign.
    pub task_id: Option<i64>,
    /// Link or pool.
    pub esme: i64,
    /// Sender, without a plus.
    pub source: String,
    /// Receiver, without a plus.
    pub destination: String,
    /// The text.
    pub text: String,
    /// Whether the text is for the receiver alone: nobody is shown it, and it is forgotten once the message left or ended.
    pub confidential: bool,
    /// What the sender insists on.
    pub numbering: Numbering,
    /// Whether similar characters of the GSM alphabet may stand for others.
    pub transliterate: bool,
    /// How its link writes and cuts it.
    pub length: TextLength,
    /// 0 to 3.
    pub priority: u8,
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// Not after this.
    pub valid_until: Option<Timestamp>,
    /// The user of the same database who sends it.
    pub created_by: Option<String>,
    /// Where its sender wants to be told of it.
    pub callback: Callback,
}

/// Where the sender of a message wants to be told of it, and of what, where that is not as its app says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callback {
    /// Where.
    pub url: Option<String>,
    /// 1: the first change, 2: the last, 3: all.
    pub level: Option<u8>,
}

/// A message as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct MessageRow {
    /// Its id.
    pub id: SmsMessageId,
    /// The app that sends it.
    pub app_id: i64,
    /// The sender's own id of it.
    pub transaction_id: String,
    /// What a repetition must have in common.
    pub content_hash: String,
    /// The batch that it is part of.
    pub batch_id: Option<SmsBatchId>,
    /// The sender's campaign.
    pub task_id: Option<i64>,
    /// Link or pool.
    pub esme: i64,
    /// Sender, without a plus.
    pub source: String,
    /// Receiver, without a plus.
    pub destination: String,
    /// The text; none: it is confidential.
    pub text: Option<String>,
    /// Whether it is.
    #[serde(deserialize_with = "rows::flag")]
    pub confidential: bool,
    /// What the sender insists on.
    #[serde(deserialize_with = "rows::json")]
    pub numbering: Numbering,
    /// Whether similar characters may stand for others.
    #[serde(deserialize_with = "rows::flag")]
    pub transliterate: bool,
    /// `GSM7` or `UCS2`.
    pub encoding: String,
    /// Parts that the phone gets, which quotas count; the centre is handed as many as `parts` has.
    pub segments: u32,
    /// 0 to 3.
    pub priority: u8,
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// Not after this.
    pub valid_until: Option<Timestamp>,
    /// Of all parts together.
    pub status: MessageStatus,
    /// Status and error code of every part, in order.
    #[serde(deserialize_with = "rows::json")]
    pub parts: Vec<(PartStatus, Option<String>)>,
    /// The bridge's count of changes.
    pub version: u64,
    /// Why it failed; empty where it did not.
    pub error: String,
    /// When it was last taken to be handed to the bridge.
    pub claimed_at: Option<Timestamp>,
    /// When the bridge had it.
    pub handed_at: Option<Timestamp>,
    /// When the first part left.
    pub sent_at: Option<Timestamp>,
    /// When it was accepted here.
    pub created_at: Timestamp,
    /// The user of the same database who sent it.
    pub created_by: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl MessageRow {
    /// Ids of its parts: `<message id>-1`, ….
    #[must_use]
    pub fn sms_ids(&self) -> Vec<String> {
        let part = |n| format!("{}-{n}", self.id);
        (1..=self.parts.len()).map(part).collect()
    }
}

/// A confidential text is in no column: what is not read is shown by nobody.
pub(crate) const COLUMNS: &str = "m.id, m.app_id, m.transaction_id, m.content_hash, m.batch_id, m.task_id, m.esme, m.source, \
     m.destination, iif(m.confidential, null, m.text) as text, m.confidential, m.numbering, m.transliterate, m.encoding, \
     m.segments, m.priority, m.send_at, m.valid_until, \
     m.status, m.parts, m.version, m.error, m.claimed_at, m.handed_at, m.sent_at, m.created_at, m.created_by, m.updated_at";

/// Stores messages of one app, each unless its transaction id is known, and counts those that were stored.
#[must_use]
pub fn insert(app_id: i64, messages: &[NewMessage], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let part = json!(["ACCEPTED", null]);
    let line = |message: &NewMessage| {
        json!({
            "id": message.id, "transaction_id": message.transaction_id, "content_hash": message.content_hash,
            "batch_id": message.batch_id, "task_id": message.task_id, "esme": message.esme, "source": message.source,
            "destination": message.destination, "text": message.text,
            "confidential": message.confidential, "numbering": json!(message.numbering).to_string(), "transliterate": message.transliterate,
            "encoding": message.length.encoding.name(), "segments": message.length.on_air, "priority": message.priority,
            "send_at": message.send_at.map(Timestamp::millis),
            "valid_until": message.valid_until.map(Timestamp::millis),
            "parts": json!(vec![&part; message.length.segments]).to_string(), "created_by": message.created_by,
            "callback_url": message.callback.url, "callback_level": message.callback.level,
        })
    };
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    for lines in portions(messages.iter().map(|message| line(message).to_string())) {
        batch.push(sql!(
        "insert into sms_messages (id, app_id, transaction_id, content_hash, batch_id, task_id, esme, source, \
         destination, text, confidential, numbering, transliterate, encoding, segments, priority, send_at, valid_until, \
         status, parts, created_at, created_by, updated_at, callback_url, callback_level) \
         select value ->> '$.id', ?1, value ->> '$.transaction_id', value ->> '$.content_hash', \
         value ->> '$.batch_id', value ->> '$.task_id', value ->> '$.esme', value ->> '$.source', \
         value ->> '$.destination', value ->> '$.text', value ->> '$.confidential', value ->> '$.numbering', \
         value ->> '$.transliterate', value ->> '$.encoding', value ->> '$.segments', value ->> '$.priority', value ->> '$.send_at', \
         value ->> '$.valid_until', 'ACCEPTED', value ->> '$.parts', ?2, value ->> '$.created_by', ?2, \
         value ->> '$.callback_url', value ->> '$.callback_level' \
         from json_each(?3) where value ->> '$.batch_id' is null \
         or exists (select 1 from sms_batches b where b.id = value ->> '$.batch_id') \
         on conflict (app_id, transaction_id) do nothing",
        app_id,
        now,
        lines,
    ));
    }
    // Counted are those that are there under the new ids: of a repetition, none.
    let count = format!(
        "insert into sms_usage (app_id, day, messages, parts) select m.app_id, {}, count(*), sum(m.segments) \
         from sms_messages m where m.id in (select value from json_each(?1)) group by 1, 2 \
         on conflict (app_id, day) do update set messages = messages + excluded.messages, \
         parts = parts + excluded.parts",
        day("m.created_at")
    );
    batch.push(sql!(count, json!(ids).to_string()));
    batch
}

/// Largest text that one statement is given: D1 takes 2 MB.
const MAX_BOUND: usize = 1_000_000;

/// JSON values as lists that a statement takes.
fn portions(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut portions: Vec<String> = Vec::new();
    for line in lines {
        match portions.last_mut() {
            Some(last) if last.len() + line.len() < MAX_BOUND => {
                last.push(',');
                last.push_str(&line);
            }
            _ => portions.push(format!("[{line}")),
        }
    }
    for portion in &mut portions {
        portion.push(']');
    }
    portions
}

/// Stores messages unless `guard` refuses, and gives what is there under their transaction ids now: a row with another id was there before.
pub async fn store(
    db: &impl IdentityDb,
    app_id: i64,
    messages: &[NewMessage],
    guard: Batch,
    now: Timestamp,
) -> Result<Vec<MessageRow>, StoreError> {
    let ids: Vec<_> = messages
        .iter()
        .map(|message| &message.transaction_id)
        .collect();
    let mut batch = insert(app_id, messages, now);
    batch.append(guard);
    let mut statements = batch.into_statements();
    let text = format!(
        "select {COLUMNS} from sms_messages m where m.app_id = ?1 \
         and m.transaction_id in (select value from json_each(?2))"
    );
    statements.push(sql!(text, app_id, json!(ids).to_string()));
    let before = statements.len() - 1;
    let mut outcomes = db.connection().batch(statements).await?;
    for _ in 0..before {
        outcomes.changes();
    }
    outcomes.rows()
}

/// A message of an app.
pub async fn find(
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsMessageId,
) -> Result<MessageRow, StoreError> {
    let text = format!("select {COLUMNS} from sms_messages m where m.id = ?1 and m.app_id = ?2");
    db.connection()
        .first(sql!(text, id, app_id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// The message of an app that carries the sender's own id.
pub async fn find_by_transaction(
    db: &impl IdentityDb,
    app_id: i64,
    transaction_id: &str,
) -> Result<Option<MessageRow>, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_messages m where m.app_id = ?1 and m.transaction_id = ?2"
    );
    db.connection()
        .first(sql!(text, app_id, transaction_id))
        .await
}

/// A message that is being handed to the bridge.
#[derive(Clone, Debug, Deserialize)]
pub struct Claimed {
    /// The message.
    #[serde(flatten)]
    pub message: MessageRow,
    /// The text, confidential or not. It goes to the bridge and nowhere else.
    pub words: String,
}

/// Takes messages to hand them to the bridge: those that it does not have yet, whoever took them before, and that are to leave by `horizon`.
/// Those whose receivers have opted out meanwhile are withdrawn instead; whether an app is to be told of something then.
pub async fn claim(
    db: &impl IdentityDb,
    ids: &[SmsMessageId],
    horizon: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Claimed>, bool), StoreError> {
    let ids = json!(ids).to_string();
    let text = format!(
        "update sms_messages as m set claimed_at = ?2 where m.id in (select value from json_each(?1)) \
         and m.handed_at is null and m.status = 'ACCEPTED' and ifnull(m.send_at, 0) <= ?3 returning {}, text as words",
        COLUMNS.replace("m.", "")
    );
    let statements = vec![
        stops::withhold(ids.clone(), now),
        sql!(text, ids, now, horizon),
        due::due(now),
    ];
    let mut outcomes = db.connection().batch(statements).await?;
    outcomes.changes();
    let rows = outcomes.rows()?;
    Ok((rows, is_due(&mut outcomes)?))
}

/// Withdraws a message that nobody took from the queue yet; whether it did, and whether an app is to be told of something then.
pub async fn withdraw(
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsMessageId,
    now: Timestamp,
) -> Result<(bool, bool), StoreError> {
    let text = format!(
        "update sms_messages as m set {DELETED} where {WITHDRAWABLE} and m.claimed_at is null and m.handed_at is null"
    );
    let statements = vec![sql!(text, id, app_id, now), due::due(now)];
    let mut outcomes = db.connection().batch(statements).await?;
    let withdrew = outcomes.changes() > 0;
    Ok((withdrew, is_due(&mut outcomes)?))
}

/// Notes that the bridge withdrew a message.
#[must_use]
pub fn withdrawn(app_id: i64, id: SmsMessageId, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let text = format!("update sms_messages as m set {DELETED} where {WITHDRAWABLE}");
    batch.push(sql!(text, id, app_id, now));
    batch
}

/// Whether message `?1` of app `?2` can still be withdrawn.
pub(crate) const WITHDRAWABLE: &str = "m.id = ?1 and m.app_id = ?2 and m.status = 'ACCEPTED'";

#[derive(Deserialize)]
struct Waiting {
    id: SmsMessageId,
}

/// How long callbacks are kept.
const CALLBACKS_SECONDS: i64 = 30 * 24 * 3_600;

/// What was neither accepted nor taken since `before`, is to leave by `horizon` and still waits for the bridge, the oldest first; and whether an app
/// is to be told of something. Callbacks of long ago are forgotten on the way.
pub async fn list_waiting(
    db: &impl IdentityDb,
    before: Timestamp,
    horizon: Timestamp,
    limit: u16,
    now: Timestamp,
) -> Result<(Vec<SmsMessageId>, bool), StoreError> {
    let waiting = sql!(
        "select id from sms_messages where handed_at is null and status = 'ACCEPTED' and created_at < ?1 \
         and (claimed_at is null or claimed_at < ?1) and ifnull(send_at, 0) <= ?3 order by created_at limit ?2",
        before,
        i64::from(limit),
        horizon,
    );
    let old = now.plus_seconds(-CALLBACKS_SECONDS);
    let statements = vec![waiting, due::due(now), due::forget(old)];
    let mut outcomes = db.connection().batch(statements).await?;
    let rows: Vec<Waiting> = outcomes.rows()?;
    let ids = rows.into_iter().map(|row| row.id).collect();
    Ok((ids, is_due(&mut outcomes)?))
}
