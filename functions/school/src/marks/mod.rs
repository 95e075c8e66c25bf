//! Marks: one at a time as plain records, and whole mark sheets.

pub(crate) mod access;
pub(crate) mod bulk;
pub(crate) mod sheet;

use futures_util::future::BoxFuture;
use homeroom_domain::{
    academics::{
        exam_state::{ExamState, open_states},
        mark_sheet::ABSENT_WITH_MARK,
    },
    records::{Record, flag, text},
};
use homeroom_edge::{ApiError, Conflict, Permitted, SchoolArea};
use homeroom_kernel::FieldErrors;
use homeroom_store::{Batch, records::Scope, school::marks as tables};
use serde_json::{Value, json};

use crate::{
    exams::EXAM_SESSIONS,
    records::{ALONE, Hooks, Resource, Write},
};

const TAG: &str = "marks";

/// Marks as plain records, by exam session and by exam.
pub(crate) static RESOURCES: &[&Resource] = &[&EXAM_MARKS, &ALL_MARKS];

struct MarkRules;
impl Hooks for MarkRules {
    fn check(&self, mark: &Record, errors: &mut FieldErrors) {
        if flag(mark, "is_absent") && mark.get("mark").is_some_and(|mark| !mark.is_null()) {
            errors.add("mark", ABSENT_WITH_MARK);
        }
    }

    fn sees(&self, caller: &Permitted<SchoolArea>) -> Option<Scope> {
        access::sees_subjects_of(caller).map(|user| tables::of_user(&user))
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let batch = prepare(write)?;
            write.batch.append(batch);
            Ok(())
        })
    }
}

fn version(mark: &Record) -> Option<i64> {
    mark.get("version").and_then(Value::as_i64)
}

fn prepare(write: &mut Write<'_>) -> Result<Batch, ApiError> {
    let by = json!(write.caller.actor.id);
    let fact = |name: &str| write.facts.get(name).and_then(Value::as_str);
    let sheet = access::Sheet {
        // An exam without a state is one of an exam session that was deleted.
        state: fact("state")
            .and_then(ExamState::parse)
            .ok_or(ApiError::NotFound)?,
        is_active: write.facts.get("is_active").and_then(Value::as_i64) == Some(1),
        marks_due: fact("marks_due"),
        exam_users: fact("exam_users"),
    };
    let has_reason = write
        .after
        .as_ref()
        .is_some_and(|mark| !text(mark, "reason").is_empty());
    access::may_edit(write.caller, &sheet, has_reason)?;
    let manages = access::manages(write.caller);
    let mut states = open_states(has_reason, manages);
    let mut batch = Batch::default();
    let mut outdates = true;
    match (write.before, &mut write.after) {
        (None, Some(after)) => {
            after.insert("version".to_owned(), json!(1));
            after.insert("updated_by".to_owned(), by);
            batch.append(tables::hold_class(
                text(after, "exam"),
                text(after, "student_session"),
            ));
        }
        (Some(before), Some(after)) => {
            let current = version(before).unwrap_or_default();
            if version(after).is_some_and(|seen| seen != current) {
                return Err(ApiError::Stale { version: current });
            }
            let mut errors = FieldErrors::default();
            for name in ["exam", "student_session"] {
                if before.get(name) != after.get(name) {
                    errors.add(
                        name,
                        "This cannot be changed: delete the mark, and create another one.",
                    );
                }
            }
            errors.into_result(())?;
            outdates = ["mark", "is_absent", "comment"]
                .iter()
                .any(|name| before.get(*name) != after.get(*name));
            if outdates {
                after.insert("version".to_owned(), json!(current + 1));
                after.insert("updated_by".to_owned(), by);
            } else {
                after.insert("version".to_owned(), json!(current));
            }
        }
        (Some(_), None) => {
            if sheet.state != ExamState::Draft {
                return Err(Conflict::MarksKept.into());
            }
            states = &[ExamState::Draft];
        }
        (None, None) => {}
    }
    if let Some(mark) = write.before.or(write.after.as_ref()) {
        batch.append(tables::hold_states(text(mark, "exam"), states, !manages));
        if outdates {
            batch.append(tables::outdate_card(&write.caller.stamp(), mark));
        }
    }
    Ok(batch)
}

static ALL_MARKS: Resource = Resource {
    table: &tables::ALL_MARKS,
    noun: "mark",
    plural: "marks",
    title: "a mark",
    path: "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/marks/",
    tag: TAG,
    lies_by: Some(("exam", &EXAM_SESSIONS)),
    hooks: &MarkRules,
    ..ALONE
};

static EXAM_MARKS: Resource = Resource {
    table: &tables::EXAM_MARKS,
    noun: "exam_mark",
    guarded_as: Some("mark"),
    plural: "exam_marks",
    title: "a mark of an exam",
    path: "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/exams/{exam}/marks/",
    lies_by: None,
    ..ALL_MARKS
};
