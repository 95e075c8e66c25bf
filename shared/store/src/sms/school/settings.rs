//! How a school sends. When receivers may be written to is the policy of its app, in the platform's database.

use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    rows,
    sql::sql,
};

/// How a school sends.
#[derive(Clone, Debug, Deserialize)]
pub struct SettingsRow {
    /// Link or pool.
    pub esme: i64,
    /// What phones show as the sender.
    pub source: String,
    /// Whether guardians hear of absences as they are entered.
    #[serde(deserialize_with = "rows::flag")]
    pub tells_absences: bool,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// The settings, once somebody has saved them.
pub async fn find(db: &TenantDb) -> Result<Option<SettingsRow>, StoreError> {
    db.connection
        .first(sql!(
            "select esme, source, tells_absences, updated_at from sms_settings where id = 1"
        ))
        .await
}

/// Saves the settings; `changed_meanwhile` where they are no longer those that were read at `since`. `before` and `after` are what the
/// audit log compares.
#[must_use]
pub fn save(
    stamp: &Stamp<'_>,
    since: Option<Timestamp>,
    row: &SettingsRow,
    before: &Json,
    after: &Json,
) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "insert into sms_settings (id, esme, source, tells_absences, updated_at, updated_by) \
         select 1, ?1, ?2, ?3, ?4, ?5 where ?6 is null or exists (select 1 from sms_settings) \
         on conflict (id) do update set esme = excluded.esme, source = excluded.source, \
         tells_absences = excluded.tells_absences, updated_at = excluded.updated_at, updated_by = excluded.updated_by \
         where sms_settings.updated_at is ?6",
        row.esme,
        &row.source,
        row.tells_absences,
        stamp.now,
        stamp.created_by(),
        since,
    ));
    batch.audit(
        stamp,
        Action::Update,
        "sms_settings",
        "1",
        Some(before),
        Some(after),
    );
    batch
}
