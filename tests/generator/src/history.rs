//! How students move up year by year, and how some repeat, leave or graduate.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use homeroom_domain::academics::student_number;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::calendar::{days_after, moment, months_before};
use crate::people::{Admission, Families, Pupil, Registration};
use crate::promotion::{self, Decision, State, Step};
use crate::random::Random;
use crate::structure::Class;
use crate::tables::{self, School};
use crate::teaching::YearPlan;

/// Of a thousand students, how many leave during a year.
const LEAVE_DURING_YEAR: usize = 12;
/// A school grows by one in so many students a year.
const GROWTH: usize = 50;

const OFFICE: &str = "School office";

struct History<'a, 's> {
    school: &'s mut School,
    random: Random,
    families: Families,
    classes: &'a [Class],
    subjects: usize,
    /// The last number of each year of admission.
    numbers: BTreeMap<i64, u32>,
    pupils: Vec<Pupil<'a>>,
}

/// Fills the tables of promotions and of changes, and answers all students there ever were, and their families.
pub(crate) fn build<'a>(
    school: &mut School,
    seed: u64,
    students: usize,
    today: NaiveDate,
    classes: &'a [Class],
    plans: &[YearPlan<'_>],
) -> (Vec<Pupil<'a>>, Families) {
    let mut history = History {
        subjects: school.subjects.len(),
        school,
        random: Random::new(seed, "history"),
        families: Families::new(seed),
        classes,
        numbers: BTreeMap::new(),
        pupils: Vec::new(),
    };
    let mut previous: Option<&YearPlan<'_>> = None;
    for (year, plan) in plans.iter().enumerate() {
        let years_left = plans.len() - 1 - year;
        let total = students - students * years_left / GROWTH.max(years_left);
        let leaving = total * LEAVE_DURING_YEAR / 1_000;
        if let Some(from) = previous {
            history.move_up(
                from,
                plan,
                year,
                (total + leaving) / classes.len().max(1),
                years_left == 0,
            );
        }
        history.admit(plan, year, total + leaving);
        history.leave(plan, year, leaving, today);
        previous = Some(plan);
    }
    for (admission_year, last_number) in &history.numbers {
        history.school.student_numbers.push(tables::StudentNumber {
            admission_year: *admission_year,
            last_number: i64::from(*last_number),
        });
    }
    (history.pupils, history.families)
}

