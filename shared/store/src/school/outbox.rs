//! Effects on the platform's database: written with the change that causes them, carried out afterwards, in order, and
//! again if need be; carrying one out twice changes nothing.

use homeroom_domain::UserId;
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    batch::Batch,
    connection::{ControlDb, TenantDb},
    control::{directory, schools, webhooks},
    error::StoreError,
    rows,
    sql::{Value, sql},
};

/// Effects carried out in one go.
const PORTION: usize = 40;
const DIRECTORY: &str = "directory";
const EVENT: &str = "event";

/// That a person can, or can no longer, be found in this school.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// Keyed hash of the normalised email or phone number.
    pub identifier_hash: String,
    /// The user.
    pub user_id: UserId,
    /// Whether the user has this identifier now.
    pub present: bool,
}

/// How far a school's set-up has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupProgress {
    /// Nobody has signed in yet.
    NotStarted,
    /// The first administrator has signed in.
    InProgress,
    /// There is staff to work with.
    Completed,
}

impl SetupProgress {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Progress {
    progress: SetupProgress,
}

#[derive(Deserialize)]
struct Row {
    seq: i64,
    kind: String,
    #[serde(deserialize_with = "rows::json")]
    payload: serde_json::Value,
    created_at: Timestamp,
}

impl Batch {
    /// Has the directory told about an identifier.
    pub fn announce(&mut self, entry: &DirectoryEntry, now: Timestamp) {
        self.push_effect(DIRECTORY, entry, now);
    }

    /// Has the platform told how far the set-up has come, unless it knows; it never goes back.
    pub fn announce_progress(&mut self, db: &TenantDb, progress: SetupProgress, now: Timestamp) {
        if db.school().school().setup_progress < progress {
            self.push_effect("setup_progress", &Progress { progress }, now);
        }
    }

    /// Has webhooks told that something happened. The data are ids and figures only: whoever is told fetches what they may see.
    pub fn announce_event(&mut self, event: &str, data: &serde_json::Value, now: Timestamp) {
        self.push_effect(EVENT, &json!({"event": event, "data": data}), now);
    }

    fn push_effect(&mut self, kind: &str, payload: &impl Serialize, now: Timestamp) {
        let payload = serde_json::to_value(payload)
            .unwrap_or_default()
            .to_string();
        self.note_effect();
        self.push(sql!(
            "insert into outbox (kind, payload, created_at) values (?1, ?2, ?3)",
            kind,
            payload,
            now
        ));
    }
}

/// Carries out what waits, oldest first, and returns whether more may be waiting.
pub async fn deliver(db: &TenantDb, control: &ControlDb) -> Result<bool, StoreError> {
    let rows: Vec<Row> = db
        .connection
        .rows(sql!(
            "select seq, kind, payload, created_at from outbox order by seq limit ?1",
            i64::try_from(PORTION).unwrap_or(0)
        ))
        .await?;
    let Some(last) = rows.last().map(|row| row.seq) else {
        return Ok(false);
    };
    let tenant = db.school().id();
    let mut batch = Batch::default();
    for row in &rows {
        let statement = if row.kind == DIRECTORY {
            let entry: DirectoryEntry = serde_json::from_value(row.payload.clone())?;
            directory::upsert_statement(tenant, &entry, row.seq)
        } else if row.kind == EVENT {
            webhooks::tell_statement(tenant, row.seq, row.created_at, &row.payload.to_string())
        } else {
            let progress: Progress = serde_json::from_value(row.payload.clone())?;
            schools::progress_statement(tenant, progress.progress)
        };
        batch.push(statement);
    }
    batch.commit(control).await?;
    db.connection
        .batch(vec![sql!(
            "delete from outbox where seq <= ?1",
            Value::Int(last)
        )])
        .await?;
    Ok(rows.len() == PORTION)
}
