//! Exam sessions, and their exams.

pub(crate) mod parts;
pub(crate) mod steps;
pub(crate) mod teacher_exams;

use futures_util::future::BoxFuture;
use homeroom_domain::records::{Record, text};
use homeroom_edge::{ApiError, Permitted, SchoolArea};
use homeroom_store::{Batch, school::exams as tables};
use serde_json::Value;

use crate::{
    marks::access,
    records::{ALONE, Hooks, Resource, Write},
};

const TAG: &str = "exams";

/// Every resource of plain records about exams.
pub(crate) static RESOURCES: &[&Resource] = &[&EXAM_SESSIONS, &EXAMS];

/// Whether a change touches one of these fields.
fn changes(before: &Record, after: &Record, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| before.get(*name) != after.get(*name))
}

struct ExamSessionRules;
impl Hooks for ExamSessionRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        match (write.before, write.after.as_ref()) {
            // The name and the term are on the cards.
            (Some(before), Some(after)) if changes(before, after, &["term", "name"]) => {
                write.batch.append(tables::hold_open(text(before, "id")));
            }
            (Some(before), None) => {
                let id = text(before, "id");
                write.batch.append(tables::hold_open(id));
                write.batch.append(tables::hold_session_without_marks(id));
            }
            _ => {}
        }
        Box::pin(async { Ok(()) })
    }
}

struct ExamRules;
impl Hooks for ExamRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            write.batch.append(exam_batch(write)?);
            let counts = write.facts.get("in_curriculum").and_then(Value::as_i64);
            if write.before.is_none() && counts == Some(0) {
                let unknown = "The form's curriculum does not have this subject: it counts on no report card until it does.";
                write.warnings.push(unknown.to_owned());
            }
            Ok(())
        })
    }
}

fn exam_batch(write: &Write<'_>) -> Result<Batch, ApiError> {
    let mut batch = Batch::default();
    match (write.before, &write.after) {
        (None, Some(after)) => {
            // Who could make exams of any subject could enter its marks, too.
            let own = write
                .facts
                .get("assigned_user")
                .and_then(|user| user.as_str());
            if !manages_exams(write.caller) && !access::is_one_of(write.caller, own) {
                return Err(access::not_your_subject());
            }
            batch.append(tables::hold_open(text(after, "exam_session")));
        }
        (Some(before), Some(after)) if changes(before, after, &["academic_class", "subject"]) => {
            batch.append(tables::hold_open(text(before, "exam_session")));
            batch.append(tables::hold_exam_without_marks(text(before, "id")));
        }
        (Some(before), None) => {
            batch.append(tables::hold_open(text(before, "exam_session")));
            batch.append(tables::hold_exam_without_marks(text(before, "id")));
        }
        _ => {}
    }
    Ok(batch)
}

/// Whether somebody makes exams of every subject, and not of the own ones only.
fn manages_exams(caller: &Permitted<SchoolArea>) -> bool {
    let permissions = &caller.actor.permissions;
    permissions.allows("school.change_exam") || permissions.allows("school.manage_mark")
}

pub(crate) static EXAM_SESSIONS: Resource = Resource {
    table: &tables::EXAM_SESSIONS,
    noun: "exam_session",
    plural: "exam_sessions",
    title: "an exam session",
    path: "/api/v1/school/sessions/{session}/exam-sessions/",
    tag: TAG,
    hooks: &ExamSessionRules,
    ..ALONE
};

static EXAMS: Resource = Resource {
    table: &tables::EXAMS,
    noun: "exam",
    plural: "exams",
    title: "an exam",
    path: "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/exams/",
    tag: TAG,
    hooks: &ExamRules,
    warns: true,
    ..ALONE
};
