//! Messages of the school that were sent as one.

use homeroom_domain::{SmsBatchId, SmsMessageId};
use homeroom_kernel::{Id, Listing, PageRequest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::messages::of_app;
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sms::DELETED,
    sql::sql,
};

const TABLE: &str = "sms_batches";

/// Who was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The guardian; none: the student has none.
    pub guardian: Option<Id<()>>,
    /// The student whom it would have been about.
    pub student: Option<Id<()>>,
    /// The guardian's name, or the student's.
    pub name: String,
    /// Stable, for programs.
    pub code: String,
    /// Why, for a person.
    pub error: String,
}

/// A batch that is to be stored.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Its id.
    pub id: SmsBatchId,
    /// For people.
    pub name: String,
    /// How many messages it has.
    pub count: usize,
    /// Who was left out.
    pub rejected: Vec<LeftOut>,
}

/// Stores a batch, before its messages.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, app_id: i64, new: &NewBatch) -> Batch {
    let count = i64::try_from(new.count).unwrap_or(i64::MAX);
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into sms_batches (id, app_id, name, count, rejected, created_at, created_by) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        new.id,
        app_id,
        &new.name,
        count,
        json!(new.rejected).to_string(),
        stamp.now,
        stamp.created_by(),
    ));
    let record = json!({"name": new.name, "count": count, "rejected": new.rejected.len()});
    let id = new.id.to_string();
    batch.audit(
        stamp,
        Action::Create,
        TABLE,
        &id,
        None::<&()>,
        Some(&record),
    );
    batch
}

/// How many messages of a batch have a status.
#[derive(Clone, Debug, Deserialize)]
pub struct StatusCount {
    /// The status.
    pub status: String,
    /// Messages.
    pub count: u64,
}

/// A batch as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct BatchRow {
    /// Its id.
    pub id: SmsBatchId,
    /// For people.
    pub name: String,
    /// Messages.
    pub count: u64,
    /// Their parts.
    pub segments: u64,
    /// How many have which status.
    #[serde(deserialize_with = "rows::json")]
    pub statuses: Vec<StatusCount>,
    /// How many receivers were left out.
    pub left_out: u64,
    /// Who they are; empty in lists.
    #[serde(deserialize_with = "rows::json")]
    pub rejected: Vec<LeftOut>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it was withdrawn.
    pub cancelled_at: Option<Timestamp>,
}

/// What batches can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[("created_at", "b.id"), ("count", "b.count")],
    default_ordering: "-created_at",
    search: &["b.name"],
    filters: &[],
};

const COLUMNS: &str = "b.id, b.name, b.count, json_array_length(b.rejected) as left_out, b.created_at, b.created_by, \
     b.cancelled_at, (select ifnull(sum(m.segments), 0) from sms_messages m where m.batch_id = b.id) as segments, \
     (select json_group_array(json_object('status', n.status, 'count', n.count)) from (select m.status, count(*) as count \
     from sms_messages m where m.batch_id = b.id group by m.status order by m.status) n) as statuses";

/// One page of the school's batches.
pub async fn list(
    db: &TenantDb,
    app_id: i64,
    request: &PageRequest,
) -> Result<Page<BatchRow>, StoreError> {
    let columns = format!("{COLUMNS}, '[]' as rejected");
    let source = Source {
        columns: &columns,
        from: "sms_batches b",
        condition: "true",
        key: "b.id",
    };
    let request = of_app(request, "b.app_id = ?", app_id);
    list::fetch(&db.connection, &source, LISTING.search, &request).await
}

/// One batch of the school.
pub async fn find(db: &TenantDb, app_id: i64, id: SmsBatchId) -> Result<BatchRow, StoreError> {
    let text = format!(
        "select {COLUMNS}, b.rejected from sms_batches b where b.id = ?1 and b.app_id = ?2"
    );
    let row = db.connection.first(sql!(text, id, app_id)).await?;
    row.ok_or(StoreError::NotFound)
}

/// Messages of a batch that the bridge may have and that have not left as far as is known here. What is furthest from
/// leaving comes first: what has left while its receipt is late keeps none of the others from being asked about.
pub async fn list_handed(
    db: &TenantDb,
    id: SmsBatchId,
    limit: u16,
) -> Result<Vec<SmsMessageId>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        id: SmsMessageId,
    }
    let rows: Vec<Row> = db
        .connection
        .rows(sql!(
            "select id from sms_messages where batch_id = ?1 and status = 'ACCEPTED' \
             and (claimed_at is not null or handed_at is not null) order by send_at desc, id desc limit ?2",
            id,
            i64::from(limit),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Withdraws those messages of a batch that nobody took to hand them over, and those that the bridge has withdrawn.
#[must_use]
pub fn withdraw(stamp: &Stamp<'_>, row: &BatchRow, by_the_bridge: &[SmsMessageId]) -> Batch {
    let mut batch = Batch::default();
    let text = format!(
        "update sms_messages as m set {DELETED} where m.batch_id = ?1 and m.status = 'ACCEPTED' \
         and (m.claimed_at is null and m.handed_at is null or m.id in (select value from json_each(?2)))"
    );
    batch.push(sql!(
        text,
        row.id,
        json!(by_the_bridge).to_string(),
        stamp.now,
    ));
    batch.push(sql!(
        "update sms_batches set cancelled_at = coalesce(cancelled_at, ?2) where id = ?1",
        row.id,
        stamp.now,
    ));
    batch.audit(
        stamp,
        Action::Update,
        TABLE,
        &row.id.to_string(),
        Some(&json!({"cancelled_at": row.cancelled_at})),
        Some(&json!({"cancelled_at": row.cancelled_at.unwrap_or(stamp.now)})),
    );
    batch
}
