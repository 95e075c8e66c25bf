//! Platform users.

use axum::response::Response;
use homeroom_domain::{
    kinds,
    permissions::system::{AddUser, ChangeUser, DeleteUser, ViewUser},
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SystemArea, SystemCan,
    identity::users::{
        NewUser, NewUserOut, UserBody, UserFields, UserFilters, UserOut, UserPatch, hash_password,
        out, refuse_self, refuse_stronger,
    },
};
use homeroom_store::identity::users;

/// Platform users
#[utoipa::path(get, path = "/api/v1/system/users/", tag = "users", params(UserFilters),
    responses((status = 200, body = List<UserOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_users(
    caller: SystemCan<ViewUser>,
    query: Query,
) -> Result<Json<List<UserOut>>, ApiError> {
    let request = query.page(&users::LISTING)?;
    let page = users::list(&caller.db, &request).await?;
    Ok(List::new(
        &caller.context,
        &query,
        &request,
        page.map(|row| out(&caller, row)),
    ))
}

/// Create a platform user
///
/// Without a password, the answer carries a temporary one, this once.
#[utoipa::path(post, path = "/api/v1/system/users/", tag = "users", request_body = UserBody,
    responses((status = 201, body = NewUserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_user(
    post: Post<SystemArea, AddUser, UserFields>,
) -> Result<Response, ApiError> {
    let user = NewUser::new(&post, &post.input).await?;
    let batch = users::insert(&post.stamp(), &user.row, &user.password_hash);
    let location = format!("/api/v1/system/users/{}/", user.row.id);
    post.create(batch, &location, &user.out(&post)).await
}

/// One platform user
#[utoipa::path(get, path = "/api/v1/system/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_user(
    caller: SystemCan<ViewUser>,
    id: At<kinds::User>,
) -> Result<Json<UserOut>, ApiError> {
    Ok(Json(out(&caller, users::find(&caller.db, id.0).await?)))
}

/// Replace a platform user
#[utoipa::path(put, path = "/api/v1/system/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    request_body = UserBody, responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_user(
    caller: SystemCan<ChangeUser>,
    id: At<kinds::User>,
    body: Body<UserFields>,
) -> Result<Json<UserOut>, ApiError> {
    change(&caller, id, &body).await
}

/// Change a platform user
#[utoipa::path(patch, path = "/api/v1/system/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    request_body = UserPatch, responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_user(
    caller: SystemCan<ChangeUser>,
    id: At<kinds::User>,
    body: Body<UserFields>,
) -> Result<Json<UserOut>, ApiError> {
    change(&caller, id, &body).await
}

async fn change(
    caller: &Caller<SystemArea>,
    id: At<kinds::User>,
    body: &Body<UserFields>,
) -> Result<Json<UserOut>, ApiError> {
    let before = users::find(&caller.db, id.0).await?;
    let after = body.input.changed(caller, &before, body.partial).await?;
    let hash = match &body.input.password {
        Some(password) => Some(hash_password(&caller.app, password).await?),
        None => None,
    };
    caller
        .commit_identity(users::update(
            &caller.stamp(),
            &before,
            &after,
            hash.as_deref(),
        ))
        .await?;
    Ok(Json(out(caller, after)))
}

/// Delete a platform user
///
/// The record stays for the audit log; the address is free for another user.
#[utoipa::path(delete, path = "/api/v1/system/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_user(
    caller: SystemCan<DeleteUser>,
    id: At<kinds::User>,
) -> Result<NoContent, ApiError> {
    let user = users::find(&caller.db, id.0).await?;
    refuse_self(&caller, user.id)?;
    refuse_stronger(&caller, &user).await?;
    caller
        .commit_identity(users::delete(&caller.stamp(), &user))
        .await?;
    Ok(NoContent)
}
