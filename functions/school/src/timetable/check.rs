//! The conflicts of a lesson before it is written.

use axum::{
    extract::{Request, State as Extension},
    response::Response,
};
use homeroom_domain::{
    academics::timetable::ConflictKind,
    permissions::{Permission, school::ViewTimetable},
    records::{self, Record},
};
use homeroom_edge::{ApiError, Posted, SchoolArea, State};
use homeroom_kernel::{FieldErrors, rules};
use homeroom_store::{
    Batch,
    records::{Scope, resolve},
    school::timetable::{self as tables, Rival, Taken},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{check_times, found_conflicts, in_words, on_a_day, within_session};

/// A lesson that may be written.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; the fields of the table read it"
)]
pub(crate) struct TimetableCheckBody {
    /// The lesson that would be changed; it does not conflict with itself.
    id: Option<uuid::Uuid>,
    /// The class of a session.
    academic_class: uuid::Uuid,
    /// The subject.
    subject: uuid::Uuid,
    /// The member of staff.
    teacher: uuid::Uuid,
    /// Where; empty: no room is taken.
    #[schema(max_length = 100, nullable = false)]
    room: Option<String>,
    /// 1 is Monday, 7 Sunday.
    #[schema(minimum = 1, maximum = 7)]
    weekday: i64,
    /// When it starts.
    #[schema(example = "08:00")]
    starts_at: String,
    /// When it ends.
    #[schema(example = "08:40")]
    ends_at: String,
    /// The first day on which it may take place.
    #[schema(format = Date)]
    valid_from: String,
    /// The last day; null: to the end of the session.
    #[schema(format = Date)]
    valid_to: Option<String>,
}

/// A conflict with another lesson.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimetableConflictOut {
    /// The other lesson.
    #[schema(value_type = uuid::Uuid)]
    with: String,
    /// What both claim: `class`, `teacher` or `room`.
    #[schema(value_type = String)]
    kind: ConflictKind,
    /// The other lesson's class.
    class_name: String,
    /// The other lesson's subject.
    subject_name: String,
    /// The other lesson's teacher; on a day with a substitution, who gives it then.
    teacher_name: String,
    /// The other lesson's room, likewise.
    room: String,
    /// 1 is Monday.
    weekday: u8,
    /// When the other lesson starts.
    starts_at: String,
    /// When it ends.
    ends_at: String,
    /// Its first day. Where only a substitution stands in the way, the day of that.
    #[schema(format = Date)]
    valid_from: String,
    /// Its last day, likewise.
    #[schema(format = Date)]
    valid_to: String,
    /// The same in words.
    message: String,
}

/// The conflicts of a lesson.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimetableCheckOut {
    /// None: the lesson can be written.
    conflicts: Vec<TimetableConflictOut>,
}

fn read(mut body: Map<String, Value>) -> Result<Record, ApiError> {
    let mut errors = FieldErrors::default();
    let id = match body.remove("id") {
        None | Some(Value::Null) => None,
        Some(id) => match rules::id::<()>(&id) {
            Ok(id) => Some(id.to_string()),
            Err(message) => {
                errors.add("id", &message);
                None
            }
        },
    };
    let mut lesson = match records::read(tables::TIMETABLE.fields, body, false) {
        Ok(lesson) => lesson,
        Err(others) => {
            for (field, messages) in others.messages() {
                for message in messages {
                    errors.add(field, message);
                }
            }
            Record::new()
        }
    };
    check_times(&lesson, &mut errors);
    lesson.insert("id".to_owned(), id.unwrap_or_default().into());
    Ok(errors.into_result(lesson)?)
}

/// Check a lesson for conflicts
///
/// Nothing is written.
#[utoipa::path(post, path = "/api/v1/school/timetable/check/", tag = "timetable", request_body = TimetableCheckBody,
    responses((status = 200, body = TimetableCheckOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn check_timetable(
    Extension(app): Extension<State>,
    request: Request,
) -> Result<Response, ApiError> {
    let post =
        Posted::<SchoolArea, Record>::enter(request, &app, ViewTimetable::CODENAME, read).await?;
    let known = resolve(&post.db, &tables::TIMETABLE, &Scope::default(), &post.input).await?;
    let mut errors = FieldErrors::default();
    for field in known.missing {
        errors.add(field, "There is no such record.");
    }
    errors.into_result(())?;
    let around = tables::surroundings(&post.db, &post.input).await?;
    if !around.is_taught {
        return Err(ApiError::field(
            "subject",
            "The class does not have this subject.",
        ));
    }
    within_session(&post, &around, &post.input)?;
    let mut conflicts: Vec<TimetableConflictOut> = found_conflicts(&around)?
        .into_iter()
        .map(|(kind, rival)| shown(kind, rival))
        .collect();
    let weekday = around.entry.weekday;
    conflicts.extend(around.taken.into_iter().map(|taken| once(taken, weekday)));
    post.done(Batch::default(), &TimetableCheckOut { conflicts })
        .await
}

/// With what is given otherwise than every week, on one day.
fn once(taken: Taken, weekday: u8) -> TimetableConflictOut {
    TimetableConflictOut {
        message: on_a_day(&taken),
        with: taken.lesson,
        kind: if taken.is_teacher {
            ConflictKind::Teacher
        } else {
            ConflictKind::Room
        },
        class_name: taken.class_name,
        subject_name: taken.subject_name,
        teacher_name: taken.teacher_name,
        room: taken.room,
        weekday,
        starts_at: taken.starts_at,
        ends_at: taken.ends_at,
        valid_from: taken.day.clone(),
        valid_to: taken.day,
    }
}

fn shown(kind: ConflictKind, rival: &Rival) -> TimetableConflictOut {
    let message = in_words(kind, rival);
    let rival = rival.clone();
    TimetableConflictOut {
        with: rival.id,
        kind,
        class_name: rival.class_name,
        subject_name: rival.subject_name,
        teacher_name: rival.teacher_name,
        room: rival.room,
        weekday: rival.weekday,
        starts_at: rival.starts_at,
        ends_at: rival.ends_at,
        valid_from: rival.valid_from,
        valid_to: rival.valid_to,
        message,
    }
}
