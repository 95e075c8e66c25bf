//! `…/marks/`: one mark at a time, by exam and by exam session.

use homeroom_api_tests::Client;
use http::Method;
use serde_json::{Value, json};

use super::{classroom::Classroom, key_for, refused};

const STATES: [&str; 4] = ["draft", "review", "published", "locked"];

/// A card that was published for a student.
fn publish_card(room: &Classroom, student: &str) {
    let (exam_session, class) = (&room.exam_session, &room.academic_class);
    let sql = format!(
        "insert or ignore into publications values ('p', '{exam_session}', 1, '{{}}', '{{}}', 1, null); \
         insert into report_cards values ('card-{student}', 'p', '{exam_session}', '{student}', '{class}', 1, '{{}}', 0, 1, \
         null, 1, 1, null);"
    );
    room.app.execute(&room.school.slot, &sql);
}

fn outdated(room: &Classroom) -> Vec<Value> {
    let sql = "select student_session from report_cards where is_outdated = 1 order by 1";
    let rows = room.app.rows(&room.school.slot, sql);
    rows.into_iter().flatten().collect()
}

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

/// What becomes of a change and of a creation, alone and in a sheet, with and without a reason.
fn attempts(room: &Classroom, client: &Client, mark: &str, n: i64) -> Vec<(u16, String)> {
    let one = room.of_exam(&format!("marks/{mark}/"));
    let mut outcomes = Vec::new();
    for reason in [None, Some("Marked again.")] {
        let n = n + i64::from(reason.is_some());
        let change = json!({"mark": n, "reason": reason});
        let rows = json!([{"student_session": room.students[0], "mark": n + 50}]);
        let sheet = json!({"marks": rows, "reason": reason});
        for reply in [
            client.patch(&one, &change),
            client.put(&room.of_exam("marks/bulk/"), &sheet),
        ] {
            outcomes.push((reply.status, reply.code().to_owned()));
        }
    }
    outcomes
}

#[test]
fn who_may_change_marks_follows_from_state_subject_and_permission() {
    let room = Classroom::new(1);
    let body = json!({"student_session": room.students[0], "mark": 0});
    let mark = room
        .teacher
        .post(&room.of_exam("marks/"), &body)
        .status(201)
        .id();
    let manager = room.school.user_who_may(&[
        "school.view_mark",
        "school.change_mark",
        "school.manage_mark",
    ]);
    let key = key_for(
        &room.app,
        &room.school,
        &["school.change_mark", "school.view_mark"],
    );
    let done = (200, "");
    let closed = (409, "marks_closed");
    let not_yours = (403, "not_your_subject");
    let mut n = 1;
    for (who, client, by_state) in [
        (
            "the teacher",
            &room.teacher,
            [
                [done, done],
                [closed, closed],
                [closed, closed],
                [closed, closed],
            ],
        ),
        ("another teacher", &room.other, [[not_yours, not_yours]; 4]),
        ("an API key", &key, [[not_yours, not_yours]; 4]),
        (
            "the head",
            &room.head,
            [[done, done], [done, done], [closed, done], [closed, done]],
        ),
        (
            "a manager",
            &manager,
            [[done, done], [done, done], [closed, done], [closed, done]],
        ),
    ] {
        for (state, [without, with]) in STATES.into_iter().zip(by_state) {
            room.put_into(state);
            let expected: Vec<(u16, String)> = [without, without, with, with]
                .iter()
                .map(|(status, code)| (*status, (*code).to_owned()))
                .collect();
            assert_eq!(
                attempts(&room, client, &mark, n),
                expected,
                "{who}, {state}"
            );
            n += 2;
        }
    }
}

#[test]
fn marks_are_deleted_and_created_as_their_state_allows() {
    let room = Classroom::new(8);
    let admin = &room.school.admin;
    for (state, student) in STATES.into_iter().zip(&room.students) {
        room.put_into(state);
        let body = json!({"student_session": student, "mark": 5});
        let path = room.of_exam("marks/");
        let open = state == "draft" || state == "review";
        let teacher = room.teacher.post(&path, &body);
        let manager = admin.post(&path, &body);
        if state == "draft" {
            teacher.expect(201);
            assert_eq!(manager.fields(), ["student_session"]);
        } else {
            refused(&teacher, 409, "marks_closed");
            if open {
                manager.expect(201);
            } else {
                refused(&manager, 409, "marks_closed");
                let body = json!({"student_session": student, "mark": 5, "reason": "Forgotten."});
                admin.post(&path, &body).expect(201);
            }
        }
        let found = admin
            .get(&format!("{path}?student_session={student}"))
            .status(200);
        let one = format!("{path}{}/", found.str("results/0/id"));
        let gone = admin.delete(&one);
        if state == "draft" {
            gone.expect(204);
        } else {
            refused(&gone, 409, "marks_closed");
        }
    }
}

