//! Accounts: made, signed in, asked about, deleted.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    TenantId,
    credentials::{
        self, Plane,
        encoding::base64url,
        sms_token::{self, SmsClaims},
    },
    identity,
};
use homeroom_edge::{
    ApiError, Body, Json,
    identity::{
        auth::{Attempt, verify},
        users::hash_password,
    },
    sms::{AppCaller, SmsDoor, unknown_app},
};
use homeroom_kernel::{Fields, IdSource, Input, rules};
use homeroom_objects::address;
use homeroom_store::control::{
    registry::ActiveSchool,
    sms_accounts::{self, AccountRow, NewAccount},
    sms_apps,
};
use http::StatusCode;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

/// What a new app may do: messages a second and at once, parts a day and a month.
const DEFAULT_RATE: (i64, i64) = (10, 20);
const DEFAULT_PARTS: (i64, i64) = (1_000, 10_000);
/// How the secret of an app begins.
const SECRET_PREFIX: &str = "hrs_";

fn plane(school: Option<&ActiveSchool>) -> (Plane, Option<TenantId>) {
    match school.map(ActiveSchool::id) {
        Some(id) => (Plane::School(id), Some(id)),
        None => (Plane::System, None),
    }
}

pub(crate) struct RegisterIn {
    email: String,
    password: SecretString,
    app_name: String,
}

impl Input for RegisterIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", identity::email);
        let password = fields.required("password", identity::new_password);
        let app_name = fields.required("app_name", rules::text(1, 100));
        Some(Self {
            email: email?,
            password: password?,
            app_name: app_name?,
        })
    }
}

/// A new account.
#[derive(ToSchema)]
#[schema(as = RegisterIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RegisterIn reads it"
)]
pub(crate) struct RegisterBody {
    /// Its email address.
    #[schema(example = "user@example.com", max_length = 254)]
    email: String,
    /// 8 to 128 characters, none of the most common.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "correct horse battery")]
    password: String,
    /// Name of its first app.
    #[schema(example = "my-application", max_length = 100)]
    app_name: String,
}

/// The account and its app.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisterOut {
    /// The account.
    #[schema(example = 1)]
    user_id: i64,
    /// Its app: sign in with it, and send it as `X-App-ID`.
    #[schema(example = 1)]
    app_id: i64,
    /// The app's secret; shown this once.
    #[schema(example = "hrs_gB1yVfK0c3Q9m7pTtXo2sJ5hR8wN4uLdE6iAaZkYxWc")]
    app_secret: String,
    /// Whether the app may send already; otherwise an administrator activates it.
    is_active: bool,
}

/// Make an account and its first app
///
/// Three from one address in 15 minutes. At a school's address the account is good there only.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", request_body = RegisterBody,
    responses((status = 200, body = RegisterOut)))]
pub(crate) async fn register(
    door: SmsDoor,
    body: Body<RegisterIn>,
) -> Result<Json<RegisterOut>, ApiError> {
    let (plane, tenant) = plane(door.school.as_ref());
    let ip = door.context.ip.map(|ip| ip.to_string());
    let from = address::counted_as(ip.as_deref().unwrap_or_default());
    // Never told that it succeeded: what the guard counts here are accounts, not failures.
    let subject = format!("sms-register:{from}");
    let attempt = Attempt::begin(&door.app, &door.context, plane, &subject).await?;
    let made = make_account(&door, &body.input, tenant).await;
    Ok(Json(attempt.unless_ours(made).await?))
}

async fn make_account(
    door: &SmsDoor,
    input: &RegisterIn,
    tenant: Option<TenantId>,
) -> Result<RegisterOut, ApiError> {
    let password_hash = hash_password(&door.app, &input.password).await?;
    let secret = IdSource::new(&*door.app.ports.entropy, door.context.now).secret();
    let app_secret = format!("{SECRET_PREFIX}{}", base64url(&secret));
    let is_active = !door.app.settings.sms.needs_approval;
    let account = NewAccount {
        email: &input.email,
        password_hash: &password_hash,
        tenant,
        app_name: &input.app_name,
        secret_hash: &credentials::digest(&app_secret),
        is_active,
        rate: DEFAULT_RATE,
        parts: DEFAULT_PARTS,
        policy: "{}",
    };
    let made = sms_accounts::register(&door.control, &door.stamp(None), &account).await?;
    Ok(RegisterOut {
        user_id: made.user_id,
        app_id: made.app_id,
        app_secret,
        is_active,
    })
}

pub(crate) struct LoginIn {
    email: String,
    password: SecretString,
    app_id: i64,
}

impl Input for LoginIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        // Any text is looked up: a malformed address gets the same answer as an unknown one.
        let email = fields.required("email", rules::text(1, 254));
        let password = fields.required("password", identity::presented_password);
        let app_id = fields.required("app_id", rules::integer(1, i64::MAX));
        Some(Self {
            email: email?.to_lowercase(),
            password: password?,
            app_id: app_id?,
        })
    }
}

