//! Whether an app is to be told of something: asked in the trips of what may make it so.

use homeroom_kernel::Timestamp;
use serde::Deserialize;

use crate::{
    connection::Outcomes,
    error::StoreError,
    sql::{Statement, sql},
};

#[derive(Deserialize)]
struct Count {
    count: u32,
}

/// Whether something is to be told now: `count` is 0 or 1.
pub(crate) fn due(now: Timestamp) -> Statement {
    sql!(
        "select exists (select 1 from sms_callbacks where state = 'waiting' and due_at <= ?1) as count",
        now
    )
}

/// Reads what [`due`] gave.
pub(crate) fn is_due(outcomes: &mut Outcomes) -> Result<bool, StoreError> {
    let rows: Vec<Count> = outcomes.rows()?;
    Ok(rows.first().is_some_and(|row| row.count > 0))
}

/// Forgets what happened before a moment, some at a time.
pub(crate) fn forget(before: Timestamp) -> Statement {
    let millis = before.millis();
    let first = format!("{:08x}-{:04x}-", millis >> 16, millis & 0xffff);
    sql!(
        "delete from sms_callbacks where id in (select id from sms_callbacks where id < ?1 order by id limit 500)",
        first
    )
}