#[test]
fn a_correction_after_publication_is_recorded_with_its_reason_and_outdates_the_card() {
    let room = Classroom::new(3);
    let admin = &room.school.admin;
    let rows: Vec<Value> = room
        .students
        .iter()
        .map(|student| json!({"student_session": student, "mark": 40}))
        .collect();
    room.save(&room.teacher, &rows).expect(200);
    room.put_into("locked");
    for student in &room.students {
        publish_card(&room, student);
    }
    let list = admin.get(&room.of_exam("marks/")).status(200);
    let first = list.results()[0].clone();
    let one = room.of_exam(&format!("marks/{}/", first["id"].as_str().unwrap()));
    let corrected = admin
        .patch(
            &one,
            &json!({"mark": 60, "reason": "Question 4 was marked again."}),
        )
        .status(200);
    assert!(
        corrected.json.get("reason").is_none(),
        "the reason is in the log"
    );
    assert_eq!(outdated(&room), [first["student_session"].clone()]);
    let log = admin
        .get(&format!(
            "audit-logs/?table_name=marks&record_id={}&action=UPDATE",
            corrected.id()
        ))
        .status(200);
    for (field, change) in [
        ("mark", json!({"from": 40, "to": 60})),
        ("version", json!({"from": 1, "to": 2})),
        (
            "reason",
            json!({"from": null, "to": "Question 4 was marked again."}),
        ),
    ] {
        assert_eq!(log.results()[0]["changes"][field], change, "{field}");
    }
    // In a sheet only the changed rows count.
    let rows = json!([
        {"student_session": room.students[1], "mark": 41, "version": 1}, {"student_session": room.students[2], "mark": 40},
    ]);
    let body = json!({"marks": rows, "reason": "Recounted."});
    let saved = admin.put(&room.of_exam("marks/bulk/"), &body).status(200);
    assert_eq!(
        (&saved.json["updated"], &saved.json["unchanged"]),
        (&json!(1), &json!(1))
    );
    let mut expected = vec![first["student_session"].clone(), json!(room.students[1])];
    expected.sort_by_key(Value::to_string);
    assert_eq!(outdated(&room), expected);
    let reasons =
        "select count(*) from audit_logs where json_extract(changes, '$.reason.to') = 'Recounted.'";
    assert_eq!(room.count(reasons), 1);
}

#[test]
fn the_last_day_binds_teachers_by_the_clock_of_the_school() {
    let room = Classroom::new(1);
    let admin = &room.school.admin;
    room.app.execute(
        "CONTROL",
        "update tenants set timezone = 'Africa/Harare' where schema_name = 'greenwood'",
    );
    let rows = |mark: i64| [json!({"student_session": room.students[0], "mark": mark})];
    admin
        .patch(&room.of_exam(""), &json!({"marks_due": "2026-01-15"}))
        .expect(200);
    room.app.pass_seconds(10);
    // It is 08:00 on the 15th in UTC, and 10:00 at the school.
    room.save(&room.teacher, &rows(1)).expect(200);
    // 21:59 UTC is 23:59 there.
    room.app.pass_seconds(14 * 3_600 - 120);
    let teacher = sign_in_again(&room, "moyo@greenwood.example");
    room.save(&teacher, &rows(2)).expect(200);
    room.app.pass_seconds(180);
    let teacher = sign_in_again(&room, "moyo@greenwood.example");
    refused(&room.save(&teacher, &rows(3)), 409, "marks_overdue");
    let mark = teacher
        .get(&room.of_exam("marks/"))
        .status(200)
        .str("results/0/id");
    let one = room.of_exam(&format!("marks/{mark}/"));
    refused(
        &teacher.patch(&one, &json!({"mark": 3})),
        409,
        "marks_overdue",
    );
    let sheet = teacher.get(&room.of_exam("sheet/")).status(200);
    assert_eq!(sheet.json["can_edit"], false);
    let head = sign_in_again(&room, "head@greenwood.example");
    room.save(&head, &rows(4)).expect(200);
}

fn sign_in_again(room: &Classroom, email: &str) -> Client {
    homeroom_api_tests::sign_in(&room.school.anonymous(), email)
}

#[test]
fn teachers_see_the_marks_of_their_own_subjects() {
    let room = Classroom::new(1);
    let rows = [json!({"student_session": room.students[0], "mark": 50})];
    room.save(&room.teacher, &rows).expect(200);
    let mark = room
        .teacher
        .get(&room.of_exam("marks/"))
        .status(200)
        .str("results/0/id");
    let key = key_for(&room.app, &room.school, &["school.view_mark"]);
    let reads = |client: &Client| {
        let lists = [
            room.of_exam("marks/"),
            room.within("marks/"),
            room.within("marks/missing/"),
        ];
        let counts = lists.map(|path| {
            client.get(&path).status(200).json["count"]
                .as_i64()
                .unwrap()
        });
        let ones = [
            room.of_exam(&format!("marks/{mark}/")),
            room.of_exam("sheet/"),
        ];
        (counts, ones.map(|path| client.get(&path).status))
    };
    let (everything, nothing) = (([1, 1, 1], [200, 200]), ([0, 0, 0], [404, 404]));
    assert_eq!(reads(&room.teacher), everything);
    assert_eq!(reads(&room.head), everything);
    assert_eq!(reads(&room.other), nothing);
    assert_eq!(reads(&key), nothing);
    // Who teaches the class now has its marks, too; who leaves has none.
    room.assign(&room.academic_class, &room.subject, &room.other_staff);
    assert_eq!(reads(&room.other), everything);
    room.save(
        &room.other,
        &[json!({"student_session": room.students[0], "mark": 51, "version": 1})],
    )
    .expect(200);
    room.school
        .admin
        .patch(
            &format!("staff/{}/", room.other_staff),
            &json!({"is_active": false}),
        )
        .expect(200);
    assert_eq!(reads(&room.other), nothing);
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
