//! Withdrawing a message that has not left.

use axum::extract::Path;
use homeroom_domain::{SmsMessageId, sms::status::MessageStatus};
use homeroom_edge::{ApiError, App, Json, sms::AppCaller};
use homeroom_kernel::Timestamp;
use homeroom_sms_contract::submit::{Cancellation, Cancelled};
use homeroom_store::{IdentityDb, sms::messages};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{found, id};

/// A message that was withdrawn.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancelOut {
    #[schema(example = true)]
    success: bool,
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    message_id: String,
    #[schema(example = "DELETED")]
    status: &'static str,
}

/// Withdraw a message
///
/// No part of it leaves any more. Where one may have left it is refused: `too_late`. Withdrawing it again changes nothing.
#[utoipa::path(post, path = "/api/v1/sms/{message_id}/cancel", tag = "messages",
    params(("message_id" = String, Path, description = "Id of the message.")),
    responses((status = 200, body = CancelOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn cancel_message(
    caller: AppCaller,
    Path(message_id): Path<String>,
) -> Result<Json<CancelOut>, ApiError> {
    let id = id(&message_id)?;
    let now = caller.context.now;
    withdraw(&caller.app, &caller.db, caller.sms_app.id, id, now).await?;
    Ok(Json(CancelOut {
        success: true,
        message_id: id.to_string(),
        status: MessageStatus::Deleted.name(),
    }))
}

fn refused(code: &'static str, words: &'static str) -> ApiError {
    ApiError::gateway(StatusCode::CONFLICT, code, words)
}

/// Withdraws a message of an app, here while nobody has taken it, and otherwise at the bridge.
pub(crate) async fn withdraw(
    app: &App,
    db: &impl IdentityDb,
    app_id: i64,
    id: SmsMessageId,
    now: Timestamp,
) -> Result<(), ApiError> {
    if messages::withdraw(db, app_id, id, now).await? {
        return Ok(());
    }
    let row = found(messages::find(db, app_id, id).await)?;
    match row.status {
        MessageStatus::Deleted => return Ok(()),
        MessageStatus::Accepted => {}
        _ => return Err(refused("too_late", "too late: the message has left")),
    }
    let cancellation = Cancellation {
        message_id: id.to_string(),
        app_id,
    };
    match app.ports.bridge.cancel(&cancellation).await? {
        Cancelled::Cancelled => Ok(messages::withdrawn(app_id, id, now).commit(db).await?),
        Cancelled::TooLate => Err(refused("too_late", "too late: the message has left")),
        Cancelled::Unknown => Err(refused(
            "in_progress",
            "the message is on its way to the bridge: try again shortly",
        )),
    }
}
