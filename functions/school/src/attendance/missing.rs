//! Attendance that nobody has entered yet.

use chrono::NaiveDate;
use homeroom_domain::{academics::attendance::is_school_day, permissions::school::ViewAttendance};
use homeroom_edge::{ApiError, Caller, Json, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::school::attendance as store;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::days::{day, holiday_on, session_days, today};

/// A class whose attendance is not complete.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingClassOut {
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    class_name: String,
    /// Who leads it.
    #[schema(value_type = Option<uuid::Uuid>)]
    class_teacher: Option<String>,
    /// The name of who leads it.
    class_teacher_name: Option<String>,
    /// How many active students it has.
    size: u32,
    /// How many of them have an entry, of the day or of a lesson.
    entered: u32,
}

/// A lesson whose attendance is not complete.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingLessonOut {
    /// The lesson.
    #[schema(value_type = uuid::Uuid)]
    lesson: String,
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    class_name: String,
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    subject: String,
    /// Its name.
    subject_name: String,
    /// Who gives the lesson.
    #[schema(value_type = uuid::Uuid)]
    teacher: String,
    /// The teacher's name.
    teacher_name: String,
    /// When it starts.
    #[schema(example = "08:00")]
    starts_at: String,
    /// When it ends.
    #[schema(example = "08:40")]
    ends_at: String,
    /// How many active students the class has.
    size: u32,
    /// How many of them have an entry of the lesson, or were absent or excused all day.
    entered: u32,
}

/// What is missing on a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingAttendanceOut {
    /// The day.
    #[schema(format = Date)]
    date: String,
    /// The holiday that it is part of; then nothing is missing.
    holiday: Option<String>,
    /// The classes with school on the day whose attendance is not complete; none where lessons are asked for.
    classes: Vec<MissingClassOut>,
    /// With `by=lesson` the lessons of the day whose attendance is not complete; of today, those that have begun.
    lessons: Vec<MissingLessonOut>,
}

/// Which day.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; MissingQuery reads them"
)]
pub(crate) struct MissingParams {
    /// The day; today where it is left out.
    #[param(format = Date)]
    date: Option<String>,
    /// `day` or `lesson`; `day` where it is left out.
    #[param(pattern = "^(day|lesson)$")]
    by: Option<String>,
}

struct MissingQuery {
    date: Option<String>,
    by_lesson: bool,
}

impl Input for MissingQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let date = fields.optional("date", rules::date);
        let by = fields.optional("by", |value| match value.as_str() {
            Some("day") => Ok(false),
            Some("lesson") => Ok(true),
            _ => Err("Choose day or lesson.".to_owned()),
        });
        Some(Self {
            date: date?,
            by_lesson: by?.unwrap_or(false),
        })
    }
}

/// Missing attendance
///
/// The classes that have school on a day and have not entered the attendance of all their students. There is school from
/// Monday to Friday, and on other days where the class has lessons, but not on holidays. With `by=lesson`, the lessons of
/// the day and who gives them.
#[utoipa::path(get, path = "/api/v1/school/attendance/missing/", tag = "attendance", params(MissingParams),
    responses((status = 200, body = MissingAttendanceOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_missing_attendance(
    caller: SchoolCan<ViewAttendance>,
    query: Query,
) -> Result<Json<MissingAttendanceOut>, ApiError> {
    let query: MissingQuery = query.read()?;
    let today = today(&caller)?;
    let date = query.date.as_deref().map_or(Ok(today), day)?;
    if date > today {
        return Err(ApiError::field("date", "The date is in the future."));
    }
    if query.by_lesson {
        return missing_lessons(&caller, date, date == today).await;
    }
    let noon = date.and_hms_opt(12, 0, 0).unwrap_or_default().and_utc();
    let noon = Timestamp::from_millis(noon.timestamp_millis());
    let facts = store::missing(&caller.db, &date.to_string(), noon).await?;
    let mut classes = Vec::new();
    for class in facts.classes {
        let lessons: Vec<_> = facts
            .lessons
            .iter()
            .filter(|lesson| lesson.academic_class == class.academic_class)
            .cloned()
            .collect();
        let in_session = session_days(&caller, class.start_date, class.end_date)?.contains(&date);
        if in_session
            && class.entered < class.size
            && is_school_day(date, &facts.holidays, &lessons)
        {
            classes.push(MissingClassOut {
                academic_class: class.academic_class,
                class_name: class.class_name,
                class_teacher: class.class_teacher,
                class_teacher_name: class.class_teacher_name,
                size: class.size,
                entered: class.entered,
            });
        }
    }
    Ok(Json(MissingAttendanceOut {
        holiday: holiday_on(date, &facts.holidays),
        date: date.to_string(),
        classes,
        lessons: Vec::new(),
    }))
}

/// The lessons of a day; of today only those that have begun.
async fn missing_lessons(
    caller: &Caller<SchoolArea>,
    date: NaiveDate,
    is_today: bool,
) -> Result<Json<MissingAttendanceOut>, ApiError> {
    let (found, holidays) = store::missing_lessons(&caller.db, &date.to_string()).await?;
    let holiday = holiday_on(date, &holidays);
    let wall = caller
        .app
        .local_time(caller.db.school(), caller.context.now);
    let now = wall.get(11..16).filter(|_| is_today);
    let mut lessons = Vec::new();
    for lesson in found {
        let has_begun = now.is_none_or(|now| lesson.starts_at.as_str() <= now);
        if holiday.is_none()
            && has_begun
            && lesson.entered < lesson.size
            && session_days(caller, lesson.start_date, lesson.end_date)?.contains(&date)
        {
            lessons.push(MissingLessonOut {
                lesson: lesson.lesson,
                academic_class: lesson.academic_class,
                class_name: lesson.class_name,
                subject: lesson.subject,
                subject_name: lesson.subject_name,
                teacher: lesson.teacher,
                teacher_name: lesson.teacher_name,
                starts_at: lesson.starts_at,
                ends_at: lesson.ends_at,
                size: lesson.size,
                entered: lesson.entered,
            });
        }
    }
    Ok(Json(MissingAttendanceOut {
        holiday,
        date: date.to_string(),
        classes: Vec::new(),
        lessons,
    }))
}
