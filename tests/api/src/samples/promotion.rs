//! Samples of the move to the next year.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    Sample, Scene,
    records::{PathIds, fill},
};
use crate::document::Operation;

pub(super) fn adjust(
    scene: &Scene,
    noun: &str,
    body: &mut Map<String, Value>,
    n: u32,
    ids: &PathIds,
) {
    let mut set = |name: &str, value: String| {
        body.insert(name.to_owned(), value.into());
    };
    match noun {
        "session_setup" => set("previous_session", scene.earlier_session(n)),
        "student_promotion" => {
            let setup = format!("session-setup/{}/", ids["session_setup"]);
            let setup = scene.school.admin.get(&setup).status(200);
            let (class, student) = scene.pupil(&setup.str("previous_session"), n);
            set("student", student);
            set("source_session_class", class);
        }
        _ => {}
    }
}

/// What an operation of the move to the next year needs: a set-up with one student, who is decided on and moved on.
struct Year {
    setup: String,
    student: String,
    destination: String,
    execution: Option<String>,
}

impl Scene {
    /// A new student in a new class of a session: the class of the session, and the student.
    fn pupil(&self, session: &str, n: u32) -> (String, String) {
        let class = self.place(session, &self.reference("classes", n));
        let student = self.reference("students", n);
        let body = json!({"student": student, "academic_class": class});
        let path = format!("sessions/{session}/student-sessions/");
        let _ = self.created(&self.school.admin, &path, &body);
        (class, student)
    }

    /// A new session that begins before the others.
    fn earlier_session(&self, n: u32) -> String {
        let session = self.reference("academic_sessions", n);
        let path = format!("sessions/{session}/");
        let earlier = json!({"start_date": "2025-01-01T00:00:00Z"});
        self.school.admin.patch(&path, &earlier).expect(200);
        session
    }

    fn place(&self, session: &str, class: &str) -> String {
        let path = format!("sessions/{session}/academic-classes/");
        self.created(&self.school.admin, &path, &json!({"class": class}))
    }

    fn year(&self, n: u32, is_decided: bool, is_executed: bool) -> Year {
        let admin = &self.school.admin;
        let from = self.earlier_session(n);
        let to = self.reference("academic_sessions", n);
        let (_, student) = self.pupil(&from, n);
        let destination = self.place(&to, &self.reference("classes", n));
        let body = json!({"session_type": "academic_session", "academic_session": to, "previous_session": from});
        let setup = self.created(admin, "session-setup/", &body);
        if is_decided {
            let row = json!({"student": student, "action": "promote", "destination_session_class": destination});
            let path = format!("session-setup/{setup}/student-promotions/bulk/");
            admin.put(&path, &json!({"rows": [row]})).expect(200);
        }
        let executions = format!("session-setup/{setup}/promotion-executions/");
        let execution = is_executed.then(|| admin.post(&executions, &json!({})).status(201).id());
        Year {
            setup,
            student,
            destination,
            execution,
        }
    }

    /// An execution that both a set-up and its history show: the ids of its path.
    #[must_use]
    pub fn execution(&self, n: u32) -> PathIds {
        let year = self.year(n, true, true);
        PathIds::from([
            ("session_setup".to_owned(), year.setup),
            ("id".to_owned(), year.execution.expect("an execution")),
        ])
    }
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let (is_decided, is_executed) = match operation.id.as_str() {
        "find_setup_steps"
        | "copy_structure"
        | "replace_student_promotions"
        | "propose_student_promotions"
        | "preview_promotions" => (false, false),
        "execute_promotions" => (true, false),
        "list_promotion_executions"
        | "find_promotion_execution"
        | "undo_promotion_execution"
        | "list_student_promotion_history" => (true, true),
        _ => return None,
    };
    let year = scene.year(n, is_decided, is_executed);
    let body = match operation.id.as_str() {
        "copy_structure" => Some(json!({"subject_teachers": true})),
        "replace_student_promotions" => Some(json!({"rows": [{
            "student": year.student, "action": "promote", "destination_session_class": year.destination,
        }]})),
        "execute_promotions" => Some(json!({"skip_pending": false})),
        "propose_student_promotions" | "preview_promotions" => {
            Some(json!({"min_subjects_passed": 3}))
        }
        _ => None,
    };
    let is_about_setup = operation.path.contains("session-setup/{id}/");
    let id = if is_about_setup {
        Some(year.setup.clone())
    } else {
        year.execution
    };
    let mut ids = PathIds::from([("session_setup".to_owned(), year.setup)]);
    ids.extend(id.map(|id| ("id".to_owned(), id)));
    Some(Sample {
        client: scene.school.admin.clone(),
        method: operation.method.clone(),
        path: fill(&operation.path, &ids),
        body: body.filter(|_| operation.method != Method::GET),
    })
}
