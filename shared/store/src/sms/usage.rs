//! What an app has sent, by day.

use serde::{Deserialize, Serialize};

use crate::{connection::IdentityDb, error::StoreError, sql::sql};

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UsageRow {
    /// `2026-01-31`, in UTC: the day on which the messages were accepted.
    pub day: String,
    /// Messages.
    pub messages: u64,
    /// Their parts.
    pub parts: u64,
    /// Messages that the phones have.
    pub delivered: u64,
    /// Messages that failed.
    pub failed: u64,
}

/// The days of an app on which it sent something, both ends included.
pub async fn list(
    db: &impl IdentityDb,
    app_id: i64,
    from: &str,
    to: &str,
) -> Result<Vec<UsageRow>, StoreError> {
    db.connection()
        .rows(sql!(
            "select day, messages, parts, delivered, failed from sms_usage \
             where app_id = ?1 and day between ?2 and ?3 order by day",
            app_id,
            from,
            to,
        ))
        .await
}

/// Parts that all apps of a database have sent.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Parts {
    /// On a day.
    pub today: u64,
    /// In its month, that day included.
    pub this_month: u64,
}

/// Those of a day, `2026-01-31`, and of its month.
pub async fn parts_of_all(db: &impl IdentityDb, day: &str) -> Result<Parts, StoreError> {
    let month: String = day.chars().take(7).collect();
    let (first, last) = (format!("{month}-01"), format!("{month}-31"));
    let row = db
        .connection()
        .first(sql!(
            "select ifnull(sum(parts) filter (where day = ?1), 0) as today, ifnull(sum(parts), 0) as this_month \
             from sms_usage where day between ?2 and ?3",
            day,
            first,
            last,
        ))
        .await?;
    Ok(row.unwrap_or_default())
}
