//! Users of the school.

use axum::response::Response;
use homeroom_domain::{
    kinds,
    permissions::school::{AddStaff, AddUser, ChangeStaff, ChangeUser, DeleteUser, ViewUser},
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SchoolArea, SchoolCan,
    identity::users::{
        NewUser, NewUserOut, UserBody, UserFields, UserFilters, UserOut, UserPatch, hash_password,
        out, refuse_self, refuse_stronger,
    },
};
use homeroom_kernel::{Fields, Input};
use homeroom_store::{
    Batch, Stamp, TenantDb,
    identity::users::{self, TeacherProfile, UserRow},
    school::{
        outbox::SetupProgress,
        staff::{self, StaffRow},
    },
};
use utoipa::ToSchema;

use crate::{
    outbox,
    staff::{StaffBody, StaffIn, StaffPatch},
};

/// The body of a user, with the staff record where the user is a member of staff.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolUserIn reads it"
)]
pub(crate) struct SchoolUserBody {
    #[schema(inline)]
    #[serde(flatten)]
    user: UserBody,
    /// Makes or changes the user's staff record.
    teacher_profile: Option<StaffBody>,
}

/// Changes to a user and the staff record; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolUserIn reads it"
)]
pub(crate) struct SchoolUserPatch {
    #[schema(inline)]
    #[serde(flatten)]
    user: UserPatch,
    /// Makes or changes the user's staff record.
    teacher_profile: Option<StaffPatch>,
}

/// What a client says of a user.
pub(crate) struct SchoolUserIn {
    user: UserFields,
    profile: Option<StaffIn>,
}

impl Input for SchoolUserIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let profile = fields.nested("teacher_profile");
        let user = UserFields::read(fields);
        Some(Self {
            user: user?,
            profile: profile?,
        })
    }
}

impl SchoolUserIn {
    /// Adds the staff record to the batch, and to the user as it will be shown.
    fn write_profile(
        &self,
        db: &TenantDb,
        batch: &mut Batch,
        stamp: &Stamp<'_>,
        user: &mut UserRow,
        before: Option<StaffRow>,
        partial: bool,
    ) -> Result<(), ApiError> {
        let Some(profile) = &self.profile else {
            return Ok(());
        };
        let row = match &before {
            Some(before) => {
                let after = StaffRow {
                    user: Some(user.id),
                    ..profile.apply(before, partial, stamp.now)
                };
                batch.append(staff::update(stamp, before, &after));
                after
            }
            None => {
                let blank = StaffRow::blank(stamp);
                if profile.is_nameless() {
                    return Err(ApiError::field(
                        "teacher_profile.staff_number",
                        "This field is required.",
                    ));
                }
                let row = StaffRow {
                    user: Some(user.id),
                    ..profile.apply(&blank, false, stamp.now)
                };
                batch.append(staff::insert(stamp, &row));
                batch.announce_progress(db, SetupProgress::Completed, stamp.now);
                row
            }
        };
        user.teacher_profile = Some(TeacherProfile {
            id: row.id,
            staff_number: row.staff_number,
            title: row.title,
            position: row.position,
            department: row.department,
            hired_on: row.hired_on,
        });
        Ok(())
    }
}

/// The staff record is nested here, so what is wrong with it is told under its whole name.
fn name_profile(error: ApiError) -> ApiError {
    match error {
        ApiError::Fields(errors)
            if errors
                .names()
                .all(|name| matches!(name, "staff_number" | "user")) =>
        {
            ApiError::Fields(errors.within("teacher_profile"))
        }
        other => other,
    }
}

