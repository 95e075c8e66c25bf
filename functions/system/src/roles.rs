//! Platform roles. On the wire they name permissions by number.

use axum::response::Response;
use homeroom_domain::{
    RoleId, kinds,
    permissions::{
        self, ADMINISTRATOR,
        system::{AddRole, CATALOGUE, ChangeRole, DeleteRole, ViewRole},
    },
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SystemArea, SystemCan,
    identity::roles::{RoleFilters, refuse_builtin},
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::identity::roles::{self, RoleRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A platform role.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoleOut {
    /// The role.
    #[schema(value_type = uuid::Uuid)]
    id: RoleId,
    /// Unique.
    #[schema(example = "Support")]
    name: String,
    /// Numbers of permissions; all of them for the built-in administrators' role.
    #[schema(example = json!([1, 6]))]
    permissions: Vec<i64>,
    /// The same permissions by name.
    #[schema(example = json!(["system.view_school", "system.view_user"]))]
    permission_codenames: Vec<&'static str>,
    /// Whether the platform brings the role along; it cannot be changed then.
    is_builtin: bool,
    /// When the role was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the role was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<RoleRow> for RoleOut {
    fn from(row: RoleRow) -> Self {
        let held = permissions::PermissionSet::new(row.permission_codenames).expand(CATALOGUE);
        Self {
            id: row.id,
            name: row.name,
            permissions: CATALOGUE
                .iter()
                .filter(|e| held.contains(&e.codename))
                .map(|e| e.id)
                .collect(),
            permission_codenames: held,
            is_builtin: row.builtin.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The body of a platform role.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RoleIn reads it"
)]
pub(crate) struct RoleBody {
    /// Unique.
    #[schema(min_length = 1, max_length = 150, example = "Support")]
    name: String,
    /// Numbers of permissions from the list of permissions.
    #[schema(max_items = 100, example = json!([1, 6]))]
    permissions: Vec<i64>,
}

/// Changes to a platform role; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RoleIn reads it"
)]
pub(crate) struct RolePatch {
    /// Unique.
    #[schema(
        min_length = 1,
        max_length = 150,
        nullable = false,
        example = "Support"
    )]
    name: Option<String>,
    /// Numbers of permissions from the list of permissions.
    #[schema(max_items = 100, nullable = false, example = json!([1, 6]))]
    permissions: Option<Vec<i64>>,
}

/// What a client says of a role.
pub(crate) struct RoleIn {
    name: Option<String>,
    permissions: Option<Vec<String>>,
}

impl Input for RoleIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&[
            "id",
            "permission_codenames",
            "is_builtin",
            "created_at",
            "updated_at",
        ]);
        let name = fields.settable("name", rules::text(1, 150));
        let permissions = fields.settable("permissions", rules::list(100, codename));
        let permissions = permissions?.map(|mut list| {
            list.sort_unstable();
            list.dedup();
            list
        });
        Some(Self {
            name: name?,
            permissions,
        })
    }
}

/// A number of the catalogue, or a codename.
fn codename(value: &serde_json::Value) -> Result<String, String> {
    let number = rules::integer(0, i64::MAX)(value).ok();
    let wanted =
        |e: &&permissions::Entry| Some(e.id) == number || Some(e.codename) == value.as_str();
    let found = CATALOGUE.iter().find(wanted).map(|e| e.codename.to_owned());
    found.ok_or_else(|| format!("There is no permission {value}."))
}

/// Platform roles
#[utoipa::path(get, path = "/api/v1/system/roles/", tag = "roles", params(RoleFilters),
    responses((status = 200, body = List<RoleOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_roles(
    caller: SystemCan<ViewRole>,
    query: Query,
) -> Result<Json<List<RoleOut>>, ApiError> {
    let request = query.page(&roles::LISTING)?;
    let page = roles::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create a platform role
#[utoipa::path(post, path = "/api/v1/system/roles/", tag = "roles", request_body = RoleBody,
    responses((status = 201, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_role(
    post: Post<SystemArea, AddRole, RoleIn>,
) -> Result<Response, ApiError> {
    let stamp = post.stamp();
    let role = RoleRow {
        id: stamp.ids.next(),
        builtin: None,
        name: post.input.name.clone().unwrap_or_default(),
        description: String::new(),
        parent_role: None,
        permission_codenames: post.input.permissions.clone().unwrap_or_default(),
        created_at: stamp.now,
        updated_at: stamp.now,
    };
    post.may_grant(&role.permission_codenames, "permissions")?;
    let batch = roles::insert(&stamp, &role);
    let location = format!("/api/v1/system/roles/{}/", role.id);
    post.create(batch, &location, &RoleOut::from(role)).await
}

/// One platform role
#[utoipa::path(get, path = "/api/v1/system/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_role(
    caller: SystemCan<ViewRole>,
    id: At<kinds::Role>,
) -> Result<Json<RoleOut>, ApiError> {
    Ok(Json(roles::find(&caller.db, id.0).await?.into()))
}

/// Replace a platform role
#[utoipa::path(put, path = "/api/v1/system/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    request_body = RoleBody, responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_role(
    caller: SystemCan<ChangeRole>,
    id: At<kinds::Role>,
    body: Body<RoleIn>,
) -> Result<Json<RoleOut>, ApiError> {
    change(&caller, id, body.input).await
}

/// Change a platform role
#[utoipa::path(patch, path = "/api/v1/system/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    request_body = RolePatch, responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_role(
    caller: SystemCan<ChangeRole>,
    id: At<kinds::Role>,
    body: Body<RoleIn>,
) -> Result<Json<RoleOut>, ApiError> {
    change(&caller, id, body.input).await
}

async fn change(
    caller: &Caller<SystemArea>,
    id: At<kinds::Role>,
    input: RoleIn,
) -> Result<Json<RoleOut>, ApiError> {
    let before = roles::find(&caller.db, id.0).await?;
    refuse_builtin(&before, &[ADMINISTRATOR])?;
    // Who lacks a permission may neither hand it out nor take it away from others.
    caller.may_grant(&before.permission_codenames, "permissions")?;
    let after = RoleRow {
        name: input.name.unwrap_or_else(|| before.name.clone()),
        permission_codenames: input
            .permissions
            .unwrap_or_else(|| before.permission_codenames.clone()),
        updated_at: caller.context.now,
        ..before.clone()
    };
    caller.may_grant(&after.permission_codenames, "permissions")?;
    caller
        .commit_identity(roles::update(&caller.stamp(), &before, &after))
        .await?;
    Ok(Json(after.into()))
}

/// Delete a platform role that nobody holds
#[utoipa::path(delete, path = "/api/v1/system/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_role(
    caller: SystemCan<DeleteRole>,
    id: At<kinds::Role>,
) -> Result<NoContent, ApiError> {
    let role = roles::find(&caller.db, id.0).await?;
    refuse_builtin(&role, &[ADMINISTRATOR])?;
    caller.may_grant(&role.permission_codenames, "permissions")?;
    caller
        .commit_identity(roles::delete(&caller.stamp(), &role))
        .await?;
    Ok(NoContent)
}
