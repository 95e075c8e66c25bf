//! Accounts.

use axum::extract::Path;
use homeroom_edge::{ApiError, Body, Json, NoContent, Query, sms::SmsAdmin};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::control::sms_accounts::{self, AccountEntry};
use serde::Serialize;
use utoipa::ToSchema;

use super::{after, found, number};
use crate::paging::{Part, PartOut};

const UNKNOWN: &str = "user not found";

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserOut {
    #[schema(example = 1)]
    user_id: i64,
    #[schema(example = "user@example.com")]
    email: String,
    /// Whether it may see and remove others.
    #[schema(example = false)]
    is_admin: bool,
    /// The school that it is good at; null: the public host.
    tenant: Option<String>,
    /// Its apps.
    #[schema(example = json!([1]))]
    apps: Vec<i64>,
    /// In unix seconds.
    #[schema(example = 1_937_082_918)]
    created_at: i64,
}

impl From<AccountEntry> for UserOut {
    fn from(row: AccountEntry) -> Self {
        Self {
            user_id: row.id,
            email: row.email,
            is_admin: row.is_admin,
            tenant: row.tenant.map(|id| id.to_string()),
            apps: row.apps,
            created_at: row.created_at.seconds(),
        }
    }
}

/// List accounts
///
/// Of every place, by number.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration",
    params(
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<UserOut>)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_users(
    admin: SmsAdmin,
    query: Query,
) -> Result<Json<PartOut<UserOut>>, ApiError> {
    let part: Part = query.read()?;
    let after = after(part.after.as_deref())?;
    let rows = sms_accounts::list(&admin.control, after, part.ask()).await?;
    Ok(Json(part.answer(
        rows,
        |row| row.id.to_string(),
        Into::into,
    )))
}

pub(crate) struct UserIn {
    is_admin: bool,
}

impl Input for UserIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            is_admin: fields.required("is_admin", rules::boolean)?,
        })
    }
}

/// What is to change of an account.
#[derive(ToSchema)]
#[schema(as = UserIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; UserIn reads it"
)]
pub(crate) struct UserBody {
    /// Whether it may see and remove others.
    #[schema(example = true)]
    is_admin: bool,
}

/// Make an account an administrator's, or no longer
///
/// Everywhere within three seconds.
#[utoipa::path(patch, path = "/api/v1/admin/users/{user_id}", tag = "administration", request_body = UserBody,
    params(("user_id" = i64, Path, description = "Number of the account.")),
    responses((status = 200, body = UserOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn update_user(
    admin: SmsAdmin,
    Path(user_id): Path<String>,
    body: Body<UserIn>,
) -> Result<Json<UserOut>, ApiError> {
    let id = number(&user_id, UNKNOWN)?;
    let mut row = found(sms_accounts::find_entry(&admin.control, id).await, UNKNOWN)?;
    let is_admin = body.input.is_admin;
    let changed = sms_accounts::set_admin(&admin.stamp(), &row, is_admin)
        .commit(&admin.control)
        .await;
    admin.app.forget_sms();
    changed?;
    row.is_admin = is_admin;
    Ok(Json(row.into()))
}

/// Delete an account
///
/// Its apps send nothing more; its messages stay, and its address is free again.
#[utoipa::path(delete, path = "/api/v1/admin/users/{user_id}", tag = "administration",
    params(("user_id" = i64, Path, description = "Number of the account.")),
    responses((status = 204)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn remove_user(
    admin: SmsAdmin,
    Path(user_id): Path<String>,
) -> Result<NoContent, ApiError> {
    let id = number(&user_id, UNKNOWN)?;
    let account = found(
        sms_accounts::find_anywhere(&admin.control, id).await,
        UNKNOWN,
    )?;
    let deleted = sms_accounts::delete(&admin.stamp(), &account)
        .commit(&admin.control)
        .await;
    admin.app.forget_sms();
    deleted?;
    Ok(NoContent)
}
