//! A timetable as a calendar that phones and mail programs subscribe to.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    academics::calendar::{Lesson, Zone, write},
    permissions::school::ViewTimetable,
};
use homeroom_edge::{ApiError, App, Query, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, Timestamp, rules};
use homeroom_store::{
    TenantDb,
    school::timetable::{self as store, CalendarLesson, CalendarTerm, Whose},
};
use http::header;
use utoipa::IntoParams;

use crate::days::{day, day_at};

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
/// Weekly events in the school's time zone, within the terms of the session and without holidays. An event keeps its UID,
/// and its SEQUENCE is the lesson's `revision`. What a lesson is on the days of a substitution is an event of its own.
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
    let calendar = calendar(&caller.app, &caller.db, caller.context.now, whose).await?;
    calendar.ok_or_else(|| ApiError::field(field, "There is no such record."))
}

/// The calendar of a class or a person; none where there is no such one.
pub(super) async fn calendar(
    app: &App,
    db: &TenantDb,
    now: Timestamp,
    whose: Whose<'_>,
) -> Result<Option<Response>, ApiError> {
    let facts = store::calendar(db, whose).await?;
    let Some(name) = facts.name else {
        return Ok(None);
    };
    let names_class = !matches!(whose, Whose::Class(_));
    let mut lessons = Vec::new();
    for lesson in facts.lessons {
        lessons.extend(event(app, db, lesson, &facts.terms, names_class)?);
    }
    let today = day_at(app, db, now)?;
    let first = lessons.iter().map(|lesson| lesson.from).min();
    let last = lessons.iter().map(|lesson| lesson.to).max();
    let zone = Zone::observe(
        &db.school().school().timezone,
        first.unwrap_or(today),
        last.unwrap_or(today),
        |moment| app.local_time(db.school(), moment),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"timetable.ics\"",
        ),
    ];
    let text = write(&name, &zone, &lessons, &facts.holidays);
    Ok(Some((headers, text).into_response()))
}

/// The event of a lesson; none where it lies outside its session.
fn event(
    app: &App,
    db: &TenantDb,
    lesson: CalendarLesson,
    terms: &[CalendarTerm],
    names_class: bool,
) -> Result<Option<Lesson>, ApiError> {
    let session = day_at(app, db, lesson.session_start)?..=day_at(app, db, lesson.session_end)?;
    let mut own = Vec::new();
    for term in terms.iter().filter(|term| term.session == lesson.session) {
        own.push(day(&term.start_date)?..=day(&term.end_date)?);
    }
    // Terms are not entered yet.
    if own.is_empty() {
        own.push(session.clone());
    }
    let from = day(&lesson.valid_from)?.max(*session.start());
    let to = lesson.valid_to.as_deref().map(day).transpose()?;
    let to = to.map_or(*session.end(), |to| to.min(*session.end()));
    let (starts_at, ends_at) = lesson.minutes();
    let mut without = Vec::new();
    for (first, last) in &lesson.without {
        without.push(day(first)?..=day(last)?);
    }
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
        terms: own,
        without,
    }))
}
