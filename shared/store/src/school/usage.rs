//! How much a school uses the platform: counts for the platform's administrators, no personal data.

use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    connection::{Connection, Trace},
    control::registry::School,
    error::StoreError,
    sql::{Consistency, Databases, sql},
};

/// Counts of one school.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// Users who are not deleted.
    pub users: u64,
    /// Of these, who may sign in.
    pub active_users: u64,
    /// Staff records.
    pub staff: u64,
    /// Roles.
    pub roles: u64,
    /// Users who signed in within the last 30 days.
    pub users_signed_in_30_days: u64,
    /// Sign-ins that are alive.
    pub open_sessions: u64,
    /// Lines of the audit log.
    pub audit_entries: u64,
    /// The last sign-in of anyone.
    pub last_login_at: Option<Timestamp>,
}

/// Counts a school's rows, suspended or not.
pub async fn read(
    databases: &dyn Databases,
    school: &School,
    now: Timestamp,
    trace: &Trace,
) -> Result<Usage, StoreError> {
    let connection = Connection::open(databases, &school.slot, &Consistency::Any, trace)?;
    connection
        .first(sql!(
            "select (select count(*) from users where deleted_at is null) as users, \
             (select count(*) from users where deleted_at is null and is_active = 1) as active_users, \
             (select count(*) from staff) as staff, (select count(*) from roles) as roles, \
             (select count(*) from users where last_login_at > ?2) as users_signed_in_30_days, \
             (select count(*) from sessions where revoked_at is null and expires_at > ?1) as open_sessions, \
             (select count(*) from audit_logs) as audit_entries, \
             (select max(last_login_at) from users) as last_login_at",
            now,
            now.plus_seconds(-30 * 24 * 3600),
        ))
        .await?
        .ok_or(StoreError::NotFound)
}
