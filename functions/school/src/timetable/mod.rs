//! The timetable: lessons of every week, their conflicts, and calendars.

mod calendar;
mod check;
mod feeds;
mod substitutions;

use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use homeroom_domain::{
    academics::{
        attendance::DayFault,
        timetable::{ConflictKind, conflicts},
    },
    records::{Record, text},
};
use homeroom_edge::{ApiError, Caller, SchoolArea};
use homeroom_kernel::{FieldErrors, fields::NON_FIELD};
use homeroom_store::school::timetable::{self as tables, Rival, Surroundings};
use serde_json::{Value, json};

use crate::{
    days::{in_order, session_days},
    records::{ALONE, Hooks, Resource, Write},
};

pub(crate) use calendar::*;
pub(crate) use check::*;
pub(crate) use feeds::*;
pub(crate) use substitutions::*;

const TAG: &str = "timetable";

/// Every resource of plain records of the timetable.
pub(crate) static RESOURCES: &[&Resource] = &[&TIMETABLE, &SUBSTITUTIONS];

struct LessonRules;
impl Hooks for LessonRules {
    fn check(&self, lesson: &Record, errors: &mut FieldErrors) {
        check_times(lesson, errors);
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(settle(write))
    }
}

fn check_times(lesson: &Record, errors: &mut FieldErrors) {
    let (start, end) = (text(lesson, "starts_at"), text(lesson, "ends_at"));
    if !start.is_empty() && !end.is_empty() && end <= start {
        errors.add(
            "ends_at",
            "The lesson must end after it starts, on the same day.",
        );
    }
    let message = "The last day must not be before the first.";
    in_order(lesson, "valid_from", "valid_to", message, errors);
}

/// Counts the change, and refuses a lesson in two places with what it conflicts with. The rules of the table say the same
/// in the transaction, for lessons that are written meanwhile.
async fn settle(write: &mut Write<'_>) -> Result<(), ApiError> {
    let Some(after) = write.after.as_mut() else {
        return Ok(());
    };
    let revision = match write.before {
        None => 0,
        Some(before) => {
            let known = before.get("revision").and_then(Value::as_i64).unwrap_or(0);
            let same = |name: &String| name == "updated_at" || before.get(name) == after.get(name);
            known + i64::from(!after.keys().all(same))
        }
    };
    after.insert("revision".to_owned(), json!(revision));
    let around = tables::surroundings(&write.caller.db, after).await?;
    if !around.is_taught {
        return Err(ApiError::field(
            "subject",
            "The class does not have this subject.",
        ));
    }
    within_session(write.caller, &around, after)?;
    let mut errors = FieldErrors::default();
    for (kind, rival) in found_conflicts(&around)? {
        errors.add(NON_FIELD, &in_words(kind, rival));
    }
    for taken in &around.taken {
        errors.add(NON_FIELD, &on_a_day(taken));
    }
    Ok(errors.into_result(())?)
}

/// Refuses days that the school's calendar does not count to the session of the class.
fn within_session(
    caller: &Caller<SchoolArea>,
    around: &Surroundings,
    lesson: &Record,
) -> Result<(), ApiError> {
    let Some((begins, ends)) = around.session else {
        return Ok(());
    };
    let days = session_days(caller, begins, ends)?;
    let mut errors = FieldErrors::default();
    for name in ["valid_from", "valid_to"] {
        let day = text(lesson, name).parse::<NaiveDate>();
        if day.is_ok_and(|day| !days.contains(&day)) {
            let (first, last) = (*days.start(), *days.end());
            let fault = DayFault::OutsideSession { first, last };
            errors.add(name, &fault.to_string());
        }
    }
    Ok(errors.into_result(())?)
}

/// The conflicts of a lesson, with the lesson that each is about.
fn found_conflicts(around: &Surroundings) -> Result<Vec<(ConflictKind, &Rival)>, ApiError> {
    let others: Result<Vec<_>, _> = around.rivals.iter().map(Rival::entry).collect();
    let found = conflicts(&around.entry, &others?).into_iter();
    Ok(found
        .filter_map(|conflict| {
            let rival = around
                .rivals
                .iter()
                .find(|rival| rival.id == conflict.with)?;
            Some((conflict.kind, rival))
        })
        .collect())
}

/// What is taken, by what, and when.
fn in_words(kind: ConflictKind, rival: &Rival) -> String {
    let weekday = match rival.weekday {
        1 => "Monday",
        2 => "Tuesday",
        3 => "Wednesday",
        4 => "Thursday",
        5 => "Friday",
        6 => "Saturday",
        _ => "Sunday",
    };
    let Rival {
        class_name: class,
        subject_name: subject,
        teacher_name: teacher,
        room,
        ..
    } = rival;
    let what = match kind {
        ConflictKind::Class => format!("{class} has {subject} with {teacher}"),
        ConflictKind::Teacher => format!("{teacher} teaches {subject} in {class}"),
        ConflictKind::Room => format!("{room} is taken by {subject} of {class}"),
    };
    format!(
        "{what} on {weekday} from {} to {}, {} to {} (lesson {}).",
        rival.starts_at, rival.ends_at, rival.valid_from, rival.valid_to, rival.id
    )
}

static TIMETABLE: Resource = Resource {
    table: &tables::TIMETABLE,
    noun: "timetable",
    plural: "timetable",
    title: "a lesson",
    path: "/api/v1/school/timetable/",
    tag: TAG,
    hooks: &LessonRules,
    ..ALONE
};
