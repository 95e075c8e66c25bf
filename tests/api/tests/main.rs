//! The platform as its clients see it. Modules mirror the URL paths.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    clippy::format_collect,
    clippy::explicit_counter_loop,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "tests fail by panicking, and a story is told in one piece"
)]

mod audit;
mod budgets;
mod chatbot;
mod codes;
mod conformance;
mod faults;
mod fuzz;
mod guards;
mod idempotency;
mod identity;
mod isolation;
mod lists;
mod permissions;
mod pins;
mod ports;
mod races;
mod routes;
mod schema;
mod school;
mod sms;
mod system;
mod wrong_pins;

use homeroom_api_tests::Reply;
use serde_json::{Value, json};

/// Status and body of an answer with what differs between runs replaced.
pub(crate) fn pinned(reply: &Reply) -> Value {
    json!({"status": reply.status, "body": reply.shape()})
}
