//! Staff.

use axum::response::Response;
use homeroom_domain::{
    StaffId, UserId, kinds,
    permissions::school::{AddStaff, ChangeStaff, DeleteStaff, ViewStaff},
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoContent, Post, Query, SchoolArea, SchoolCan,
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::{
    StoreError,
    identity::users,
    school::{
        outbox::SetupProgress,
        staff::{self, StaffRow},
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::outbox;

/// A member of staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffOut {
    /// The staff record.
    #[schema(value_type = uuid::Uuid)]
    id: StaffId,
    /// The user who signs in as this person.
    #[schema(value_type = Option<uuid::Uuid>)]
    user: Option<UserId>,
    /// What people call the person: the title with the user's names, or with the number where there is no user.
    #[schema(example = "Mrs Rudo Ncube")]
    name: String,
    /// The school's own number, unique.
    #[schema(example = "T-017")]
    staff_number: String,
    /// Form of address.
    #[schema(example = "Mrs")]
    title: String,
    /// What the person does.
    #[schema(example = "Teacher")]
    position: String,
    /// Where.
    #[schema(example = "Mathematics")]
    department: String,
    /// Since when.
    #[schema(value_type = Option<String>, format = Date, example = "2024-09-01")]
    hired_on: Option<String>,
    /// Whether the person works here now.
    is_active: bool,
    /// When the record was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
}

/// A new member of staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffCreatedOut {
    #[serde(flatten)]
    staff: StaffOut,
    /// What may be wrong with it: somebody else of the same name.
    warnings: Vec<String>,
}

impl From<StaffRow> for StaffOut {
    fn from(row: StaffRow) -> Self {
        Self {
            id: row.id,
            name: row.name(),
            user: row.user,
            staff_number: row.staff_number,
            title: row.title,
            position: row.position,
            department: row.department,
            hired_on: row.hired_on,
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        }
    }
}

/// The body of a member of staff.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; StaffIn reads it"
)]
pub(crate) struct StaffBody {
    /// The user who signs in as this person.
    user: Option<uuid::Uuid>,
    /// The school's own number, unique.
    #[schema(min_length = 1, max_length = 50, example = "T-017")]
    staff_number: String,
    /// Form of address.
    #[schema(max_length = 50, nullable = false, example = "Mrs")]
    title: Option<String>,
    /// What the person does.
    #[schema(max_length = 100, nullable = false, example = "Teacher")]
    position: Option<String>,
    /// Where.
    #[schema(max_length = 100, nullable = false, example = "Mathematics")]
    department: Option<String>,
    /// Since when.
    #[schema(format = Date, example = "2024-09-01")]
    hired_on: Option<String>,
    /// Whether the person works here now; yes where absent.
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// Changes to a member of staff; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; StaffIn reads it"
)]
pub(crate) struct StaffPatch {
    /// The user who signs in as this person.
    user: Option<uuid::Uuid>,
    /// The school's own number, unique.
    #[schema(min_length = 1, max_length = 50, nullable = false, example = "T-017")]
    staff_number: Option<String>,
    /// Form of address.
    #[schema(max_length = 50, nullable = false)]
    title: Option<String>,
    /// What the person does.
    #[schema(max_length = 100, nullable = false)]
    position: Option<String>,
    /// Where.
    #[schema(max_length = 100, nullable = false)]
    department: Option<String>,
    /// Since when.
    #[schema(format = Date)]
    hired_on: Option<String>,
    /// Whether the person works here now.
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// What a client says of a member of staff.
pub(crate) struct StaffIn {
    user: Option<Option<UserId>>,
    staff_number: Option<String>,
    title: Option<String>,
    position: Option<String>,
    department: Option<String>,
    hired_on: Option<Option<String>>,
    is_active: Option<bool>,
}

impl Input for StaffIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&[
            "id",
            "name",
            "warnings",
            "created_at",
            "updated_at",
            "created_by",
        ]);
        let user = fields.nullable("user", rules::id);
        let staff_number = fields.settable("staff_number", rules::text(1, 50));
        let title = fields.optional("title", rules::text(0, 50));
        let position = fields.optional("position", rules::text(0, 100));
        let department = fields.optional("department", rules::text(0, 100));
        let hired_on = fields.nullable("hired_on", rules::date);
        let is_active = fields.optional("is_active", rules::boolean);
        Some(Self {
            user: user?,
            staff_number: staff_number?,
            title: title?,
            position: position?,
            department: department?,
            hired_on: hired_on?,
            is_active: is_active?,
        })
    }
}

impl StaffIn {
    /// Whether the number is missing that a new record needs.
    pub(crate) fn is_nameless(&self) -> bool {
        self.staff_number.is_none()
    }

    /// The record with these fields set; in a whole body, optional fields that are absent are emptied.
    pub(crate) fn apply(&self, before: &StaffRow, partial: bool, now: Timestamp) -> StaffRow {
        let text = |new: &Option<String>, old: &String| match new {
            Some(text) => text.clone(),
            None if partial => old.clone(),
            None => String::new(),
        };
        StaffRow {
            user: self
                .user
                .unwrap_or(if partial { before.user } else { None }),
            staff_number: self
                .staff_number
                .clone()
                .unwrap_or_else(|| before.staff_number.clone()),
            title: text(&self.title, &before.title),
            position: text(&self.position, &before.position),
            department: text(&self.department, &before.department),
            hired_on: match &self.hired_on {
                Some(date) => date.clone(),
                None if partial => before.hired_on.clone(),
                None => None,
            },
            is_active: self
                .is_active
                .unwrap_or(if partial { before.is_active } else { true }),
            updated_at: now,
            ..before.clone()
        }
    }
}

