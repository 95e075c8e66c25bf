//! What is decided about each student at the end of a year, and how the platform recorded it.

use std::collections::BTreeMap;

use homeroom_kernel::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::calendar::{days_after, moment};
use crate::people::Pupil;
use crate::random::Random;
use crate::structure::{CAPACITY, Class};
use crate::tables::{self, School};
use crate::teaching::YearPlan;

/// How many repeat a class at most, so that those who follow find a place.
const REPEATERS: usize = 2;
/// Places of a class of the A Level that are kept for students from elsewhere.
const KEPT_PLACES: usize = 2;
/// Below this ability students may have to repeat.
const WEAK: i64 = -1_100;
/// Steps of a set-up that is done.
const LAST_STEP: i64 = 5;

/// What becomes of a student.
pub(crate) struct Decision<'a> {
    pub(crate) action: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) enrolment: &'static str,
    pub(crate) boarding: &'static str,
    pub(crate) to: Option<&'a Class>,
}

/// What a student is, before a decision or after it.
pub(crate) struct State {
    enrolment: &'static str,
    boarding: &'static str,
    form: Uuid,
}

impl State {
    pub(crate) fn of(pupil: &Pupil<'_>) -> Self {
        Self {
            enrolment: pupil.enrolment,
            boarding: pupil.boarding,
            form: pupil.form,
        }
    }
}

/// What a decision did to a student.
pub(crate) struct Step {
    pub(crate) student: Uuid,
    /// The academic classes of the year that ends and of the one that begins.
    pub(crate) source: Uuid,
    pub(crate) destination: Option<Uuid>,
    pub(crate) before: State,
    pub(crate) after: State,
    /// In the year that begins.
    pub(crate) registration: Option<Uuid>,
}

/// A decision on each student who is there, in the order of the students.
pub(crate) fn decide<'a>(
    random: &mut Random,
    classes: &'a [Class],
    pupils: &[Pupil<'a>],
    class_size: usize,
) -> Vec<Option<Decision<'a>>> {
    let mut decisions: Vec<Option<Decision<'a>>> = Vec::new();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut candidates = Vec::new();
    for (n, pupil) in pupils.iter().enumerate() {
        let boarding = match (random.chance(40), pupil.boarding) {
            (true, "Day") => "Boarding",
            (true, _) => "Day",
            (false, same) => same,
        };
        let decision = |action, reason, enrolment, to| {
            Some(Decision {
                action,
                reason,
                enrolment,
                boarding,
                to,
            })
        };
        let (lot, weak) = (
            random.below(1_000),
            pupil.ability < WEAK && random.chance(160),
        );
        decisions.push(match pupil.class {
            None => None,
            Some(_) if lot < 7 => decision("drop_out", "Did not come back.", "dropped_out", None),
            Some(_) if lot < 20 => {
                decision("transfer", "The family has moved.", "transferred", None)
            }
            Some(class) if weak && sizes.get(&class.key).is_none_or(|size| *size < REPEATERS) => {
                *sizes.entry(class.key).or_default() += 1;
                decision("repeat", "Too few subjects passed.", "active", Some(class))
            }
            Some(class) => {
                candidates.push((n, class, pupil.ability));
                // Of those who finish their level here, and until another class has a place for them.
                decision("graduate", "The course is finished.", "graduated", None)
            }
        });
    }
    // The ablest first: there are not places in the A Level for all.
    candidates.sort_by_key(|(n, _, ability)| (-ability, *n));
    for (n, class, _) in candidates {
        let Some(Some(decision)) = decisions.get_mut(n) else {
            continue;
        };
        let places = if class.ends_level() {
            class_size.saturating_sub(KEPT_PLACES)
        } else {
            CAPACITY
        };
        let next = class.next.and_then(|next| classes.get(next));
        let taken = next.map(|next| sizes.entry(next.key).or_default());
        match (next, taken) {
            (Some(next), Some(taken)) if *taken < places => {
                *taken += 1;
                decision.action = "promote";
                decision.reason = "The marks allow it.";
                decision.enrolment = "active";
                decision.to = Some(next);
            }
            _ if class.ends_level() => {}
            _ => {
                decision.action = "transfer";
                decision.reason = "No place was left.";
                decision.enrolment = "transferred";
            }
        }
    }
    decisions
}

/// The set-up of a year and its execution.
pub(crate) struct Record {
    setup: Uuid,
    execution: Uuid,
    decided: Timestamp,
    executed: Timestamp,
}

/// Writes the set-up and its execution; the students follow one by one.
pub(crate) fn record(
    school: &mut School,
    random: &mut Random,
    from: &YearPlan<'_>,
    to: &YearPlan<'_>,
    decisions: &[Option<Decision<'_>>],
) -> Record {
    let executed = from.year.change();
    let begun = moment(days_after(from.year.last, -25), 9, 0);
    let record = Record {
        setup: random.id(begun),
        execution: random.id(executed),
        decided: moment(days_after(from.year.last, -16), 15, 30),
        executed,
    };
    school.session_setups.push(tables::SessionSetup {
        id: record.setup,
        session_type: "academic_session",
        academic_session: to.session,
        exam_session: None,
        previous_session: Some(from.session),
        status: "completed",
        current_step: LAST_STEP,
        created_at: begun,
        updated_at: executed,
    });
    let mut summary: BTreeMap<&str, usize> = BTreeMap::new();
    for decision in decisions.iter().flatten() {
        *summary.entry(decision.action).or_default() += 1;
    }
    school
        .promotion_executions
        .push(tables::PromotionExecution {
            id: record.execution,
            session_setup: record.setup,
            executed_at: executed,
            executed_by: None,
            undone_at: None,
            undone_by: None,
            summary: json!(summary).to_string(),
            created_at: executed,
            updated_at: executed,
        });
    record
}

impl Record {
    pub(crate) fn write(
        &self,
        school: &mut School,
        random: &mut Random,
        decision: &Decision<'_>,
        step: &Step,
    ) {
        school.student_promotions.push(tables::StudentPromotion {
            id: random.id(self.decided),
            session_setup: self.setup,
            student: step.student,
            source_session_class: step.source,
            destination_session_class: step.destination,
            action: decision.action,
            boarding_status: decision.boarding,
            reason: decision.reason,
            decided_by: None,
            execution_date: Some(self.executed),
            created_at: self.decided,
            updated_at: self.executed,
        });
        school
            .student_promotion_history
            .push(tables::PromotionRecord {
                id: random.id(self.executed),
                execution: self.execution,
                student: step.student,
                source_session_class: step.source,
                destination_session_class: step.destination,
                action: decision.action,
                student_session: step.registration,
                old_enrolment: step.before.enrolment,
                old_boarding: step.before.boarding,
                old_form: Some(step.before.form),
                new_enrolment: step.after.enrolment,
                new_boarding: step.after.boarding,
                new_form: Some(step.after.form),
                created_at: self.executed,
            });
    }
}
