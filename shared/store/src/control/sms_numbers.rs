//! Our own numbers: whose the messages are that phones send to them.

use homeroom_domain::TenantId;
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::ControlDb,
    error::StoreError,
    rows,
    sql::sql,
};

/// A number of ours.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NumberRow {
    /// It, without a plus.
    pub number: String,
    /// The app that its messages are for.
    pub app_id: i64,
    /// Since when.
    pub created_at: Timestamp,
}

/// Numbers after the one that is named.
pub async fn list(db: &ControlDb, after: &str, limit: u32) -> Result<Vec<NumberRow>, StoreError> {
    db.0.rows(sql!(
        "select number, app_id, created_at from sms_numbers where number > ?1 order by number limit ?2",
        after,
        i64::from(limit),
    ))
    .await
}

/// One of them.
pub async fn find(db: &ControlDb, number: &str) -> Result<NumberRow, StoreError> {
    db.0.first(sql!(
        "select number, app_id, created_at from sms_numbers where number = ?1",
        number
    ))
    .await?
    .ok_or(StoreError::NotFound)
}

/// Gives a number to an app.
#[must_use]
pub fn add(stamp: &Stamp<'_>, row: &NumberRow) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into sms_numbers (number, app_id, created_at) values (?1, ?2, ?3)",
        &row.number,
        row.app_id,
        row.created_at,
    ));
    batch.audit(
        stamp,
        Action::Create,
        "sms_numbers",
        &row.number,
        None::<&NumberRow>,
        Some(row),
    );
    batch
}

/// Takes a number away from its app: its messages are nobody's then.
#[must_use]
pub fn remove(stamp: &Stamp<'_>, row: &NumberRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "delete from sms_numbers where number = ?1 and app_id = ?2",
        &row.number,
        row.app_id,
    ));
    batch.audit(
        stamp,
        Action::Delete,
        "sms_numbers",
        &row.number,
        Some(row),
        None::<&NumberRow>,
    );
    batch
}

/// Whose a number is.
#[derive(Clone, Debug, Deserialize)]
pub struct Owner {
    /// The number.
    pub number: String,
    /// The app.
    pub app_id: i64,
    /// The school whose database holds its messages; none: the platform's does.
    pub tenant: Option<TenantId>,
    /// Its contact policy.
    #[serde(deserialize_with = "rows::json")]
    pub policy: Map<String, Value>,
    /// Whether it may send.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
}

/// Whose these numbers are; those of nobody are left out.
pub async fn owners(db: &ControlDb, numbers: &[&str]) -> Result<Vec<Owner>, StoreError> {
    db.0.rows(sql!(
        "select n.number, p.id as app_id, p.tenant_id as tenant, p.policy, p.is_active from sms_numbers n \
         join sms_apps p on p.id = n.app_id where n.number in (select value from json_each(?1))",
        json!(numbers).to_string(),
    ))
    .await
}