/// A sign-in.
#[derive(ToSchema)]
#[schema(as = LoginIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; LoginIn reads it"
)]
pub(crate) struct LoginBody {
    /// The account's email address.
    #[schema(example = "user@example.com", max_length = 254)]
    email: String,
    /// Its password.
    #[schema(format = Password, min_length = 1, max_length = 128, example = "correct horse battery")]
    password: String,
    /// One of its apps.
    #[schema(example = 1, minimum = 1)]
    app_id: i64,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginOut {
    /// Sent as `Authorization: Bearer …`, with the app as `X-App-ID`; good for 12 hours.
    #[schema(example = "eyJhbGciOiJIUzI1NiIs…")]
    token: String,
}

/// Sign in with an app
///
/// Three wrong passwords in a row lock the pair of address and account for 15 minutes.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = LoginOut)))]
pub(crate) async fn login(door: SmsDoor, body: Body<LoginIn>) -> Result<Json<LoginOut>, ApiError> {
    let input = &body.input;
    let (plane, tenant) = plane(door.school.as_ref());
    let subject = format!("sms:{}", input.email);
    let attempt = Attempt::begin(&door.app, &door.context, plane, &subject).await?;
    let compared = compare(&door, tenant, input).await;
    let Some(account) = attempt.unless_ours(compared).await? else {
        return Err(attempt.failed());
    };
    attempt.succeed().await?;
    let app = sms_apps::find(&door.control, input.app_id).await?;
    let app = app
        .filter(|app| app.account_id == Some(account.id) && app.tenant == tenant)
        .ok_or_else(unknown_app)?;
    if !app.is_active {
        return Err(ApiError::gateway(
            StatusCode::FORBIDDEN,
            "app_inactive",
            "the app is not active: an administrator activates it",
        ));
    }
    let claims = SmsClaims {
        app_id: app.id,
        user_id: account.id,
        is_admin: account.is_admin,
        tenant: tenant.map(|id| id.to_string()),
    };
    Ok(Json(LoginOut {
        token: sms_token::sign(door.app.sms_keys(), &claims, door.context.now),
    }))
}

/// The account whose password this is; an unknown one costs the same work.
async fn compare(
    door: &SmsDoor,
    tenant: Option<TenantId>,
    input: &LoginIn,
) -> Result<Option<AccountRow>, ApiError> {
    let found = sms_accounts::find_by_email(&door.control, tenant, &input.email).await?;
    let stored = found.as_ref().map(|account| account.password_hash.as_str());
    let verified = verify(&door.app, &input.password, stored).await?;
    let account = found.filter(|_| verified.matches);
    if let (Some(account), Some(hash)) = (&account, &verified.rehash) {
        sms_accounts::rehash(account, hash)
            .commit(&door.control)
            .await?;
    }
    Ok(account)
}

pub(crate) struct AccountIn {
    user_id: i64,
}

impl Input for AccountIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            user_id: fields.required("user_id", rules::integer(1, i64::MAX))?,
        })
    }
}

/// An account.
#[derive(ToSchema)]
#[schema(as = AccountIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AccountIn reads it"
)]
pub(crate) struct AccountBody {
    /// Its number.
    #[schema(example = 1, minimum = 1)]
    user_id: i64,
}

/// Whether it is an administrator's.
#[derive(Serialize, ToSchema)]
pub(crate) struct IsAdminOut {
    is_admin: bool,
}

/// The account of this place, for an administrator or itself. Others are told nothing, not even that it exists.
async fn about(caller: &AppCaller, door: &SmsDoor, user_id: i64) -> Result<AccountRow, ApiError> {
    if !caller.sms_app.is_admin && user_id != caller.user_id {
        return Err(ApiError::gateway(
            StatusCode::FORBIDDEN,
            "administrators_only",
            "only an administrator may ask for another account",
        ));
    }
    let (_, tenant) = plane(door.school.as_ref());
    Ok(sms_accounts::find(&door.control, tenant, user_id).await?)
}

/// Whether an account is an administrator's
///
/// For administrators, and for the account itself.
#[utoipa::path(post, path = "/api/v1/auth/is-admin", tag = "auth", request_body = AccountBody,
    responses((status = 200, body = IsAdminOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn is_admin(
    caller: AppCaller,
    body: Body<AccountIn>,
) -> Result<Json<IsAdminOut>, ApiError> {
    let door = caller.door()?;
    let account = about(&caller, &door, body.input.user_id).await?;
    Ok(Json(IsAdminOut {
        is_admin: account.is_admin,
    }))
}

/// Whether the account is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeleteUserOut {
    result: bool,
}

/// Delete an account
///
/// For administrators, and for the account itself. Its apps send nothing more; its messages stay, and its address is free again.
#[utoipa::path(post, path = "/api/v1/auth/delete-user", tag = "auth", request_body = AccountBody,
    responses((status = 200, body = DeleteUserOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn delete_user(
    caller: AppCaller,
    body: Body<AccountIn>,
) -> Result<Response, ApiError> {
    let door = caller.door()?;
    let account = about(&caller, &door, body.input.user_id).await?;
    let deleted = sms_accounts::delete(&door.stamp(Some(caller.user_id)), &account)
        .commit(&door.control)
        .await;
    door.app.forget_sms();
    deleted?;
    Ok(Json(DeleteUserOut { result: true }).into_response())
}
