//! Who leaves a class, the school, or its staff.

use homeroom_api_tests::Reply;
use serde_json::json;

use super::{classroom::Classroom, greenwood, refused, report_cards::golden, someone};

fn registration(room: &Classroom) -> String {
    format!(
        "sessions/{}/student-sessions/{}/",
        room.session, room.students[0]
    )
}

/// What became of a file of registrations once it is carried out.
fn import(room: &Classroom, lines: &str) -> Reply {
    let file = format!("session,student_id,class,status\n{lines}");
    let admin = &room.school.admin;
    let job = admin.file("imports/registrations/", &file).status(202).id();
    admin.get(&format!("imports/{job}/")).status(200)
}

/// A class whose session is the present one.
fn present(students: usize) -> Classroom {
    let room = Classroom::new(students);
    let session = format!("sessions/{}/", room.session);
    room.school
        .admin
        .patch(&session, &json!({"is_active": true}))
        .expect(200);
    room
}

#[test]
fn a_student_with_marks_is_taken_out_of_the_class_in_no_way() {
    let room = Classroom::new(1);
    let admin = &room.school.admin;
    let row = json!({"student_session": room.students[0], "mark": 40});
    room.save(&room.teacher, &[row]).expect(200);
    let one = registration(&room);
    let student = admin.get(&one).status(200).str("student");
    refused(
        &admin.patch(&one, &json!({"academic_class": null})),
        409,
        "marks_in_class",
    );
    refused(
        &admin.put(&one, &json!({"student": student})),
        409,
        "marks_in_class",
    );
    let imported = import(&room, "2026,S-000,,active\n");
    assert_eq!(imported.json["failed"], 1, "{}", imported.text);
    assert_eq!(
        admin.get(&one).status(200).str("academic_class"),
        room.academic_class
    );
}

#[test]
fn a_class_is_not_made_smaller_than_it_is_and_a_full_one_can_be_left() {
    let room = present(3);
    let admin = &room.school.admin;
    let class = admin
        .get("classes/?name=1A")
        .status(200)
        .str("results/0/id");
    let path = format!("classes/{class}/");
    refused(
        &admin.patch(&path, &json!({"capacity": 2})),
        409,
        "class_full",
    );
    admin.patch(&path, &json!({"capacity": 3})).expect(200);
    let one = registration(&room);
    admin
        .patch(&one, &json!({"boarding_status": "Boarding"}))
        .expect(200);
    admin
        .patch(&one, &json!({"status": "transferred"}))
        .expect(200);
}

#[test]
fn who_leaves_the_school_takes_no_seat_any_more() {
    let room = present(2);
    let admin = &room.school.admin;
    let class = format!(
        "sessions/{}/academic-classes/{}/",
        room.session, room.academic_class
    );
    assert_eq!(admin.get(&class).status(200).json["size"], 2);
    let one = registration(&room);
    let student = admin.get(&one).status(200).str("student");
    let gone = json!({"enrolment": "transferred", "reason": "The family moved."});
    admin
        .patch(&format!("admissions/{student}/"), &gone)
        .expect(200);
    assert_eq!(admin.get(&one).status(200).str("status"), "transferred");
    assert_eq!(admin.get(&class).status(200).json["size"], 1);
    let audit = format!(
        "audit-logs/?table_name=student_sessions&action=UPDATE&record_id={}&ordering=-timestamp",
        room.students[0]
    );
    let last = admin.get(&audit).status(200).json["results"][0]["changes"]["status"].clone();
    assert_eq!(last, json!({"from": "active", "to": "transferred"}));

    let file = "student_id,first_name,last_name,admission_year,enrolment\nS-001,Tendai,Moyo,2026,dropped_out\n";
    let imported = admin.file("imports/students/", file).status(202);
    assert_eq!(imported.json["updated"], 1, "{}", imported.text);
    assert_eq!(admin.get(&class).status(200).json["size"], 0);
}

#[test]
fn who_left_is_not_registered_again_by_file() {
    let room = present(1);
    let admin = &room.school.admin;
    let student = admin.get(&registration(&room)).status(200).str("student");
    let gone = json!({"enrolment": "transferred"});
    admin
        .patch(&format!("admissions/{student}/"), &gone)
        .expect(200);
    let imported = import(&room, "2026,S-000,1A,active\n");
    assert_eq!(imported.json["failed"], 1, "{}", imported.text);
}

#[test]
fn former_staff_see_no_cards_and_enter_nothing() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let (teacher, user) = someone(&school, "leader@greenwood.example", &["Teacher"]);
    let staff = json!({"staff_number": "L-1", "user": user});
    let staff = school.admin.post("staff/", &staff).status(201).id();
    let class = format!(
        "sessions/{}/academic-classes/{}/",
        golden.form.session, golden.a
    );
    school
        .admin
        .patch(&class, &json!({"class_teacher": staff}))
        .expect(200);
    let card = format!("{}report-cards/{}/", golden.form.path(), golden.students[0]);
    let statuses = || {
        let comment = json!({"class_teacher": "Well done"});
        let day = json!({"academic_class": golden.a, "date": "2026-01-15",
            "entries": [{"student_session": golden.students[0], "status": "absent"}]});
        [
            teacher.get(&card).status,
            teacher.put(&format!("{card}comments/"), &comment).status,
            teacher.post("attendance/bulk/", &day).status,
        ]
    };
    let list = format!("{}report-cards/", golden.form.path());
    let listed = || teacher.get(&list).status(200).json["count"].clone();
    assert_eq!((statuses(), listed()), ([200, 200, 200], json!(5)));
    let gone = json!({"is_active": false});
    school
        .admin
        .patch(&format!("staff/{staff}/"), &gone)
        .expect(200);
    assert_eq!((statuses(), listed()), ([404, 403, 403], json!(0)));
}
