//! The SMS gateway: `/api/v1/auth/`, `/api/v1/sms/` and what is around them.

mod accounts;
mod admin;
mod batch;
mod bridge;
mod callbacks;
mod cancel;
mod confidential;
mod contacts;
mod cuts;
mod deliveries;
mod everywhere;
mod inbound;
mod lasting;
mod opt_out_lists;
mod path;
mod rules;
mod school_batches;
mod school_messages;
mod school_year;
mod search;
mod sending;
mod stops;
mod switches;
mod wire;

use homeroom_api_tests::{SmsUser, TestApp};
use serde_json::{Value, json};

/// A receipt of the bridge for a message of an app.
pub(crate) fn receipt(
    user: &SmsUser,
    tenant: Option<&str>,
    id: &str,
    version: u64,
    status: &str,
    parts: &[&str],
) -> Value {
    let parts: Vec<Value> = (1..)
        .zip(parts)
        .map(|(number, status)| json!({"number": number, "status": status, "error": null}))
        .collect();
    json!({
        "id": format!("evt-{id}-{version}"), "at": 1_768_464_100_000_i64, "message_id": id, "app_id": user.app_id,
        "tenant": tenant, "version": version, "status": status, "parts": parts, "error": "",
    })
}

/// Changes an app as an administrator would, and lets isolates forget what they knew.
pub(crate) fn set(app: &TestApp, user: &SmsUser, columns: &str) {
    app.execute(
        "CONTROL",
        &format!("update sms_apps set {columns} where id = {}", user.app_id),
    );
    app.pass_seconds(4);
}
