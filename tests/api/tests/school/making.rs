//! Records that tests about people start from.

use homeroom_api_tests::{Reply, School};
use serde_json::{Value, json};

/// The body of a student; `more` adds to it and wins.
pub(super) fn pupil(more: &Value) -> Value {
    let mut body = json!({"first_name": "Rudo", "last_name": "Moyo", "admission_year": 2026});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub(super) fn admit(school: &School, more: &Value) -> Reply {
    school.admin.post("admissions/", &pupil(more))
}

/// The ids of so many new students.
pub(super) fn students(school: &School, count: usize) -> Vec<String> {
    let admit = |n| admit(school, &json!({"first_name": format!("Pupil {n}")}));
    (0..count).map(|n| admit(n).status(201).id()).collect()
}

pub(super) fn session(school: &School, name: &str) -> String {
    let body = json!({
        "name": name, "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T22:00:00Z",
    });
    school.admin.post("sessions/", &body).status(201).id()
}

pub(super) fn form(school: &School, name: &str) -> String {
    let body = json!({"name": name, "level": "O Level"});
    school.admin.post("form/", &body).status(201).id()
}

/// A new class of a session, in a form of its own, with a capacity or without one.
pub(super) fn class(school: &School, session: &str, name: &str, capacity: Option<u32>) -> String {
    let body = json!({"name": name, "form": form(school, name), "capacity": capacity});
    let class = school.admin.post("classes/", &body).status(201).id();
    let path = format!("sessions/{session}/academic-classes/");
    let body = json!({"class": class});
    school.admin.post(&path, &body).status(201).id()
}

/// Registers a student in a session.
pub(super) fn register(school: &School, session: &str, body: &Value) -> Reply {
    let path = format!("sessions/{session}/student-sessions/");
    school.admin.post(&path, body)
}
