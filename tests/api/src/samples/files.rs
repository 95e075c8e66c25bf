//! Samples of imports and exports.

use serde_json::{Value, json};

use super::{
    Sample, Scene,
    records::{self, PathIds, fill},
};
use crate::document::Operation;

/// The call of an operation on files.
pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let sample = |path: String, body: Option<Value>| Sample {
        client: scene.school.admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    };
    let (verb, name) = operation.id.split_once('_')?;
    match (verb, name) {
        ("import", "marks") => {
            let (exam_session, file) = scene.marks_file(n);
            let path = format!("{}?exam_session={exam_session}", operation.path);
            Some(sample(path, Some(json!(file))))
        }
        ("import", _) => Some(sample(
            operation.path.clone(),
            Some(json!(scene.file(name, n))),
        )),
        ("export", "marks") => {
            let (exam_session, _) = scene.marks_file(n);
            let path = format!("{}?exam_session={exam_session}", operation.path);
            Some(sample(path, None))
        }
        ("export", _) => Some(sample(operation.path.clone(), None)),
        (_, "imports" | "import" | "import_results") => {
            let admin = &scene.school.admin;
            let file = format!(
                "staff_number,is_active\nF-{n},perhaps\nG-{n},no\nH-{n},true\nH-{n},true\n"
            );
            let mut id = String::new();
            for _ in 0..3 {
                id = admin.file("imports/staff/", &file).status(202).id();
            }
            Some(sample(operation.path.replace("{id}", &id), None))
        }
        _ => None,
    }
}

impl Scene {
    /// A file of one row that is new.
    fn file(&self, name: &str, n: u32) -> String {
        let name_of = |path: &str, id: &str| {
            let found = self.school.admin.get(&format!("{path}{id}/")).status(200);
            found.str("name")
        };
        match name {
            "students" => {
                format!("student_id,first_name,last_name,admission_year\nF{n},Rudo,File {n},2026\n")
            }
            "guardians" => {
                format!(
                    "first_name,last_name,phone_number,consent.sms\nRudo,File {n},+26379{n:07},true\n"
                )
            }
            "staff" => format!("staff_number,title\nF-{n},Mrs\n"),
            "classes" => {
                let form = name_of("form/", &self.reference("forms", n));
                format!("name,form,capacity\nFile {n},{form},40\n")
            }
            "registrations" => {
                let session = name_of("sessions/", &self.reference("academic_sessions", n));
                let id = self.reference("students", n);
                let student = self.school.admin.get(&format!("admissions/{id}/"));
                format!(
                    "session,student_id\n{session},{}\n",
                    student.str("student_id")
                )
            }
            _ => panic!("{name} has no sample of a file: add one"),
        }
    }

    /// An exam session, and a file of one mark that is new in it.
    fn marks_file(&self, n: u32) -> (String, String) {
        let admin = &self.school.admin;
        let exams = records::all().find(|resource| resource.noun == "exam");
        let mut ids: PathIds = self.record(exams.expect("exams"), n + 20_000);
        let path = "sessions/{session}/exam-sessions/{exam_session}/exams/{id}/";
        let exam = admin.get(&fill(path, &ids)).status(200);
        let subject = admin
            .get(&format!("subjects/{}/", exam.str("subject")))
            .status(200);
        let student = self.reference("students", n);
        let registration =
            json!({"student": student, "academic_class": exam.str("academic_class")});
        let path = format!("sessions/{}/student-sessions/", ids["session"]);
        let registered = admin.post(&path, &registration).status(201);
        let file = format!(
            "student_id,subject,mark\n{},{},57.5\n",
            registered.str("student_id"),
            subject.str("code")
        );
        (ids.remove("exam_session").expect("an id"), file)
    }
}
