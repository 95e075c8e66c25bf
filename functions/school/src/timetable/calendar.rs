//! A timetable as a calendar that phones and mail programs subscribe to.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    academics::calendar::{Lesson, Zone, write},
    permissions::school::ViewTimetable,
};
use homeroom_edge::{ApiError, Caller, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::school::timetable::{self as store, CalendarLesson, Whose};
use http::header;
use utoipa::IntoParams;

use crate::attendance::{day, session_days, today};

/// Whose calendar.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; CalendarQuery reads them"
)]
pub(crate) struct CalendarParams {
    /// A class of a session: this or `teacher`.
    academic_class: Option<uuid::Uuid>,
    /// A member of staff: this or `academic_class`.
    teacher: Option<uuid::Uuid>,
}

struct CalendarQuery {
    academic_class: Option<Id<()>>,
    teacher: Option<Id<()>>,
}

impl Input for CalendarQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let academic_class = fields.optional("academic_class", rules::id);
        let teacher = fields.optional("teacher", rules::id);
        if let (Some(class), Some(teacher)) = (&academic_class, &teacher)
            && class.is_some() == teacher.is_some()
        {
            fields.fail("academic_class", "Name an academic_class or a teacher.");
        }
        Some(Self {
            academic_class: academic_class?,
            teacher: teacher?,
        })
    }
}

/// A timetable as iCalendar
///
/// Weekly events in the school's time zone, without holidays. An event keeps its UID, and its SEQUENCE is the lesson's
/// `revision`.
#[utoipa::path(get, path = "/api/v1/school/timetable/calendar.ics/", tag = "timetable", params(CalendarParams),
    responses((status = 200, body = String, content_type = "text/calendar")),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_timetable_calendar(
    caller: SchoolCan<ViewTimetable>,
    query: Query,
) -> Result<Response, ApiError> {
    let query: CalendarQuery = query.read()?;
    let class = query.academic_class.map(|id| id.to_string());
    let teacher = query.teacher.map(|id| id.to_string());
    let (whose, field) = match (&class, &teacher) {
        (Some(class), _) => (Whose::Class(class), "academic_class"),
        (None, teacher) => (
            Whose::Teacher(teacher.as_deref().unwrap_or_default()),
            "teacher",
        ),
    };
    let facts = store::calendar(&caller.db, whose).await?;
    let name = facts
        .name
        .ok_or_else(|| ApiError::field(field, "There is no such record."))?;
    let mut lessons = Vec::new();
    for lesson in facts.lessons {
        lessons.extend(event(&caller, lesson, class.is_none())?);
    }
    let zone = zone(&caller, &lessons)?;
    let text = write(&name, &zone, &lessons, &facts.holidays);
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"timetable.ics\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// The school's zone over the days of the lessons.
fn zone(caller: &Caller<SchoolArea>, lessons: &[Lesson]) -> Result<Zone, ApiError> {
    let today = today(caller)?;
    let first = lessons.iter().map(|lesson| lesson.from).min();
    let last = lessons.iter().map(|lesson| lesson.to).max();
    let school = caller.db.school();
    Ok(Zone::observe(
        &school.school().timezone,
        first.unwrap_or(today),
        last.unwrap_or(today),
        |moment| caller.app.local_time(school, moment),
    ))
}

/// The event of a lesson; none where it lies outside its session.
fn event(
    caller: &Caller<SchoolArea>,
    lesson: CalendarLesson,
    names_class: bool,
) -> Result<Option<Lesson>, ApiError> {
    let session = session_days(caller, lesson.session_start, lesson.session_end)?;
    let from = day(&lesson.valid_from)?.max(*session.start());
    let to = lesson.valid_to.as_deref().map(day).transpose()?;
    let to = to.map_or(*session.end(), |to| to.min(*session.end()));
    let (starts_at, ends_at) = lesson.minutes();
    let summary = if names_class {
        format!("{}, {}", lesson.subject_name, lesson.class_name)
    } else {
        lesson.subject_name
    };
    Ok((from <= to).then_some(Lesson {
        uid: format!("{}@homeroom", lesson.id),
        sequence: lesson.revision,
        modified: lesson.updated_at,
        summary,
        location: lesson.room,
        description: lesson.teacher_name,
        weekday: lesson.weekday,
        starts_at,
        ends_at,
        from,
        to,
    }))
}
