//! Registrations: students in a session, and in its classes.

use std::collections::BTreeSet;

use axum::response::Response;
use futures_util::future::BoxFuture;
use homeroom_domain::permissions::{
    Permission,
    school::{AddStudentSession, ChangeStudentSession, ViewStudentSession},
};
use homeroom_edge::{
    ApiError, Ids, Json, List, NoContent, Permitted, Post, Query, RawBody, SchoolArea, SchoolCan,
};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::{
    Batch,
    records::{self as store, Scope},
    school::people::{self as tables, Outcome, Placed, STUDENT_SESSIONS as TABLE},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use crate::records::{ALONE, Hooks, Owned, Resource, Write};

/// Most students in one request.
const MAX_STUDENTS: usize = 200;

pub(crate) static STUDENT_SESSIONS: Resource = Resource {
    table: &TABLE,
    noun: "student_session",
    plural: "student_sessions",
    title: "a registration",
    path: "/api/v1/school/sessions/{session}/student-sessions/",
    tag: TAG,
    hooks: &RegistrationRules,
    ..ALONE
};

struct RegistrationRules;
impl Hooks for RegistrationRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        let other_student = match (write.before, &write.after) {
            (Some(before), Some(after)) => before.get("student") != after.get("student"),
            _ => false,
        };
        Box::pin(async move {
            if other_student {
                let message = "A registration stays with its student: register the other one.";
                return Err(ApiError::field("student", message));
            }
            Ok(())
        })
    }
}

/// The registrations of the class that the address names.
fn of_class(ids: &Ids) -> Result<Scope, ApiError> {
    Ok(tables::of_class(
        ids.get("session")?,
        ids.get("academic_class")?,
    ))
}

/// What the registrations of a class can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct ClassRegistrationFilters {
    /// Text in the student's names or number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// One student.
    student: Option<uuid::Uuid>,
    /// Whether the student is still in the session.
    #[param(max_length = 255)]
    status: Option<String>,
    /// Boarding or day in this session.
    #[param(max_length = 255)]
    boarding_status: Option<String>,
}

/// The students of a class
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ClassRegistrationFilters),
    responses((status = 200, body = ref("#/components/schemas/List_StudentSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_class_registrations(
    caller: SchoolCan<ViewStudentSession>,
    ids: Ids,
    query: Query,
) -> Result<Json<List<Owned>>, ApiError> {
    let request = query.page(&TABLE.listing)?;
    let page = store::list(&caller.db, &TABLE, &of_class(&ids)?, &request).await?;
    let page = page.map(|record| Owned(&TABLE, record));
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Students to place in a class.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PlacementIn reads it"
)]
pub(crate) struct PlacementBody {
    /// The students, at most 200. Seats go in this order.
    #[schema(min_items = 1, max_items = 200)]
    students: Vec<uuid::Uuid>,
}

/// Whom a client wants to place.
pub(crate) struct PlacementIn {
    students: Vec<Id<()>>,
}

impl Input for PlacementIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let students = fields.required("students", rules::list(MAX_STUDENTS, rules::id))?;
        if students.is_empty() {
            fields.fail("students", "Name at least one student.");
        }
        Some(Self { students })
    }
}

/// What became of the students.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlacementOut {
    /// How many were registered in the session and placed.
    registered: usize,
    /// How many were moved here.
    moved: usize,
    /// How many were here already.
    unchanged: usize,
    /// How many could not be placed.
    failed: usize,
    /// One result for each student of the body, in its order.
    #[schema(max_items = 200)]
    results: Vec<PlacementResultOut>,
}

/// What became of one student.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlacementResultOut {
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: Id<()>,
    /// `registered`, `moved`, `unchanged` or `error`.
    #[schema(example = "registered")]
    outcome: &'static str,
    /// Why the student could not be placed.
    message: Option<&'static str>,
}

fn told(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    let reason = match outcome {
        Outcome::Registered => return ("registered", None),
        Outcome::Moved => return ("moved", None),
        Outcome::Unchanged => return ("unchanged", None),
        Outcome::Unknown => "There is no such student.",
        Outcome::Left => "The student has left the school.",
        Outcome::Inactive => "The student's registration in this session is not active.",
        Outcome::Forbidden => {
            "The student is registered already: moving needs the permission school.change_student_session."
        }
        Outcome::Full => "The class is full.",
    };
    ("error", Some(reason))
}

