//! `/api/v1/system/`, on the public host.

mod api_keys;
mod audit_logs;
mod auth;
mod roles;
mod school_creation;
mod school_states;
mod schools;
mod users;
mod webhook_turns;
mod webhooks;
