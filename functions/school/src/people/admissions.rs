//! Students.

use futures_util::future::BoxFuture;
use homeroom_domain::{
    permissions::school::ViewAdmission,
    records::{self, Record},
};
use homeroom_edge::{ApiError, At, Json, List, Permitted, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Id, PageRequest, Timestamp};
use homeroom_store::school::people::{self as tables, Namesake};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use crate::records::{ALONE, Hooks, Owned, Resource, Write};

pub(crate) static STUDENTS: Resource = Resource {
    table: &tables::STUDENTS,
    noun: "admission",
    plural: "admissions",
    title: "a student",
    path: "/api/v1/school/admissions/",
    tag: TAG,
    hooks: &StudentRules,
    warns: true,
    ..ALONE
};

struct StudentRules;
impl Hooks for StudentRules {
    fn narrow(&self, _: &Permitted<SchoolArea>, request: &mut PageRequest) {
        tables::hide_erased(request);
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            super::check_user(write)?;
            let Some(after) = write.after.as_mut() else {
                return Ok(());
            };
            if let Some(before) = write.before {
                if records::text(after, "student_id").is_empty() {
                    let number = records::text(before, "student_id");
                    after.insert("student_id".to_owned(), number.into());
                }
                let stamp = write.caller.stamp();
                write
                    .batch
                    .append(tables::note_changes(&stamp, before, after));
                return Ok(());
            }
            let admission = tables::prepare_admission(&write.caller.db, after).await?;
            if let Some(number) = admission.number {
                after.insert("student_id".to_owned(), number.into());
            }
            write.warnings = warnings(&admission.namesakes, after);
            Ok(())
        })
    }

    fn chose_what_is_taken(&self, body: &Record, error: &ApiError) -> bool {
        let given = !records::text(body, "student_id").is_empty();
        matches!(error, ApiError::Fields(errors) if !given && errors.names().eq(["student_id"]))
    }
}

/// Who may be the same person.
pub(super) fn warnings(alike: &[Namesake], person: &Record) -> Vec<String> {
    let first_name = records::text(person, "first_name").to_lowercase();
    let alike = alike.iter();
    alike
        .filter_map(|other| warning(other, &first_name))
        .collect()
}

fn warning(other: &Namesake, first_name: &str) -> Option<String> {
    let is_namesake = other.first_name.to_lowercase() == first_name;
    let alike = match (is_namesake, other.same_dob, other.same_phone) {
        (true, true, _) => "the same name and date of birth",
        (true, false, true) => "the same name and parent's phone number",
        (false, true, _) => "the same family name and date of birth",
        _ => return None,
    };
    Some(format!(
        "{} {} ({}) has {alike}: perhaps it is the same person.",
        other.first_name, other.last_name, other.student_id
    ))
}

/// A change of a student's enrolment, status or form, or of an application's state.
#[derive(Serialize, ToSchema)]
pub(crate) struct StudentChangeOut {
    /// The change.
    #[schema(value_type = uuid::Uuid)]
    id: Id<()>,
    /// What changed: `enrolment`, `status` or `form`; of an application `state`.
    #[schema(example = "enrolment")]
    field: String,
    /// As it was; of a form its id.
    #[schema(example = "active")]
    old_value: Option<String>,
    /// As it is since then.
    #[schema(example = "transferred")]
    new_value: Option<String>,
    /// Why, where it was said.
    #[schema(example = "The family moved.")]
    reason: String,
    /// Who changed it, by the name of that time.
    actor_name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<tables::Change> for StudentChangeOut {
    fn from(change: tables::Change) -> Self {
        Self {
            id: change.id,
            field: change.field,
            old_value: change.old_value,
            new_value: change.new_value,
            reason: change.reason,
            actor_name: change.actor_name,
            changed_at: change.changed_at,
        }
    }
}

/// What a student's history can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct StudentHistoryFilters {
    /// `enrolment`, `status` or `form`.
    #[param(max_length = 255)]
    field: Option<String>,
}

/// A student's history: changes of enrolment, status and form
#[utoipa::path(get, path = "/api/v1/school/admissions/{id}/history/", tag = "people",
    params(("id" = uuid::Uuid, Path), StudentHistoryFilters), responses((status = 200, body = List<StudentChangeOut>)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_student_history(
    caller: SchoolCan<ViewAdmission>,
    id: At<()>,
    query: Query,
) -> Result<Json<List<StudentChangeOut>>, ApiError> {
    let request = query.page(&tables::HISTORY)?;
    let page = tables::history(&caller.db, id.0, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// What students without a class can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct WithoutSessionFilters {
    /// Text in number, names, or the parent's name or phone number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The session; without it and without a set-up, the present one.
    session: Option<uuid::Uuid>,
    /// A session set-up: its academic session.
    session_setup: Option<uuid::Uuid>,
    /// The year of admission.
    admission_year: Option<i64>,
    /// The form that the student is in, or applied for.
    form: Option<uuid::Uuid>,
    /// Gender.
    #[param(max_length = 255)]
    gender: Option<String>,
    /// Boarding or day.
    #[param(max_length = 255)]
    status: Option<String>,
}

/// Students of the school who are in no class of a session
///
/// Not registered in it, or registered without a class.
#[utoipa::path(get, path = "/api/v1/school/admissions/without-session/", tag = "people", params(WithoutSessionFilters),
    responses((status = 200, body = ref("#/components/schemas/List_AdmissionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_students_without_session(
    caller: SchoolCan<ViewAdmission>,
    query: Query,
) -> Result<Json<List<Owned>>, ApiError> {
    let request = query.page(&tables::WITHOUT_SESSION)?;
    let page = tables::without_session(&caller.db, &request).await?;
    let page = page.map(|record| Owned(&tables::STUDENTS, record));
    Ok(List::new(&caller.context, &query, &request, page))
}
