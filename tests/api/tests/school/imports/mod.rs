//! Files that are read in.

mod carrying_on;
mod faults;
mod files;
mod guardians;
mod marks;
mod races;
mod rows;

use homeroom_api_tests::{Client, Reply, School, TestApp};
use serde_json::{Value, json};

use super::greenwood;

/// A school with a form, a class of it, a session, and the class in the session with room for two.
struct Year {
    app: TestApp,
    school: School,
    session: String,
    academic_class: String,
}

impl Year {
    fn new() -> Self {
        let (app, school) = greenwood();
        let made = |path: &str, body: Value| school.admin.post(path, &body).status(201).id();
        let form = made("form/", json!({"name": "Form 1", "level": "O Level"}));
        let class = made(
            "classes/",
            json!({"name": "1A", "form": form, "capacity": 2}),
        );
        let session = made(
            "sessions/",
            json!({"name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T22:00:00Z", "is_active": true}),
        );
        let path = format!("sessions/{session}/academic-classes/");
        let academic_class = made(&path, json!({"class": class}));
        Self {
            app,
            school,
            session,
            academic_class,
        }
    }

    fn rows(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        self.app.count(&self.school.slot, &sql)
    }

    fn students(&self, rows: &str) -> Reply {
        let file = format!("student_id,first_name,last_name,admission_year\n{rows}");
        self.import("students", &file)
    }

    #[track_caller]
    fn import(&self, name: &str, file: &str) -> Reply {
        import(&self.school.admin, name, file)
    }

    /// An exam session with an exam of the class in mathematics; its id.
    fn exam_session(&self) -> String {
        let admin = &self.school.admin;
        let made = |path: &str, body: Value| admin.post(path, &body).status(201).id();
        let subject = made("subjects/", json!({"name": "Mathematics", "code": "MATH"}));
        let teacher = made("staff/", json!({"staff_number": "T-1"}));
        let path = format!("sessions/{}/exam-sessions/", self.session);
        let exam_session = made(&path, json!({"term": "1", "name": "End of term"}));
        let exam =
            json!({"academic_class": self.academic_class, "subject": subject, "teacher": teacher});
        made(&format!("{path}{exam_session}/exams/"), exam);
        exam_session
    }
}

#[track_caller]
fn import(client: &Client, name: &str, file: &str) -> Reply {
    client.file(&format!("imports/{name}/"), file).status(202)
}

/// What became of the rows: created, updated, skipped, failed.
#[track_caller]
fn counts(reply: &Reply) -> [u64; 4] {
    ["created", "updated", "skipped", "failed"].map(|name| {
        reply.json[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{}", reply.text))
    })
}

/// The lines that are wrong, with the columns.
fn wrong(reply: &Reply) -> Vec<(u64, Vec<String>)> {
    let rows = reply.json["errors"].as_array().unwrap();
    let columns = |row: &Value| {
        row["messages"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    rows.iter()
        .map(|row| (row["row"].as_u64().unwrap(), columns(row)))
        .collect()
}
