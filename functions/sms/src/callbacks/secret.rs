//! What callbacks are signed with: kept sealed, shown once, replaced by another.

use homeroom_domain::{
    credentials::{Plane, sealed},
    sms::callback,
};
use homeroom_edge::{ApiError, App, Json, sms::AppCaller};
use homeroom_kernel::IdSource;
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

fn place(app_id: i64) -> String {
    format!("sms-callbacks/{app_id}")
}

/// A new secret, as it is shown and as it is stored.
pub(super) fn make(caller: &AppCaller) -> (String, String) {
    let entropy = &*caller.app.ports.entropy;
    let secret = callback::new_secret(IdSource::new(entropy, caller.context.now).secret());
    let mut nonce = [0u8; 12];
    entropy.fill(&mut nonce);
    let keys = &caller.app.settings.keys;
    let place = place(caller.sms_app.id);
    let sealed = sealed::seal_lasting(keys, caller.db.plane(), &place, &secret, nonce);
    (secret, sealed)
}

/// The key that a stored secret stands for.
pub(super) fn open(app: &App, plane: Plane, app_id: i64, stored: &str) -> Option<Vec<u8>> {
    let secret = sealed::open(&app.settings.keys, plane, &place(app_id), stored)?;
    callback::key(&secret)
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
    let both_since = caller.context.now.plus_seconds(-callback::BOTH_SECONDS);
    callbacks::replace_secret(&caller.stamp(), app_id, &known, &sealed, both_since)
        .commit(&caller.db)
        .await?;
    Ok(Json(SecretOut { secret }))
}
