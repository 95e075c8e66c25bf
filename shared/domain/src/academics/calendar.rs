//! Lessons as an iCalendar object (RFC 5545): events that recur weekly, in the school's own time.

use std::{fmt::Write as _, ops::RangeInclusive};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta};
use homeroom_kernel::Timestamp;

use super::attendance::Holiday;

/// Longest line in octets, without its end.
const LINE: usize = 75;
/// How far apart a zone is looked at; shorter summer times than this do not exist.
const STEP_MINUTES: i64 = 14 * 24 * 60;

/// A time zone as it is observed over a range of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    /// The offset from UTC in minutes before the first change.
    first: i64,
    /// The moments at which the offset changed, UTC, and the offset since then.
    changes: Vec<(NaiveDateTime, i64)>,
}

impl Zone {
    /// Looks at the wall clock of a zone from the day before `from` to the day after `to`; `wall` writes it as
    /// `2026-01-31T08:00`.
    pub fn observe(
        name: &str,
        from: NaiveDate,
        to: NaiveDate,
        wall: impl Fn(Timestamp) -> String,
    ) -> Self {
        let offset = |utc: NaiveDateTime| -> i64 {
            let moment = Timestamp::from_millis(utc.and_utc().timestamp_millis());
            let local = format!("{}:00", wall(moment)).parse::<NaiveDateTime>();
            local.map_or(0, |local| local.signed_duration_since(utc).num_minutes())
        };
        let start = midnight(from.checked_sub_days(Days::new(1)).unwrap_or(from));
        let end = midnight(to.checked_add_days(Days::new(2)).unwrap_or(to));
        let first = offset(start);
        let (mut at, mut present, mut changes) = (start, first, Vec::new());
        while at < end {
            let next = after(at, STEP_MINUTES).min(end);
            let then = offset(next);
            if then != present {
                let (mut before, mut since) = (at, next);
                while since.signed_duration_since(before).num_minutes() > 1 {
                    let span = since.signed_duration_since(before).num_minutes();
                    let middle = after(before, span / 2);
                    if offset(middle) == present {
                        before = middle;
                    } else {
                        since = middle;
                    }
                }
                changes.push((since, then));
                present = then;
            }
            at = next;
        }
        Self {
            name: name.to_owned(),
            first,
            changes,
        }
    }

    /// The moment at which the wall clock shows this; the first of two, and as before the change where there is none.
    fn to_utc(&self, local: NaiveDateTime) -> NaiveDateTime {
        let mut offset = self.first;
        for (since, next) in &self.changes {
            let utc = after(local, -offset);
            if utc < *since {
                return utc;
            }
            // The clock jumped over it.
            if after(local, -next) < *since {
                return utc;
            }
            offset = *next;
        }
        after(local, -offset)
    }

    fn write(&self, lines: &mut Lines) {
        lines.add("BEGIN:VTIMEZONE");
        lines.text("TZID", &self.name);
        let standard = self.changes.iter().map(|(_, offset)| *offset);
        let standard = standard.fold(self.first, i64::min);
        let begin =
            NaiveDate::from_ymd_opt(1970, 1, 1).map_or_else(NaiveDateTime::default, midnight);
        let mut from = self.first;
        let first = std::iter::once((after(begin, -self.first), self.first));
        for (since, offset) in first.chain(self.changes.iter().copied()) {
            let kind = if offset > standard {
                "DAYLIGHT"
            } else {
                "STANDARD"
            };
            lines.add(&format!("BEGIN:{kind}"));
            lines.add(&format!("DTSTART:{}", stamp(after(since, from))));
            lines.add(&format!("TZOFFSETFROM:{}", signed(from)));
            lines.add(&format!("TZOFFSETTO:{}", signed(offset)));
            lines.add(&format!("END:{kind}"));
            from = offset;
        }
        lines.add("END:VTIMEZONE");
    }
}

fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(chrono::NaiveTime::MIN)
}

fn after(moment: NaiveDateTime, minutes: i64) -> NaiveDateTime {
    moment
        .checked_add_signed(TimeDelta::minutes(minutes))
        .unwrap_or(moment)
}

/// `20260131T080000`.
fn stamp(moment: NaiveDateTime) -> String {
    use chrono::Timelike;
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}",
        moment.year(),
        moment.month(),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

