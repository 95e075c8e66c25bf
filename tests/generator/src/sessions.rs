//! School years with their terms and holidays.

use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::calendar::{Year, days_after, end_of, moment};
use crate::random::Random;
use crate::tables::{self, School};

/// Fills the tables, and answers the ids of the years in their order. The last is the active one.
pub(crate) fn build(school: &mut School, seed: u64, years: &[Year]) -> Vec<Uuid> {
    let mut random = Random::new(seed, "sessions");
    years
        .iter()
        .enumerate()
        .map(|(n, year)| {
            let at = prepared(year);
            let session = random.id(at);
            let is_active = n + 1 == years.len();
            school.academic_sessions.push(tables::AcademicSession {
                id: session,
                name: year.name(),
                start_date: moment(year.first, 0, 0),
                end_date: end_of(year.last),
                is_active,
                created_at: at,
                updated_at: at,
            });
            terms(school, &mut random, year, session, is_active);
            holidays(school, &mut random, year);
            session
        })
        .collect()
}

/// When the office enters the dates of a year.
pub(crate) fn prepared(year: &Year) -> Timestamp {
    moment(days_after(year.first, -40), 9, 0)
}

fn terms(school: &mut School, random: &mut Random, year: &Year, session: Uuid, is_active: bool) {
    let at = prepared(year);
    for term in &year.terms {
        school.terms.push(tables::Term {
            id: random.id(at),
            session,
            term: term.number,
            name: format!("Term {}", term.number),
            start_date: term.first,
            end_date: term.last,
            vacation_start: Some(days_after(term.last, 1)),
            vacation_end: Some(term.vacation_last),
            is_active: is_active && term.number == "3",
            created_at: at,
            updated_at: at,
        });
    }
}

fn holidays(school: &mut School, random: &mut Random, year: &Year) {
    let at = prepared(year);
    for off in year.days_off() {
        school.holidays.push(tables::Holiday {
            id: random.id(at),
            name: off.name,
            start_date: off.first,
            end_date: off.last,
            created_at: at,
            updated_at: at,
        });
    }
}
