//! Years, terms and days off.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Weekday};
use homeroom_kernel::Timestamp;

/// Months from the beginning of a year to the month of "today".
const MONTHS_BEFORE_TODAY: u32 = 10;

/// Days from the change of year, when promotions are carried out, to the end of the year.
const CHANGE_BEFORE_END: i64 = 13;

/// A school year.
#[derive(Clone, Debug)]
pub(crate) struct Year {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) terms: [TermDays; 3],
}

/// A term and the vacation after it.
#[derive(Clone, Debug)]
pub(crate) struct TermDays {
    pub(crate) number: &'static str,
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) vacation_last: NaiveDate,
}

/// Days off.
#[derive(Clone, Debug)]
pub(crate) struct DaysOff {
    pub(crate) name: String,
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
}

/// The years up to that of `today`, which is laid so that `today` is late in its third term, whatever the date: every
/// school has most of a year behind it.
pub(crate) fn years(today: NaiveDate, count: u8) -> Vec<Year> {
    let month = today.with_day(1).unwrap_or(today);
    (0..u32::from(count))
        .rev()
        .map(|back| Year::from(months_before(month, MONTHS_BEFORE_TODAY + 12 * back)))
        .collect()
}

impl Year {
    fn from(first: NaiveDate) -> Self {
        let begin =
            |months, day| on_or_after(days_after(months_after(first, months), day), Weekday::Mon);
        let end =
            |months, day| on_or_after(days_after(months_after(first, months), day), Weekday::Fri);
        let last = days_after(months_after(first, 12), -1);
        let (second, third) = (begin(4, 4), begin(8, 4));
        let term = |number, first, last, vacation_last| TermDays {
            number,
            first,
            last,
            vacation_last,
        };
        Self {
            first,
            last,
            terms: [
                term("1", begin(0, 8), end(3, 0), days_after(second, -1)),
                term("2", second, end(7, 0), days_after(third, -1)),
                term("3", third, end(11, 0), last),
            ],
        }
    }

    /// As people call it: "2026", or "2025/2026".
    pub(crate) fn name(&self) -> String {
        let (first, last) = (self.first.year(), self.last.year());
        if first == last {
            first.to_string()
        } else {
            format!("{first}/{last}")
        }
    }

    /// When those who move up are registered in the next year.
    pub(crate) fn change(&self) -> Timestamp {
        moment(days_after(self.last, -CHANGE_BEFORE_END), 14, 0)
    }

    /// Public holidays, and the days that the school itself is closed.
    pub(crate) fn days_off(&self) -> Vec<DaysOff> {
        let year = self.first.year();
        let mut days: Vec<DaysOff> = [year, year + 1]
            .into_iter()
            .flat_map(|year| {
                [
                    ("New Year's Day", 1, 1, 1),
                    ("Workers' Day", 5, 1, 1),
                    ("Africa Day", 5, 25, 1),
                    ("Christmas and Boxing Day", 12, 25, 2),
                ]
                .into_iter()
                .filter_map(move |(name, month, day, length)| {
                    let first = NaiveDate::from_ymd_opt(year, month, day)?;
                    let name = format!("{name} {year}");
                    Some(DaysOff {
                        name,
                        first,
                        last: days_after(first, length - 1),
                    })
                })
            })
            .filter(|days| self.first <= days.first && days.last <= self.last)
            .collect();
        days.extend(self.terms.iter().map(|term| {
            let first = on_or_after(days_after(term.first, 38), Weekday::Fri);
            let name = format!("Mid-term break, term {} of {}", term.number, self.name());
            DaysOff {
                name,
                first,
                last: days_after(first, 3),
            }
        }));
        days.sort_by_key(|days| days.first);
        days
    }

