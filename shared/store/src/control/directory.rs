//! Which schools know a person, by keyed hash of an identifier. Fed by the schools' outboxes.

use homeroom_domain::TenantId;

use super::registry::{self, School};
use crate::{
    connection::ControlDb,
    error::StoreError,
    school::outbox::DirectoryEntry,
    sql::{Statement, Value, sql},
};

pub(crate) fn upsert_statement(tenant: TenantId, entry: &DirectoryEntry, seq: i64) -> Statement {
    sql!(
        "insert into directory (identifier_hash, tenant_id, user_id, present, seq) values (?1, ?2, ?3, ?4, ?5) \
         on conflict (identifier_hash, tenant_id, user_id) \
         do update set present = excluded.present, seq = excluded.seq where excluded.seq > directory.seq",
        &entry.identifier_hash,
        tenant,
        entry.user_id,
        entry.present,
        Value::Int(seq),
    )
}

/// The schools that know a person, at most `limit`.
pub async fn find_schools(
    db: &ControlDb,
    identifier_hash: &str,
    limit: u8,
) -> Result<Vec<School>, StoreError> {
    let text = format!(
        "select {} from tenants t where t.id in \
         (select tenant_id from directory where identifier_hash = ?1 and present = 1) order by t.id limit ?2",
        registry::COLUMNS
    );
    db.0.rows(sql!(text, identifier_hash, i64::from(limit)))
        .await
}
