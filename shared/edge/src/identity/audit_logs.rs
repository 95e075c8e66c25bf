//! The audit log on the wire.

use std::collections::BTreeMap;

use homeroom_domain::AuditId;
use homeroom_kernel::Timestamp;
use homeroom_store::identity::audit_logs::AuditRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// From what to what a field changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeOut {
    /// Before; null for a new record.
    from: Value,
    /// After; null for a deleted one.
    to: Value,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLogOut {
    /// The line.
    #[schema(value_type = uuid::Uuid)]
    id: AuditId,
    /// `user`, `platform_user`, `api_key` or `system`.
    #[schema(example = "user")]
    actor_kind: String,
    /// The user or API key.
    #[schema(value_type = Option<uuid::Uuid>)]
    actor: Option<String>,
    /// The actor's name at the time.
    #[schema(example = "Ada Moyo")]
    actor_name: String,
    /// `CREATE`, `UPDATE`, `DELETE`, or `VISIT` of a platform superadministrator.
    #[schema(example = "UPDATE")]
    action: String,
    /// What kind of record.
    #[schema(example = "users")]
    table_name: String,
    /// Which record.
    record_id: String,
    /// The fields that changed.
    changes: BTreeMap<String, ChangeOut>,
    /// The client's address.
    ip_address: Option<String>,
    /// The request that did it.
    request_id: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

impl From<AuditRow> for AuditLogOut {
    fn from(row: AuditRow) -> Self {
        let part = |change: &Value, name: &str| change.get(name).cloned().unwrap_or_default();
        let changes = row
            .changes
            .iter()
            .map(|(field, change)| {
                (
                    field.clone(),
                    ChangeOut {
                        from: part(change, "from"),
                        to: part(change, "to"),
                    },
                )
            })
            .collect();
        Self {
            id: row.id,
            actor_kind: row.actor_kind,
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            table_name: row.table_name,
            record_id: row.record_id,
            changes,
            ip_address: row.ip_address,
            request_id: row.request_id,
            timestamp: row.timestamp,
        }
    }
}

/// What the audit log can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub struct AuditLogFilters {
    /// Text in the actor's name, the table, the record or the changes.
    #[param(max_length = 100)]
    search: Option<String>,
    /// `CREATE`, `UPDATE`, `DELETE`, or `VISIT` of a platform superadministrator.
    #[param(max_length = 255)]
    action: Option<String>,
    /// Kind of record.
    #[param(max_length = 255)]
    table_name: Option<String>,
    /// One record.
    #[param(max_length = 255)]
    record_id: Option<String>,
    /// One actor.
    #[param(max_length = 255)]
    actor: Option<String>,
    /// Kind of actor.
    #[param(max_length = 255)]
    actor_kind: Option<String>,
    /// One request.
    #[param(max_length = 255)]
    request_id: Option<String>,
}
