//! Withdrawing a message that has not left.

use axum::extract::Path;
use homeroom_domain::{SmsMessageId, sms::status::MessageStatus};
use homeroom_edge::{ApiError, Json, sms::AppCaller};
use homeroom_sms_contract::submit::{Cancellation, Cancelled};
use homeroom_store::sms::{callbacks, messages};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{found, id};
use crate::outbound;

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
    let tells = withdraw(&caller, id).await?;
    outbound::tell(&caller.app, caller.sms_app.tenant, tells).await;
    Ok(Json(CancelOut {
        success: true,
        message_id: id.to_string(),
        status: MessageStatus::Deleted.name(),
    }))
}

fn refused(code: &'static str, words: &'static str) -> ApiError {
    ApiError::gateway(StatusCode::CONFLICT, code, words)
}

/// Withdraws a message of an app, here while nobody has taken it, and otherwise at the bridge; whether somebody is to be told of something then.
async fn withdraw(caller: &AppCaller, id: SmsMessageId) -> Result<bool, ApiError> {
    let (db, app_id, now) = (&caller.db, caller.sms_app.id, caller.context.now);
    let (withdrew, tells) = messages::withdraw(db, app_id, id, now).await?;
    if withdrew {
        return Ok(tells);
    }
    let row = found(messages::find(db, app_id, id).await)?;
    match row.status {
        MessageStatus::Deleted => return Ok(tells),
        MessageStatus::Accepted => {}
        _ => return Err(refused("too_late", "too late: the message has left")),
    }
    let cancellation = Cancellation {
        message_id: id.to_string(),
        app_id,
    };
    match caller.app.ports.bridge.cancel(&cancellation).await? {
        Cancelled::Cancelled => {
            Ok(callbacks::carry_out(messages::withdrawn(app_id, id, now), db, now).await?)
        }
        Cancelled::TooLate => Err(refused("too_late", "too late: the message has left")),
        Cancelled::Unknown => Err(refused(
            "in_progress",
            "the message is on its way to the bridge: try again shortly",
        )),
    }
}
