//! Samples about people.

use serde_json::{Map, Value, json};

use super::{
    Family, Sample, Scene,
    records::{self, PathIds, fill},
};
use crate::document::Operation;

pub(super) fn adjust(
    scene: &Scene,
    noun: &str,
    body: &mut Map<String, Value>,
    n: u32,
    ids: &PathIds,
) {
    match (noun, ids.get("id")) {
        ("admission", _) => {
            body.insert("admission_year".to_owned(), json!(2020 + n % 7));
            body.insert("student_id".to_owned(), json!(format!("N{n}")));
        }
        ("application", _) => scene.count_applications(),
        ("guardian", _) => {
            body.insert("phone_number".to_owned(), json!(format!("+26378{n:07}")));
        }
        // A registration stays with its student.
        ("student_session", Some(id)) => {
            let path = format!("sessions/{}/student-sessions/{id}/", ids["session"]);
            let student = scene.school.admin.get(&path).status(200).str("student");
            body.insert("student".to_owned(), json!(student));
        }
        _ => {}
    }
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let admin = &scene.school.admin;
    let mut ids = PathIds::new();
    let mut body = None;
    match operation.id.as_str() {
        "list_students_without_session" => {
            scene.reference("students", n);
        }
        "list_student_history" => {
            let student = scene.reference("students", n);
            let change = json!({"enrolment": "transferred", "reason": "The family moved."});
            let path = format!("admissions/{student}/");
            admin.patch(&path, &change).expect(200);
            ids.insert("id".to_owned(), student);
        }
        "list_guardian_students" => {
            let link = scene.record(of_noun("student_guardian"), n);
            let path = format!("students/{}/guardians/{}/", link["student"], link["id"]);
            let guardian = admin.get(&path).status(200).str("guardian");
            ids.insert("id".to_owned(), guardian);
        }
        "offer_application"
        | "waitlist_application"
        | "reject_application"
        | "decline_application"
        | "withdraw_application"
        | "reopen_application"
        | "enrol_application"
        | "list_application_history"
        | "decide_applications" => {
            let (application, asked) = scene.application(operation, n);
            body = asked;
            ids.insert("id".to_owned(), application);
        }
        "erase_student" => {
            let Family {
                student, number, ..
            } = scene.family(n);
            let gone = json!({"enrolment": "graduated"});
            admin
                .patch(&format!("admissions/{student}/"), &gone)
                .expect(200);
            body = Some(json!({"student_id": number, "reason": "Asked for in writing."}));
            ids.insert("id".to_owned(), student);
        }
        "place_students" => {
            ids = class(scene, n);
            body = Some(json!({"students": [scene.reference("students", n)]}));
        }
        "list_class_registrations"
        | "find_class_registration"
        | "replace_class_registration"
        | "update_class_registration"
        | "remove_student_from_class" => {
            let placed = scene.placed(n);
            if operation.writes() && !operation.body.is_null() {
                let student = admin.get(&fill(&operation.path, &placed));
                let student = student.status(200).str("student");
                body = Some(json!({"student": student, "boarding_status": "Boarding"}));
            }
            ids = placed;
        }
        _ => return None,
    }
    Some(Sample {
        client: admin.clone(),
        method: operation.method.clone(),
        path: fill(&operation.path, &ids),
        body,
    })
}

impl Scene {
    /// An application in the state in which an operation begins, and the operation's body.
    fn application(&self, operation: &Operation, n: u32) -> (String, Option<Value>) {
        let mut ids = class(self, n);
        let reason = json!({"reason": "All places are taken."});
        let body = json!({
            "session": ids.remove("session"), "form": self.reference("forms", n), "first_name": "Tariro", "last_name": "Moyo",
            "guardian_first_name": "Rudo", "guardian_last_name": "Moyo", "guardian_phone": format!("+26379{n:07}"),
        });
        self.count_applications();
        let id = self.created(&self.school.admin, "applications/", &body);
        let step = |step: &str| {
            let path = format!("applications/{id}/{step}/");
            self.school.admin.post(&path, &reason).expect(200);
        };
        let body = match operation.id.as_str() {
            "list_application_history" => {
                step("reject");
                None
            }
            "enrol_application" => {
                step("offer");
                let class = &ids["academic_class"];
                Some(json!({"academic_class": class, "student_id": format!("E{n}")}))
            }
            "decide_applications" => {
                let mut row = reason.clone();
                row["application"] = json!(id);
                row["decision"] = json!("reject");
                Some(json!({"rows": [row]}))
            }
            "decline_application" => {
                step("offer");
                Some(reason)
            }
            "reopen_application" => {
                step("reject");
                Some(reason)
            }
            _ => Some(reason),
        };
        (id, body)
    }

    /// Numbers run on: the first of a year makes a row more than the others.
    fn count_applications(&self) {
        let sql = "insert or ignore into application_numbers (admission_year, last_number) values (2026, 0)";
        self.app.execute(&self.school.slot, sql);
    }

    /// A registration in a class, by the names that its address there gives.
    pub(crate) fn placed(&self, n: u32) -> PathIds {
        let admin = &self.school.admin;
        let mut ids = class(self, n);
        let path = fill(
            "sessions/{session}/academic-classes/{academic_class}/registration/",
            &ids,
        );
        let students = json!({"students": [self.reference("students", n)]});
        admin.post(&path, &students).expect(200);
        let own = admin.get(&path).status(200).str("results/0/id");
        ids.insert("id".to_owned(), own);
        ids
    }
}

fn of_noun(noun: &str) -> &'static homeroom_school::Resource {
    records::all()
        .find(|resource| resource.noun == noun)
        .unwrap_or_else(|| panic!("there is no resource {noun}"))
}

/// A new class of a session, by the names that paths within it give.
fn class(scene: &Scene, n: u32) -> PathIds {
    let mut ids = scene.record(of_noun("academic_class"), n);
    let own = ids.remove("id").expect("an id");
    ids.insert("academic_class".to_owned(), own);
    ids
}