impl PlacementOut {
    fn new(students: &[Id<()>], placed: &[Placed]) -> Self {
        let mut rest = placed.iter().peekable();
        let result = |student: &Id<()>| {
            let own = rest.next_if(|placed| placed.student == *student);
            let (outcome, message) = own.map_or(
                ("unchanged", Some("The student is named more than once.")),
                |placed| told(placed.outcome),
            );
            PlacementResultOut {
                student: *student,
                outcome,
                message,
            }
        };
        let results: Vec<_> = students.iter().map(result).collect();
        let count = |outcome| results.iter().filter(|row| row.outcome == outcome).count();
        Self {
            registered: count("registered"),
            moved: count("moved"),
            unchanged: count("unchanged"),
            failed: count("error"),
            results,
        }
    }
}

/// Place students in a class
///
/// Registers those who are not in the session and moves those who are. Each student has a result of its own, and
/// repeating the request changes nothing more.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path)),
    request_body = PlacementBody, responses((status = 200, body = PlacementOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn place_students(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, AddStudentSession, PlacementIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let named = &post.input.students;
    let mut once = BTreeSet::new();
    let students: Vec<Id<()>> = named
        .iter()
        .copied()
        .filter(|id| once.insert(*id))
        .collect();
    let placed = tables::place(
        &post.db,
        &post.stamp(),
        ids.get("session")?,
        ids.get("academic_class")?,
        &students,
        post.actor
            .permissions
            .allows(ChangeStudentSession::CODENAME),
    )
    .await?;
    // What was written decides the answer, so a key is stored after it: whoever repeats a request that was cut short
    // between the two finds the students placed.
    post.done(Batch::default(), &PlacementOut::new(named, &placed))
        .await
}

/// A student of a class
///
/// The same record as among the session's registrations.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/{id}/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ref("#/components/schemas/StudentSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_class_registration(
    caller: SchoolCan<ViewStudentSession>,
    ids: Ids,
) -> Result<Json<Owned>, ApiError> {
    let record = store::find(&caller.db, &TABLE, &of_class(&ids)?, ids.get("id")?).await?;
    Ok(Json(Owned(&TABLE, record)))
}

/// Replace a registration of a class
///
/// Left out, `academic_class` stays as it is; another class of the session moves the student.
#[utoipa::path(put, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/{id}/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    request_body = ref("#/components/schemas/StudentSessionBody"),
    responses((status = 200, body = ref("#/components/schemas/StudentSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_class_registration(
    caller: SchoolCan<ChangeStudentSession>,
    ids: Ids,
    mut body: RawBody,
) -> Result<Response, ApiError> {
    let class = "academic_class";
    if !body.fields.contains_key(class) {
        let own = ids.get::<()>(class)?.to_string();
        body.fields.insert(class.to_owned(), own.into());
    }
    change(&caller, &ids, body).await
}

/// Change a registration of a class
#[utoipa::path(patch, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/{id}/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    request_body = ref("#/components/schemas/StudentSessionPatch"),
    responses((status = 200, body = ref("#/components/schemas/StudentSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_class_registration(
    caller: SchoolCan<ChangeStudentSession>,
    ids: Ids,
    body: RawBody,
) -> Result<Response, ApiError> {
    change(&caller, &ids, body).await
}

/// Changes a registration that is of the class now; it may be of another one afterwards.
async fn change(
    caller: &Permitted<SchoolArea>,
    ids: &Ids,
    body: RawBody,
) -> Result<Response, ApiError> {
    let id = ids.get("id")?;
    store::find(&caller.db, &TABLE, &of_class(ids)?, id).await?;
    let of_session = TABLE.within(|name| ids.get(name))?;
    STUDENT_SESSIONS
        .change(caller, ids, &of_session, id, body)
        .await
}

/// Take a student out of a class
///
/// The registration in the session stays, without a class. Refused while the student has marks in exams of the class.
#[utoipa::path(delete, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/{id}/",
    tag = "people", params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn remove_student_from_class(
    caller: SchoolCan<ChangeStudentSession>,
    ids: Ids,
) -> Result<NoContent, ApiError> {
    let registration = store::find(&caller.db, &TABLE, &of_class(&ids)?, ids.get("id")?).await?;
    let batch = tables::take_out_of_class(&caller.stamp(), &registration);
    caller.commit(batch).await?;
    Ok(NoContent)
}
