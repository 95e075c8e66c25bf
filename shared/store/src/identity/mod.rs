//! Users, roles, sign-ins, audit log and idempotency keys: the same tables in the platform's database and in every school's.

pub mod audit_logs;
pub mod idempotency;
pub mod role_assignments;
pub mod roles;
pub mod sessions;
pub mod users;