impl<'a> History<'a, '_> {
    /// Fills the classes until the school has `total` students.
    fn admit(&mut self, plan: &YearPlan<'_>, year: usize, total: usize) {
        let mut sizes: Vec<(&Class, usize)> = self.classes.iter().map(|class| (class, 0)).collect();
        let mut present = 0;
        for class in self.pupils.iter().filter_map(|pupil| pupil.class) {
            present += 1;
            if let Some((_, size)) = sizes.get_mut(class.key) {
                *size += 1;
            }
        }
        let mut seats = Vec::new();
        for _ in present..total {
            if let Some((class, size)) = sizes.iter_mut().min_by_key(|(_, size)| *size) {
                *size += 1;
                seats.push(*class);
            }
        }
        self.random.shuffle(&mut seats);
        for class in seats {
            let pupil = self.admit_one(class, plan, year);
            self.pupils.push(pupil);
        }
    }

    fn admit_one(&mut self, class: &'a Class, plan: &YearPlan<'_>, year: usize) -> Pupil<'a> {
        let first = plan.year.first;
        // Those who are there when the records begin came in Form 1.
        let years_ago = if year == 0 {
            u32::try_from(class.form_index).unwrap_or(0)
        } else {
            0
        };
        let entered = months_before(first, 12 * years_ago);
        let admitted = moment(days_after(entered, self.random.between(-35, 4)), 8, 0);
        let admitted =
            Timestamp::from_millis(admitted.millis() + self.random.between(0, 30_000_000));
        let admission_year = i64::from(entered.year());
        let number = self.numbers.entry(admission_year).or_default();
        *number += 1;
        let admission = Admission {
            class,
            entry_year: admission_year,
            number: student_number::format(u16::try_from(admission_year).unwrap_or(0), *number),
            admitted,
            year_first: first,
        };
        let mut pupil = self.families.admit(self.school, admission, self.subjects);
        let registered = if years_ago > 0 {
            moment(days_after(first, 2), 9, 30)
        } else {
            admitted
        };
        self.register(&mut pupil, class, plan, year, registered);
        pupil
    }

    fn register(
        &mut self,
        pupil: &mut Pupil<'a>,
        class: &Class,
        plan: &YearPlan<'_>,
        year: usize,
        at: Timestamp,
    ) -> Option<Uuid> {
        let academic_class = plan.classes.get(class.key)?.id;
        let id = self.random.id(at);
        pupil.registrations.push(Registration {
            id,
            year,
            session: plan.session,
            academic_class,
            boarding: pupil.boarding,
            registered: at,
            left: None,
        });
        Some(id)
    }

    /// Some leave during the year.
    fn leave(&mut self, plan: &YearPlan<'_>, year: usize, count: usize, today: NaiveDate) {
        let first = days_after(plan.year.first, 20);
        let last = days_after(plan.year.last, -90).min(days_after(today, -25));
        let mut present: Vec<usize> = (0..self.pupils.len())
            .filter(|n| {
                self.pupils
                    .get(*n)
                    .is_some_and(|pupil| pupil.class.is_some())
            })
            .collect();
        self.random.shuffle(&mut present);
        for n in present.into_iter().take(count) {
            let date = days_after(
                first,
                self.random.between(0, (last - first).num_days().max(0)),
            );
            let at = moment(date, 11, 15);
            let (enrolment, reason) = if self.random.chance(650) {
                ("transferred", "The family has moved.")
            } else {
                ("dropped_out", "Left without notice.")
            };
            let Some(pupil) = self.pupils.get_mut(n) else {
                continue;
            };
            if let Some(registration) = pupil
                .registrations
                .last_mut()
                .filter(|own| own.year == year)
            {
                registration.left = Some((date, at, enrolment));
            }
            pupil.class = None;
            let old = std::mem::replace(&mut pupil.enrolment, enrolment);
            pupil.changed = at;
            let id = pupil.id;
            self.note(id, "enrolment", (old, enrolment), reason, at);
        }
    }

    fn note(
        &mut self,
        student: Uuid,
        field: &'static str,
        change: (&str, &str),
        reason: &'static str,
        at: Timestamp,
    ) {
        self.school.student_history.push(tables::StudentChange {
            id: self.random.id(at),
            student,
            field,
            old_value: Some(change.0.to_owned()),
            new_value: Some(change.1.to_owned()),
            reason,
            actor_name: OFFICE,
            changed_at: at,
        });
    }

    /// The end of a year: everybody goes on to the next class, or not.
    fn move_up(
        &mut self,
        from: &YearPlan<'_>,
        to: &YearPlan<'_>,
        year: usize,
        class_size: usize,
        is_last: bool,
    ) {
        let mut pupils = std::mem::take(&mut self.pupils);
        let decisions = promotion::decide(&mut self.random, self.classes, &pupils, class_size);
        let at = from.year.change();
        let record =
            is_last.then(|| promotion::record(self.school, &mut self.random, from, to, &decisions));
        for (pupil, decision) in pupils.iter_mut().zip(&decisions) {
            let (Some(decision), Some(class)) = (decision, pupil.class) else {
                continue;
            };
            let before = State::of(pupil);
            let registration = self.carry_out(pupil, decision, to, year, at);
            let (Some(record), Some(source)) = (&record, from.classes.get(class.key)) else {
                continue;
            };
            let step = Step {
                student: pupil.id,
                source: source.id,
                destination: decision
                    .to
                    .and_then(|class| to.classes.get(class.key))
                    .map(|class| class.id),
                before,
                after: State::of(pupil),
                registration,
            };
            record.write(self.school, &mut self.random, decision, &step);
        }
        self.pupils = pupils;
    }

    /// Answers the registration in the new year.
    fn carry_out(
        &mut self,
        pupil: &mut Pupil<'a>,
        decision: &Decision<'a>,
        to: &YearPlan<'_>,
        year: usize,
        at: Timestamp,
    ) -> Option<Uuid> {
        pupil.changed = at;
        pupil.class = decision.to;
        if pupil.enrolment != decision.enrolment {
            let change = (pupil.enrolment, decision.enrolment);
            self.note(pupil.id, "enrolment", change, decision.reason, at);
            pupil.enrolment = decision.enrolment;
        }
        if pupil.boarding != decision.boarding {
            let change = (pupil.boarding, decision.boarding);
            self.note(pupil.id, "status", change, "As the family asked.", at);
            pupil.boarding = decision.boarding;
        }
        let class = decision.to?;
        if pupil.form != class.form {
            let change = (pupil.form.to_string(), class.form.to_string());
            self.note(
                pupil.id,
                "form",
                (&change.0, &change.1),
                decision.reason,
                at,
            );
            pupil.form = class.form;
        }
        self.register(pupil, class, to, year, at)
    }
}
