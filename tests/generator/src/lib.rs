//! The data of a whole school from a fixed start value: equal options give equal bytes, on every machine.
//!
//! ```
//! use homeroom_generator::{Options, School};
//! let school = School::generate(&Options { students: 60, ..Options::new("2026-11-26".parse()?) });
//! assert_eq!(school.academic_sessions.len(), 3);
//! assert!(school.statements().all(|sql| sql.starts_with("insert into ")));
//! # Ok::<(), chrono::ParseError>(())
//! ```
//!
//! The school year is laid so that `today` is late in its third term, whatever the date. Users, roles and what the
//! platform writes by itself (audit log, publications, imports) are not made.

mod attendance;
mod calendar;
mod exams;
mod history;
mod names;
mod notices;
mod people;
mod phones;
mod promotion;
mod random;
mod sessions;
mod sql;
mod structure;
mod tables;
mod teaching;
mod timetable;

use chrono::NaiveDate;
use uuid::Uuid;

pub use tables::*;

/// What a school is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Another seed is another school.
    pub seed: u64,
    /// Students who are active in the last year; those who have left come on top.
    pub students: usize,
    /// Years with exams, the present one included; at least one.
    pub years: u8,
    /// The day at the school.
    pub today: NaiveDate,
    /// Users who sign in already.
    pub existing: Existing,
}

/// Users of the school's database who become people of the school.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Existing {
    /// Becomes the class teacher of the first class, who teaches several others.
    pub teacher: Option<Uuid>,
    /// Becomes an active student of that class.
    pub student: Option<ExistingStudent>,
}

/// A user who is a student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingStudent {
    /// The user.
    pub user: Uuid,
    /// The user's first and last name, which the student bears too; otherwise names are made up.
    pub name: Option<(String, String)>,
}

impl Options {
    /// 600 students and three years up to `today`.
    #[must_use]
    pub fn new(today: NaiveDate) -> Self {
        Self {
            seed: 7,
            students: 600,
            years: 3,
            today,
            existing: Existing::default(),
        }
    }
}

impl School {
    /// Makes a school.
    #[must_use]
    pub fn generate(options: &Options) -> Self {
        let Options {
            seed,
            students,
            today,
            ..
        } = *options;
        let Existing { teacher, student } = &options.existing;
        let mut school = Self::default();
        let years = calendar::years(today, options.years.max(1));
        let sessions = sessions::build(&mut school, seed, &years);
        let Some(first) = years.first() else {
            return school;
        };
        let classes = structure::build(&mut school, seed, students, calendar::founding(first));
        let plans = teaching::build(&mut school, seed, &classes, &years, &sessions, *teacher);
        let (mut pupils, mut families) =
            history::build(&mut school, seed, students, today, &classes, &plans);
        if let Some(student) = student {
            people::become_student(&mut pupils, student);
        }
        families.write(&mut school, &pupils);
        exams::build(&mut school, seed, today, &plans, &pupils);
        if let Some(plan) = plans.last() {
            timetable::build(&mut school, seed, plan);
            attendance::build(&mut school, seed, today, plan, &pupils, *teacher);
            notices::build(&mut school, seed, today, plan);
        }
        school
    }
}
