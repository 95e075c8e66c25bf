//! Where an app wants to be told, and of what.

use axum::extract::Path;
use homeroom_edge::{
    ApiError, App, Body, Json,
    sms::{AppCaller, SmsAdmin},
};
use homeroom_kernel::{Fields, Input};
use homeroom_store::{
    IdentityDb,
    control::sms_apps,
    sms::callbacks::{self, Settings, Wishes},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{check, secret};
use crate::{
    adapter, admin,
    fields::{callback_level, callback_url},
};

const LEVEL: u8 = 2;

/// Where an app wants to be told.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallbacksOut {
    /// Where to tell what became of messages; null: nowhere.
    #[schema(example = "https://hooks.example.org/sms")]
    status_url: Option<String>,
    /// 1: the first change, 2: the last, 3: all.
    #[schema(example = 2)]
    status_level: u8,
    /// Where to send messages from phones; null: nowhere.
    #[schema(example = "https://hooks.example.org/inbound")]
    inbound_url: Option<String>,
    /// Since when the secret is good, in unix seconds; 0: there is none yet.
    #[schema(example = 1_937_082_918)]
    secret_at: i64,
    /// What callbacks are signed with: shown once, in the answer that makes it, and null otherwise.
    #[schema(example = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")]
    secret: Option<String>,
}

impl CallbacksOut {
    fn new(known: Option<Settings>, is_good: bool, secret: Option<String>) -> Self {
        let secret_at = known.as_ref().filter(|_| is_good);
        let secret_at = secret_at.map_or(0, |known| known.secret_at.seconds());
        let wishes = known.map_or(
            Wishes {
                status_url: None,
                status_level: LEVEL,
                inbound_url: None,
            },
            |known| known.wishes,
        );
        Self {
            status_url: wishes.status_url,
            status_level: wishes.status_level,
            inbound_url: wishes.inbound_url,
            secret_at,
            secret,
        }
    }
}

/// Show callbacks
#[utoipa::path(get, path = "/api/v1/sms/callbacks", tag = "callbacks",
    responses((status = 200, body = CallbacksOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_callbacks(caller: AppCaller) -> Result<Json<CallbacksOut>, ApiError> {
    let known = callbacks::find_settings(&caller.db, caller.sms_app.id).await?;
    let is_good = has_secret(&caller.app, &caller.db, caller.sms_app.id, known.as_ref());
    Ok(Json(CallbacksOut::new(known, is_good, None)))
}

/// Whether there is a secret, and a key of the platform opens it.
fn has_secret(app: &App, db: &impl IdentityDb, app_id: i64, known: Option<&Settings>) -> bool {
    known.is_some_and(|known| secret::is_good(app, db.plane(), app_id, &known.secret))
}

/// Show the callbacks of an app
#[utoipa::path(get, path = "/api/v1/admin/apps/{app_id}/callbacks", tag = "administration",
    params(("app_id" = i64, Path, description = "Number of the app.")),
    responses((status = 200, body = CallbacksOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_app_callbacks(
    admin: SmsAdmin,
    Path(app_id): Path<String>,
) -> Result<Json<CallbacksOut>, ApiError> {
    let id = admin::number(&app_id, admin::apps::UNKNOWN)?;
    let found = sms_apps::find_entry(&admin.control, id).await;
    let row = admin::found(found, admin::apps::UNKNOWN)?;
    let Some(db) = adapter::open(&admin.app, row.tenant).await? else {
        // Of a school that is closed.
        return Ok(Json(CallbacksOut::new(None, false, None)));
    };
    let known = callbacks::find_settings(&db, id).await?;
    let is_good = has_secret(&admin.app, &db, id, known.as_ref());
    Ok(Json(CallbacksOut::new(known, is_good, None)))
}

pub(crate) struct CallbacksIn(Wishes);

impl Input for CallbacksIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status_url = fields.nullable("status_url", callback_url);
        let status_level = fields.optional("status_level", callback_level);
        let inbound_url = fields.nullable("inbound_url", callback_url);
        Some(Self(Wishes {
            status_url: status_url?.flatten(),
            status_level: status_level?.unwrap_or(LEVEL),
            inbound_url: inbound_url?.flatten(),
        }))
    }
}

/// Where an app wants to be told.
#[derive(ToSchema)]
#[schema(as = CallbacksIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; CallbacksIn reads it"
)]
pub(crate) struct CallbacksBody {
    /// Where to tell what became of messages; nowhere where it is absent. HTTPS, and a server that everybody can reach.
    #[schema(example = "https://hooks.example.org/sms", max_length = 500)]
    status_url: Option<String>,
    /// 1: the first change, 2: the last, 3: all; 2 where it is absent.
    #[schema(example = 2, minimum = 1, maximum = 3)]
    status_level: Option<u8>,
    /// Where to send messages from phones; nowhere where it is absent.
    #[schema(example = "https://hooks.example.org/inbound", max_length = 500)]
    inbound_url: Option<String>,
}

/// Set callbacks
///
/// The first time makes the secret that they are signed with, and shows it this once.
#[utoipa::path(put, path = "/api/v1/sms/callbacks", tag = "callbacks", request_body = CallbacksBody,
    responses((status = 200, body = CallbacksOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn replace_callbacks(
    caller: AppCaller,
    body: Body<CallbacksIn>,
) -> Result<Json<CallbacksOut>, ApiError> {
    let wishes = body.input.0;
    check(&caller.app, "status_url", wishes.status_url.as_deref())?;
    check(&caller.app, "inbound_url", wishes.inbound_url.as_deref())?;
    let app_id = caller.sms_app.id;
    let before = callbacks::find_settings(&caller.db, app_id).await?;
    let before = before.map(|known| known.wishes);
    let (secret, sealed) = secret::make(&caller);
    let saved = callbacks::save(
        &caller.db,
        &caller.stamp(),
        app_id,
        before.as_ref(),
        &wishes,
        &sealed,
    )
    .await?;
    // Another one is there already, perhaps of a request that was faster.
    let secret = Some(secret).filter(|_| saved.secret == sealed);
    let is_good = has_secret(&caller.app, &caller.db, app_id, Some(&saved));
    Ok(Json(CallbacksOut::new(Some(saved), is_good, secret)))
}
