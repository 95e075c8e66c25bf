//! What stands between a message that is right and one that is sent.

use homeroom_domain::sms::{number::Address, policy::Wish};
use homeroom_edge::ApiError;
pub(crate) use homeroom_edge::sms_rules::{Rules, Taken, opted_out_of_all, refused};
use homeroom_store::control::sms_apps::SmsApp;
use http::StatusCode;

use super::draft::Draft;

/// Refuses a sender that is not one of the app's.
pub(crate) fn check_sender(app: &SmsApp, source: &Address) -> Result<(), ApiError> {
    if app.may_send_as(source.as_str()) {
        return Ok(());
    }
    Err(ApiError::gateway(
        StatusCode::FORBIDDEN,
        "sender_not_allowed",
        format!("this app may not send as {}", source.display()),
    ))
}

impl From<&Draft> for Wish {
    fn from(draft: &Draft) -> Self {
        Self {
            priority: draft.envelope.priority,
            send_at: draft.envelope.send_at,
            valid_until: draft.envelope.valid_until(),
        }
    }
}
