//! Who sees and changes which marks, by subject, state, day and permission; and corrections after publication.

use homeroom_api_tests::Client;
use serde_json::{Value, json};

use super::{classroom::Classroom, key_for, refused};

const STATES: [&str; 4] = ["draft", "review", "published", "locked"];

/// A card that was published for a student.
fn publish_card(room: &Classroom, student: &str) {
    let (exam_session, class) = (&room.exam_session, &room.academic_class);
    let sql = format!(
        "insert or ignore into publications values ('p', '{exam_session}', 1, '{{}}', '{{}}', 1, null, null); \
         insert into report_cards values ('card-{student}', 'p', '{exam_session}', '{student}', '{class}', 1, '{{}}', 0, 1, \
         1, 1, null, null);"
    );
    room.app.execute(&room.school.slot, &sql);
}

fn outdated(room: &Classroom) -> Vec<Value> {
    let sql = "select student_session from report_cards where is_outdated = 1 order by 1";
    let rows = room.app.rows(&room.school.slot, sql);
    rows.into_iter().flatten().collect()
}

/// What becomes of a change and of a creation, alone and in a sheet, with and without a reason.
fn attempts(room: &Classroom, client: &Client, mark: &str, n: i64) -> Vec<(u16, String)> {
    let one = room.of_exam(&format!("marks/{mark}/"));
    let mut outcomes = Vec::new();
    for reason in [None, Some("Marked again.")] {
        let n = n + i64::from(reason.is_some());
        let mut change = json!({"mark": n});
        if let Some(reason) = reason {
            change["reason"] = json!(reason);
        }
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
fn only_who_manages_marks_changes_those_of_an_exam_session_that_is_not_active() {
    let room = Classroom::new(2);
    let row = |n: usize, mark: u32| json!({"student_session": room.students[n], "mark": mark});
    room.save(&room.teacher, &[row(0, 30)]).expect(200);
    let marks = room.of_exam("marks/");
    let mark = room.head.get(&marks).status(200).str("results/0/id");
    let mark = format!("{marks}{mark}/");
    let close = json!({"is_active": false});
    room.school
        .admin
        .patch(&room.within(""), &close)
        .expect(200);
    for reply in [
        room.save(&room.teacher, &[row(0, 40)]),
        room.teacher.patch(&mark, &json!({"mark": 40})),
        room.teacher.post(&marks, &row(1, 40)),
    ] {
        refused(&reply, 409, "marks_closed");
    }
    let sheet = |client: &Client| {
        let sheet = client.get(&room.of_exam("sheet/")).status(200);
        sheet.json["can_edit"].clone()
    };
    assert_eq!(
        (sheet(&room.teacher), sheet(&room.head)),
        (json!(false), json!(true))
    );
    room.save(&room.head, &[row(0, 50), row(1, 50)]).expect(200);
    room.school
        .admin
        .patch(&room.within(""), &json!({"is_active": true}))
        .expect(200);
    room.teacher.patch(&mark, &json!({"mark": 60})).expect(200);
}

#[test]
fn who_may_no_longer_change_marks_is_told_how_far_they_are() {
    let room = Classroom::new(1);
    for (state, told) in [
        (
            "review",
            "The marks are being reviewed: you can no longer change them. Ask somebody with the permission school.manage_mark.",
        ),
        (
            "published",
            "The marks are published: you can no longer change them. Ask somebody with the permission school.manage_mark.",
        ),
        (
            "locked",
            "The marks are locked: you can no longer change them. Ask somebody with the permission school.manage_mark.",
        ),
    ] {
        room.put_into(state);
        let row = json!({"student_session": room.students[0], "mark": 40});
        let reply = room.save(&room.teacher, &[row]);
        refused(&reply, 409, "marks_closed");
        assert_eq!(reply.json["detail"], told);
    }
}
