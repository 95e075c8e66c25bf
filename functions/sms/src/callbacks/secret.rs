//! What callbacks are signed with: kept sealed, shown once, replaced by another.

use homeroom_domain::{credentials::Plane, webhooks::BOTH_SECONDS};
use homeroom_edge::{ApiError, App, Json, sms::AppCaller, telling};
use homeroom_store::{IdentityDb, sms::callbacks};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

fn unknown() -> ApiError {
    ApiError::gateway(
        StatusCode::NOT_FOUND,
        "not_found",
        "this app has no callbacks",
    )
}

pub(super) fn place(app_id: i64) -> String {
    format!("sms-callbacks/{app_id}")
}

/// A new secret, as it is shown and as it is stored.
pub(super) fn make(caller: &AppCaller) -> (String, String) {
    let place = place(caller.sms_app.id);
    telling::new_secret(&caller.app, caller.db.plane(), &place, caller.context.now)
}

/// Whether a key of the platform opens a stored secret.
pub(super) fn is_good(app: &App, plane: Plane, app_id: i64, stored: &str) -> bool {
    telling::open_secret(app, plane, &place(app_id), stored).is_some()
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretOut {
    /// Shown this once.
    #[schema(example = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")]
    secret: String,
}

/// Replace the secret
///
/// The one before signs beside it for a day more.
#[utoipa::path(post, path = "/api/v1/sms/callbacks/secret", tag = "callbacks",
    responses((status = 200, body = SecretOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn replace_callback_secret(
    caller: AppCaller,
) -> Result<Json<SecretOut>, ApiError> {
    let app_id = caller.sms_app.id;
    let known = callbacks::find_settings(&caller.db, app_id).await?;
    let known = known.ok_or_else(unknown)?;
    let (secret, sealed) = make(&caller);
    let both_since = caller.context.now.plus_seconds(-BOTH_SECONDS);
    callbacks::replace_secret(&caller.stamp(), app_id, &known, &sealed, both_since)
        .commit(&caller.db)
        .await?;
    Ok(Json(SecretOut { secret }))
}
