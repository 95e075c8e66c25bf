//! The move to the next year: set-ups, decisions on students, their execution and its undoing.

pub(crate) mod bulk;
pub(crate) mod copy;
pub(crate) mod executions;
mod figures;
pub(crate) mod history;
pub(crate) mod preview;
pub(crate) mod proposals;
pub(crate) mod steps;

use futures_util::future::BoxFuture;
use homeroom_domain::{
    academics::promotion::{Action, DecisionFault, check_decision},
    records::{Record, text},
};
use homeroom_edge::{ApiError, Conflict};
use homeroom_kernel::FieldErrors;
use homeroom_store::school::promotion as tables;
use serde_json::json;

use crate::records::{ALONE, Hooks, Resource, Write};

const TAG: &str = "promotion";

/// Every resource of plain records about the move to the next year.
pub(crate) static RESOURCES: &[&Resource] = &[&SETUPS, &PROMOTIONS];

struct SetupRules;
impl Hooks for SetupRules {
    fn check(&self, setup: &Record, errors: &mut FieldErrors) {
        let (exams, previous) = (text(setup, "exam_session"), text(setup, "previous_session"));
        if text(setup, "session_type") == "exam_session" {
            if exams.is_empty() {
                errors.add("exam_session", "Say which exam session is set up.");
            }
            if !previous.is_empty() {
                errors.add(
                    "previous_session",
                    "Only a set-up of an academic session follows another.",
                );
            }
        } else if !exams.is_empty() {
            errors.add(
                "exam_session",
                "A set-up of an academic session has no exam session.",
            );
        }
        if !previous.is_empty() && previous == text(setup, "academic_session") {
            errors.add("previous_session", "A session cannot follow itself.");
        }
    }
}

/// What is wrong with an action and its destination, and the field in which.
fn check_action(decision: &Record, errors: &mut FieldErrors) {
    let has_destination = !text(decision, "destination_session_class").is_empty();
    let action = Action::parse(text(decision, "action")).unwrap_or(Action::Pending);
    if let Err(fault) = check_decision(action, has_destination) {
        let field = match fault {
            DecisionFault::DestinationMissing | DecisionFault::DestinationUnexpected => {
                "destination_session_class"
            }
        };
        errors.add(field, &fault.to_string());
    }
}

/// What people say in a decision.
const DECIDED: &[&str] = &[
    "student",
    "source_session_class",
    "destination_session_class",
    "action",
    "boarding_status",
    "reason",
];

struct PromotionRules;
impl Hooks for PromotionRules {
    fn check(&self, decision: &Record, errors: &mut FieldErrors) {
        check_action(decision, errors);
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        let by = write.caller.stamp().created_by();
        match (write.before, write.after.as_mut()) {
            (Some(before), None) => {
                let setup = text(before, "session_setup");
                write.batch.append(tables::guard_not_executed(setup));
            }
            (before, Some(after)) => {
                let same =
                    |field: &&str| before.is_some_and(|old| old.get(*field) == after.get(*field));
                // To send a proposal as it is, is to decide.
                let confirms = before
                    .is_some_and(|old| old.get("is_proposed") == Some(&json!(true)))
                    && DECIDED.iter().any(|field| write.set.contains_key(*field));
                if confirms || !DECIDED.iter().all(same) {
                    after.insert("decided_by".to_owned(), json!(by));
                    after.insert("is_proposed".to_owned(), json!(false));
                }
            }
            (None, None) => {}
        }
        Box::pin(async { Ok(()) })
    }
}

static SETUPS: Resource = Resource {
    table: &tables::SETUPS,
    noun: "session_setup",
    plural: "session_setups",
    title: "a set-up",
    path: "/api/v1/school/session-setup/",
    tag: TAG,
    hooks: &SetupRules,
    ..ALONE
};

static PROMOTIONS: Resource = Resource {
    table: &tables::PROMOTIONS,
    noun: "student_promotion",
    plural: "student_promotions",
    title: "a decision on a student",
    path: "/api/v1/school/session-setup/{session_setup}/student-promotions/",
    tag: TAG,
    hooks: &PromotionRules,
    ..ALONE
};

/// The session that ends; promotions need one.
fn previous_session(setup: &tables::Setup) -> Result<&str, ApiError> {
    match &setup.previous_session {
        Some(previous) if setup.session_type == "academic_session" => Ok(previous),
        _ => Err(Conflict::SetupIncomplete.into()),
    }
}
