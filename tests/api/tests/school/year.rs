//! A school in its year 2025/26 with two classes. The clock shows Thursday, 15 January 2026, 08:00 UTC.

use homeroom_api_tests::{Client, School, TestApp};
use serde_json::{Value, json};

use super::{greenwood, key_for, someone};

/// A member of staff who signs in.
pub(super) struct Teacher {
    pub(super) client: Client,
    pub(super) staff: String,
}

pub(super) struct Year {
    pub(super) app: TestApp,
    pub(super) school: School,
    /// May do everything, and longer than a sign-in lasts.
    pub(super) admin: Client,
    pub(super) session: String,
    /// Led by `leader`; `colleague` teaches it mathematics.
    pub(super) class: String,
    /// Nobody's.
    pub(super) other_class: String,
    pub(super) mathematics: String,
    pub(super) leader: Teacher,
    pub(super) colleague: Teacher,
    /// Teaches nothing yet.
    pub(super) stranger: Teacher,
}

impl Year {
    pub(super) fn new() -> Self {
        let (app, school) = greenwood();
        let admin = key_for(&app, &school, &["school.*"]);
        let post = |path: &str, body: &Value| admin.post(path, body).status(201).id();
        let session = post(
            "sessions/",
            &json!({"name": "2025/26", "start_date": "2025-09-01T00:00:00Z", "end_date": "2026-07-31T00:00:00Z"}),
        );
        let form = post("form/", &json!({"name": "Form 3", "level": "O Level"}));
        let classes = format!("sessions/{session}/academic-classes/");
        let class = |name: &str, teacher: Value| {
            let class = post("classes/", &json!({"name": name, "form": form}));
            post(&classes, &json!({"class": class, "class_teacher": teacher}))
        };
        let teacher = |name: &str| {
            let (client, user) = someone(&school, &format!("{name}@people.example"), &["Teacher"]);
            let body = json!({"staff_number": name, "user": user, "title": "Mrs"});
            let staff = post("staff/", &body);
            Teacher { client, staff }
        };
        let (leader, colleague) = (teacher("leader"), teacher("colleague"));
        let stranger = teacher("stranger");
        let class_id = class("3A", json!(leader.staff));
        let other_class = class("3B", json!(null));
        let mathematics = post("subjects/", &json!({"name": "Mathematics", "code": "MATH"}));
        let year = Self {
            class: class_id,
            other_class,
            mathematics,
            leader,
            colleague,
            stranger,
            session,
            admin: admin.clone(),
            app,
            school,
        };
        year.teach(&year.class, &year.mathematics, &year.colleague.staff);
        year
    }

    /// Gives a class a teacher for a subject.
    pub(super) fn teach(&self, class: &str, subject: &str, teacher: &str) {
        let path = format!(
            "sessions/{}/academic-classes/{class}/subject-teachers/",
            self.session
        );
        let body = json!({"subject": subject, "teacher": teacher});
        self.admin.post(&path, &body).expect(201);
    }

    /// A new student in a class: the student, and the student in the session.
    pub(super) fn student(&self, name: &str, class: &str) -> (String, String) {
        let body = json!({"first_name": name, "last_name": "Dube", "admission_year": 2024, "student_id": name});
        let student = self.admin.post("admissions/", &body).status(201).id();
        let body = json!({"student": student, "academic_class": class});
        let path = format!("sessions/{}/student-sessions/", self.session);
        let registered = self.admin.post(&path, &body).status(201).id();
        (student, registered)
    }

    /// The student leaves the session.
    pub(super) fn leaves(&self, student_session: &str) {
        let path = format!(
            "sessions/{}/student-sessions/{student_session}/",
            self.session
        );
        self.admin
            .patch(&path, &json!({"status": "transferred"}))
            .expect(200);
    }

    /// A lesson of mathematics of 3A, valid for the whole session.
    pub(super) fn lesson(&self, weekday: u32, changes: Value) -> String {
        let body = self.lesson_body(weekday, changes);
        self.admin.post("timetable/", &body).status(201).id()
    }

    pub(super) fn lesson_body(&self, weekday: u32, changes: Value) -> Value {
        let mut body = json!({
            "academic_class": self.class, "subject": self.mathematics, "teacher": self.colleague.staff,
            "weekday": weekday, "starts_at": "08:00", "ends_at": "08:40", "valid_from": "2025-09-01",
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    pub(super) fn holiday(&self, name: &str, first: &str, last: &str) {
        let body = json!({"name": name, "start_date": first, "end_date": last});
        self.admin.post("holidays/", &body).expect(201);
    }

    pub(super) fn in_zone(&self, zone: &str) {
        // As the platform's administrator does it, whose sign-in ends long before the school year does.
        let sql = format!(
            "update tenants set timezone = '{zone}' where id = '{}'",
            self.school.id
        );
        self.app.execute("CONTROL", &sql);
        self.app.pass_seconds(5);
    }

    /// Moves the clock to a moment.
    pub(super) fn at(&self, moment: &str) {
        let moment = homeroom_kernel::Timestamp::parse(moment).unwrap();
        self.app
            .pass_millis(moment.millis() - self.app.now().millis());
    }
}
