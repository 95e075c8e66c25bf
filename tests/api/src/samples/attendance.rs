//! Samples about attendance and the timetable.

use serde_json::{Map, Value, json};

use super::{
    Sample, Scene,
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
    match noun {
        // Not on days on which other samples are entered.
        "holiday" => {
            body.insert("start_date".to_owned(), json!("2026-08-10"));
            body.insert("end_date".to_owned(), json!("2026-08-11"));
        }
        "attendance" => {
            body.insert("status".to_owned(), json!("present"));
        }
        "timetable" => {
            let (class, subject) = scene.taught_subject(n);
            body.insert("academic_class".to_owned(), json!(class));
            body.insert("subject".to_owned(), json!(subject));
        }
        "substitution" => {
            body.insert("teacher".to_owned(), json!(scene.reference("staff", n)));
            if let Some(id) = ids.get("id") {
                // It stays with its lesson.
                let path = format!("substitutions/{id}/");
                let lesson = scene.school.admin.get(&path).status(200).str("lesson");
                body.insert("lesson".to_owned(), json!(lesson));
            }
        }
        _ => {}
    }
}

/// A class with one student.
struct Classroom {
    session: String,
    academic_class: String,
    student: String,
    student_session: String,
}

impl Scene {
    /// A class and a subject that it has a teacher for.
    fn taught_subject(&self, n: u32) -> (String, String) {
        let resource = records::all()
            .find(|resource| resource.noun == "subject_teacher")
            .expect("subject teachers");
        let ids = self.record(resource, n + 40_000 + self.next());
        let path = format!("{}{}/", fill(resource.path, &ids), ids["id"]);
        let taught = self.school.admin.get(&path).status(200);
        (taught.str("academic_class"), taught.str("subject"))
    }

    /// A class, and the student who is in it.
    pub(super) fn class_and_student(&self, n: u32) -> (String, String) {
        let room = self.classroom(n);
        (room.academic_class, room.student)
    }

    fn classroom(&self, n: u32) -> Classroom {
        let admin = &self.school.admin;
        let resource = records::all()
            .find(|resource| resource.noun == "academic_class")
            .expect("academic classes");
        let ids = self.record(resource, n + 60_000 + self.next());
        let student = self.reference("students", n);
        let body = json!({"student": student, "academic_class": ids["id"]});
        let path = format!("sessions/{}/student-sessions/", ids["session"]);
        Classroom {
            student_session: self.created(admin, &path, &body),
            session: ids["session"].clone(),
            academic_class: ids["id"].clone(),
            student,
        }
    }
}

/// The token in the address of a feed.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn token_of(address: &str) -> &str {
    address.split_once("?token=").expect("a token").1
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let admin = &scene.school.admin;
    let (path, body) = match operation.id.as_str() {
        "enter_attendance" => {
            let room = scene.classroom(n);
            let entries = json!([{"student_session": room.student_session, "status": "late", "reason": "Rain"}]);
            let body = json!({"academic_class": room.academic_class, "date": "2026-01-15", "entries": entries});
            (operation.path.clone(), Some(body))
        }
        "find_attendance_sheet" => {
            let class = scene.classroom(n).academic_class;
            (
                format!("{}?academic_class={class}&month=2026-01", operation.path),
                None,
            )
        }
        "find_attendance_summary" => {
            let room = scene.classroom(n);
            let term = json!({
                "session": room.session, "term": "1", "start_date": "2026-01-12", "end_date": "2026-03-27",
            });
            let term = scene.created(admin, "terms/", &term);
            (
                format!("{}?term={term}&student={}", operation.path, room.student),
                None,
            )
        }
        "find_missing_attendance" => {
            let _ = scene.classroom(n);
            (format!("{}?date=2026-01-15", operation.path), None)
        }
        "approve_leave_application" | "reject_leave_application" | "withdraw_leave_application" => {
            let student = scene.classroom(n).student;
            // Thursday to Monday.
            let leave =
                json!({"student": student, "start_date": "2026-01-15", "end_date": "2026-01-19"});
            let leave = scene.created(admin, "leave-applications/", &leave);
            if operation.id == "withdraw_leave_application" {
                admin
                    .act(&format!("leave-applications/{leave}/approve/"))
                    .expect(200);
            }
            (operation.path.replace("{id}", &leave), None)
        }
        "check_timetable" => {
            let (class, subject) = scene.taught_subject(n);
            let body = json!({
                "academic_class": class, "subject": subject, "teacher": scene.reference("staff", n), "room": "Lab",
                "weekday": 1, "starts_at": "08:00", "ends_at": "08:40", "valid_from": "2026-01-12", "valid_to": null,
                "id": null,
            });
            (operation.path.clone(), Some(body))
        }
        "find_timetable_calendar" => {
            let (class, _) = scene.taught_subject(n);
            (format!("{}?academic_class={class}", operation.path), None)
        }
        "find_timetable_day" => {
            let lesson = scene.reference("timetable", n);
            let lesson = admin.get(&format!("timetable/{lesson}/")).status(200);
            let class = lesson.str("academic_class");
            let query = format!("?date=2026-01-15&academic_class={class}");
            (format!("{}{query}", operation.path), None)
        }
        "list_own_calendar_feeds" => (operation.path.clone(), None),
        "create_own_calendar_feed" => {
            let body =
                json!({"name": format!("Phone {n}"), "academic_class": null, "teacher": null});
            (operation.path.clone(), Some(body))
        }
        "find_own_calendar_feed" | "delete_own_calendar_feed" => {
            let feed = scene.created(admin, "my/calendar-feeds/", &json!({}));
            (operation.path.replace("{id}", &feed), None)
        }
        "read_calendar_feed" => {
            let feed = admin.post("my/calendar-feeds/", &json!({})).status(201);
            let client = scene.school.anonymous();
            let path = format!(
                "{}?token={}",
                operation.path,
                token_of(&feed.str("address"))
            );
            return Some(Sample {
                client,
                method: operation.method.clone(),
                path,
                body: None,
            });
        }
        _ => return None,
    };
    Some(Sample {
        client: admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    })
}
