//! Roles of the school, with inherited permissions.

use axum::response::Response;
use homeroom_domain::{
    RoleId, kinds,
    permissions::{
        self, ADMINISTRATOR, PermissionSet,
        school::{AddRole, ChangeRole, DeleteRole, ViewRole},
    },
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SchoolArea, SchoolCan,
    identity::roles::{RoleFilters, refuse_builtin},
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::identity::roles::{self, RoleRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A role.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoleOut {
    /// The role.
    #[schema(value_type = uuid::Uuid)]
    id: RoleId,
    /// Unique in the school.
    #[schema(example = "Form tutor")]
    name: String,
    /// For people.
    description: String,
    /// The role whose permissions this one inherits.
    #[schema(value_type = Option<uuid::Uuid>)]
    parent_role: Option<RoleId>,
    /// The role's own permissions; inherited ones are not repeated.
    #[schema(example = json!(["school.view_user"]))]
    permission_codenames: Vec<&'static str>,
    /// Whether the school began with this role.
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
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            parent_role: row.parent_role,
            permission_codenames: PermissionSet::new(row.permission_codenames)
                .expand(permissions::of_schools()),
            is_builtin: row.builtin.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The body of a role.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RoleIn reads it"
)]
pub(crate) struct RoleBody {
    /// Unique in the school.
    #[schema(min_length = 1, max_length = 100, example = "Form tutor")]
    name: String,
    /// For people.
    #[schema(max_length = 500, nullable = false)]
    description: Option<String>,
    /// The role whose permissions this one inherits.
    parent_role: Option<uuid::Uuid>,
    /// The role's own permissions.
    #[schema(max_items = 200, nullable = false, example = json!(["school.view_user"]))]
    permission_codenames: Option<Vec<String>>,
}

/// Changes to a role; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RoleIn reads it"
)]
pub(crate) struct RolePatch {
    /// Unique in the school.
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    name: Option<String>,
    /// For people.
    #[schema(max_length = 500, nullable = false)]
    description: Option<String>,
    /// The role whose permissions this one inherits.
    parent_role: Option<uuid::Uuid>,
    /// The role's own permissions.
    #[schema(max_items = 200, nullable = false, example = json!(["school.view_user"]))]
    permission_codenames: Option<Vec<String>>,
}

/// What a client says of a role.
pub(crate) struct RoleIn {
    name: Option<String>,
    description: Option<String>,
    parent_role: Option<Option<RoleId>>,
    permission_codenames: Option<Vec<String>>,
}

impl Input for RoleIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&["id", "is_builtin", "created_at", "updated_at"]);
        let name = fields.settable("name", rules::text(1, 100));
        let description = fields.optional("description", rules::text(0, 500));
        let parent_role = fields.nullable("parent_role", rules::id);
        let permission_codenames =
            fields.optional("permission_codenames", rules::list(200, codename));
        let permission_codenames = permission_codenames?.map(|mut list| {
            list.sort_unstable();
            list.dedup();
            list
        });
        Some(Self {
            name: name?,
            description: description?,
            parent_role: parent_role?,
            permission_codenames,
        })
    }
}

fn codename(value: &serde_json::Value) -> Result<String, String> {
    let text = rules::text(1, 100)(value)?;
    let known =
        permissions::of_schools().any(|permissions::Entry { codename, .. }| *codename == text);
    if known {
        Ok(text)
    } else {
        Err(format!("There is no permission {text}."))
    }
}

/// Refuses a role that is missing as a parent, or whose permissions the actor lacks.
async fn check_parent(caller: &Caller<SchoolArea>, parent: Option<RoleId>) -> Result<(), ApiError> {
    let Some(parent) = parent else { return Ok(()) };
    let found = roles::find_grantable(&caller.db, &[parent]).await?;
    let found = found
        .first()
        .ok_or_else(|| ApiError::field("parent_role", "There is no such role."))?;
    caller.may_grant(found.permissions().codenames(), "parent_role")
}

