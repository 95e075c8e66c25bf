//! `/api/v1/school/`: a school's own area.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod a_level_cards;
mod admissions;
mod applications;
mod applications_decisions;
mod applications_enrolment;
mod attendance;
mod attendance_bonus;
mod attendance_bulk;
mod attendance_rights;
mod attendance_views;
mod audit_logs;
mod auth;
mod bodies;
mod calendar_feeds;
mod cancelled_lessons;
mod card_attendance;
mod card_comments;
mod card_files;
mod card_lists;
mod class_registration;
mod class_removal;
mod classroom;
mod corrected_attendance;
mod erasure;
mod events;
mod exams;
mod exports;
mod grading;
mod guardians;
mod honour_roll;
mod idempotency;
mod imports;
mod leave;
mod leave_decisions;
mod leaving;
mod lists;
mod lockout;
mod logo;
mod making;
mod mark_access;
mod mark_sheets;
mod marks;
mod missing_marks;
mod moved_students;
mod names;
mod notices;
mod own_report_cards;
mod password_reset_limits;
mod password_resets;
mod passwords;
mod promotion;
mod publication;
mod report_card_views;
mod report_cards;
mod republication;
mod role_assignments;
mod roles;
mod sessions;
mod staff;
mod structure;
mod student_sessions;
mod substitution_rule;
mod substitutions;
mod tenancy;
mod timetable;
mod timetable_calendar;
mod transcript_files;
mod transcripts;
mod users;
mod whole_school;
mod whole_year;
mod withdrawn_cards;
mod year;
mod year_result_families;
mod year_result_rules;
mod year_results;

use std::time::{Duration, Instant};

use homeroom_api_tests::{Client, PASSWORD, Reply, School, TestApp};
use serde_json::{Value, json};

/// A platform with one school.
fn greenwood() -> (TestApp, School) {
    let app = TestApp::new();
    let school = app.school("greenwood");
    (app, school)
}

fn person(email: &str) -> Value {
    json!({"email": email, "first_name": "Chipo", "last_name": "Dube", "password": PASSWORD})
}

fn login(door: &Client, email: &str, password: &str) -> Reply {
    door.post(
        "auth/login/",
        &json!({"email": email, "password": password}),
    )
}

/// A user with these roles, signed in; and the user's id.
fn someone(school: &School, email: &str, roles: &[&str]) -> (Client, String) {
    let mut body = person(email);
    body["role_ids"] = roles.iter().map(|name| school.role(name)).collect();
    let id = school.admin.post("users/", &body).status(201).id();
    let access = login(&school.anonymous(), email, PASSWORD)
        .status(200)
        .str("access");
    (school.anonymous().bearer(&access), id)
}

/// An API key for one school.
fn key_for(app: &TestApp, school: &School, scopes: &[&str]) -> Client {
    let body = json!({"name": "Chatbot", "client": school.id, "scopes": scopes});
    let key = app
        .platform()
        .post("api-keys/", &body)
        .status(201)
        .str("key");
    school.anonymous().api_key(&key)
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status, reply.code()),
        (status, code),
        "{} {}",
        reply.log,
        reply.text
    );
}

/// Far more than any request takes, on a busy machine too; what is not paged or indexed takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says how long something took, which must not be too long in a school of 2,000.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long the machine takes"
)]
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    println!("{what}: {} ms", took.as_millis());
    assert!(took < PATIENCE, "{what} took {took:?}");
    result
}
