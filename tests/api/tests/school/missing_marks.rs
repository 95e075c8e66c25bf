//! `…/sheet/` and `…/marks/missing/`: what is entered, and who has not entered anything yet.

use serde_json::{Value, json};

use super::{classroom::Classroom, mark_sheets::counts};

#[test]
fn the_sheet_shows_every_active_student_in_order_with_what_is_missing() {
    let room = Classroom::new(5);
    let sheet = [
        json!({"student_session": room.students[3], "mark": 0}),
        json!({"student_session": room.students[1], "is_absent": true}),
        json!({"student_session": room.students[0], "mark": 80}),
    ];
    room.save(&room.teacher, &sheet).expect(200);
    let path = room.of_exam("marks/");
    let list = room
        .teacher
        .get(&format!("{path}?student_session={}", room.students[0]))
        .status(200);
    let one = format!("{path}{}/", list.str("results/0/id"));
    room.teacher.patch(&one, &json!({"mark": null})).expect(200);
    let left = format!(
        "sessions/{}/student-sessions/{}/",
        room.session, room.students[4]
    );
    room.school
        .admin
        .patch(&left, &json!({"status": "transferred"}))
        .expect(200);
    let reply = room.teacher.get(&room.of_exam("sheet/")).status(200);
    assert_eq!(
        reply.json["counts"],
        json!({"students": 4, "entered": 1, "absent": 1, "missing": 2, "not_taken": 0})
    );
    let shown: Vec<[&Value; 5]> = reply.json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| ["student_id", "status", "mark", "is_absent", "version"].map(|name| &row[name]))
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            ["S-000", "missing", null, false, 2],
            ["S-001", "absent", null, true, 1],
            ["S-002", "missing", null, false, 0],
            ["S-003", "entered", 0, false, 1],
        ])
    );
    for (field, value) in [
        ("exam", json!(room.exam)),
        ("class_name", json!("1A")),
        ("subject_name", json!("Mathematics")),
        ("teacher", json!(room.teacher_staff)),
        ("state", json!("draft")),
        ("can_edit", json!(true)),
        ("is_optional", json!(false)),
    ] {
        assert_eq!(reply.json[field], value, "{field}");
    }
    // What the sheet says can be sent back as it is.
    let back: Vec<Value> = reply.json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let mut sent = json!({});
            for name in ["student_session", "mark", "is_absent", "comment", "version"] {
                sent[name] = row[name].clone();
            }
            sent
        })
        .collect();
    assert_eq!(
        counts(&room.save(&room.teacher, &back).status(200)),
        [0, 0, 4, 0]
    );
}

fn put_into_curriculum(room: &Classroom, is_compulsory: bool) {
    let body = json!({"form": room.form, "subject": room.subject, "coefficient": 1, "is_compulsory": is_compulsory});
    room.school.admin.post("curriculum/", &body).expect(201);
}

#[test]
fn who_has_not_entered_marks_yet_is_listed_with_what_lacks() {
    let room = Classroom::new(4);
    put_into_curriculum(&room, true);
    let other_class = room.another_class("1B");
    let neighbour = room.student(900, Some(&other_class));
    let body = json!({"academic_class": other_class, "subject": room.subject, "teacher": room.other_staff});
    let second = room
        .school
        .admin
        .post(&room.within("exams/"), &body)
        .status(201)
        .id();
    let sheet = [
        json!({"student_session": room.students[0], "mark": 0}),
        json!({"student_session": room.students[1], "is_absent": true}),
    ];
    room.save(&room.teacher, &sheet).expect(200);
    let path = room.within("marks/missing/");
    let figures = |query: &str| -> Value {
        let list = room.head.get(&format!("{path}{query}")).status(200);
        let names = [
            "class_name",
            "teacher_name",
            "expected",
            "entered",
            "absent",
            "missing",
        ];
        list.results()
            .iter()
            .map(|row| json!(names.map(|name| &row[name])))
            .collect()
    };
    let (a, b) = (
        json!(["1A", "Chipo Dube", 4, 1, 1, 2]),
        json!(["1B", "Chipo Dube", 1, 0, 0, 1]),
    );
    assert_eq!(figures(""), json!([a, b]));
    assert_eq!(
        figures(&format!("?academic_class={other_class}")),
        json!([b])
    );
    assert_eq!(
        figures(&format!("?teacher={}", room.teacher_staff)),
        json!([a])
    );
    assert_eq!(figures("?page_size=1&page=2"), json!([b]));
    assert_eq!(figures("?ordering=missing"), json!([b, a]));
    let mark = json!([{"student_session": neighbour, "mark": 3}]);
    room.other
        .put(&room.within(&format!("exams/{second}/marks/bulk/")), &mark)
        .expect(200);
    assert_eq!(figures("?is_complete=false"), json!([a]));
    assert_eq!(
        figures("?is_complete=true"),
        json!([["1B", "Chipo Dube", 1, 1, 0, 0]])
    );
    let own = room.teacher.get(&path).status(200);
    assert_eq!(own.column("id"), [room.exam.as_str()]);
}

#[test]
fn nothing_is_missing_of_who_goes_without_an_optional_subject() {
    let room = Classroom::new(4);
    put_into_curriculum(&room, false);
    let sheet = [
        json!({"student_session": room.students[0], "mark": 50}),
        json!({"student_session": room.students[1], "is_absent": true}),
        json!({"student_session": room.students[2], "mark": 50}),
    ];
    room.save(&room.teacher, &sheet).expect(200);
    let clear = [json!({"student_session": room.students[2], "mark": null})];
    room.save(&room.teacher, &clear).expect(200);
    let list = room.head.get(&room.within("marks/missing/")).status(200);
    let row = &list.results()[0];
    let figures =
        ["expected", "entered", "absent", "missing"].map(|name| row[name].as_i64().unwrap());
    assert_eq!(figures, [3, 1, 1, 1]);
    let sheet = room.teacher.get(&room.of_exam("sheet/")).status(200);
    assert_eq!(
        sheet.json["counts"],
        json!({"students": 4, "entered": 1, "absent": 1, "missing": 1, "not_taken": 1})
    );
    assert_eq!(sheet.json["is_optional"], true);
}
