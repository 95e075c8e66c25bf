//! Days, as the school's calendar has them.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use homeroom_domain::{
    academics::attendance::Holiday,
    records::{Record, text},
};
use homeroom_edge::{ApiError, App, Caller, SchoolArea};
use homeroom_kernel::{FieldErrors, Timestamp};
use homeroom_store::TenantDb;

/// A leap year.
const MAX_DAYS: i64 = 366;

/// The day that the school's calendar shows at a moment.
fn day_of(caller: &Caller<SchoolArea>, moment: Timestamp) -> Result<NaiveDate, ApiError> {
    day_at(&caller.app, &caller.db, moment)
}

/// The same, where nobody is signed in.
pub(crate) fn day_at(app: &App, db: &TenantDb, moment: Timestamp) -> Result<NaiveDate, ApiError> {
    let wall = app.local_time(db.school(), moment);
    let day = wall.get(..10).and_then(|day| day.parse().ok());
    day.ok_or_else(|| ApiError::Internal(format!("not a wall clock: {wall}")))
}

/// Today, at the school.
pub(crate) fn today(caller: &Caller<SchoolArea>) -> Result<NaiveDate, ApiError> {
    day_of(caller, caller.context.now)
}

/// The first and the last day of a session.
pub(crate) fn session_days(
    caller: &Caller<SchoolArea>,
    first: Timestamp,
    last: Timestamp,
) -> Result<RangeInclusive<NaiveDate>, ApiError> {
    Ok(day_of(caller, first)?..=day_of(caller, last)?)
}

/// A day that was checked before.
pub(crate) fn day(text: &str) -> Result<NaiveDate, ApiError> {
    text.parse()
        .map_err(|_| ApiError::field("date", "Use the form 2026-01-31."))
}

/// The holiday that a day is part of.
pub(crate) fn holiday_on(date: NaiveDate, holidays: &[Holiday]) -> Option<String> {
    let found = holidays.iter().find(|holiday| holiday.days.contains(&date));
    found.map(|holiday| holiday.name.clone())
}

/// Refuses more days than a leap year has.
pub(crate) fn at_most_a_year(
    record: &Record,
    first: &str,
    last: &str,
    message: &str,
    errors: &mut FieldErrors,
) {
    let date = |name| text(record, name).parse::<NaiveDate>().ok();
    if let (Some(first), Some(end)) = (date(first), date(last))
        && end.signed_duration_since(first).num_days() >= MAX_DAYS
    {
        errors.add(last, message);
    }
}

/// Refuses a day that comes before another one.
pub(crate) fn in_order(
    record: &Record,
    first: &str,
    last: &str,
    message: &str,
    errors: &mut FieldErrors,
) {
    let (first, end) = (text(record, first), text(record, last));
    if !first.is_empty() && !end.is_empty() && end < first {
        errors.add(last, message);
    }
}
