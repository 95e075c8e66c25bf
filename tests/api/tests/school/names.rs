//! What people are called, whoever shows it.

use serde_json::json;

use super::year::Year;

#[test]
fn a_member_of_staff_is_called_the_same_everywhere() {
    let year = Year::new();
    let admin = &year.admin;
    let post = |path: &str, body| admin.post(path, &body).status(201).id();
    let user = admin.get(&format!("staff/{}/", year.colleague.staff));
    let user = admin.get(&format!("users/{}/", user.status(200).str("user")));
    let user = user.status(200);
    let full = format!("Mrs {} {}", user.str("first_name"), user.str("last_name"));
    let nobody = post(
        "staff/",
        json!({"staff_number": "T-17", "title": "Mr", "position": "Teacher"}),
    );
    let form = admin.get("form/").status(200).str("results/0/id");
    let _ = post(
        "curriculum/",
        json!({"form": form, "subject": year.mathematics}),
    );
    let (_, registration) = year.student("Chipo", &year.class);
    let lesson = year.lesson(4, json!({}));
    let exams = format!("sessions/{}/exam-sessions/", year.session);
    let exam_session = post(&exams, json!({"term": "1", "name": "End of term"}));
    let exam = post(
        &format!("{exams}{exam_session}/exams/"),
        json!({"academic_class": year.class, "subject": year.mathematics, "teacher": year.colleague.staff}),
    );
    for (staff, name) in [(&year.colleague.staff, full.as_str()), (&nobody, "Mr T-17")] {
        let change = |path: String, field: &str| {
            admin.patch(&path, &json!({field: staff})).expect(200);
        };
        let class = format!("sessions/{}/academic-classes/{}/", year.session, year.class);
        change(class, "class_teacher");
        change(format!("timetable/{lesson}/"), "teacher");
        change(format!("{exams}{exam_session}/exams/{exam}/"), "teacher");
        let shown = |path: String, pointer: &str| admin.get(&path).status(200).str(pointer);
        let card = format!("{exams}{exam_session}/report-cards/{registration}/");
        let missing = format!("{exams}{exam_session}/marks/missing/");
        for (path, pointer) in [
            (format!("staff/{staff}/"), "name"),
            (format!("timetable/{lesson}/"), "teacher_name"),
            (missing, "results/0/teacher_name"),
            (
                "attendance/missing/?date=2026-01-15".to_owned(),
                "classes/0/class_teacher_name",
            ),
            (card.clone(), "class_teacher_name"),
            (card, "subjects/0/teacher_name"),
        ] {
            assert_eq!(shown(path.clone(), pointer), name, "{path} {pointer}");
        }
    }
}
