//! Many messages of one request: stored together, counted by status, withdrawn together.

use homeroom_domain::{
    SmsBatchId, SmsMessageId,
    sms::{policy::Contact, status::MessageStatus},
};
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    DELETED, contacts, due,
    messages::{self, NewMessage},
};
use crate::{
    batch::Batch, connection::IdentityDb, error::StoreError, rows, sql::sql, telling::is_due,
};

/// A batch that is to be stored.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Its id.
    pub id: SmsBatchId,
    /// What it is called.
    pub name: String,
    /// The sender's own id of it, unique within the app.
    pub transaction_id: String,
    /// SHA-256 of all that a repetition must have in common, hexadecimal.
    pub content_hash: String,
    /// Receivers that are not written to.
    pub rejected: Vec<Rejected>,
    /// The user of the same database who sends it.
    pub created_by: Option<String>,
}

/// A receiver that is not written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its place in the request, from 0.
    pub index: usize,
    /// As it was asked for.
    pub destination: String,
    /// Stable code.
    pub code: String,
    /// Why, for a person.
    pub error: String,
}

/// A batch as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct BatchRow {
    /// Its id.
    pub id: SmsBatchId,
    /// What it is called.
    pub name: String,
    /// The sender's own id of it.
    pub transaction_id: Option<String>,
    /// What a repetition must have in common.
    pub content_hash: Option<String>,
    /// Its messages.
    pub count: u32,
    /// Receivers that were not written to.
    #[serde(deserialize_with = "rows::json")]
    pub rejected: Vec<Rejected>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When somebody withdrew it.
    pub cancelled_at: Option<Timestamp>,
}

/// A message of a batch, by the sender's own id.
#[derive(Clone, Debug, Deserialize)]
pub struct Member {
    /// The message.
    pub id: SmsMessageId,
    /// The sender's own id of it.
    pub transaction_id: String,
}

const COLUMNS: &str = "b.id, b.name, b.transaction_id, b.content_hash, b.count, b.rejected, b.created_at, b.cancelled_at";
/// The messages of batch `?1` of app `?2`.
const OF_BATCH: &str = "m.batch_id = ?1 and m.app_id = ?2";

/// Stores a batch with its messages, unless the transaction id of the batch is known; messages whose own transaction ids are known are left out
/// and not counted. Nothing is stored where `guard` refuses. Gives what is there under the transaction id of the batch now: another id was there before.
pub async fn store(
    db: &impl IdentityDb,
    app_id: i64,
    batch: &NewBatch,
    messages: &[NewMessage],
    guard: Batch,
    now: Timestamp,
) -> Result<(BatchRow, Vec<Member>), StoreError> {
    let mut statements = vec![sql!(
        "insert into sms_batches (id, app_id, name, transaction_id, content_hash, count, rejected, created_at, created_by) \
         values (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8) on conflict (app_id, transaction_id) do nothing",
        batch.id,
        app_id,
        &batch.name,
        &batch.transaction_id,
        &batch.content_hash,
        json!(batch.rejected).to_string(),
        now,
        batch.created_by.clone(),
    )];
    statements.extend(messages::insert(app_id, messages, now).into_statements());
    statements.extend(guard.into_statements());
    statements.push(sql!(
        "update sms_batches set count = (select count(*) from sms_messages m where m.batch_id = ?1) where id = ?1",
        batch.id,
    ));
    let before = statements.len();
    let text = format!(
        "select {COLUMNS} from sms_batches b where b.app_id = ?1 and b.transaction_id = ?2"
    );
    statements.push(sql!(text, app_id, &batch.transaction_id));
    statements.push(sql!(
        "select m.id, m.transaction_id from sms_batches b join sms_messages m on m.batch_id = b.id \
         where b.app_id = ?1 and b.transaction_id = ?2",
        app_id,
        &batch.transaction_id,
    ));
    let mut outcomes = db.connection().batch(statements).await?;
    for _ in 0..before {
        outcomes.changes();
    }
    let rows: Vec<BatchRow> = outcomes.rows()?;
    let row = rows
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::Broken("a batch that was stored is not there".into()))?;
    Ok((row, outcomes.rows()?))
}

/// Corrects who was left out, where other requests were faster.
pub async fn note_rejected(
    db: &impl IdentityDb,
    id: SmsBatchId,
    rejected: &[Rejected],
) -> Result<(), StoreError> {
    let text = "update sms_batches set rejected = ?2 where id = ?1";
    let statement = sql!(text, id, json!(rejected).to_string());
    db.connection().batch(vec![statement]).await.map(|_| ())
}

/// What is known before a batch is decided on.
#[derive(Debug)]
pub struct Before {
    /// The batch with this transaction id, and its messages.
    pub batch: Option<(BatchRow, Vec<Member>)>,
    /// Messages with the transaction ids that its receivers were given.
    pub messages: Vec<Known>,
    /// What is known of the receivers, in their order.
    pub contacts: Vec<Contact>,
}

