//! A school with a class, students and guardians. The clock shows Thursday, 15 January 2026, 08:00 UTC.

use homeroom_api_tests::{Client, Reply, School, TestApp};
use serde_json::{Value, json};

pub(super) struct SmsSchool {
    pub(super) app: TestApp,
    pub(super) school: School,
    pub(super) admin: Client,
    pub(super) form: String,
    pub(super) class: String,
    session: String,
}

impl SmsSchool {
    pub(super) fn new() -> Self {
        let app = TestApp::new();
        let school = app.school("greenwood");
        let admin = school.admin.clone();
        let new = |path: &str, body: &Value| admin.post(path, body).status(201).id();
        let session = json!({
            "name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T00:00:00Z", "is_active": true,
        });
        let session = new("sessions/", &session);
        let form = new("form/", &json!({"name": "Form 1", "level": "O Level"}));
        let class = new("classes/", &json!({"name": "1A", "form": form}));
        let classes = format!("sessions/{session}/academic-classes/");
        let class = new(&classes, &json!({"class": class}));
        Self {
            app,
            school,
            admin,
            form,
            class,
            session,
        }
    }

    fn new_record(&self, path: &str, body: &Value) -> String {
        self.admin.post(path, body).status(201).id()
    }

    /// A student of the class: the student, and the registration.
    pub(super) fn student(&self, name: &str) -> (String, String) {
        let body = json!({"first_name": name, "last_name": "Moyo", "admission_year": 2026, "student_id": name});
        let student = self.new_record("admissions/", &body);
        let body = json!({"student": student, "academic_class": self.class});
        let path = format!("sessions/{}/student-sessions/", self.session);
        let registration = self.new_record(&path, &body);
        (student, registration)
    }

    pub(super) fn guardian(&self, name: &str, number: Option<&str>, agrees: bool) -> String {
        let body = json!({
            "first_name": name, "last_name": "Moyo", "phone_number": number,
            "email": format!("{name}@people.example"), "consent": {"sms": agrees},
        });
        self.new_record("guardians/", &body)
    }

    pub(super) fn link(&self, student: &str, guardian: &str, is_primary: bool) {
        let body = json!({"guardian": guardian, "relation": "mother", "is_primary": is_primary});
        let _ = self.new_record(&format!("students/{student}/guardians/"), &body);
    }

    pub(super) fn send(&self, body: &Value) -> Reply {
        self.admin.post("sms/messages/", body)
    }

    pub(super) fn batch(&self, audience: &Value, message: &str) -> Reply {
        let body = json!({"audience": audience, "message": message});
        self.admin.post("sms/batches/", &body)
    }

    pub(super) fn message(&self, id: &str) -> Value {
        let path = format!("sms/messages/{id}/");
        self.admin.get(&path).status(200).json
    }

    /// A receipt of the bridge.
    pub(super) fn receipt(&self, id: &str, status: &str) {
        let event = json!({
            "id": format!("evt-{id}"), "at": self.app.now().millis(), "message_id": id,
            "app_id": self.app.school_app(&self.school.id), "tenant": self.school.id, "version": 1, "status": status,
            "parts": [{"number": 1, "status": status, "error": null}], "error": "",
        });
        let events = json!({"events": [event]});
        self.app.webhook("sms/dlr", &events).expect(204);
    }

    /// What reaches the bridge: number and text.
    pub(super) fn sent(&self) -> Vec<(String, String)> {
        let _ = self.app.work_queue();
        let bodies = self.app.take_submissions();
        let all = bodies.into_iter().flatten();
        all.map(|one| (one.destination, one.text)).collect()
    }
}
