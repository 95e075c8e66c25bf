//! Attendance: which days can be marked, and what a list of days adds up to.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How a student spent a day or a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There.
    Present,
    /// Not there, without leave.
    Absent,
    /// There, but not from the beginning.
    Late,
    /// Not there, with leave.
    Excused,
}

/// Days without lessons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// As people call it.
    pub name: String,
    /// The first and the last day.
    pub days: RangeInclusive<NaiveDate>,
}

/// Why attendance cannot be marked on a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayFault {
    /// After today.
    #[error("The date is in the future.")]
    Future,
    /// Before the academic session, or after it.
    #[error("The date is outside the session, which runs from {first} to {last}.")]
    OutsideSession {
        /// The session's first day.
        first: NaiveDate,
        /// The session's last day.
        last: NaiveDate,
    },
    /// A day without lessons.
    #[error("The date falls on a holiday: {name}.")]
    Holiday {
        /// The holiday.
        name: String,
    },
}

/// Whether attendance can be marked on `date`; `today` is the day at the school.
pub fn check_day(
    date: NaiveDate,
    today: NaiveDate,
    session: &RangeInclusive<NaiveDate>,
    holidays: &[Holiday],
) -> Result<(), DayFault> {
    if date > today {
        return Err(DayFault::Future);
    }
    if !session.contains(&date) {
        return Err(DayFault::OutsideSession {
            first: *session.start(),
            last: *session.end(),
        });
    }
    match holidays.iter().find(|holiday| holiday.days.contains(&date)) {
        Some(holiday) => Err(DayFault::Holiday {
            name: holiday.name.clone(),
        }),
        None => Ok(()),
    }
}

/// How often each status occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// There.
    pub present: u32,
    /// Without leave.
    pub absent: u32,
    /// Not from the beginning.
    pub late: u32,
    /// With leave.
    pub excused: u32,
    /// All of them.
    pub total: u32,
}

impl Summary {
    /// Counts statuses.
    pub fn of(statuses: impl IntoIterator<Item = Status>) -> Self {
        let mut summary = Self::default();
        for status in statuses {
            let count = match status {
                Status::Present => &mut summary.present,
                Status::Absent => &mut summary.absent,
                Status::Late => &mut summary.late,
                Status::Excused => &mut summary.excused,
            };
            *count += 1;
            summary.total += 1;
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_school_day_up_to_today_can_be_marked() {
        let session = day("2026-01-12")..=day("2026-12-04");
        let holidays = [
            Holiday {
                name: "Easter".to_owned(),
                days: day("2026-04-03")..=day("2026-04-06"),
            },
            Holiday {
                name: "Independence Day".to_owned(),
                days: day("2026-04-18")..=day("2026-04-18"),
            },
        ];
        let outside = "The date is outside the session, which runs from 2026-01-12 to 2026-12-04.";
        for (date, fault) in [
            ("2026-01-11", Some(outside)),
            ("2026-01-12", None),
            ("2026-04-02", None),
            ("2026-04-03", Some("The date falls on a holiday: Easter.")),
            ("2026-04-06", Some("The date falls on a holiday: Easter.")),
            ("2026-04-07", None),
            (
                "2026-04-18",
                Some("The date falls on a holiday: Independence Day."),
            ),
            ("2026-05-05", None),
            ("2026-05-06", Some("The date is in the future.")),
            ("2027-01-01", Some("The date is in the future.")),
        ] {
            let answer = check_day(day(date), day("2026-05-05"), &session, &holidays);
            assert_eq!(
                answer.err().map(|fault| fault.to_string()).as_deref(),
                fault,
                "{date}"
            );
        }
        let later = check_day(day("2026-12-05"), day("2027-02-01"), &session, &holidays);
        assert_eq!(later.unwrap_err().to_string(), outside);
    }

    #[test]
    fn a_summary_counts_each_status_and_all() {
        use Status::{Absent, Excused, Late, Present};
        let summary = Summary::of([Present, Absent, Present, Late, Excused, Present]);
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            r#"{"present":3,"absent":1,"late":1,"excused":1,"total":6}"#
        );
        assert_eq!(Summary::of([]), Summary::default());
    }

    #[test]
    fn statuses_have_the_names_of_the_api() {
        let names = ["present", "absent", "late", "excused"];
        let read: Vec<Status> = names
            .iter()
            .map(|name| serde_json::from_value((*name).into()).unwrap())
            .collect();
        assert_eq!(
            serde_json::to_value(read).unwrap(),
            serde_json::json!(names)
        );
    }
}
