//! Timetables: nobody and no room is in two places at once.

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// A lesson of every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry; it never conflicts with itself.
    pub id: String,
    /// The class.
    pub academic_class: String,
    /// The teacher.
    pub teacher: String,
    /// The room; without one there is no conflict about it.
    pub room: Option<String>,
    /// 1 is Monday, 7 Sunday (ISO 8601).
    pub weekday: u8,
    /// Minutes since midnight.
    pub starts_at: u16,
    /// Minutes since midnight; the lesson that begins then does not conflict.
    pub ends_at: u16,
    /// The first day on which it may take place.
    pub valid_from: NaiveDate,
    /// The last; `None` is for good.
    pub valid_to: Option<NaiveDate>,
}

/// What is in two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// The class.
    Class,
    /// The teacher.
    Teacher,
    /// The room.
    Room,
}

/// A conflict with another entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The other entry.
    pub with: String,
    /// What both claim.
    pub kind: ConflictKind,
}

/// Why an entry is no lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Weekdays are 1 to 7.
    #[error("The weekday is a number from 1, Monday, to 7, Sunday.")]
    Weekday,
    /// It ends when it begins, before that, or after midnight.
    #[error("The lesson must end after it starts, on the same day.")]
    Times,
    /// It stops being valid before it is.
    #[error("The last day must not be before the first.")]
    Dates,
}

impl Entry {
    /// Whether the entry describes a lesson at all.
    pub fn check(&self) -> Result<(), EntryFault> {
        if !(1..=7).contains(&self.weekday) {
            Err(EntryFault::Weekday)
        } else if self.starts_at >= self.ends_at || self.ends_at > 24 * 60 {
            Err(EntryFault::Times)
        } else if self.valid_to.is_some_and(|last| last < self.valid_from) {
            Err(EntryFault::Dates)
        } else {
            Ok(())
        }
    }

    /// Whether there is a day on which both take place at the same minute.
    fn meets(&self, other: &Self) -> bool {
        self.weekday == other.weekday
            && self.starts_at < other.ends_at
            && other.starts_at < self.ends_at
            && self.shares_a_day(other)
    }

    /// Whether the weekday occurs while both are valid.
    fn shares_a_day(&self, other: &Self) -> bool {
        let from = self.valid_from.max(other.valid_from);
        let weekday = from.weekday().number_from_monday();
        let wait = (u32::from(self.weekday) + 7 - weekday) % 7;
        let ends = [self.valid_to, other.valid_to];
        from.checked_add_days(Days::new(wait.into()))
            .is_some_and(|first| ends.iter().flatten().all(|last| first <= *last))
    }
}

