//! Ranking priorities and rules of promotion: one row, and the defaults where there is none.

use homeroom_domain::academics::report::ReportSettings;
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::sql,
};

const TABLE: &str = "report_settings";

/// The settings, and when they were last changed; never: they are the defaults.
#[derive(Clone, Debug, Default)]
pub struct SettingsRow {
    /// The settings.
    pub settings: ReportSettings,
    /// When they were last changed.
    pub updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Row {
    settings: String,
    updated_at: i64,
}

/// The settings.
pub async fn find(db: &TenantDb) -> Result<SettingsRow, StoreError> {
    let row: Option<Row> = db
        .connection
        .first(sql!(
            "select settings, updated_at from report_settings where id = 1"
        ))
        .await?;
    row.map_or_else(
        || Ok(SettingsRow::default()),
        |row| {
            Ok(SettingsRow {
                settings: serde_json::from_str(&row.settings)?,
                updated_at: Some(Timestamp::from_millis(row.updated_at)),
            })
        },
    )
}

/// Changes the settings; `changed_meanwhile` where they are no longer those that were read.
pub fn save(
    stamp: &Stamp<'_>,
    before: &SettingsRow,
    after: &ReportSettings,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "insert into report_settings (id, settings, updated_at) select 1, ?1, ?2 where ?3 is null \
         or exists (select 1 from report_settings) \
         on conflict (id) do update set settings = excluded.settings, updated_at = excluded.updated_at \
         where report_settings.updated_at is ?3",
        text(after)?,
        stamp.now,
        before.updated_at,
    ));
    audit(&mut batch, stamp, Some(&before.settings), after);
    Ok(batch)
}

/// Puts the defaults in force, whatever was set.
pub fn reset(stamp: &Stamp<'_>, before: &SettingsRow) -> Result<Batch, StoreError> {
    let defaults = ReportSettings::default();
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into report_settings (id, settings, updated_at) values (1, ?1, ?2) \
         on conflict (id) do update set settings = excluded.settings, updated_at = excluded.updated_at",
        text(&defaults)?,
        stamp.now,
    ));
    audit(&mut batch, stamp, Some(&before.settings), &defaults);
    Ok(batch)
}

fn text(settings: &impl Serialize) -> Result<String, StoreError> {
    Ok(serde_json::to_string(settings)?)
}

fn audit(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    before: Option<&ReportSettings>,
    after: &ReportSettings,
) {
    batch.audit(stamp, Action::Update, TABLE, "1", before, Some(after));
}