/// What staff can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct StaffFilters {
    /// Text in number, title, position, department or the user's names.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The record of one user.
    user: Option<uuid::Uuid>,
    /// The exact position.
    #[param(max_length = 255)]
    position: Option<String>,
    /// The exact department.
    #[param(max_length = 255)]
    department: Option<String>,
    /// Whether the person works here now.
    is_active: Option<bool>,
}

/// The names of the user, who must exist.
async fn name_user(
    caller: &Caller<SchoolArea>,
    user: Option<UserId>,
) -> Result<Option<String>, ApiError> {
    let Some(user) = user else { return Ok(None) };
    match users::find(&caller.db, user).await {
        Ok(user) => Ok(Some(format!("{} {}", user.first_name, user.last_name))),
        Err(StoreError::NotFound) => Err(ApiError::field("user", "There is no such user.")),
        Err(error) => Err(error.into()),
    }
}

/// Staff of the school
#[utoipa::path(get, path = "/api/v1/school/staff/", tag = "staff", params(StaffFilters),
    responses((status = 200, body = List<StaffOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_staff(
    caller: SchoolCan<ViewStaff>,
    query: Query,
) -> Result<Json<List<StaffOut>>, ApiError> {
    let request = query.page(&staff::LISTING)?;
    let page = staff::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create a member of staff
#[utoipa::path(post, path = "/api/v1/school/staff/", tag = "staff", request_body = StaffBody,
    responses((status = 201, body = StaffCreatedOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_staff(
    post: Post<SchoolArea, AddStaff, StaffIn>,
) -> Result<Response, ApiError> {
    let stamp = post.stamp();
    let mut row = post.input.apply(&StaffRow::blank(&stamp), false, stamp.now);
    row.user_name = name_user(&post, row.user).await?;
    let alike = match row.user {
        Some(user) => staff::alike(&post.db, user).await?,
        None => Vec::new(),
    };
    let name = row.name();
    let warning =
        |number| format!("{name} ({number}) has the same name: perhaps it is the same person.");
    let warnings = alike.into_iter().map(warning).collect();
    let mut batch = staff::insert(&stamp, &row);
    batch.announce_progress(&post.db, SetupProgress::Completed, stamp.now);
    let tells = batch.has_effects();
    let location = format!("/api/v1/school/staff/{}/", row.id);
    let created = StaffCreatedOut {
        staff: row.into(),
        warnings,
    };
    let answer = post.create(batch, &location, &created).await?;
    if tells {
        outbox::deliver_later(&post.app, &post.context, post.db.school());
    }
    Ok(answer)
}

/// One member of staff
#[utoipa::path(get, path = "/api/v1/school/staff/{id}/", tag = "staff", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = StaffOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_staff(
    caller: SchoolCan<ViewStaff>,
    id: At<kinds::Staff>,
) -> Result<Json<StaffOut>, ApiError> {
    Ok(Json(staff::find(&caller.db, id.0).await?.into()))
}

/// Replace a member of staff
#[utoipa::path(put, path = "/api/v1/school/staff/{id}/", tag = "staff", params(("id" = uuid::Uuid, Path)),
    request_body = StaffBody, responses((status = 200, body = StaffOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_staff(
    caller: SchoolCan<ChangeStaff>,
    id: At<kinds::Staff>,
    body: Body<StaffIn>,
) -> Result<Json<StaffOut>, ApiError> {
    change(&caller, id, &body).await
}

/// Change a member of staff
#[utoipa::path(patch, path = "/api/v1/school/staff/{id}/", tag = "staff", params(("id" = uuid::Uuid, Path)),
    request_body = StaffPatch, responses((status = 200, body = StaffOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_staff(
    caller: SchoolCan<ChangeStaff>,
    id: At<kinds::Staff>,
    body: Body<StaffIn>,
) -> Result<Json<StaffOut>, ApiError> {
    change(&caller, id, &body).await
}

async fn change(
    caller: &Caller<SchoolArea>,
    id: At<kinds::Staff>,
    body: &Body<StaffIn>,
) -> Result<Json<StaffOut>, ApiError> {
    let before = staff::find(&caller.db, id.0).await?;
    let mut after = body.input.apply(&before, body.partial, caller.context.now);
    if after.user != before.user {
        after.user_name = name_user(caller, after.user).await?;
    }
    caller
        .commit(staff::update(&caller.stamp(), &before, &after))
        .await?;
    Ok(Json(after.into()))
}

/// Delete a member of staff
#[utoipa::path(delete, path = "/api/v1/school/staff/{id}/", tag = "staff", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_staff(
    caller: SchoolCan<DeleteStaff>,
    id: At<kinds::Staff>,
) -> Result<NoContent, ApiError> {
    let row = staff::find(&caller.db, id.0).await?;
    caller.commit(staff::delete(&caller.stamp(), &row)).await?;
    Ok(NoContent)
}
