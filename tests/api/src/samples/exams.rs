//! Samples about exams and marks.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    Sample, Scene,
    records::{PathIds, all, fill},
};
use crate::document::Operation;

const EXAM_SESSION: &str = "sessions/{session}/exam-sessions/{exam_session}/";

pub(super) fn adjust(
    scene: &Scene,
    noun: &str,
    body: &mut Map<String, Value>,
    n: u32,
    ids: &PathIds,
) {
    match noun {
        "exam" => {
            let class = scene.class_of_session(&ids["session"], n);
            body.insert("academic_class".to_owned(), json!(class));
        }
        "mark" | "exam_mark" => {
            body.insert("mark".to_owned(), json!(n % 100));
            if let Some(id) = ids.get("id") {
                // A mark stays that of its student.
                let path = format!("{}marks/{id}/", fill(EXAM_SESSION, ids));
                let mark = scene.school.admin.get(&path).status(200);
                for field in ["exam", "student_session"] {
                    if body.contains_key(field) {
                        body.insert(field.to_owned(), mark.json[field].clone());
                    }
                }
                return;
            }
            let exam = match ids.get("exam") {
                Some(exam) => exam.clone(),
                None => scene.exam(ids, n),
            };
            let student = scene.student_of_exam(ids, &exam, n);
            body.insert("student_session".to_owned(), json!(student));
            if noun == "mark" {
                body.insert("exam".to_owned(), json!(exam));
            }
        }
        _ => {}
    }
}

impl Scene {
    fn class_of_session(&self, session: &str, n: u32) -> String {
        let class = json!({"class": self.reference("classes", n)});
        let path = format!("sessions/{session}/academic-classes/");
        self.created(&self.school.admin, &path, &class)
    }

    /// A new exam of an exam session.
    fn exam(&self, ids: &PathIds, n: u32) -> String {
        let resource = all()
            .find(|resource| resource.noun == "exam")
            .expect("exams");
        let body = self.record_body(resource, n, ids);
        self.created(&self.school.admin, &fill(resource.path, ids), &body)
    }

    /// A new student of the class of an exam.
    pub fn student_of_exam(&self, ids: &PathIds, exam: &str, n: u32) -> String {
        let path = format!("{}exams/{exam}/", fill(EXAM_SESSION, ids));
        let exam = self.school.admin.get(&path).status(200);
        let body = json!({"student": self.reference("students", n), "academic_class": exam.json["academic_class"]});
        let path = format!("sessions/{}/student-sessions/", ids["session"]);
        self.created(&self.school.admin, &path, &body)
    }
}

/// Calls of steps, of automatic exams and of mark sheets.
pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let known = [
        "submit_exam_session",
        "return_exam_session",
        "lock_exam_session",
        "unlock_exam_session",
        "replace_exam_session_parts",
        "auto_create_teacher_exams",
        "save_mark_sheet",
        "find_mark_sheet",
        "list_missing_marks",
    ];
    if !known.contains(&operation.id.as_str()) {
        return None;
    }
    let resource = all().find(|resource| resource.noun == "exam_session")?;
    let mut ids = scene.record(resource, n);
    let exam_session = ids["id"].clone();
    ids.insert("exam_session".to_owned(), exam_session.clone());
    let mut body = None;
    let state = match operation.id.as_str() {
        "return_exam_session" => {
            body = Some(json!({"reason": "Two classes are missing."}));
            "review"
        }
        "lock_exam_session" => "published",
        "unlock_exam_session" => {
            body = Some(json!({"reason": "A paper was marked twice."}));
            "locked"
        }
        "auto_create_teacher_exams" => {
            let class = scene.class_of_session(&ids["session"], n);
            let path = format!(
                "sessions/{}/academic-classes/{class}/subject-teachers/",
                ids["session"]
            );
            let subject = scene.reference("subjects", n);
            let teacher = scene.reference("staff", n);
            let assignment = json!({"subject": subject, "teacher": teacher});
            scene.school.admin.post(&path, &assignment).expect(201);
            "draft"
        }
        "submit_exam_session" => "draft",
        "replace_exam_session_parts" => {
            let path = format!("sessions/{}/exam-sessions/", ids["session"]);
            let parts = [1, 2].map(|number| {
                let part = json!({"term": "1", "name": format!("Part {number} of {n}")});
                let id = scene.created(&scene.school.admin, &path, &part);
                json!({"exam_session": id, "weight": 50})
            });
            body = Some(json!({"parts": parts}));
            "draft"
        }
        _ => {
            let exam = scene.exam(&ids, n);
            let students = [0, 1].map(|_| scene.student_of_exam(&ids, &exam, n));
            ids.insert("exam".to_owned(), exam);
            if operation.method == Method::PUT {
                let rows = students.map(|student| json!({"student_session": student, "mark": 50}));
                body = Some(json!({"marks": rows, "reason": "A first attempt."}));
            }
            "draft"
        }
    };
    if state != "draft" {
        let sql = format!("update exam_sessions set state = '{state}' where id = '{exam_session}'");
        scene.app.execute(&scene.school.slot, &sql);
    }
    Some(Sample {
        client: scene.school.admin.clone(),
        method: operation.method.clone(),
        path: fill(&operation.path, &ids),
        body,
    })
}
