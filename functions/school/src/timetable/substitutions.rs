//! Lessons that are given by somebody else, elsewhere, or not at all on some days; and what is given on a day.

use futures_util::future::BoxFuture;
use homeroom_domain::{
    permissions::school::ViewTimetable,
    records::{Record, flag, text},
};
use homeroom_edge::{ApiError, Json, Query, SchoolCan};
use homeroom_kernel::{FieldErrors, Fields, Id, Input, fields::NON_FIELD, rules};
use homeroom_store::school::timetable::{self as tables, GivenLesson, Taken};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use crate::{
    days::{at_most_a_year, day, holiday_on, in_order, session_days, today},
    records::{ALONE, Hooks, Resource, Write},
};

struct SubstitutionRules;
impl Hooks for SubstitutionRules {
    fn check(&self, record: &Record, errors: &mut FieldErrors) {
        let message = "The last day must not be before the first.";
        in_order(record, "start_date", "end_date", message, errors);
        let message = "A substitution has at most 366 days.";
        at_most_a_year(record, "start_date", "end_date", message, errors);
        let is_other = ["teacher", "room"].map(|name| !text(record, name).is_empty());
        match (flag(record, "is_cancelled"), is_other) {
            (true, [false, false]) => {}
            (true, _) => errors.add(
                "is_cancelled",
                "A lesson that does not take place has no teacher and no room.",
            ),
            (false, [false, false]) => errors.add(
                NON_FIELD,
                "Name another teacher or room, or say that the lesson is cancelled.",
            ),
            (false, _) => {}
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(settle(write))
    }
}

/// Refuses another lesson, days without the lesson, and what another lesson has, by name. The rules of the table say the same in the
/// transaction.
async fn settle(write: &mut Write<'_>) -> Result<(), ApiError> {
    if let Some(after) = &write.after {
        // In calendars it has the lesson's revision, which never falls.
        let is_moved = |before: &Record| before.get("lesson") != after.get("lesson");
        if write.before.is_some_and(is_moved) {
            let message = "A substitution stays with its lesson: delete it, and make another one.";
            return Err(ApiError::field("lesson", message));
        }
        let takes_place = write.facts.get("takes_place").and_then(Value::as_i64);
        if takes_place != Some(1) {
            let message = "The lesson does not take place on any of these days.";
            return Err(ApiError::field("start_date", message));
        }
        let taken = tables::taken(&write.caller.db, after).await?;
        if !taken.is_empty() {
            let mut errors = FieldErrors::default();
            for taken in &taken {
                errors.add(NON_FIELD, &on_a_day(taken));
            }
            return Err(ApiError::Fields(errors));
        }
    }
    if let Some(record) = write.before.or(write.after.as_ref()) {
        let is_deleted = write.after.is_none();
        let besides = tables::besides(&write.caller.stamp(), record, is_deleted);
        write.batch.append(besides);
    }
    Ok(())
}

/// What is taken on a day, and by what.
pub(super) fn on_a_day(taken: &Taken) -> String {
    let Taken {
        day,
        lesson,
        class_name: class,
        subject_name: subject,
        teacher_name: teacher,
        is_teacher,
        room,
        starts_at,
        ends_at,
    } = taken;
    let what = if *is_teacher {
        format!("{teacher} teaches {subject} in {class}")
    } else {
        format!("{room} is taken by {subject} of {class}")
    };
    format!("{what} on {day} from {starts_at} to {ends_at} (lesson {lesson}).")
}

pub(super) static SUBSTITUTIONS: Resource = Resource {
    table: &tables::SUBSTITUTIONS,
    noun: "substitution",
    guarded_as: Some("timetable"),
    plural: "substitutions",
    title: "a substitution",
    path: "/api/v1/school/substitutions/",
    tag: TAG,
    hooks: &SubstitutionRules,
    ..ALONE
};

/// A lesson as it is given on a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct GivenLessonOut {
    /// The lesson of the timetable.
    #[schema(value_type = uuid::Uuid)]
    lesson: String,
    /// The substitution, where it is given otherwise than every week.
    #[schema(value_type = Option<uuid::Uuid>)]
    substitution: Option<String>,
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
    /// Who gives it on this day.
    #[schema(value_type = uuid::Uuid)]
    teacher: String,
    /// The teacher's name.
    teacher_name: String,
    /// Where it is given on this day; may be empty.
    room: String,
    /// When it starts.
    #[schema(example = "08:00")]
    starts_at: String,
    /// When it ends.
    #[schema(example = "08:40")]
    ends_at: String,
}

/// The lessons of a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimetableDayOut {
    /// The day.
    #[schema(format = Date)]
    date: String,
    /// The holiday that it is part of; then there are no lessons.
    holiday: Option<String>,
    /// What is given on it, by the time at which it starts.
    lessons: Vec<GivenLessonOut>,
}

/// Which day, and whose lessons.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; DayQuery reads them"
)]
pub(crate) struct TimetableDayParams {
    /// The day; today where it is left out.
    #[param(format = Date)]
    date: Option<String>,
    /// Only what this member of staff gives on the day.
    teacher: Option<uuid::Uuid>,
    /// Only the lessons of this class of a session.
    academic_class: Option<uuid::Uuid>,
}

struct DayQuery {
    date: Option<String>,
    teacher: Option<Id<()>>,
    academic_class: Option<Id<()>>,
}

impl Input for DayQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let date = fields.optional("date", rules::date);
        let teacher = fields.optional("teacher", rules::id);
        let academic_class = fields.optional("academic_class", rules::id);
        Some(Self {
            date: date?,
            teacher: teacher?,
            academic_class: academic_class?,
        })
    }
}

/// The lessons of a day
///
/// As they are given: by substitutes and in other rooms where there are any, and without what is cancelled. Between the terms of a
/// session there are none, once it has any.
#[utoipa::path(get, path = "/api/v1/school/timetable/day/", tag = "timetable", params(TimetableDayParams),
    responses((status = 200, body = TimetableDayOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_timetable_day(
    caller: SchoolCan<ViewTimetable>,
    query: Query,
) -> Result<Json<TimetableDayOut>, ApiError> {
    let query: DayQuery = query.read()?;
    let date = query.date.as_deref().map_or_else(|| today(&caller), day)?;
    let [teacher, class] =
        [query.teacher, query.academic_class].map(|id| id.map(|id| id.to_string()));
    let text = date.to_string();
    let (found, holidays) =
        tables::given_lessons(&caller.db, &text, teacher.as_deref(), class.as_deref()).await?;
    let holiday = holiday_on(date, &holidays);
    let mut lessons = Vec::new();
    for lesson in found {
        let session = session_days(&caller, lesson.start_date, lesson.end_date)?;
        if holiday.is_none() && session.contains(&date) {
            lessons.push(shown(lesson));
        }
    }
    Ok(Json(TimetableDayOut {
        date: text,
        holiday,
        lessons,
    }))
}

fn shown(lesson: GivenLesson) -> GivenLessonOut {
    GivenLessonOut {
        lesson: lesson.lesson,
        substitution: lesson.substitution,
        academic_class: lesson.academic_class,
        class_name: lesson.class_name,
        subject: lesson.subject,
        subject_name: lesson.subject_name,
        teacher: lesson.teacher,
        teacher_name: lesson.teacher_name,
        room: lesson.room,
        starts_at: lesson.starts_at,
        ends_at: lesson.ends_at,
    }
}
