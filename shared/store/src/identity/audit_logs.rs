//! The audit log: who changed what, from what to what.

use homeroom_domain::AuditId;
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    connection::IdentityDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// A line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// The line.
    pub id: AuditId,
    /// `user`, `platform_user`, `api_key` or `system`.
    pub actor_kind: String,
    /// Who.
    pub actor: Option<String>,
    /// The actor's name at the time.
    pub actor_name: String,
    /// `CREATE`, `UPDATE`, `DELETE`, or `VISIT` of a platform superadministrator.
    pub action: String,
    /// What kind of record.
    pub table_name: String,
    /// Which record.
    pub record_id: String,
    /// `{field: {from, to}}`.
    #[serde(deserialize_with = "rows::json")]
    pub changes: Map<String, Value>,
    /// The client's address.
    pub ip_address: Option<String>,
    /// The request that did it.
    pub request_id: String,
    /// When.
    pub timestamp: Timestamp,
}

const COLUMNS: &str = "l.id, l.actor_kind, l.actor_id as actor, l.actor_name, l.action, l.table_name, l.record_id, \
     l.changes, l.ip_address, l.request_id, l.timestamp";

/// What the log can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        // Ids carry the time, and the table is kept in their order.
        ("timestamp", "l.id"),
        ("action", "l.action"),
        ("table_name", "l.table_name"),
        ("actor_name", "l.actor_name collate nocase"),
    ],
    default_ordering: "-timestamp",
    search: &["l.actor_name", "l.table_name", "l.record_id", "l.changes"],
    filters: &[
        ("action", FilterKind::Text, "l.action = ?"),
        ("table_name", FilterKind::Text, "l.table_name = ?"),
        ("record_id", FilterKind::Text, "l.record_id = ?"),
        ("actor", FilterKind::Text, "l.actor_id = ?"),
        ("actor_kind", FilterKind::Text, "l.actor_kind = ?"),
        ("request_id", FilterKind::Text, "l.request_id = ?"),
    ],
};

/// One page of the log.
pub async fn list(
    db: &impl IdentityDb,
    request: &PageRequest,
) -> Result<Page<AuditRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "audit_logs l",
        condition: "true",
        key: "l.id",
    };
    list::fetch(db.connection(), &source, LISTING.search, request).await
}

/// One line.
pub async fn find(db: &impl IdentityDb, id: AuditId) -> Result<AuditRow, StoreError> {
    let text = format!("select {COLUMNS} from audit_logs l where l.id = ?1");
    db.connection()
        .first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}
