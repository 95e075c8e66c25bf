//! Sending, and what is asked before it.

pub(crate) mod batch;
pub(crate) mod check_esme;
pub(crate) mod check_text;
pub(crate) mod draft;
pub(crate) mod recipients;
pub(crate) mod rules;
pub(crate) mod single;

use homeroom_edge::{ApiError, App, Context, sms::Closed};
use http::StatusCode;

/// Refuses what is no link or pool, who may not send by it, and everyone where an administrator switched it off.
pub(crate) async fn admit(app: &App, context: &Context, esme: i64) -> Result<(), ApiError> {
    let Some(closed) = app.closed(context, esme).await? else {
        return Ok(());
    };
    Err(match closed {
        Closed::Unknown => unknown(esme),
        Closed::Address => ApiError::gateway(
            StatusCode::FORBIDDEN,
            "ip_not_allowed",
            "IP not in whitelist for the requested SMPP link",
        ),
        Closed::Off => ApiError::gateway(
            StatusCode::CONFLICT,
            "link_disabled",
            "this link is switched off",
        ),
    })
}

/// The answer to the number of no link and no pool.
fn unknown(esme: i64) -> ApiError {
    let words = format!("unknown esme {esme}");
    ApiError::gateway(StatusCode::NOT_FOUND, "unknown_esme", words)
}
