//! Attendance, its codes, days without school, and leave.
//!
//! Who holds `school.delete_attendance` enters attendance for every class; everybody else for the classes that they lead or
//! teach, and for the lessons that they give.

mod absence_sms;
mod bulk;
mod entries;
mod leave;
mod missing;
mod views;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use homeroom_domain::{
    academics::attendance::{Holiday, LessonDays, Status, check_day},
    permissions::{Permission, school::DeleteAttendance},
    records::{Record, text},
    webhooks::ATTENDANCE_RECORDED,
};
use homeroom_edge::{ApiError, Caller, Conflict, SchoolArea};
use homeroom_kernel::FieldErrors;
use homeroom_store::{
    Batch,
    school::attendance::{self as tables, Place},
};
use serde_json::json;

use crate::{
    days::{at_most_a_year, day, in_order, session_days, today},
    outbox::announce_event,
    records::{ALONE, Hooks, Resource, Write},
};

pub(crate) use bulk::*;
pub(crate) use leave::*;
pub(crate) use missing::*;
pub(crate) use views::*;

const TAG: &str = "attendance";

/// Every resource of plain records about attendance.
pub(crate) static RESOURCES: &[&Resource] = &[
    &HOLIDAYS,
    &ATTENDANCE_CODES,
    &ATTENDANCE,
    &LEAVE_APPLICATIONS,
];

/// Whether the caller enters attendance for every class.
fn enters_for_all(caller: &Caller<SchoolArea>) -> bool {
    caller.actor.permissions.allows(DeleteAttendance::CODENAME)
}

fn not_your_class() -> ApiError {
    ApiError::Forbidden {
        code: "not_your_class",
        detail: "You enter attendance for the classes that you lead or teach. For others you need the permission \
                 school.delete_attendance."
            .into(),
    }
}

/// Refuses days on which attendance cannot be entered, lessons that do not fit, and the classes of others.
fn check_place(
    caller: &Caller<SchoolArea>,
    place: &Place,
    date: &str,
    holidays: &[Holiday],
    lesson: Option<Option<&LessonDays>>,
) -> Result<(), ApiError> {
    if !enters_for_all(caller) && !place.own {
        return Err(not_your_class());
    }
    let date = day(date)?;
    let session = session_days(caller, place.start_date, place.end_date)?;
    check_day(date, today(caller)?, &session, holidays)
        .map_err(|fault| ApiError::field("date", &fault.to_string()))?;
    match lesson {
        None => Ok(()),
        Some(None) => Err(ApiError::field("lesson", "There is no such record.")),
        Some(Some(lesson)) => lesson
            .check(place.academic_class.as_deref(), date)
            .map_err(|fault| ApiError::field("lesson", &fault.to_string())),
    }
}

/// Has webhooks told of what is entered for students of a class.
fn announce(
    caller: &Caller<SchoolArea>,
    batch: &mut Batch,
    (academic_class, date, lesson): (Option<&str>, &str, Option<&str>),
    entries: &[(&str, Status)],
) {
    let mut counts = BTreeMap::new();
    for (_, status) in entries {
        *counts.entry(status.as_str()).or_insert(0u32) += 1;
    }
    let absent = entries
        .iter()
        .filter(|(_, status)| *status == Status::Absent);
    let absent: Vec<&str> = absent.map(|(student, _)| *student).collect();
    let data = json!({
        "academic_class": academic_class, "date": date, "lesson": lesson, "counts": counts, "absent": absent,
    });
    announce_event(caller, batch, ATTENDANCE_RECORDED, &data);
}

struct HolidayRules;
impl Hooks for HolidayRules {
    fn check(&self, holiday: &Record, errors: &mut FieldErrors) {
        let message = "The last day must not be before the first.";
        in_order(holiday, "start_date", "end_date", message, errors);
    }
}

struct EntryRules;
impl Hooks for EntryRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(entries::settle(write))
    }
}

struct LeaveRules;
impl Hooks for LeaveRules {
    fn check(&self, leave: &Record, errors: &mut FieldErrors) {
        let message = "The last day must not be before the first.";
        in_order(leave, "start_date", "end_date", message, errors);
        let message = "A leave has at most 366 days.";
        at_most_a_year(leave, "start_date", "end_date", message, errors);
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { settle_leave(write) })
    }
}

/// A new request waits for its decision; one that was decided stays as it is, and goes only when it has no entries.
fn settle_leave(write: &mut Write<'_>) -> Result<(), ApiError> {
    let Some(before) = write.before else {
        if let Some(after) = write.after.as_mut() {
            after.insert("status".to_owned(), json!("pending"));
        }
        return Ok(());
    };
    let stays = if write.after.is_some() {
        "pending"
    } else {
        "pending rejected withdrawn"
    };
    if !stays.contains(text(before, "status")) {
        return Err(Conflict::LeaveDecided.into());
    }
    write
        .batch
        .append(tables::keep_undecided(text(before, "id"), stays));
    Ok(())
}

static HOLIDAYS: Resource = Resource {
    table: &tables::HOLIDAYS,
    noun: "holiday",
    plural: "holidays",
    title: "a holiday",
    path: "/api/v1/school/holidays/",
    tag: TAG,
    hooks: &HolidayRules,
    ..ALONE
};

static ATTENDANCE_CODES: Resource = Resource {
    table: &tables::ATTENDANCE_CODES,
    noun: "attendance_code",
    plural: "attendance_codes",
    title: "an attendance code",
    path: "/api/v1/school/attendance-codes/",
    tag: TAG,
    ..ALONE
};

static ATTENDANCE: Resource = Resource {
    table: &tables::ATTENDANCE,
    noun: "attendance",
    plural: "attendance",
    title: "an attendance entry",
    path: "/api/v1/school/attendance/",
    tag: TAG,
    hooks: &EntryRules,
    ..ALONE
};

static LEAVE_APPLICATIONS: Resource = Resource {
    table: &tables::LEAVE_APPLICATIONS,
    noun: "leave_application",
    plural: "leave_applications",
    title: "a leave application",
    path: "/api/v1/school/leave-applications/",
    tag: TAG,
    hooks: &LeaveRules,
    ..ALONE
};
