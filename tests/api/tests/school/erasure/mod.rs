//! `/api/v1/school/students/{id}/erase/`.

mod classmates;
mod family;
mod net;
mod refusals;

use homeroom_api_tests::{Client, PASSWORD, Reply, School, TestApp};
use serde_json::{Value, json};

use super::{
    greenwood, key_for, login,
    publication::publish,
    refused,
    report_cards::{Golden, golden},
};

/// A form of last year, of whose students one is to be erased.
struct Place {
    app: TestApp,
    school: School,
    golden: Golden,
    /// The student, of the first registration.
    student: String,
}

impl Place {
    fn new() -> Self {
        let (app, school) = greenwood();
        let golden = golden(&app, &school);
        let path = format!(
            "sessions/{}/student-sessions/{}/",
            golden.form.session, golden.students[0]
        );
        let student = school.admin.get(&path).status(200).str("student");
        Self {
            app,
            school,
            golden,
            student,
        }
    }

    fn admin(&self) -> &Client {
        &self.school.admin
    }

    fn made(&self, path: &str, body: &Value) -> String {
        self.admin().post(path, body).status(201).id()
    }

    fn record(&self) -> Value {
        let path = format!("admissions/{}/", self.student);
        self.admin().get(&path).status(200).json
    }

    fn change(&self, body: &Value) -> Reply {
        self.admin()
            .patch(&format!("admissions/{}/", self.student), body)
    }

    fn leave(&self) {
        self.change(&json!({"enrolment": "transferred"}))
            .expect(200);
    }

    /// A guardian of the student, who agreed to text messages.
    fn guardian(&self, name: &str, phone: &str) -> String {
        let body = json!({"first_name": name, "last_name": "Moyo", "phone_number": phone, "consent": {"sms": true}});
        let guardian = self.made("guardians/", &body);
        self.link(&self.student, &guardian);
        guardian
    }

    fn link(&self, student: &str, guardian: &str) {
        let body = json!({"guardian": guardian, "relation": "mother"});
        self.made(&format!("students/{student}/guardians/"), &body);
    }

    /// A user of the school who is the student, and what the user signs in with.
    fn account(&self, email: &str) -> String {
        let body = json!({"email": email, "first_name": "Anesu", "last_name": "Moyo", "password": PASSWORD,
            "role_ids": [self.school.role("Student")]});
        self.made("users/", &body)
    }

    fn erase(&self) -> Reply {
        let number = self.record()["student_id"].clone();
        self.erase_by(&number, "It was asked for in writing.")
    }

    fn erase_by(&self, number: &Value, reason: &str) -> Reply {
        let body = json!({"student_id": number, "reason": reason});
        let path = format!("students/{}/erase/", self.student);
        self.admin().post(&path, &body)
    }

    fn dump(&self) -> String {
        self.app.dump(&self.school.slot)
    }
}