/// Users of the school
#[utoipa::path(get, path = "/api/v1/school/users/", tag = "users", params(UserFilters),
    responses((status = 200, body = List<UserOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_users(
    caller: SchoolCan<ViewUser>,
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

/// Create a user
///
/// Without a password, the answer carries a temporary one, this once.
#[utoipa::path(post, path = "/api/v1/school/users/", tag = "users", request_body = SchoolUserBody,
    responses((status = 201, body = NewUserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_user(
    post: Post<SchoolArea, AddUser, SchoolUserIn>,
) -> Result<Response, ApiError> {
    if post.input.profile.is_some() {
        post.require::<AddStaff>()?;
    }
    let mut user = NewUser::new(&post, &post.input.user).await?;
    let stamp = post.stamp();
    let mut batch = users::insert(&stamp, &user.row, &user.password_hash);
    post.input
        .write_profile(&post.db, &mut batch, &stamp, &mut user.row, None, false)?;
    outbox::announce(
        &mut batch,
        &post.app,
        user.row.id,
        None,
        Some(&user.row),
        stamp.now,
    );
    let location = format!("/api/v1/school/users/{}/", user.row.id);
    let answer = post
        .create(batch, &location, &user.out(&post))
        .await
        .map_err(name_profile)?;
    outbox::deliver_later(&post.app, &post.context, post.db.school());
    Ok(answer)
}

/// One user
#[utoipa::path(get, path = "/api/v1/school/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_user(
    caller: SchoolCan<ViewUser>,
    id: At<kinds::User>,
) -> Result<Json<UserOut>, ApiError> {
    Ok(Json(out(&caller, users::find(&caller.db, id.0).await?)))
}

/// Replace a user
#[utoipa::path(put, path = "/api/v1/school/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    request_body = SchoolUserBody, responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_user(
    caller: SchoolCan<ChangeUser>,
    id: At<kinds::User>,
    body: Body<SchoolUserIn>,
) -> Result<Json<UserOut>, ApiError> {
    change(&caller, id, &body).await
}

/// Change a user
#[utoipa::path(patch, path = "/api/v1/school/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    request_body = SchoolUserPatch, responses((status = 200, body = UserOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_user(
    caller: SchoolCan<ChangeUser>,
    id: At<kinds::User>,
    body: Body<SchoolUserIn>,
) -> Result<Json<UserOut>, ApiError> {
    change(&caller, id, &body).await
}

async fn change(
    caller: &Caller<SchoolArea>,
    id: At<kinds::User>,
    body: &Body<SchoolUserIn>,
) -> Result<Json<UserOut>, ApiError> {
    let before = users::find(&caller.db, id.0).await?;
    let mut after = body
        .input
        .user
        .changed(caller, &before, body.partial)
        .await?;
    let hash = match &body.input.user.password {
        Some(password) => Some(hash_password(&caller.app, password).await?),
        None => None,
    };
    let stamp = caller.stamp();
    let mut batch = users::update(&stamp, &before, &after, hash.as_deref());
    if body.input.profile.is_some() {
        let profile = match &before.teacher_profile {
            Some(profile) => {
                caller.require::<ChangeStaff>()?;
                Some(staff::find(&caller.db, profile.id).await?)
            }
            None => {
                caller.require::<AddStaff>()?;
                None
            }
        };
        body.input.write_profile(
            &caller.db,
            &mut batch,
            &stamp,
            &mut after,
            profile,
            body.partial,
        )?;
    }
    outbox::announce(
        &mut batch,
        &caller.app,
        after.id,
        Some(&before),
        Some(&after),
        stamp.now,
    );
    caller.commit_identity(batch).await.map_err(name_profile)?;
    outbox::deliver_later(&caller.app, &caller.context, caller.db.school());
    Ok(Json(out(caller, after)))
}

/// Delete a user
///
/// The record stays for the audit log; the address is free for another user.
#[utoipa::path(delete, path = "/api/v1/school/users/{id}/", tag = "users", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_user(
    caller: SchoolCan<DeleteUser>,
    id: At<kinds::User>,
) -> Result<NoContent, ApiError> {
    let user = users::find(&caller.db, id.0).await?;
    refuse_self(&caller, user.id)?;
    refuse_stronger(&caller, &user).await?;
    let mut batch = users::delete(&caller.stamp(), &user);
    outbox::announce(
        &mut batch,
        &caller.app,
        user.id,
        Some(&user),
        None,
        caller.context.now,
    );
    caller.commit_identity(batch).await?;
    outbox::deliver_later(&caller.app, &caller.context, caller.db.school());
    Ok(NoContent)
}
