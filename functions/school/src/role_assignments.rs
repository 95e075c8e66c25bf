//! Which user holds which role.

use axum::response::Response;
use homeroom_domain::{
    RoleAssignmentId, RoleId, UserId, kinds,
    permissions::school::{
        AddUserRoleAssignment, ChangeUserRoleAssignment, DeleteUserRoleAssignment,
        ViewUserRoleAssignment,
    },
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SchoolArea, SchoolCan,
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::{
    StoreError,
    identity::{
        role_assignments::{self as assignments, AssignmentRow},
        roles, users,
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A role assignment.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserRoleAssignmentOut {
    /// The assignment.
    #[schema(value_type = uuid::Uuid)]
    id: RoleAssignmentId,
    /// Who holds the role.
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// Which role.
    #[schema(value_type = uuid::Uuid)]
    role: RoleId,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
}

impl From<AssignmentRow> for UserRoleAssignmentOut {
    fn from(row: AssignmentRow) -> Self {
        Self {
            id: row.id,
            user: row.user,
            role: row.role,
            created_at: row.created_at,
            created_by: row.created_by,
        }
    }
}

/// The body of a role assignment.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AssignmentIn reads it"
)]
pub(crate) struct UserRoleAssignmentBody {
    /// Who holds the role.
    user: uuid::Uuid,
    /// Which role.
    role: uuid::Uuid,
}

/// Changes to a role assignment; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AssignmentIn reads it"
)]
pub(crate) struct UserRoleAssignmentPatch {
    /// Who holds the role.
    #[schema(nullable = false)]
    user: Option<uuid::Uuid>,
    /// Which role.
    #[schema(nullable = false)]
    role: Option<uuid::Uuid>,
}

/// What a client says of an assignment.
pub(crate) struct AssignmentIn {
    user: Option<UserId>,
    role: Option<RoleId>,
}

impl Input for AssignmentIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&["id", "created_at", "created_by"]);
        let user = fields.settable("user", rules::id);
        let role = fields.settable("role", rules::id);
        Some(Self {
            user: user?,
            role: role?,
        })
    }
}

/// What assignments can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct UserRoleAssignmentFilters {
    /// Roles of one user.
    user: Option<uuid::Uuid>,
    /// Holders of one role.
    role: Option<uuid::Uuid>,
}

/// Refuses an assignment of a role that does not exist or allows what the actor may not do, or to nobody.
async fn check(caller: &Caller<SchoolArea>, user: UserId, role: RoleId) -> Result<(), ApiError> {
    match users::find(&caller.db, user).await {
        Ok(_) => {}
        Err(StoreError::NotFound) => return Err(ApiError::field("user", "There is no such user.")),
        Err(error) => return Err(error.into()),
    }
    may_touch(caller, role).await
}

/// Whoever lacks what a role allows can neither give nor take it.
async fn may_touch(caller: &Caller<SchoolArea>, role: RoleId) -> Result<(), ApiError> {
    let found = roles::find_grantable(&caller.db, &[role]).await?;
    let found = found
        .first()
        .ok_or_else(|| ApiError::field("role", "There is no such role."))?;
    caller.may_grant(found.permissions().codenames(), "role")
}

/// Role assignments
#[utoipa::path(get, path = "/api/v1/school/user-role-assignments/", tag = "roles", params(UserRoleAssignmentFilters),
    responses((status = 200, body = List<UserRoleAssignmentOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_user_role_assignments(
    caller: SchoolCan<ViewUserRoleAssignment>,
    query: Query,
) -> Result<Json<List<UserRoleAssignmentOut>>, ApiError> {
    let request = query.page(&assignments::LISTING)?;
    let page = assignments::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Give a user a role
#[utoipa::path(post, path = "/api/v1/school/user-role-assignments/", tag = "roles",
    request_body = UserRoleAssignmentBody, responses((status = 201, body = UserRoleAssignmentOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_user_role_assignment(
    post: Post<SchoolArea, AddUserRoleAssignment, AssignmentIn>,
) -> Result<Response, ApiError> {
    let (Some(user), Some(role)) = (post.input.user, post.input.role) else {
        return Err(ApiError::Internal(
            "a whole body lacks a required field".into(),
        ));
    };
    check(&post, user, role).await?;
    let stamp = post.stamp();
    let row = AssignmentRow {
        id: stamp.ids.next(),
        user,
        role,
        created_at: stamp.now,
        created_by: stamp.created_by(),
    };
    let batch = assignments::insert(&stamp, &row);
    let location = format!("/api/v1/school/user-role-assignments/{}/", row.id);
    let answer = post
        .create(batch, &location, &UserRoleAssignmentOut::from(row))
        .await;
    post.app.forget_actors(stamp.plane);
    answer
}

/// One role assignment
#[utoipa::path(get, path = "/api/v1/school/user-role-assignments/{id}/", tag = "roles",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = UserRoleAssignmentOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_user_role_assignment(
    caller: SchoolCan<ViewUserRoleAssignment>,
    id: At<kinds::RoleAssignment>,
) -> Result<Json<UserRoleAssignmentOut>, ApiError> {
    Ok(Json(assignments::find(&caller.db, id.0).await?.into()))
}

/// Replace a role assignment
#[utoipa::path(put, path = "/api/v1/school/user-role-assignments/{id}/", tag = "roles",
    params(("id" = uuid::Uuid, Path)), request_body = UserRoleAssignmentBody,
    responses((status = 200, body = UserRoleAssignmentOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_user_role_assignment(
    caller: SchoolCan<ChangeUserRoleAssignment>,
    id: At<kinds::RoleAssignment>,
    body: Body<AssignmentIn>,
) -> Result<Json<UserRoleAssignmentOut>, ApiError> {
    change(&caller, id, &body.input).await
}

/// Change a role assignment
#[utoipa::path(patch, path = "/api/v1/school/user-role-assignments/{id}/", tag = "roles",
    params(("id" = uuid::Uuid, Path)), request_body = UserRoleAssignmentPatch,
    responses((status = 200, body = UserRoleAssignmentOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_user_role_assignment(
    caller: SchoolCan<ChangeUserRoleAssignment>,
    id: At<kinds::RoleAssignment>,
    body: Body<AssignmentIn>,
) -> Result<Json<UserRoleAssignmentOut>, ApiError> {
    change(&caller, id, &body.input).await
}

async fn change(
    caller: &Caller<SchoolArea>,
    id: At<kinds::RoleAssignment>,
    input: &AssignmentIn,
) -> Result<Json<UserRoleAssignmentOut>, ApiError> {
    let before = assignments::find(&caller.db, id.0).await?;
    let after = AssignmentRow {
        user: input.user.unwrap_or(before.user),
        role: input.role.unwrap_or(before.role),
        ..before.clone()
    };
    check(caller, after.user, after.role).await?;
    may_touch(caller, before.role).await?;
    caller
        .commit_identity(assignments::update(&caller.stamp(), &before, &after))
        .await?;
    Ok(Json(after.into()))
}

/// Take a role away
///
/// Not the administrator's role of the last one who holds it.
#[utoipa::path(delete, path = "/api/v1/school/user-role-assignments/{id}/", tag = "roles",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_user_role_assignment(
    caller: SchoolCan<DeleteUserRoleAssignment>,
    id: At<kinds::RoleAssignment>,
) -> Result<NoContent, ApiError> {
    let row = assignments::find(&caller.db, id.0).await?;
    may_touch(&caller, row.role).await?;
    caller
        .commit_identity(assignments::delete(&caller.stamp(), &row))
        .await?;
    Ok(NoContent)
}
