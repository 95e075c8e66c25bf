//! Attendance: which days can be marked, and what a list of days adds up to.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::marks::{Hundredths, divide};

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

impl Status {
    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Present, Self::Absent, Self::Late, Self::Excused]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Late => "late",
            Self::Excused => "excused",
        }
    }
}

/// Why an entry has no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusFault {
    /// Neither a status nor a code was given.
    #[error("This field is required.")]
    Missing,
    /// The school has no such code.
    #[error("There is no such code.")]
    UnknownCode,
    /// The code counts as another status.
    #[error("The code counts as {}: leave out the status, or the code.", .0.as_str())]
    Contradiction(Status),
}

/// The status of an entry: the one that is named, or the one that its code counts as. `code` is what the school knows of
/// the code, where one is given.
pub fn counts_as(
    named: Option<Status>,
    code: Option<Option<Status>>,
) -> Result<Status, StatusFault> {
    match (named, code) {
        (_, Some(None)) => Err(StatusFault::UnknownCode),
        (Some(named), Some(Some(code))) if named != code => Err(StatusFault::Contradiction(code)),
        (_, Some(Some(code))) => Ok(code),
        (Some(named), None) => Ok(named),
        (None, None) => Err(StatusFault::Missing),
    }
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

/// When a lesson takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonDays {
    /// The class.
    pub academic_class: String,
    /// 1 is Monday, 7 Sunday.
    pub weekday: u32,
    /// The first day on which it may take place.
    pub valid_from: NaiveDate,
    /// The last; `None` is for good.
    pub valid_to: Option<NaiveDate>,
    /// Whether it does not take place on the day that is asked about.
    pub is_cancelled: bool,
}

/// Why attendance of a lesson cannot be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LessonFault {
    /// The student has other lessons.
    #[error("The lesson is one of another class.")]
    OtherClass,
    /// The lesson is on another day of the week.
    #[error("The lesson does not take place on this day of the week.")]
    OtherWeekday,
    /// It was not in the timetable yet, or is no longer.
    #[error("The lesson is not in the timetable on this date.")]
    NotValid,
    /// It does not take place on this one day.
    #[error("The lesson is cancelled on this date.")]
    Cancelled,
}

impl LessonDays {
    fn is_valid(&self, date: NaiveDate) -> bool {
        date >= self.valid_from && self.valid_to.is_none_or(|last| date <= last)
    }

    fn takes_place(&self, date: NaiveDate) -> bool {
        date.weekday().number_from_monday() == self.weekday
            && self.is_valid(date)
            && !self.is_cancelled
    }

