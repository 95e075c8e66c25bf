//! The platform as its clients see it. Modules mirror the URL paths.

mod faults;
mod identity;
mod isolation;
mod routes;
mod school;
mod system;

use homeroom_api_tests::Reply;
use serde_json::{Value, json};

/// Status and body of an answer with what differs between runs replaced.
pub(crate) fn pinned(reply: &Reply) -> Value {
    json!({"status": reply.status, "body": reply.shape()})
}
