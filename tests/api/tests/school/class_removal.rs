//! Taking students out of their class.

use homeroom_api_tests::School;
use serde_json::{Value, json};

use super::{
    class_registration::{members, outcomes, path, place},
    greenwood,
    making::{class, session, students},
    refused,
};

#[test]
fn a_student_who_is_taken_out_of_a_class_stays_registered() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let path = path(&year, &class(&school, &year, "1A", Some(1)));
    let all = students(&school, 2);
    place(&school.admin, &path, &all[..1]).expect(200);
    let id = school.admin.get(&path).status(200).str("results/0/id");
    let one = format!("{path}{id}/");
    let reply = school.admin.delete(&one);
    assert_eq!((reply.status, reply.trips()), (204, 2));
    let registration = format!("sessions/{year}/student-sessions/{id}/");
    let found = school.admin.get(&registration).status(200);
    assert_eq!(found.json["academic_class"], Value::Null);
    refused(&school.admin.delete(&one), 404, "not_found");
    // The seat is free.
    let reply = place(&school.admin, &path, &all[1..]).status(200);
    assert_eq!(outcomes(&reply), ["registered"]);
}

#[test]
fn a_student_who_has_left_is_taken_out_of_a_class_too() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let path = path(&year, &class(&school, &year, "1A", None));
    let all = students(&school, 1);
    place(&school.admin, &path, &all).expect(200);
    let gone = json!({"enrolment": "transferred"});
    school
        .admin
        .patch(&format!("admissions/{}/", all[0]), &gone)
        .expect(200);
    let id = school.admin.get(&path).status(200).str("results/0/id");
    school.admin.delete(&format!("{path}{id}/")).expect(204);
}

#[test]
fn a_student_with_marks_in_a_class_is_moved_and_not_taken_out() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let (first_class, second_class) = (
        class(&school, &year, "1A", None),
        class(&school, &year, "1B", None),
    );
    let (first, second) = (path(&year, &first_class), path(&year, &second_class));
    let all = students(&school, 1);
    place(&school.admin, &first, &all).expect(200);
    let id = school.admin.get(&first).status(200).str("results/0/id");
    let exam = exam(&school, &year, &first_class);
    let mark = |value: &str| {
        app.execute(
            &school.slot,
            &format!(
                "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, updated_at) \
                 values ('m', '{exam}', '{id}', {value}, 0, '', 1, 0, 0) \
                 on conflict (exam, student_session) do update set mark = excluded.mark"
            ),
        );
    };
    mark("5000");
    let one = format!("{first}{id}/");
    refused(&school.admin.delete(&one), 409, "marks_in_class");
    assert_eq!(members(&school, &first), all);
    let moved = place(&school.admin, &second, &all).status(200);
    assert_eq!(outcomes(&moved), ["moved"]);
    // Those of the former class count: without a class nothing would show them.
    let there = format!("{second}{id}/");
    refused(&school.admin.delete(&there), 409, "marks_in_class");
    place(&school.admin, &first, &all).expect(200);
    mark("null");
    school.admin.delete(&one).expect(204);
}

fn exam(school: &School, session: &str, class: &str) -> String {
    let subject = json!({"name": "Mathematics", "code": "MATH"});
    let subject = school.admin.post("subjects/", &subject).status(201).id();
    let teacher = json!({"staff_number": "T-1"});
    let teacher = school.admin.post("staff/", &teacher).status(201).id();
    let exams = format!("sessions/{session}/exam-sessions/");
    let body = json!({"term": "1", "name": "End of term"});
    let id = school.admin.post(&exams, &body).status(201).id();
    let body = json!({"academic_class": class, "subject": subject, "teacher": teacher});
    let exams = format!("{exams}{id}/exams/");
    school.admin.post(&exams, &body).status(201).id()
}