/// `+0530`.
fn signed(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// A lesson of every week, as a calendar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The same in every version of the calendar.
    pub uid: String,
    /// Raised by every change.
    pub sequence: i64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// What it is.
    pub summary: String,
    /// Where; may be empty.
    pub location: String,
    /// More about it; may be empty.
    pub description: String,
    /// 1 is Monday, 7 Sunday.
    pub weekday: u32,
    /// Minutes since midnight.
    pub starts_at: u16,
    /// Minutes since midnight.
    pub ends_at: u16,
    /// The first day on which it may take place.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// When there is school; between them it does not take place.
    pub terms: Vec<RangeInclusive<NaiveDate>>,
    /// When it is given otherwise, or not at all.
    pub without: Vec<RangeInclusive<NaiveDate>>,
}

impl Lesson {
    /// The days on which it takes place, and those of its weekdays on which it does not.
    fn days(&self, holidays: &[Holiday]) -> (Vec<NaiveDate>, Vec<NaiveDate>) {
        let wait = (self.weekday + 7 - self.from.weekday().number_from_monday()) % 7;
        let first = self.from.checked_add_days(Days::new(wait.into()));
        let all = std::iter::successors(first, |day| day.checked_add_days(Days::new(7)));
        all.take_while(|day| *day <= self.to).partition(|day| {
            self.terms.iter().any(|term| term.contains(day))
                && !holidays.iter().any(|holiday| holiday.days.contains(day))
                && !self.without.iter().any(|days| days.contains(day))
        })
    }

    fn write(&self, zone: &Zone, holidays: &[Holiday], lines: &mut Lines) {
        let (days, without) = self.days(holidays);
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return;
        };
        let at = |day: &NaiveDate, minutes: u16| after(midnight(*day), minutes.into());
        let tzid = &zone.name;
        lines.add("BEGIN:VEVENT");
        lines.text("UID", &self.uid);
        let modified = self.modified.to_rfc3339().replace(['-', ':'], "");
        let modified = modified.split('.').next().unwrap_or_default();
        lines.add(&format!("DTSTAMP:{modified}Z"));
        lines.add(&format!("LAST-MODIFIED:{modified}Z"));
        lines.add(&format!("SEQUENCE:{}", self.sequence));
        lines.add(&format!(
            "DTSTART;TZID={tzid}:{}",
            stamp(at(first, self.starts_at))
        ));
        lines.add(&format!(
            "DTEND;TZID={tzid}:{}",
            stamp(at(first, self.ends_at))
        ));
        let until = stamp(zone.to_utc(at(last, self.starts_at)));
        lines.add(&format!("RRULE:FREQ=WEEKLY;UNTIL={until}Z"));
        let without: Vec<String> = without
            .iter()
            .filter(|day| (first..last).contains(day))
            .map(|day| stamp(at(day, self.starts_at)))
            .collect();
        if !without.is_empty() {
            lines.add(&format!("EXDATE;TZID={tzid}:{}", without.join(",")));
        }
        lines.text("SUMMARY", &self.summary);
        for (name, text) in [
            ("LOCATION", &self.location),
            ("DESCRIPTION", &self.description),
        ] {
            if !text.is_empty() {
                lines.text(name, text);
            }
        }
        lines.add("END:VEVENT");
    }
}

/// The whole calendar. Lessons that never take place are left out.
#[must_use]
pub fn write(name: &str, zone: &Zone, lessons: &[Lesson], holidays: &[Holiday]) -> String {
    let mut lines = Lines(String::new());
    lines.add("BEGIN:VCALENDAR");
    lines.add("VERSION:2.0");
    lines.add("PRODID:-//Homeroom//Timetable//EN");
    lines.add("CALSCALE:GREGORIAN");
    lines.text("X-WR-CALNAME", name);
    zone.write(&mut lines);
    for lesson in lessons {
        lesson.write(zone, holidays, &mut lines);
    }
    lines.add("END:VCALENDAR");
    lines.0
}

/// Content lines, folded.
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        let mut room = LINE;
        for character in line.chars() {
            if character.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(character);
            room -= character.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// A property whose value is text.
    fn text(&mut self, name: &str, text: &str) {
        let mut line = String::with_capacity(name.len() + text.len() + 8);
        let _ = write!(line, "{name}:");
        for character in text.chars() {
            match character {
                '\\' | ';' | ',' => line.extend(['\\', character]),
                '\n' => line.push_str("\\n"),
                '\r' => {}
                _ if character.is_control() => {}
                _ => line.push(character),
            }
        }
        self.add(&line);
    }
}

#[cfg(test)]
mod tests;
