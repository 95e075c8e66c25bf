//! Exam sessions, and their exams.

use futures_util::future::BoxFuture;
use homeroom_edge::ApiError;
use homeroom_store::school::exams as tables;
use serde_json::json;

use crate::records::{ALONE, Hooks, Resource, Write};

const TAG: &str = "exams";

/// Every resource of plain records about exams.
pub(crate) static RESOURCES: &[&Resource] = &[&EXAM_SESSIONS, &EXAMS];

struct ExamSessionRules;
impl Hooks for ExamSessionRules {
    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        if let (None, Some(after)) = (write.before, write.after.as_mut()) {
            after.insert("state".to_owned(), json!("draft"));
            after.insert("is_published".to_owned(), json!(false));
            after.insert("is_deleted".to_owned(), json!(false));
        }
        Box::pin(async { Ok(()) })
    }
}

static EXAM_SESSIONS: Resource = Resource {
    table: &tables::EXAM_SESSIONS,
    noun: "exam_session",
    plural: "exam_sessions",
    title: "an exam session",
    path: "/api/v1/school/sessions/{session}/exam-sessions/",
    tag: TAG,
    scope: &[("session", "t.session = ?")],
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
    scope: &[
        ("exam_session", "t.exam_session = ?"),
        (
            "session",
            "t.exam_session in (select id from exam_sessions where session = ?)",
        ),
    ],
    ..ALONE
};