/// Roles of the school
#[utoipa::path(get, path = "/api/v1/school/roles/", tag = "roles", params(RoleFilters),
    responses((status = 200, body = List<RoleOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_roles(
    caller: SchoolCan<ViewRole>,
    query: Query,
) -> Result<Json<List<RoleOut>>, ApiError> {
    let request = query.page(&roles::LISTING)?;
    let page = roles::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create a role
#[utoipa::path(post, path = "/api/v1/school/roles/", tag = "roles", request_body = RoleBody,
    responses((status = 201, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_role(
    post: Post<SchoolArea, AddRole, RoleIn>,
) -> Result<Response, ApiError> {
    let stamp = post.stamp();
    let role = RoleRow {
        id: stamp.ids.next(),
        builtin: None,
        name: post.input.name.clone().unwrap_or_default(),
        description: post.input.description.clone().unwrap_or_default(),
        parent_role: post.input.parent_role.flatten(),
        permission_codenames: post.input.permission_codenames.clone().unwrap_or_default(),
        created_at: stamp.now,
        updated_at: stamp.now,
    };
    post.may_grant(&role.permission_codenames, "permission_codenames")?;
    check_parent(&post, role.parent_role).await?;
    let batch = roles::insert(&stamp, &role);
    let location = format!("/api/v1/school/roles/{}/", role.id);
    post.create(batch, &location, &RoleOut::from(role)).await
}

/// One role
#[utoipa::path(get, path = "/api/v1/school/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_role(
    caller: SchoolCan<ViewRole>,
    id: At<kinds::Role>,
) -> Result<Json<RoleOut>, ApiError> {
    Ok(Json(roles::find(&caller.db, id.0).await?.into()))
}

/// Replace a role
#[utoipa::path(put, path = "/api/v1/school/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    request_body = RoleBody, responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_role(
    caller: SchoolCan<ChangeRole>,
    id: At<kinds::Role>,
    body: Body<RoleIn>,
) -> Result<Json<RoleOut>, ApiError> {
    change(&caller, id, body).await
}

/// Change a role
#[utoipa::path(patch, path = "/api/v1/school/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    request_body = RolePatch, responses((status = 200, body = RoleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_role(
    caller: SchoolCan<ChangeRole>,
    id: At<kinds::Role>,
    body: Body<RoleIn>,
) -> Result<Json<RoleOut>, ApiError> {
    change(&caller, id, body).await
}

async fn change(
    caller: &Caller<SchoolArea>,
    id: At<kinds::Role>,
    Body { input, partial }: Body<RoleIn>,
) -> Result<Json<RoleOut>, ApiError> {
    let before = roles::find(&caller.db, id.0).await?;
    refuse_builtin(&before, &[ADMINISTRATOR])?;
    // Who lacks a permission may neither hand it out nor take it away from others.
    caller.may_grant(&before.permission_codenames, "permission_codenames")?;
    let after = RoleRow {
        name: input.name.unwrap_or_else(|| before.name.clone()),
        description: input.description.unwrap_or_else(|| {
            if partial {
                before.description.clone()
            } else {
                String::new()
            }
        }),
        parent_role: input
            .parent_role
            .unwrap_or(if partial { before.parent_role } else { None }),
        permission_codenames: match input.permission_codenames {
            Some(list) => list,
            None if partial => before.permission_codenames.clone(),
            None => Vec::new(),
        },
        updated_at: caller.context.now,
        ..before.clone()
    };
    caller.may_grant(&after.permission_codenames, "permission_codenames")?;
    check_parent(caller, after.parent_role).await?;
    if before.parent_role != after.parent_role {
        check_parent(caller, before.parent_role).await?;
    }
    caller
        .commit_identity(roles::update(&caller.stamp(), &before, &after))
        .await?;
    Ok(Json(after.into()))
}

/// Delete a role that nobody holds
#[utoipa::path(delete, path = "/api/v1/school/roles/{id}/", tag = "roles", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_role(
    caller: SchoolCan<DeleteRole>,
    id: At<kinds::Role>,
) -> Result<NoContent, ApiError> {
    let role = roles::find(&caller.db, id.0).await?;
    refuse_builtin(&role, &[ADMINISTRATOR])?;
    caller.may_grant(&role.permission_codenames, "permission_codenames")?;
    caller
        .commit_identity(roles::delete(&caller.stamp(), &role))
        .await?;
    Ok(NoContent)
}
