//! Students' PINs, with which families ask a chatbot for results.

use axum::response::Response;
use homeroom_domain::{
    credentials::student_pin::StudentPin, permissions::school::ChangeStudentPin,
};
use homeroom_edge::{ApiError, Ids, NoBody, NoContent, Post, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::{
    IdentityDb,
    school::student_pins::{self as tables, NewPin, PinHolder},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A student with a new PIN.
#[derive(Serialize, ToSchema)]
pub(crate) struct PinOut {
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: Id<()>,
    /// The school's number of the student.
    #[schema(example = "2026-0001")]
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// `set`, `renewed`, or `kept`: there was one, which cannot be shown.
    #[schema(pattern = "^(set|renewed|kept)$")]
    outcome: &'static str,
    /// The PIN. It is shown this once.
    #[schema(example = "000000")]
    pin: Option<String>,
}

impl PinOut {
    fn new(holder: &PinHolder, pin: Option<&StudentPin>) -> Self {
        let outcome = match (pin, holder.has_pin) {
            (None, _) => "kept",
            (Some(_), false) => "set",
            (Some(_), true) => "renewed",
        };
        Self {
            student: holder.student,
            student_id: holder.student_id.clone(),
            student_name: holder.student_name.clone(),
            outcome,
            pin: pin.map(|pin| pin.expose().to_owned()),
        }
    }
}

/// A new PIN for a student, with its form at rest.
fn make<'a, T>(
    post: &Post<SchoolArea, ChangeStudentPin, T>,
    holder: &'a PinHolder,
) -> (StudentPin, NewPin<'a>) {
    let pin = StudentPin::new(post.stamp().ids.secret());
    let student = holder.student.to_string();
    let hash = pin.seal(&post.app.settings.keys, post.db.plane(), &student);
    (pin, NewPin { holder, hash })
}

/// Set or renew a student's PIN
///
/// The answer shows it, this once; the one before is no longer good.
#[utoipa::path(post, path = "/api/v1/school/students/{student}/pin/", tag = "people",
    params(("student" = uuid::Uuid, Path)), responses((status = 200, body = PinOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_student_pin(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ChangeStudentPin, NoBody>,
) -> Result<Response, ApiError> {
    let holder = tables::find_holder(&post.db, ids?.get("student")?).await?;
    let (pin, new) = make(&post, &holder);
    let batch = tables::set(&post.stamp(), &[new]);
    post.done(batch, &PinOut::new(&holder, Some(&pin))).await
}

/// Remove a student's PIN
///
/// Nobody gets the student's results by PIN from now on.
#[utoipa::path(delete, path = "/api/v1/school/students/{student}/pin/", tag = "people",
    params(("student" = uuid::Uuid, Path)), responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_student_pin(
    caller: SchoolCan<ChangeStudentPin>,
    ids: Ids,
) -> Result<NoContent, ApiError> {
    let batch = tables::remove(&caller.db, &caller.stamp(), ids.get("student")?).await?;
    caller.commit(batch).await?;
    Ok(NoContent)
}

/// Whose PINs of a class are made.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ClassPinsIn reads it"
)]
pub(crate) struct ClassPinsBody {
    /// Whether those who have a PIN get a new one too; they keep theirs where it is not said.
    #[schema(nullable = false, example = false)]
    renew: Option<bool>,
}

pub(crate) struct ClassPinsIn {
    renew: bool,
}

impl Input for ClassPinsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let renew = fields.optional("renew", rules::boolean);
        Some(Self {
            renew: renew?.unwrap_or_default(),
        })
    }
}

/// What became of each student of a class.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClassPinsOut {
    /// The class's name.
    #[schema(example = "1A")]
    class_name: String,
    /// How many have a new PIN.
    set: usize,
    /// How many kept theirs.
    kept: usize,
    /// One for each active student, by name.
    results: Vec<PinOut>,
}

/// Set the PINs of a class
///
/// One for each active student who has none, or for all with `renew`. The answer shows them, this once, for printing.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/pins/", tag = "people",
    params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path)), request_body = ClassPinsBody,
    responses((status = 200, body = ClassPinsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_class_pins(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ChangeStudentPin, ClassPinsIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let (session, class) = (ids.get("session")?, ids.get("academic_class")?);
    let (class_name, holders) = tables::find_class(&post.db, session, class).await?;
    let mut news = Vec::new();
    let mut results = Vec::new();
    for holder in &holders {
        if holder.has_pin && !post.input.renew {
            results.push(PinOut::new(holder, None));
            continue;
        }
        let (pin, new) = make(&post, holder);
        news.push(new);
        results.push(PinOut::new(holder, Some(&pin)));
    }
    let answer = ClassPinsOut {
        class_name,
        set: news.len(),
        kept: results.len() - news.len(),
        results,
    };
    post.done(tables::set(&post.stamp(), &news), &answer).await
}
