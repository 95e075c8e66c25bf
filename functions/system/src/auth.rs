//! Signing in as a platform user.

use homeroom_domain::permissions::system::CATALOGUE;
use homeroom_edge::{
    ApiError, Body, Caller, Door, Json, NoContent, SystemArea,
    identity::{
        auth::{
            self, Attempt, ChangePasswordBody, ChangePasswordIn, LoginBody, LoginIn, LoginOut,
            RefreshBody, RefreshIn, TokensOut,
        },
        users::{UserOut, out},
    },
};
use homeroom_store::{Batch, TenantDb, control::directory, identity::users, sql::Consistency};
use serde::Serialize;
use utoipa::ToSchema;

/// Schools that are asked about one identifier: a bound on the work of one sign-in.
const MAX_SCHOOLS: u8 = 3;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeOut {
    #[serde(flatten)]
    user: UserOut,
    /// Everything that the user may do here.
    #[schema(example = json!(["system.view_school"]))]
    permissions: Vec<&'static str>,
}

/// Sign in
///
/// Three wrong passwords in a row lock the pair of address and identifier for 15 minutes. A school's user gets 403, but
/// only with the right password.
#[utoipa::path(post, path = "/api/v1/system/auth/login/", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = LoginOut)))]
pub(crate) async fn login(
    door: Door<SystemArea>,
    body: Body<LoginIn>,
) -> Result<Json<LoginOut>, ApiError> {
    let attempt = Attempt::at(&door, &body.input.identifier).await?;
    let compared = auth::authenticate(&door, &body.input).await;
    if let Some(found) = attempt.unless_ours(compared).await? {
        return Ok(Json(
            auth::sign_in(&door, &attempt, found, Batch::default()).await?,
        ));
    }
    let compared = is_school_user(&door, &body.input).await;
    if attempt.unless_ours(compared).await? {
        attempt.succeed().await?;
        return Err(ApiError::Forbidden {
            code: "school_user",
            detail: "This is a school's account. Sign in at the school's own address.".into(),
        });
    }
    Err(attempt.failed())
}

/// Whether a school knows this pair of identifier and password. Somebody whom no school knows costs the same work.
async fn is_school_user(door: &Door<SystemArea>, login: &LoginIn) -> Result<bool, ApiError> {
    let hash = door
        .app
        .settings
        .keys
        .identifier_hash(login.identifier.as_str());
    let mut known = false;
    for school in directory::find_schools(&door.db, &hash, MAX_SCHOOLS).await? {
        let Ok(school) = school.active() else {
            continue;
        };
        let trace = door.context.trace.aside();
        let db = TenantDb::open(
            &*door.app.ports.databases,
            &school,
            &Consistency::Any,
            &trace,
        )?;
        let Some(found) = users::find_credentials(&db, &login.identifier).await? else {
            continue;
        };
        known = true;
        if auth::verify(&door.app, &login.password, Some(&found.password_hash))
            .await?
            .matches
        {
            return Ok(true);
        }
    }
    if !known {
        auth::verify(&door.app, &login.password, None).await?;
    }
    Ok(false)
}

/// Exchange a refresh token for a new pair
///
/// Within 30 seconds the same token gives the same pair again; later use ends the whole sign-in.
#[utoipa::path(post, path = "/api/v1/system/auth/refresh/", tag = "auth", request_body = RefreshBody,
    responses((status = 200, body = TokensOut)))]
pub(crate) async fn refresh(
    door: Door<SystemArea>,
    body: Body<RefreshIn>,
) -> Result<Json<TokensOut>, ApiError> {
    auth::refresh(&door, &body.input).await.map(Json)
}

/// Who is signed in
#[utoipa::path(get, path = "/api/v1/system/auth/me/", tag = "auth", responses((status = 200, body = MeOut)),
    security(("bearer" = [])))]
pub(crate) async fn find_me(caller: Caller<SystemArea>) -> Result<Json<MeOut>, ApiError> {
    let user = users::find(&caller.db, auth::own_user(&caller)?).await?;
    Ok(Json(MeOut {
        user: out(&caller, user),
        permissions: caller.actor.permissions.expand(CATALOGUE),
    }))
}

/// End this sign-in
#[utoipa::path(post, path = "/api/v1/system/auth/logout/", tag = "auth", responses((status = 204)),
    security(("bearer" = [])))]
pub(crate) async fn logout(caller: Caller<SystemArea>) -> Result<NoContent, ApiError> {
    auth::logout(&caller).await.map(|()| NoContent)
}

/// End every sign-in of this user
#[utoipa::path(post, path = "/api/v1/system/auth/logout-all/", tag = "auth", responses((status = 204)),
    security(("bearer" = [])))]
pub(crate) async fn logout_all(caller: Caller<SystemArea>) -> Result<NoContent, ApiError> {
    auth::logout_all(&caller).await.map(|()| NoContent)
}

/// Choose a new password
///
/// Every sign-in of the user ends; the answer starts a new one.
#[utoipa::path(post, path = "/api/v1/system/auth/change-password/", tag = "auth", request_body = ChangePasswordBody,
    responses((status = 200, body = TokensOut)), security(("bearer" = [])))]
pub(crate) async fn change_password(
    caller: Caller<SystemArea>,
    body: Body<ChangePasswordIn>,
) -> Result<Json<TokensOut>, ApiError> {
    auth::change_password(&caller, &body.input).await.map(Json)
}