    /// The last `count` days with lessons before `today`, the earliest first.
    pub(crate) fn school_days_before(&self, today: NaiveDate, count: usize) -> Vec<NaiveDate> {
        let off = self.days_off();
        let mut days: Vec<NaiveDate> = self
            .first
            .iter_days()
            .take_while(|day| *day < today)
            .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
            .filter(|day| {
                self.terms
                    .iter()
                    .any(|term| term.first <= *day && *day <= term.last)
            })
            .filter(|day| !off.iter().any(|off| off.first <= *day && *day <= off.last))
            .collect();
        days.split_off(days.len().saturating_sub(count))
    }
}

/// When the school began to keep its records, before the first of the years.
pub(crate) fn founding(first: &Year) -> Timestamp {
    moment(days_after(first.first, -60), 9, 0)
}

fn on_or_after(day: NaiveDate, weekday: Weekday) -> NaiveDate {
    let wait = weekday.days_since(day.weekday());
    day.checked_add_days(Days::new(wait.into())).unwrap_or(day)
}

/// The day that many months earlier.
pub(crate) fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_sub_months(Months::new(months)).unwrap_or(day)
}

/// The day that many months later.
fn months_after(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months)).unwrap_or(day)
}

/// The day that many days later, or before it; the calendar ends in both directions.
pub(crate) fn days_after(day: NaiveDate, days: i64) -> NaiveDate {
    TimeDelta::try_days(days)
        .and_then(|span| day.checked_add_signed(span))
        .unwrap_or(day)
}

/// A time of the day, in UTC.
pub(crate) fn moment(day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
    Timestamp::from_millis(day.and_time(time).and_utc().timestamp_millis())
}

/// The last millisecond of the day, in UTC.
pub(crate) fn end_of(day: NaiveDate) -> Timestamp {
    Timestamp::from_millis(moment(day, 0, 0).millis() + 86_399_999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_in_the_third_term_of_the_last_year_whatever_the_date() {
        let start: NaiveDate = "2023-12-01".parse().unwrap();
        for today in start.iter_days().take(1_500) {
            let years = years(today, 3);
            assert_eq!(years.len(), 3);
            let third = &years[2].terms[2];
            assert!(
                third.first < today && today < third.last,
                "{today}: {third:?}"
            );
            assert_eq!(years[2].school_days_before(today, 15).len(), 15, "{today}");
        }
    }

    #[test]
    fn years_and_terms_follow_on_each_other() {
        for years in [
            years("2026-11-26".parse().unwrap(), 5),
            years("2024-02-29".parse().unwrap(), 5),
        ] {
            for pair in years.windows(2) {
                assert_eq!(days_after(pair[0].last, 1), pair[1].first);
            }
            for year in &years {
                let [one, two, three] = &year.terms;
                assert!(year.first < one.first && three.last < year.last);
                assert_eq!(days_after(one.vacation_last, 1), two.first);
                assert_eq!(days_after(two.vacation_last, 1), three.first);
                assert_eq!(three.vacation_last, year.last);
                for term in &year.terms {
                    assert!(term.first < term.last && term.last < term.vacation_last);
                    assert_eq!(term.first.weekday(), Weekday::Mon);
                    assert_eq!(term.last.weekday(), Weekday::Fri);
                }
                assert!(
                    year.change() > end_of(days_after(three.last, 7)),
                    "{year:?}"
                );
            }
        }
    }

    #[test]
    fn years_have_the_names_of_the_calendar() {
        let names = |today: &str| -> Vec<String> {
            years(today.parse().unwrap(), 2)
                .iter()
                .map(Year::name)
                .collect()
        };
        assert_eq!(names("2026-11-26"), ["2025", "2026"]);
        assert_eq!(names("2026-07-01"), ["2024/2025", "2025/2026"]);
    }

    #[test]
    fn no_lessons_are_given_on_days_off() {
        let year = &years("2026-11-26".parse().unwrap(), 1)[0];
        let days = year.school_days_before("2026-11-26".parse().unwrap(), 1_000);
        assert!(days.len() > 150);
        for off in year.days_off() {
            assert!(
                days.iter().all(|day| *day < off.first || off.last < *day),
                "{off:?}"
            );
        }
    }
}
