//! Students, and their place in a session.

use homeroom_store::school::people as tables;

use crate::records::{ALONE, Resource};

const TAG: &str = "people";

/// Every resource of plain records about people.
pub(crate) static RESOURCES: &[&Resource] = &[&STUDENTS, &STUDENT_SESSIONS];

static STUDENTS: Resource = Resource {
    table: &tables::STUDENTS,
    noun: "admission",
    plural: "admissions",
    title: "a student",
    path: "/api/v1/school/admissions/",
    tag: TAG,
    ..ALONE
};

static STUDENT_SESSIONS: Resource = Resource {
    table: &tables::STUDENT_SESSIONS,
    noun: "student_session",
    plural: "student_sessions",
    title: "a registration",
    path: "/api/v1/school/sessions/{session}/student-sessions/",
    tag: TAG,
    scope: &[("session", "t.session = ?")],
    ..ALONE
};
