//! `…/marks/`: one mark at a time, by exam and by exam session.

use http::Method;
use serde_json::{Value, json};

use super::{classroom::Classroom, refused};

#[test]
fn a_mark_is_entered_read_changed_and_deleted_at_both_addresses() {
    let room = Classroom::new(2);
    let teacher = &room.teacher;
    let exam_path = room.of_exam("marks/");
    let body = json!({"student_session": room.students[0], "mark": 57.25, "comment": "Neat."});
    let created = teacher.post(&exam_path, &body).status(201);
    let keys: Vec<&String> = created.json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "comment",
            "created_at",
            "created_by",
            "exam",
            "id",
            "is_absent",
            "mark",
            "student_id",
            "student_name",
            "student_session",
            "subject",
            "updated_at",
            "updated_by",
            "version",
        ]
    );
    for (field, value) in [
        ("exam", json!(room.exam)),
        ("student_name", json!("Chipo Name 000")),
        ("student_id", json!("S-000")),
        ("subject", json!(room.subject)),
        ("mark", json!(57.25)),
        ("is_absent", json!(false)),
        ("version", json!(1)),
    ] {
        assert_eq!(created.json[field], value, "{field}");
    }
    let all_path = room.within("marks/");
    let body = json!({"exam": room.exam, "student_session": room.students[1], "is_absent": true});
    let absent = teacher.post(&all_path, &body).status(201);
    assert_eq!(
        (&absent.json["mark"], &absent.json["is_absent"]),
        (&json!(null), &json!(true))
    );
    for path in [&exam_path, &all_path] {
        let one = format!("{path}{}/", created.id());
        assert_eq!(
            teacher.get(&one).status(200).json["comment"],
            created.json["comment"]
        );
        let before = teacher.get(&one).status(200).json["version"]
            .as_i64()
            .unwrap();
        let mark = json!({"mark": before});
        let changed = teacher.patch(&one, &mark).status(200);
        assert_eq!(
            (&changed.json["version"], &changed.json["comment"]),
            (&json!(before + 1), &json!("Neat."))
        );
        let same = teacher.patch(&one, &mark).status(200);
        assert_eq!(same.json["version"], before + 1, "nothing changed");
        assert_eq!(teacher.get(path).status(200).json["count"], 2);
    }
    let delete = format!("{exam_path}{}/", absent.id());
    refused(&teacher.delete(&delete), 403, "permission_denied");
    room.school.admin.delete(&delete).expect(204);
    refused(&teacher.get(&delete), 404, "not_found");
}

#[test]
fn absent_zero_and_missing_are_three_things() {
    let room = Classroom::new(4);
    let path = room.of_exam("marks/");
    for (student, body) in room.students.iter().zip([
        json!({"mark": 0}),
        json!({"is_absent": true}),
        json!({"mark": null}),
        json!({"mark": 0, "is_absent": true}),
    ]) {
        let mut body = body;
        body["student_session"] = json!(student);
        let reply = room.teacher.post(&path, &body);
        if body["mark"] == 0 && body["is_absent"] == true {
            assert_eq!(reply.fields(), ["mark"]);
        } else {
            reply.expect(201);
        }
    }
    for (query, count) in [
        ("is_absent=true", 1),
        ("is_absent=false", 2),
        ("missing=true", 1),
        ("missing=false", 2),
    ] {
        let list = room.teacher.get(&format!("{path}?{query}")).status(200);
        assert_eq!(list.json["count"], count, "{query}");
    }
    let zero = room
        .teacher
        .get(&format!("{path}?missing=false&is_absent=false"))
        .status(200);
    assert_eq!(zero.results()[0]["mark"], 0);
}

#[test]
fn marks_of_the_wrong_student_exam_or_size_are_refused_on_their_field() {
    let room = Classroom::new(1);
    let outsider = room.student(900, None);
    let neighbour = room.student(901, Some(&room.another_class("1B")));
    let path = room.of_exam("marks/");
    let good = room.students[0].as_str();
    let nobody = "01890000-0000-7000-8000-00000000dead";
    for (body, fields) in [
        (
            json!({"student_session": outsider, "mark": 1}),
            vec!["student_session"],
        ),
        (
            json!({"student_session": neighbour, "mark": 1}),
            vec!["student_session"],
        ),
        (
            json!({"student_session": nobody, "mark": 1}),
            vec!["student_session"],
        ),
        (
            json!({"student_session": good, "mark": 100.01}),
            vec!["mark"],
        ),
        (json!({"student_session": good, "mark": -1}), vec!["mark"]),
        (
            json!({"student_session": good, "mark": 1, "comment": "x".repeat(501)}),
            vec!["comment"],
        ),
    ] {
        assert_eq!(room.teacher.post(&path, &body).fields(), fields, "{body}");
    }
    let body = json!({"student_session": good, "mark": 1});
    let mark = room.teacher.post(&path, &body).status(201).id();
    assert_eq!(
        room.teacher.post(&path, &body).fields(),
        ["student_session"],
        "twice"
    );
    let one = format!("{path}{mark}/");
    assert_eq!(
        room.teacher
            .patch(&one, &json!({"student_session": neighbour}))
            .fields(),
        ["student_session"]
    );
    let elsewhere = room.within(&format!("exams/{nobody}/marks/{mark}/"));
    refused(&room.teacher.get(&elsewhere), 404, "not_found");
}

