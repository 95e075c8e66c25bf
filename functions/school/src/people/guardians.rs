//! Guardians, and whose they are.

use futures_util::future::BoxFuture;
use homeroom_domain::{
    permissions::school::ViewStudentGuardian,
    records::{self, Record},
};
use homeroom_edge::{ApiError, At, Json, List, Query, SchoolCan};
use homeroom_kernel::{FieldErrors, Id, fields::NON_FIELD};
use homeroom_store::{
    TenantDb,
    school::people::{self as tables, GuardianAlike, LinkedStudent},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use crate::records::{ALONE, Hooks, Resource, Write};

pub(crate) static GUARDIANS: Resource = Resource {
    table: &tables::GUARDIANS,
    noun: "guardian",
    plural: "guardians",
    title: "a guardian",
    path: "/api/v1/school/guardians/",
    tag: TAG,
    hooks: &GuardianRules,
    warns: true,
    ..ALONE
};

struct GuardianRules;
impl Hooks for GuardianRules {
    fn check(&self, guardian: &Record, errors: &mut FieldErrors) {
        let empty = |name| records::text(guardian, name).is_empty();
        if empty("phone_number") && empty("email") {
            errors.add(NON_FIELD, "Give an email or a phone number.");
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            super::check_user(write)?;
            let (None, Some(guardian)) = (write.before, &write.after) else {
                return Ok(());
            };
            write.warnings = warnings(&write.caller.db, guardian).await?;
            Ok(())
        })
    }
}

/// Who may be the same person: the same phone number or email is refused, and of the same name are many.
pub(super) async fn warnings(db: &TenantDb, guardian: &Record) -> Result<Vec<String>, ApiError> {
    let alike = tables::guardians_alike(db, guardian).await?.into_iter();
    let warning = |other: GuardianAlike| {
        let (first, last, reach) = (other.first_name, other.last_name, other.reach);
        format!("{first} {last} ({reach}) has the same name: perhaps it is the same person.")
    };
    Ok(alike.map(warning).collect())
}

struct LinkRules;
impl Hooks for LinkRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        let guardian = |record| records::text(record, "guardian");
        let is_new = write
            .after
            .as_ref()
            .is_some_and(|after| write.before.map(guardian) != Some(guardian(after)));
        let checked = if is_new {
            super::refuse_self(write.caller, records::text(&write.facts, "guardian_user"))
        } else {
            Ok(())
        };
        Box::pin(async { checked })
    }
}

pub(crate) static STUDENT_GUARDIANS: Resource = Resource {
    table: &tables::STUDENT_GUARDIANS,
    noun: "student_guardian",
    plural: "student_guardians",
    title: "a student's guardian",
    path: "/api/v1/school/students/{student}/guardians/",
    tag: TAG,
    hooks: &LinkRules,
    ..ALONE
};

/// A student of a guardian.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuardianStudentOut {
    /// The link of student and guardian.
    #[schema(value_type = uuid::Uuid)]
    id: Id<()>,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: Id<()>,
    /// The school's number of the student.
    #[schema(example = "2026-0001")]
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// What became of the student.
    #[schema(example = "active")]
    enrolment: String,
    /// What the guardian is to the student.
    #[schema(example = "mother")]
    relation: String,
    /// Whether the guardian is called first.
    is_primary: bool,
}

impl From<LinkedStudent> for GuardianStudentOut {
    fn from(link: LinkedStudent) -> Self {
        Self {
            id: link.id,
            student: link.student,
            student_id: link.student_id,
            student_name: link.student_name,
            enrolment: link.enrolment,
            relation: link.relation,
            is_primary: link.is_primary,
        }
    }
}

/// What a guardian's students can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct GuardianStudentFilters {
    /// Text in the student's names or number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// What became of the student.
    #[param(max_length = 255)]
    enrolment: Option<String>,
    /// Whether the guardian is called first.
    is_primary: Option<bool>,
}

/// The students of a guardian
#[utoipa::path(get, path = "/api/v1/school/guardians/{id}/students/", tag = "people",
    params(("id" = uuid::Uuid, Path), GuardianStudentFilters),
    responses((status = 200, body = List<GuardianStudentOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_guardian_students(
    caller: SchoolCan<ViewStudentGuardian>,
    id: At<()>,
    query: Query,
) -> Result<Json<List<GuardianStudentOut>>, ApiError> {
    let request = query.page(&tables::STUDENTS_OF_GUARDIAN)?;
    let page = tables::students_of(&caller.db, id.0, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
