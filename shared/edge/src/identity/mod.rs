//! Signing in, users, roles and the audit log: the same in the platform's area and in a school's.

pub mod audit_logs;
pub mod auth;
pub mod roles;
pub mod users;