/// The conflicts of an entry with others, in their order; by class, teacher and room.
#[must_use]
pub fn conflicts(entry: &Entry, others: &[Entry]) -> Vec<Conflict> {
    others
        .iter()
        .filter(|other| other.id != entry.id && other.meets(entry))
        .flat_map(|other| {
            [
                (
                    ConflictKind::Class,
                    other.academic_class == entry.academic_class,
                ),
                (ConflictKind::Teacher, other.teacher == entry.teacher),
                (
                    ConflictKind::Room,
                    other.room.is_some() && other.room == entry.room,
                ),
            ]
            .into_iter()
            .filter(|(_, shared)| *shared)
            .map(|(kind, _)| Conflict {
                with: other.id.clone(),
                kind,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Mondays from 8:00 to 8:40 in 2026.
    fn entry(id: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            academic_class: format!("class {id}"),
            teacher: format!("teacher {id}"),
            room: None,
            weekday: 1,
            starts_at: 480,
            ends_at: 520,
            valid_from: day("2026-01-01"),
            valid_to: Some(day("2026-12-31")),
        }
    }

    /// The same teacher as entry "a".
    fn other(change: impl FnOnce(&mut Entry)) -> Entry {
        let mut other = entry("b");
        other.teacher = entry("a").teacher;
        change(&mut other);
        other
    }

    #[test]
    fn class_teacher_and_room_conflict_each_by_itself() {
        let mine = Entry {
            room: Some("Lab".to_owned()),
            ..entry("a")
        };
        let others = [
            entry("b"),
            other(|_| {}),
            Entry {
                id: "c".to_owned(),
                ..mine.clone()
            },
        ];
        let found: Vec<(&str, ConflictKind)> = conflicts(&mine, &others)
            .iter()
            .map(|conflict| (if conflict.with == "b" { "b" } else { "c" }, conflict.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("b", ConflictKind::Teacher),
                ("c", ConflictKind::Class),
                ("c", ConflictKind::Teacher),
                ("c", ConflictKind::Room)
            ]
        );
        assert_eq!(conflicts(&mine, std::slice::from_ref(&mine)), []);
    }

    #[test]
    fn no_room_is_not_a_room() {
        let mut others = [entry("b")];
        assert_eq!(conflicts(&entry("a"), &others), []);
        others[0].room = Some("Lab".to_owned());
        assert_eq!(conflicts(&entry("a"), &others), []);
    }

    #[test]
    fn lessons_conflict_when_they_share_a_minute_of_a_day() {
        for (description, change, conflict) in [
            (
                "one after the other",
                (|e: &mut Entry| (e.starts_at, e.ends_at) = (520, 560)) as fn(&mut Entry),
                false,
            ),
            (
                "one before",
                |e| (e.starts_at, e.ends_at) = (440, 480),
                false,
            ),
            ("a minute", |e| (e.starts_at, e.ends_at) = (519, 560), true),
            ("within", |e| (e.starts_at, e.ends_at) = (490, 500), true),
            ("around", |e| (e.starts_at, e.ends_at) = (400, 600), true),
            ("another weekday", |e| e.weekday = 2, false),
            (
                "the year after",
                |e| {
                    e.valid_from = day("2027-01-01");
                    e.valid_to = None;
                },
                false,
            ),
            ("for good", |e| e.valid_to = None, true),
            // 28 December 2026 is the last Monday of the year.
            (
                "the last Monday",
                |e| e.valid_from = day("2026-12-28"),
                true,
            ),
            (
                "the days after it",
                |e| e.valid_from = day("2026-12-29"),
                false,
            ),
            (
                "one Monday",
                |e| {
                    e.valid_from = day("2026-05-04");
                    e.valid_to = Some(day("2026-05-04"));
                },
                true,
            ),
            (
                "the days between Mondays",
                |e| {
                    e.valid_from = day("2026-05-05");
                    e.valid_to = Some(day("2026-05-10"));
                },
                false,
            ),
        ] {
            let found = conflicts(&entry("a"), &[other(change)]);
            assert_eq!(!found.is_empty(), conflict, "{description}");
        }
    }

    #[test]
    fn what_is_no_lesson_is_said() {
        let fault = |change: fn(&mut Entry)| other(change).check().err();
        assert_eq!(fault(|_| {}), None);
        assert_eq!(fault(|e| e.ends_at = 24 * 60), None);
        assert_eq!(fault(|e| e.valid_to = Some(e.valid_from)), None);
        assert_eq!(fault(|e| e.weekday = 0), Some(EntryFault::Weekday));
        assert_eq!(fault(|e| e.weekday = 8), Some(EntryFault::Weekday));
        assert_eq!(fault(|e| e.ends_at = e.starts_at), Some(EntryFault::Times));
        assert_eq!(fault(|e| e.ends_at = 24 * 60 + 1), Some(EntryFault::Times));
        assert_eq!(
            fault(|e| e.valid_to = Some(day("2025-12-31"))),
            Some(EntryFault::Dates)
        );
    }

    prop_compose! {
        fn entries(id: &'static str)(
            weekday in 1..=2_u8,
            start in 0..10_u16,
            length in 1..6_u16,
            from in 0..20_u64,
            days in prop::option::of(0..20_u64),
        ) -> Entry {
            let from = day("2026-01-01") + Days::new(from);
            Entry {
                weekday,
                starts_at: start,
                ends_at: start + length,
                valid_from: from,
                valid_to: days.map(|days| from + Days::new(days)),
                teacher: "shared".to_owned(),
                ..entry(id)
            }
        }
    }

    proptest! {
        #[test]
        fn a_conflict_is_a_day_and_a_minute_that_both_hold(a in entries("a"), b in entries("b")) {
            let holds = |e: &Entry, date: NaiveDate, minute: u16| {
                date.weekday().number_from_monday() == u32::from(e.weekday)
                    && date >= e.valid_from
                    && e.valid_to.is_none_or(|last| date <= last)
                    && (e.starts_at..e.ends_at).contains(&minute)
            };
            let shared = (0..60).any(|n| {
                let date = day("2026-01-01") + Days::new(n);
                (0..16).any(|minute| holds(&a, date, minute) && holds(&b, date, minute))
            });
            prop_assert_eq!(!conflicts(&a, std::slice::from_ref(&b)).is_empty(), shared);
            prop_assert_eq!(!conflicts(&b, std::slice::from_ref(&a)).is_empty(), shared);
        }
    }
}
