//! Signing in as a user of the school.

use homeroom_domain::permissions::ADMINISTRATOR;
use homeroom_domain::permissions::of_schools;
use homeroom_edge::{
    ApiError, Body, Caller, Door, Json, NoContent, SchoolArea,
    identity::{
        auth::{
            self, Attempt, ChangePasswordBody, ChangePasswordIn, LoginBody, LoginIn, LoginOut,
            RefreshBody, RefreshIn, TokensOut,
        },
        users::{UserOut, out},
    },
};
use homeroom_store::{
    Batch, TenantDb,
    identity::{roles, users},
    school::outbox::SetupProgress,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::outbox;

/// The school, as its users see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolOut {
    /// The school.
    #[schema(value_type = uuid::Uuid)]
    id: homeroom_domain::TenantId,
    /// Its name.
    #[schema(example = "Greenwood High")]
    name: String,
    /// Its slug.
    #[schema(example = "greenwood")]
    schema_name: String,
    /// Its short code.
    #[schema(example = "GW")]
    code: String,
    /// IANA name of the time zone.
    #[schema(example = "Africa/Harare")]
    timezone: String,
    /// BCP 47 tag of the language.
    #[schema(example = "en")]
    locale: String,
}

impl SchoolOut {
    fn new(db: &TenantDb) -> Self {
        let school = db.school().school();
        Self {
            id: school.id,
            name: school.name.clone(),
            schema_name: school.schema_name.clone(),
            code: school.code.clone(),
            timezone: school.timezone.clone(),
            locale: school.locale.clone(),
        }
    }
}

/// Who is signed in, and where.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeOut {
    #[serde(flatten)]
    user: UserOut,
    /// The school.
    school: SchoolOut,
    /// Everything that the user may do here, by all roles together.
    #[schema(example = json!(["school.view_staff"]))]
    permissions: Vec<&'static str>,
}

/// Everything that a caller may do.
#[derive(Serialize, ToSchema)]
pub(crate) struct EffectivePermissionsOut {
    /// Codenames.
    #[schema(example = json!(["school.view_staff"]))]
    permissions: Vec<&'static str>,
}

/// Sign in
///
/// Three wrong passwords in a row lock the pair of address and identifier for 15 minutes.
#[utoipa::path(post, path = "/api/v1/school/auth/login/", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = LoginOut)))]
pub(crate) async fn login(
    door: Door<SchoolArea>,
    body: Body<LoginIn>,
) -> Result<Json<LoginOut>, ApiError> {
    let attempt = Attempt::at(&door, &body.input.identifier).await?;
    let compared = auth::authenticate(&door, &body.input).await;
    let Some(found) = attempt.unless_ours(compared).await? else {
        return Err(attempt.failed());
    };
    let mut more = Batch::default();
    if found.0.user.last_login_at.is_none() && is_administrator(&door.db, &found.0.user).await? {
        more.announce_progress(&door.db, SetupProgress::InProgress, door.context.now);
        outbox::deliver_later(&door.app, &door.context, door.db.school());
    }
    Ok(Json(auth::sign_in(&door, &attempt, found, more).await?))
}

async fn is_administrator(db: &TenantDb, user: &users::UserRow) -> Result<bool, ApiError> {
    for held in &user.roles {
        if roles::find(db, held.id).await?.builtin.as_deref() == Some(ADMINISTRATOR) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Exchange a refresh token for a new pair
///
/// Within 30 seconds the same token gives the same pair again; later use ends the whole sign-in.
#[utoipa::path(post, path = "/api/v1/school/auth/refresh/", tag = "auth", request_body = RefreshBody,
    responses((status = 200, body = TokensOut)))]
pub(crate) async fn refresh(
    door: Door<SchoolArea>,
    body: Body<RefreshIn>,
) -> Result<Json<TokensOut>, ApiError> {
    auth::refresh(&door, &body.input).await.map(Json)
}

/// Who is signed in, and where
#[utoipa::path(get, path = "/api/v1/school/auth/me/", tag = "auth", responses((status = 200, body = MeOut)),
    security(("bearer" = [])))]
pub(crate) async fn find_me(caller: Caller<SchoolArea>) -> Result<Json<MeOut>, ApiError> {
    let user = users::find(&caller.db, auth::own_user(&caller)?).await?;
    Ok(Json(MeOut {
        user: out(&caller, user),
        school: SchoolOut::new(&caller.db),
        permissions: caller.actor.permissions.expand(of_schools()),
    }))
}

/// Everything that the caller may do here
#[utoipa::path(get, path = "/api/v1/school/auth/permissions/", tag = "auth",
    responses((status = 200, body = EffectivePermissionsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_own_permissions(
    caller: Caller<SchoolArea>,
) -> Json<EffectivePermissionsOut> {
    Json(EffectivePermissionsOut {
        permissions: caller.actor.permissions.expand(of_schools()),
    })
}

/// End this sign-in
#[utoipa::path(post, path = "/api/v1/school/auth/logout/", tag = "auth", responses((status = 204)),
    security(("bearer" = [])))]
pub(crate) async fn logout(caller: Caller<SchoolArea>) -> Result<NoContent, ApiError> {
    auth::logout(&caller).await.map(|()| NoContent)
}

/// End every sign-in of this user
#[utoipa::path(post, path = "/api/v1/school/auth/logout-all/", tag = "auth", responses((status = 204)),
    security(("bearer" = [])))]
pub(crate) async fn logout_all(caller: Caller<SchoolArea>) -> Result<NoContent, ApiError> {
    auth::logout_all(&caller).await.map(|()| NoContent)
}

/// Choose a new password
///
/// Every sign-in of the user ends; the answer starts a new one.
#[utoipa::path(post, path = "/api/v1/school/auth/change-password/", tag = "auth", request_body = ChangePasswordBody,
    responses((status = 200, body = TokensOut)), security(("bearer" = [])))]
pub(crate) async fn change_password(
    caller: Caller<SchoolArea>,
    body: Body<ChangePasswordIn>,
) -> Result<Json<TokensOut>, ApiError> {
    auth::change_password(&caller, &body.input).await.map(Json)
}
