//! The timetable of a year: an edge colouring of classes and teachers, so that it always works out.

use std::collections::BTreeMap;

use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::random::Random;
use crate::sessions::prepared;
use crate::tables::{School, TimetableEntry};
use crate::teaching::YearPlan;

const DAYS: usize = 5;
/// When lessons begin and end: forty minutes each, with a break.
const PERIODS: [(&str, &str); 8] = [
    ("07:30", "08:10"),
    ("08:10", "08:50"),
    ("08:50", "09:30"),
    ("09:30", "10:10"),
    ("10:30", "11:10"),
    ("11:10", "11:50"),
    ("11:50", "12:30"),
    ("12:30", "13:10"),
];
const SLOTS: usize = DAYS * PERIODS.len();

struct Lesson<'a> {
    class: usize,
    class_name: &'a str,
    academic_class: Uuid,
    subject: Uuid,
    teacher: Uuid,
    /// The kind of room that it needs; empty: the class stays in its own.
    room: &'static str,
    slot: usize,
}

/// Lessons by who is busy in which slot.
#[derive(Default)]
struct Week<'a> {
    lessons: Vec<Lesson<'a>>,
    of_class: BTreeMap<(usize, usize), usize>,
    of_teacher: BTreeMap<(Uuid, usize), usize>,
}

/// Fills the table with the lessons of the year.
pub(crate) fn build(school: &mut School, seed: u64, plan: &YearPlan<'_>) {
    let mut random = Random::new(seed, "timetable");
    let mut week = Week::default();
    for class in &plan.classes {
        for taught in &class.taught {
            for _ in 0..taught.course.lessons {
                week.place(
                    &mut random,
                    Lesson {
                        class: class.class.key,
                        class_name: &class.class.name,
                        academic_class: class.id,
                        subject: taught.course.subject,
                        teacher: taught.teacher,
                        room: taught.course.room,
                        slot: 0,
                    },
                );
            }
        }
    }
    let at = Timestamp::from_millis(prepared(plan.year).millis() + 7_200_000);
    let rooms = week.rooms();
    for (lesson, room) in week.lessons.iter().zip(rooms) {
        let (starts_at, ends_at) = PERIODS
            .get(lesson.slot % PERIODS.len())
            .copied()
            .unwrap_or_default();
        school.timetable.push(TimetableEntry {
            id: random.id(at),
            academic_class: lesson.academic_class,
            subject: lesson.subject,
            teacher: lesson.teacher,
            room,
            weekday: i64::try_from(lesson.slot / PERIODS.len() + 1).unwrap_or(1),
            starts_at: starts_at.to_owned(),
            ends_at: ends_at.to_owned(),
            valid_from: plan.year.first,
            valid_to: Some(plan.year.last),
            revision: 0,
            created_at: at,
            updated_at: at,
        });
    }
}

impl<'a> Week<'a> {
    /// Places a lesson; others move where class and teacher have no hour in common. As long as neither has more lessons
    /// than there are slots, that always succeeds (König's theorem on bipartite graphs).
    fn place(&mut self, random: &mut Random, mut lesson: Lesson<'a>) {
        let class_free =
            |week: &Self, slot: usize| !week.of_class.contains_key(&(lesson.class, slot));
        let teacher_free =
            |week: &Self, slot: usize| !week.of_teacher.contains_key(&(lesson.teacher, slot));
        let first = random.below(SLOTS);
        let slots = || (0..SLOTS).map(|n| (n + first) % SLOTS);
        let both = slots()
            .filter(|slot| class_free(self, *slot) && teacher_free(self, *slot))
            // The same subject twice on a day is a last resort.
            .min_by_key(|slot| self.same_on_day(&lesson, slot / PERIODS.len()));
        lesson.slot = match both {
            Some(slot) => slot,
            None => {
                let of_class = slots().find(|slot| class_free(self, *slot));
                let of_teacher = slots().find(|slot| teacher_free(self, *slot));
                let (Some(of_class), Some(of_teacher)) = (of_class, of_teacher) else {
                    // A school whose lessons do not fit into a week teaches the others without a timetable.
                    return;
                };
                self.swap_along(lesson.teacher, of_class, of_teacher);
                of_class
            }
        };
        let n = self.lessons.len();
        self.of_class.insert((lesson.class, lesson.slot), n);
        self.of_teacher.insert((lesson.teacher, lesson.slot), n);
        self.lessons.push(lesson);
    }

    fn same_on_day(&self, lesson: &Lesson<'_>, day: usize) -> usize {
        (day * PERIODS.len()..(day + 1) * PERIODS.len())
            .filter_map(|slot| self.of_class.get(&(lesson.class, slot)))
            .filter_map(|n| self.lessons.get(*n))
            .filter(|other| other.subject == lesson.subject)
            .count()
    }

    /// Frees the teacher in slot `wanted` by exchanging it with `free` along the chain of lessons that are in either.
    fn swap_along(&mut self, teacher: Uuid, wanted: usize, free: usize) {
        let mut chain = Vec::new();
        let mut teacher = teacher;
        while let Some(n) = self.of_teacher.get(&(teacher, wanted)) {
            chain.push(*n);
            let Some(class) = self.lessons.get(*n).map(|lesson| lesson.class) else {
                break;
            };
            let Some(next) = self.of_class.get(&(class, free)) else {
                break;
            };
            chain.push(*next);
            let Some(of_next) = self.lessons.get(*next).map(|lesson| lesson.teacher) else {
                break;
            };
            teacher = of_next;
        }
        for n in &chain {
            if let Some(lesson) = self.lessons.get(*n) {
                self.of_class.remove(&(lesson.class, lesson.slot));
                self.of_teacher.remove(&(lesson.teacher, lesson.slot));
            }
        }
        for n in chain {
            if let Some(lesson) = self.lessons.get_mut(n) {
                lesson.slot = if lesson.slot == wanted { free } else { wanted };
                self.of_class.insert((lesson.class, lesson.slot), n);
                self.of_teacher.insert((lesson.teacher, lesson.slot), n);
            }
        }
    }

    /// The room of each lesson: one that its subject needs while there are any, otherwise the class's own. There are
    /// as many of a kind as are used three quarters of the week.
    fn rooms(&self) -> Vec<String> {
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        for lesson in &self.lessons {
            *wanted.entry(lesson.room).or_default() += 1;
        }
        let mut taken: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        self.lessons
            .iter()
            .map(|lesson| {
                let count = wanted
                    .get(lesson.room)
                    .map_or(0, |lessons| (lessons * 4).div_ceil(SLOTS * 3));
                let number = taken.entry((lesson.room, lesson.slot)).or_default();
                if lesson.room.is_empty() || *number >= count {
                    return format!("Room {}", lesson.class_name.trim_start_matches("Form "));
                }
                *number += 1;
                format!("{} {number}", lesson.room)
            })
            .collect()
    }
}
