//! Exams of every term, and marks.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::calendar::{TermDays, days_after, moment};
use crate::people::{Pupil, Registration};
use crate::random::Random;
use crate::tables::{self, School};
use crate::teaching::{Taught, YearPlan};

/// Of a thousand.
const ABSENT: usize = 20;
const MISSING_IN_DRAFT: usize = 50;
const COMMENTED: usize = 25;
const CORRECTED: usize = 40;

/// Hundredths that most students get.
const MEAN: i64 = 5_900;
const SPREAD: i64 = 900;

const COMMENTS: [&str; 6] = [
    "Well done.",
    "Didn't finish the paper.",
    "Very neat work!",
    "Question 3 wasn't attempted.",
    "Bravo, très bien.",
    "Please revise \"fractions\".",
];

/// A term's exams, and when marks are entered.
struct Sitting {
    id: Uuid,
    is_draft: bool,
    /// Who left before is not in it.
    end: NaiveDate,
    created: Timestamp,
    /// The days on which marks are entered.
    days: (NaiveDate, NaiveDate),
    marks_due: NaiveDate,
}

/// Fills the tables for all years: the last term's marks are still being entered.
pub(crate) fn build(
    school: &mut School,
    seed: u64,
    today: NaiveDate,
    plans: &[YearPlan<'_>],
    pupils: &[Pupil<'_>],
) {
    let mut random = Random::new(seed, "marks");
    let mut registered: BTreeMap<Uuid, Vec<(&Pupil<'_>, &Registration)>> = BTreeMap::new();
    for pupil in pupils {
        for registration in &pupil.registrations {
            registered
                .entry(registration.academic_class)
                .or_default()
                .push((pupil, registration));
        }
    }
    for (n, plan) in plans.iter().enumerate() {
        for (number, term) in plan.year.terms.iter().enumerate() {
            let is_draft = n + 1 == plans.len() && number + 1 == plan.year.terms.len();
            let sitting = sitting(school, &mut random, plan.session, term, today, is_draft);
            for class in &plan.classes {
                let students = registered
                    .get(&class.id)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                for taught in &class.taught {
                    exam(school, &mut random, &sitting, class.id, taught, students);
                }
            }
        }
    }
}

fn sitting(
    school: &mut School,
    random: &mut Random,
    session: Uuid,
    term: &TermDays,
    today: NaiveDate,
    is_draft: bool,
) -> Sitting {
    let opened = if is_draft {
        days_after(term.last, -21).min(days_after(today, -10))
    } else {
        days_after(term.last, -21)
    };
    let created = moment(opened, 9, 0);
    let id = random.id(created);
    let after = |days, hour| (!is_draft).then(|| moment(days_after(term.last, days), hour, 0));
    let (published_at, locked_at) = (after(4, 16), after(7, 10));
    school.exam_sessions.push(tables::ExamSession {
        id,
        session,
        term: term.number,
        name: format!("End of Term {}", term.number),
        state: if is_draft { "draft" } else { "locked" },
        release_at: published_at.map(|at| at.plus_seconds(86_400)),
        is_active: is_draft,
        is_deleted: false,
        published_at,
        locked_at,
        created_at: created,
        updated_at: locked_at.unwrap_or(created),
    });
    let last = if is_draft {
        days_after(today, -1)
    } else {
        term.last
    };
    Sitting {
        id,
        is_draft,
        end: if is_draft { today } else { term.last },
        created,
        days: (days_after(opened, 3), last),
        marks_due: days_after(term.last, 1).max(last),
    }
}

fn exam(
    school: &mut School,
    random: &mut Random,
    sitting: &Sitting,
    academic_class: Uuid,
    taught: &Taught<'_>,
    students: &[(&Pupil<'_>, &Registration)],
) {
    let exam = random.id(sitting.created);
    school.exams.push(tables::Exam {
        id: exam,
        exam_session: sitting.id,
        academic_class,
        subject: taught.course.subject,
        teacher: taught.teacher,
        marks_due: Some(sitting.marks_due),
        created_at: sitting.created,
        updated_at: sitting.created,
    });
    let (first, last) = sitting.days;
    let day = days_after(first, random.between(0, (last - first).num_days().max(0)));
    let evening = moment(day, 15, 0).millis();
    // How hard this paper was.
    let paper = MEAN - taught.course.difficulty + random.bell(0, 300);
    for (pupil, registration) in students {
        let is_there = registration
            .left
            .is_none_or(|(date, ..)| date > sitting.end);
        if !is_there || sitting.is_draft && random.chance(MISSING_IN_DRAFT) {
            continue;
        }
        let created_at = Timestamp::from_millis(evening + random.between(0, 7_200_000));
        let is_absent = random.chance(ABSENT);
        let aptitude = pupil.aptitudes.get(taught.course.key).copied().unwrap_or(0);
        let mark = written(random, paper + pupil.ability + aptitude);
        let is_corrected = random.chance(CORRECTED);
        school.marks.push(tables::Mark {
            id: random.id(created_at),
            exam,
            student_session: registration.id,
            mark: (!is_absent).then_some(mark),
            is_absent,
            comment: if random.chance(COMMENTED) {
                random.pick(&COMMENTS)
            } else {
                ""
            },
            version: if is_corrected { 2 } else { 1 },
            created_at,
            updated_at: if is_corrected {
                created_at.plus_seconds(random.between(600, 14_400))
            } else {
                created_at
            },
        });
    }
}

/// A mark as teachers write it: mostly a whole number, sometimes a half, seldom more exact.
fn written(random: &mut Random, expected: i64) -> i64 {
    let exact = random.bell(expected, SPREAD).clamp(0, 10_000);
    match random.below(10) {
        0 => exact,
        1 => exact / 50 * 50,
        _ => exact / 100 * 100,
    }
}
