//! Students' PINs, with which families ask a chatbot for results.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    credentials::student_pin::StudentPin, csv, permissions::school::ChangeStudentPin,
};
use homeroom_edge::{ApiError, File, Ids, NoBody, NoContent, Post, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::{
    IdentityDb,
    school::student_pins::{self as tables, NewPin, PinHolder},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

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
pub(crate) async fn set_student_pin(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ChangeStudentPin, NoBody>,
) -> Result<Response, ApiError> {
    let holder = tables::find_holder(&post.db, ids?.get("student")?).await?;
    let (pin, new) = make(&post, &holder);
    let batch = tables::set(&post.stamp(), &[new], true);
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

impl ClassPinsOut {
    /// The same for a printer.
    fn table(&self) -> File {
        let mut text = csv::BYTE_ORDER_MARK.to_owned();
        let header = ["student_id", "student_name", "outcome", "pin"];
        csv::write_row(&mut text, header);
        for row in &self.results {
            let pin = row.pin.as_deref().unwrap_or_default();
            csv::write_row(
                &mut text,
                [&row.student_id, &row.student_name, row.outcome, pin],
            );
        }
        File {
            content_type: csv::CONTENT_TYPE,
            name: format!("PINs {}.csv", self.class_name),
            bytes: text.into_bytes(),
        }
    }
}

/// In which form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; ClassPinsQuery reads them"
)]
pub(crate) struct ClassPinsParameters {
    /// `json` or `csv`; `json` where absent.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
}

struct ClassPinsQuery {
    is_table: bool,
}

impl Input for ClassPinsQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let format = fields.optional("format", |value| match value.as_str() {
            Some("json") => Ok(false),
            Some("csv") => Ok(true),
            _ => Err("Choose one of: \"json\", \"csv\".".into()),
        });
        Some(Self {
            is_table: format?.unwrap_or_default(),
        })
    }
}

/// Set the PINs of a class
///
/// One for each active student who has none, or for all with `renew`. The answer shows them, this once, for printing: as JSON, or
/// with `format=csv` as a table. Whoever repeats it with its idempotency key gets JSON.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/pins/", tag = "people",
    params(("session" = uuid::Uuid, Path), ("academic_class" = uuid::Uuid, Path), ClassPinsParameters), request_body = ClassPinsBody,
    responses((status = 200, content((ClassPinsOut = "application/json"), (String = "text/csv")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn set_class_pins(
    ids: Result<Ids, ApiError>,
    query: Query,
    post: Post<SchoolArea, ChangeStudentPin, ClassPinsIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let ClassPinsQuery { is_table } = query.read()?;
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
    let batch = tables::set(&post.stamp(), &news, post.input.renew);
    let done = post.done(batch, &answer).await?;
    Ok(if is_table {
        answer.table().into_response()
    } else {
        done
    })
}