/// A message with a transaction id that is asked for again.
#[derive(Clone, Debug, Deserialize)]
pub struct Known {
    /// The sender's own id of it.
    pub transaction_id: String,
    /// What a repetition must have in common.
    pub content_hash: String,
}

/// What is there under the transaction id of a batch and under those of its messages, and what is known of its receivers: pairs of number
/// and text.
pub async fn find_before(
    db: &impl IdentityDb,
    app_id: i64,
    transaction_id: &str,
    of_messages: &[&str],
    receivers: &[(&str, &str)],
    now: Timestamp,
) -> Result<Before, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_batches b where b.app_id = ?1 and b.transaction_id = ?2"
    );
    let statements = vec![
        sql!(text, app_id, transaction_id),
        sql!(
            "select m.id, m.transaction_id from sms_batches b join sms_messages m on m.batch_id = b.id \
             where b.app_id = ?1 and b.transaction_id = ?2",
            app_id,
            transaction_id,
        ),
        sql!(
            "select m.transaction_id, m.content_hash from sms_messages m where m.app_id = ?1 \
             and m.transaction_id in (select value from json_each(?2))",
            app_id,
            json!(of_messages).to_string(),
        ),
        contacts::statement(app_id, receivers, now),
    ];
    let mut outcomes = db.connection().batch(statements).await?;
    let rows: Vec<BatchRow> = outcomes.rows()?;
    let members: Vec<Member> = outcomes.rows()?;
    Ok(Before {
        batch: rows.into_iter().next().map(|row| (row, members)),
        messages: outcomes.rows()?,
        contacts: contacts::read(&mut outcomes)?,
    })
}

/// How many messages of a batch have a status.
#[derive(Clone, Debug, Deserialize)]
pub struct Count {
    /// Of all parts together.
    pub status: MessageStatus,
    /// Messages.
    pub messages: u32,
}

/// A batch of an app, and its messages by status.
pub async fn find(
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsBatchId,
) -> Result<(BatchRow, Vec<Count>), StoreError> {
    let batch = format!("select {COLUMNS} from sms_batches b where b.id = ?1 and b.app_id = ?2");
    let counts = format!(
        "select m.status, count(*) as messages from sms_messages m where {OF_BATCH} group by m.status"
    );
    let statements = vec![sql!(batch, id, app_id), sql!(counts, id, app_id)];
    let mut outcomes = db.connection().batch(statements).await?;
    let rows: Vec<BatchRow> = outcomes.rows()?;
    let row = rows.into_iter().next().ok_or(StoreError::NotFound)?;
    Ok((row, outcomes.rows()?))
}

#[derive(Deserialize)]
struct Row {
    id: SmsMessageId,
}

/// Withdraws what nobody took from the queue yet, and gives at most `limit` of the others that may not have left: only the bridge knows.
pub async fn withdraw(
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsBatchId,
    limit: u16,
    now: Timestamp,
) -> Result<Vec<SmsMessageId>, StoreError> {
    let deleted = DELETED;
    let update = format!(
        "update sms_messages as m set {deleted} where {OF_BATCH} and m.status = 'ACCEPTED' \
         and m.claimed_at is null and m.handed_at is null"
    );
    // By chance: those that have left, and whose receipts are not here yet, must not keep the others from being asked about.
    let others = format!(
        "select m.id from sms_messages m where {OF_BATCH} and m.status = 'ACCEPTED' order by random() limit ?3"
    );
    let mut outcomes = db
        .connection()
        .batch(vec![
            sql!(
                "update sms_batches set cancelled_at = coalesce(cancelled_at, ?3) where id = ?1 and app_id = ?2",
                id,
                app_id,
                now,
            ),
            sql!(update, id, app_id, now),
            sql!(others, id, app_id, i64::from(limit)),
        ])
        .await?;
    if outcomes.changes() == 0 {
        return Err(StoreError::NotFound);
    }
    outcomes.changes();
    let elsewhere: Vec<Row> = outcomes.rows()?;
    Ok(elsewhere.into_iter().map(|row| row.id).collect())
}

/// Notes which messages the bridge withdrew, and counts the batch by status then; whether an app is to be told of something.
pub async fn note_withdrawn(
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsBatchId,
    at_bridge: &[SmsMessageId],
    now: Timestamp,
) -> Result<(Vec<Count>, bool), StoreError> {
    let deleted = DELETED;
    let update = format!(
        "update sms_messages as m set {deleted} where {OF_BATCH} and m.status = 'ACCEPTED' \
         and m.id in (select value from json_each(?4))"
    );
    let counts = format!(
        "select m.status, count(*) as messages from sms_messages m where {OF_BATCH} group by m.status"
    );
    let ids: Vec<Json> = at_bridge.iter().map(|id| json!(id)).collect();
    let mut outcomes = db
        .connection()
        .batch(vec![
            sql!(update, id, app_id, now, json!(ids).to_string()),
            sql!(counts, id, app_id),
            due::due(now),
        ])
        .await?;
    outcomes.changes();
    let counts = outcomes.rows()?;
    Ok((counts, is_due(&mut outcomes)?))
}
