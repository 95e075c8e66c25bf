//! Samples of what the chatbot looks up, and of students' PINs.

use serde_json::json;

use super::{Sample, Scene, report_cards::Carded};
use crate::document::Operation;

/// A student with a guardian, a PIN and a published card.
pub struct Family {
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub number: String,
    /// The guardian's phone number, as an address writes it.
    pub phone: String,
    /// The PIN.
    pub pin: String,
    /// The path of the exam session.
    pub exam_session: String,
}

impl Scene {
    /// A family whose student has a card.
    #[must_use]
    pub fn family(&self, n: u32) -> Family {
        let admin = &self.school.admin;
        let Carded { form, student, .. } = self.carded(n, None);
        admin.act(&format!("{}publish/", form.path())).expect(200);
        let registration = format!("sessions/{}/student-sessions/{student}/", form.session);
        let student = admin.get(&registration).status(200).str("student");
        let phone = format!("26376{n:07}");
        let guardian = json!({
            "first_name": "Chipo", "last_name": "Moyo", "phone_number": format!("+{phone}"), "consent": {"whatsapp": true},
        });
        let guardian = self.created(admin, "guardians/", &guardian);
        let link = json!({"guardian": guardian, "relation": "mother", "is_primary": true});
        let _ = self.created(admin, &format!("students/{student}/guardians/"), &link);
        let pin = admin.act(&format!("students/{student}/pin/")).status(200);
        Family {
            number: pin.str("student_id"),
            pin: pin.str("pin"),
            phone,
            exam_session: form.path(),
            student,
        }
    }
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let path = operation.path.as_str();
    let mut body = None;
    let path = match operation.id.as_str() {
        "set_student_pin" | "delete_student_pin" => {
            path.replace("{student}", &scene.family(n).student)
        }
        "set_class_pins" => {
            let Carded { form, class, .. } = scene.carded(n, None);
            body = Some(json!({"renew": true}));
            path.replace("{session}", &form.session)
                .replace("{academic_class}", &class)
        }
        "find_students_by_phone" => format!("{path}?phone={}", scene.family(n).phone),
        "find_results" => {
            let family = scene.family(n);
            format!("{path}?student_id={}&pin={}", family.number, family.pin)
        }
        "list_academic_sessions" | "list_released_exam_sessions" | "list_family_notices" => {
            let _ = scene.family(n);
            path.to_owned()
        }
        _ => return None,
    };
    Some(Sample {
        client: scene.school.admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    })
}