#[test]
fn an_exam_that_is_not_of_the_exam_session_is_as_unknown_as_none_and_one_of_the_address_is_not_found()
 {
    let room = Classroom::new(1);
    let other = json!({"term": "2", "name": "Mid term"});
    let sessions = format!("sessions/{}/exam-sessions/", room.session);
    let other = room.school.admin.post(&sessions, &other).status(201).id();
    let body = json!({"academic_class": room.academic_class, "subject": room.subject, "teacher": room.teacher_staff});
    let elsewhere = room
        .school
        .admin
        .post(&format!("{sessions}{other}/exams/"), &body)
        .status(201)
        .id();
    let nobody = "01890000-0000-7000-8000-00000000dead";
    let own = json!({"student_session": room.students[0], "mark": 1});
    let mark = room.teacher.post(&room.of_exam("marks/"), &own);
    let one = room.within(&format!("marks/{}/", mark.status(201).id()));
    let no_such = json!({"exam": ["There is no such record."]});
    for exam in [nobody, &elsewhere] {
        let body = json!({"exam": exam, "student_session": room.students[0], "mark": 1});
        let created = room.teacher.post(&room.within("marks/"), &body);
        assert_eq!(created.status(400).json, no_such, "{exam}");
        let replaced = room.teacher.send(&Method::PUT, &one, Some(&body));
        assert_eq!(replaced.status(400).json, no_such, "{exam}");
        let changed = room.teacher.patch(&one, &json!({"exam": exam}));
        assert_eq!(changed.status(400).json, no_such, "{exam}");
        let address = room.within(&format!("exams/{exam}/marks/"));
        refused(&room.teacher.post(&address, &own), 404, "not_found");
        let address = format!("{sessions}{nobody}/marks/");
        refused(&room.teacher.post(&address, &body), 404, "not_found");
        let address = format!(
            "sessions/{nobody}/exam-sessions/{}/marks/",
            room.exam_session
        );
        refused(&room.teacher.post(&address, &body), 404, "not_found");
    }
}

#[test]
fn whoever_saw_an_older_version_is_told_the_present_one() {
    let room = Classroom::new(1);
    let body = json!({"student_session": room.students[0], "mark": 50});
    let mark = room
        .teacher
        .post(&room.of_exam("marks/"), &body)
        .status(201)
        .id();
    let one = room.of_exam(&format!("marks/{mark}/"));
    room.teacher
        .patch(&one, &json!({"mark": 51, "version": 1}))
        .expect(200);
    for (method, body) in [
        (Method::PATCH, json!({"mark": 52, "version": 1})),
        (
            Method::PUT,
            json!({"student_session": room.students[0], "mark": 52, "version": 1}),
        ),
    ] {
        let reply = room.teacher.send(&method, &one, Some(&body));
        refused(&reply, 409, "changed_meanwhile");
        assert!(
            reply.str("detail").contains("its version is 2 now"),
            "{}",
            reply.text
        );
    }
    room.teacher
        .patch(&one, &json!({"mark": 52, "version": 2}))
        .expect(200);
    room.teacher.patch(&one, &json!({"mark": 53})).expect(200);
    assert_eq!(room.teacher.get(&one).status(200).json["version"], 4);
}

#[test]
fn of_parallel_changes_of_one_mark_each_is_seen_or_refused() {
    let room = Classroom::new(1);
    let body = json!({"student_session": room.students[0], "mark": 0});
    let mark = room
        .teacher
        .post(&room.of_exam("marks/"), &body)
        .status(201)
        .id();
    let one = room.of_exam(&format!("marks/{mark}/"));
    let requests = (1..=5)
        .map(|n| {
            room.teacher
                .request(&Method::PATCH, &one, Some(&json!({"mark": n})))
        })
        .collect();
    let replies = room.app.run_together(requests);
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "changed_meanwhile");
    }
    let version = room.teacher.get(&one).status(200).json["version"].clone();
    assert_eq!((done, version), (1, json!(2)));
}

#[test]
fn marks_are_found_by_class_subject_and_student() {
    let room = Classroom::new(2);
    let rows: Vec<Value> = room
        .students
        .iter()
        .map(|student| json!({"student_session": student, "mark": 50}))
        .collect();
    room.save(&room.teacher, &rows).expect(200);
    let path = format!(
        "sessions/{}/student-sessions/{}/",
        room.session, room.students[0]
    );
    let student = room.school.admin.get(&path).status(200).str("student");
    let nobody = "01890000-0000-7000-8000-00000000dead";
    for (query, count) in [
        (format!("exam={}", room.exam), 2),
        (format!("exam={nobody}"), 0),
        (format!("academic_class={}", room.academic_class), 2),
        (format!("academic_class={nobody}"), 0),
        (format!("subject={}", room.subject), 2),
        (format!("subject={nobody}"), 0),
        (format!("student={student}"), 1),
        (format!("student_session={}", room.students[1]), 1),
        ("search=name+001".to_owned(), 1),
        ("ordering=-student".to_owned(), 2),
    ] {
        let list = room
            .teacher
            .get(&room.within(&format!("marks/?{query}")))
            .status(200);
        assert_eq!(list.json["count"], count, "{query}");
    }
    let list = room
        .teacher
        .get(&room.within("marks/?ordering=-student"))
        .status(200);
    assert_eq!(list.column("student_id"), ["S-001", "S-000"]);
}
