//! The rule that keeps substitutes from being in two places, beside a look at every single day.

use chrono::Datelike;
use homeroom_domain::academics::timetable::Entry;
use homeroom_store::school::timetable::TAKEN;
use proptest::prelude::*;

use super::timetable::{Lesson, classes, lessons, runner};

/// A lesson and its substitution: from a day of January, for so many days, by whom and where; neither: it is cancelled.
type Planned = (Lesson, Option<(u64, u64, Option<u8>, Option<u8>)>);

fn planned() -> impl Strategy<Value = Planned> {
    let how = (
        0..60u64,
        0..20u64,
        prop::option::of(0..2u8),
        prop::option::of(1..2u8),
    );
    let same_day = |mut lesson: Lesson| {
        lesson.weekday = 7;
        lesson
    };
    (
        lessons().prop_map(same_day),
        prop::option::weighted(0.8, how),
    )
}

/// Who gives it where on a day, and whether that is otherwise than every week; none where it does not take place.
fn on(
    entry: &Entry,
    plan: &Planned,
    day: chrono::NaiveDate,
) -> Option<(String, Option<String>, bool)> {
    let is_valid = day >= entry.valid_from && entry.valid_to.is_none_or(|last| day <= last);
    if day.weekday().number_from_monday() != u32::from(entry.weekday) || !is_valid {
        return None;
    }
    match plan.1 {
        Some((from, days, teacher, room))
            if (Lesson::day(from)..=Lesson::day(from + days)).contains(&day) =>
        {
            (teacher.is_some() || room.is_some()).then(|| {
                let teacher = teacher.map_or(entry.teacher.clone(), |n| format!("t{n}"));
                (
                    teacher,
                    room.map(|n| format!("r{n}")).or(entry.room.clone()),
                    true,
                )
            })
        }
        _ => Some((entry.teacher.clone(), entry.room.clone(), false)),
    }
}

#[test]
fn the_rule_in_the_database_is_that_of_every_single_day() {
    let db = classes();
    let (taken, all) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let outcome = runner().run(&(planned(), planned()), |(a, b)| {
        db.execute_batch("delete from timetable; delete from substitutions")
            .unwrap();
        for (id, plan) in [("a", &a), ("b", &b)] {
            plan.0.insert(&db, id);
            let Some((from, days, teacher, room)) = plan.1 else {
                continue;
            };
            let days = [Lesson::day(from), Lesson::day(from + days)].map(|day| day.to_string());
            let cancelled = teacher.is_none() && room.is_none();
            let name = |letter: &str, n: Option<u8>| n.map(|n| format!("{letter}{n}"));
            db.execute(
                "insert into substitutions values (?1, ?1, ?2, ?3, ?4, ?5, ?6, '', 0, 0, null)",
                rusqlite::params![
                    id,
                    days[0],
                    days[1],
                    name("t", teacher),
                    name("r", room),
                    cancelled
                ],
            )
            .unwrap();
        }
        let (first, second) = (a.0.entry("a"), b.0.entry("b"));
        let meet = first.starts_at < second.ends_at && second.starts_at < first.ends_at;
        let expected = meet
            && (0..90).map(Lesson::day).any(|day| {
                let (Some(x), Some(y)) = (on(&first, &a, day), on(&second, &b, day)) else {
                    return false;
                };
                (x.2 || y.2) && (x.0 == y.0 || x.1.is_some() && x.1 == y.1)
            });
        all.set(all.get() + 1);
        taken.set(taken.get() + u32::from(expected));
        for id in ["a", "b"] {
            let sql = format!("select {TAKEN}");
            let broken: bool = db.query_row(&sql, [id], |row| row.get(0)).unwrap();
            prop_assert_eq!(broken, expected, "{} of {:?} and {:?}", id, a, b);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(taken.get() > 100, "{} of {}", taken.get(), all.get());
}
