//! Sending, and what is asked before it.

pub(crate) mod batch;
pub(crate) mod check_esme;
pub(crate) mod check_text;
pub(crate) mod draft;
pub(crate) mod recipients;
pub(crate) mod rules;
pub(crate) mod single;

use homeroom_edge::{ApiError, App, Context};
use http::StatusCode;

/// Refuses who may not send by this link or pool, and everyone where an administrator switched it off.
pub(crate) async fn admit(app: &App, context: &Context, esme: i64) -> Result<(), ApiError> {
    let Some(link) = app.sms_link(context, esme).await? else {
        return Ok(());
    };
    if !link.allows(context.ip) {
        return Err(ApiError::gateway(
            StatusCode::FORBIDDEN,
            "ip_not_allowed",
            "ip not allowed for this link",
        ));
    }
    if !link.is_enabled {
        return Err(ApiError::gateway(
            StatusCode::CONFLICT,
            "link_disabled",
            "this link is switched off",
        ));
    }
    Ok(())
}