    /// Whether a student of this class can have been in the lesson on this day.
    pub fn check(&self, academic_class: Option<&str>, date: NaiveDate) -> Result<(), LessonFault> {
        if academic_class != Some(self.academic_class.as_str()) {
            Err(LessonFault::OtherClass)
        } else if date.weekday().number_from_monday() != self.weekday {
            Err(LessonFault::OtherWeekday)
        } else if !self.is_valid(date) {
            Err(LessonFault::NotValid)
        } else if self.is_cancelled {
            Err(LessonFault::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Whether a class has school on a day: Monday to Friday, or a day with a lesson of the class, and no holiday.
#[must_use]
pub fn is_school_day(date: NaiveDate, holidays: &[Holiday], lessons: &[LessonDays]) -> bool {
    let in_the_week = date.weekday().number_from_monday() <= 5;
    (in_the_week || lessons.iter().any(|lesson| lesson.takes_place(date)))
        && !holidays.iter().any(|holiday| holiday.days.contains(&date))
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
            summary.add(status, 1);
        }
        summary
    }

    /// Counts a status so many times more.
    pub fn add(&mut self, status: Status, times: u32) {
        let count = match status {
            Status::Present => &mut self.present,
            Status::Absent => &mut self.absent,
            Status::Late => &mut self.late,
            Status::Excused => &mut self.excused,
        };
        *count = count.saturating_add(times);
        self.total = self.total.saturating_add(times);
    }

    /// Of a hundred, how many times the student was there, from the beginning or late; nothing where nothing was
    /// entered.
    #[must_use]
    pub fn percentage(&self) -> Option<Hundredths> {
        let there = i64::from(self.present) + i64::from(self.late);
        divide(there * 10_000, i64::from(self.total))
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
    fn a_code_decides_the_status_and_is_not_contradicted() {
        use Status::{Absent, Late, Present};
        for (named, code, status) in [
            (Some(Present), None, Ok(Present)),
            (None, None, Err(StatusFault::Missing)),
            (None, Some(Some(Late)), Ok(Late)),
            (Some(Late), Some(Some(Late)), Ok(Late)),
            (
                Some(Present),
                Some(Some(Absent)),
                Err(StatusFault::Contradiction(Absent)),
            ),
            (Some(Present), Some(None), Err(StatusFault::UnknownCode)),
        ] {
            assert_eq!(counts_as(named, code), status);
        }
        assert_eq!(
            StatusFault::Contradiction(Absent).to_string(),
            "The code counts as absent: leave out the status, or the code."
        );
    }

    #[test]
    fn a_lesson_is_the_classs_own_on_its_weekday_while_it_is_valid() {
        // Mondays from 12 January to 30 March 2026.
        let lesson = LessonDays {
            academic_class: "3A".to_owned(),
            weekday: 1,
            valid_from: day("2026-01-12"),
            valid_to: Some(day("2026-03-30")),
            is_cancelled: false,
        };
        for (class, date, fault) in [
            (Some("3A"), "2026-01-12", None),
            (Some("3A"), "2026-03-30", None),
            (Some("3A"), "2026-01-05", Some(LessonFault::NotValid)),
            (Some("3A"), "2026-04-06", Some(LessonFault::NotValid)),
            (Some("3A"), "2026-01-13", Some(LessonFault::OtherWeekday)),
            (Some("3B"), "2026-01-12", Some(LessonFault::OtherClass)),
            (None, "2026-01-12", Some(LessonFault::OtherClass)),
        ] {
            assert_eq!(
                lesson.check(class, day(date)).err(),
                fault,
                "{class:?} {date}"
            );
        }
        let for_good = LessonDays {
            valid_to: None,
            ..lesson
        };
        assert_eq!(for_good.check(Some("3A"), day("2036-01-07")), Ok(()));
        let cancelled = LessonDays {
            is_cancelled: true,
            ..for_good
        };
        let fault = cancelled.check(Some("3A"), day("2036-01-07"));
        assert_eq!(fault, Err(LessonFault::Cancelled));
        assert!(!cancelled.takes_place(day("2036-01-07")));
    }

    #[test]
    fn school_is_from_monday_to_friday_and_on_days_with_lessons_but_not_on_holidays() {
        let holidays = [Holiday {
            name: "Easter".to_owned(),
            days: day("2026-04-03")..=day("2026-04-06"),
        }];
        let saturdays = [LessonDays {
            academic_class: "3A".to_owned(),
            weekday: 6,
            valid_from: day("2026-03-28"),
            valid_to: Some(day("2026-04-11")),
            is_cancelled: false,
        }];
        for (date, plain, with_lessons) in [
            ("2026-03-21", false, false),
            ("2026-03-28", false, true),
            ("2026-03-29", false, false),
            ("2026-04-02", true, true),
            ("2026-04-03", false, false),
            ("2026-04-04", false, false),
            ("2026-04-06", false, false),
            ("2026-04-07", true, true),
            ("2026-04-11", false, true),
            ("2026-04-18", false, false),
        ] {
            let date = day(date);
            assert_eq!(is_school_day(date, &holidays, &[]), plain, "{date}");
            assert_eq!(
                is_school_day(date, &holidays, &saturdays),
                with_lessons,
                "{date}"
            );
        }
    }

    #[test]
    fn the_percentage_is_of_those_who_were_there_and_rounded_once() {
        for (present, absent, late, excused, percentage) in [
            (0, 0, 0, 0, None),
            (1, 0, 0, 0, Some(10_000)),
            (0, 1, 0, 0, Some(0)),
            (1, 0, 1, 0, Some(10_000)),
            (1, 1, 0, 1, Some(3_333)),
            (2, 1, 0, 0, Some(6_667)),
            (1, 2, 4, 1, Some(6_250)),
        ] {
            let mut summary = Summary::default();
            summary.add(Status::Present, present);
            summary.add(Status::Absent, absent);
            summary.add(Status::Late, late);
            summary.add(Status::Excused, excused);
            assert_eq!(summary.total, present + absent + late + excused);
            assert_eq!(summary.percentage(), percentage.map(Hundredths));
        }
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
            serde_json::to_value(&read).unwrap(),
            serde_json::json!(names)
        );
        let parsed: Vec<Status> = names.into_iter().filter_map(Status::parse).collect();
        assert_eq!(parsed, read);
        assert_eq!(Status::parse("Present"), None);
    }
}
