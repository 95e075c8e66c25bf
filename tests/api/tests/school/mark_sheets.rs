//! `…/marks/bulk/`: whole mark sheets.

use homeroom_api_tests::Reply;
use http::Method;
use serde_json::{Value, json};

use super::{classroom::Classroom, refused};

/// The counts of a saved sheet.
pub(super) fn counts(reply: &Reply) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|name| reply.json[name].as_i64().unwrap())
}

fn results(reply: &Reply) -> &Vec<Value> {
    reply.json["results"].as_array().unwrap()
}

fn outcomes(reply: &Reply) -> Vec<&str> {
    let each = results(reply).iter();
    each.map(|result| result["outcome"].as_str().unwrap())
        .collect()
}

fn rows(room: &Classroom, mark: impl Fn(usize) -> Value) -> Vec<Value> {
    let students = room.students.iter().enumerate();
    students
        .map(|(n, student)| {
            let mut row = mark(n);
            row["student_session"] = json!(student);
            row
        })
        .collect()
}

#[test]
fn forty_marks_are_saved_in_two_trips_and_again_in_one() {
    let room = Classroom::new(40);
    let sheet = rows(&room, |n| json!({"mark": n, "comment": "Read."}));
    let _ = room.teacher.get("auth/permissions/");
    let _ = room.app.take_batches();
    let first = room.save(&room.teacher, &sheet).status(200);
    assert_eq!((counts(&first), first.trips()), ([40, 0, 0, 0], 2));
    assert_eq!(first.json["success"], true);
    // A mark and its line in the log each, and nothing besides.
    let written: u64 = room
        .app
        .take_batches()
        .iter()
        .map(|batch| batch.changes)
        .sum();
    assert_eq!(written, 80);
    let again = room.save(&room.teacher, &sheet).status(200);
    assert_eq!((counts(&again), again.trips()), ([0, 0, 40, 0], 1));
    assert!(results(&again).iter().all(|result| result["version"] == 1));
    let written: u64 = room
        .app
        .take_batches()
        .iter()
        .map(|batch| batch.changes)
        .sum();
    assert_eq!(written, 0);
    let mixed = rows(
        &room,
        |n| json!({"mark": if n < 5 { n + 50 } else { n }, "version": 1}),
    );
    let mixed = room.save(&room.teacher, &mixed).status(200);
    assert_eq!((counts(&mixed), mixed.trips()), ([0, 5, 35, 0], 2));
    let written: u64 = room
        .app
        .take_batches()
        .iter()
        .map(|batch| batch.changes)
        .sum();
    assert_eq!(written, 10);
    // Nobody knows the teacher any more.
    room.app.pass_seconds(10);
    let _ = room.school.anonymous().get("auth/me/");
    let cold = room
        .save(&room.teacher, &rows(&room, |n| json!({"mark": n + 1})))
        .status(200);
    assert_eq!((counts(&cold), cold.trips()), ([0, 40, 0, 0], 3));
}

#[test]
fn two_hundred_rows_are_saved_and_one_more_is_refused() {
    let room = Classroom::new(200);
    let mut sheet = rows(
        &room,
        |n| json!({"mark": n % 101, "comment": "ž".repeat(500)}),
    );
    let _ = room.teacher.get("auth/permissions/");
    let saved = room.save(&room.teacher, &sheet).status(200);
    assert_eq!((counts(&saved), saved.trips()), ([200, 0, 0, 0], 2));
    assert_eq!(
        room.count("select count(*) from marks where version = 1"),
        200
    );
    let changed = room
        .save(
            &room.teacher,
            &rows(&room, |_| json!({"mark": 7, "version": 1})),
        )
        .status(200);
    assert_eq!((counts(&changed), changed.trips()), ([0, 198, 2, 0], 2));
    sheet.push(sheet[0].clone());
    assert_eq!(room.save(&room.teacher, &sheet).fields(), ["marks"]);
}

#[test]
fn a_bad_row_stops_no_other() {
    let room = Classroom::new(4);
    let outsider = room.student(900, None);
    let neighbour = room.student(901, Some(&room.another_class("1B")));
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|n| room.students[n].clone());
    room.save(
        &room.teacher,
        &[json!({"student_session": fourth, "mark": 40})],
    )
    .expect(200);
    let sheet = [
        json!({"student_session": first, "mark": 0}),
        json!({"student_session": outsider, "mark": 1}),
        json!({"student_session": neighbour, "mark": 1}),
        json!({"student_session": "01890000-0000-7000-8000-00000000dead", "mark": 1}),
        json!({"student_session": "x", "mark": 1}),
        json!({"mark": 1}),
        json!(7),
        json!({"student_session": second, "mark": 100.5}),
        json!({"student_session": second, "mark": 10, "is_absent": true}),
        json!({"student_session": second}),
        json!({"student_session": second, "mark": 10, "colour": "red"}),
        json!({"student_session": second, "is_absent": true}),
        json!({"student_session": first, "mark": 99}),
        json!({"student_session": third, "mark": "12.5"}),
        json!({"student_session": fourth, "mark": 41, "version": 7}),
    ];
    let reply = room.save(&room.teacher, &sheet).status(200);
    assert_eq!(counts(&reply), [3, 0, 0, 12]);
    assert_eq!(reply.json["success"], false);
    let mut expected = ["invalid"; 15];
    (expected[0], expected[11], expected[13], expected[14]) =
        ("created", "created", "created", "stale");
    assert_eq!(outcomes(&reply), expected);
    for (n, result) in results(&reply).iter().enumerate() {
        assert_eq!(result["row"], n + 1);
        assert_eq!(
            result["message"].is_null(),
            result["outcome"] == "created",
            "{result}"
        );
    }
    assert_eq!(results(&reply)[4]["student_session"], json!(null));
    assert_eq!(results(&reply)[7]["student_session"], json!(second));
    for (n, field, words) in [
        (0, None, ""),
        (1, Some("student_session"), "not in the class"),
        (3, Some("student_session"), "no such student"),
        (6, None, "Expected an object."),
        (7, Some("mark"), "between 0 and 100"),
        (8, Some("mark"), "absent has no mark"),
        (9, Some("mark"), "mark: This field is required."),
        (10, Some("colour"), "colour: There is no such field."),
        (12, Some("student_session"), "another row"),
        (14, Some("version"), "Somebody else"),
    ] {
        let result = &results(&reply)[n];
        let message = result["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{n}: {message}");
        assert_eq!(result["field"], json!(field), "{n}: {message}");
    }
    let stored = room.teacher.get(&room.of_exam("marks/")).status(200);
    let marks: Vec<&Value> = stored.results().iter().map(|mark| &mark["mark"]).collect();
    assert_eq!(marks, [&json!(0), &json!(null), &json!(12.5), &json!(40)]);
}

#[test]
fn a_stale_row_says_what_is_stored_now() {
    let room = Classroom::new(3);
    room.save(&room.teacher, &rows(&room, |_| json!({"mark": 50})))
        .expect(200);
    let [first, second, third] = [0, 1, 2].map(|n| room.students[n].clone());
    let change = [json!({"student_session": first, "mark": 60, "comment": "Better."})];
    room.save(&room.teacher, &change).expect(200);
    let sheet = [
        json!({"student_session": first, "mark": 70, "version": 1}),
        json!({"student_session": second, "mark": 70, "version": 1}),
        json!({"student_session": third, "mark": 70, "version": 0}),
    ];
    let reply = room.save(&room.teacher, &sheet).status(200);
    assert_eq!(outcomes(&reply), ["stale", "updated", "stale"]);
    let result = &results(&reply)[0];
    assert_eq!(result["version"], 2);
    assert_eq!(
        result["current"],
        json!({"mark": 60, "is_absent": false, "comment": "Better."})
    );
    let again = [json!({"student_session": first, "mark": 70, "version": 2})];
    assert_eq!(
        outcomes(&room.save(&room.teacher, &again).status(200)),
        ["updated"]
    );
}

#[test]
fn of_two_who_save_the_same_sheet_at_once_the_second_loses_nothing_silently() {
    for (versions, stored) in [
        (None, false),
        (Some(0), false),
        (None, true),
        (Some(1), true),
    ] {
        let room = Classroom::new(20);
        if stored {
            room.save(&room.teacher, &rows(&room, |_| json!({"mark": 1})))
                .expect(200);
        }
        let sheet = |marks: usize| {
            json!({"marks": rows(&room, |n| {
                let mut row = json!({"mark": marks + n});
                if let Some(version) = versions {
                    row["version"] = json!(version);
                }
                row
            })})
        };
        let path = room.of_exam("marks/bulk/");
        let replies = room.app.run_together(vec![
            room.teacher.request(&Method::PUT, &path, Some(&sheet(20))),
            room.head.request(&Method::PUT, &path, Some(&sheet(50))),
        ]);
        let (mut saved, mut stale) = (0, 0);
        for reply in &replies {
            assert_eq!(reply.status, 200, "{}", reply.text);
            for result in results(reply) {
                match result["outcome"].as_str().unwrap() {
                    "created" | "updated" => saved += 1,
                    "stale" => {
                        stale += 1;
                        let shown = result["current"]["mark"].as_i64().unwrap();
                        assert!((20..70).contains(&shown), "{result}");
                    }
                    other => panic!("{other}: {result}"),
                }
            }
        }
        assert_eq!(
            (saved, stale),
            (20, 20),
            "version {versions:?}, stored {stored}"
        );
        let version = if stored { 2 } else { 1 };
        let at = format!("select count(*) from marks where version = {version}");
        assert_eq!(room.count(&at), 20);
        let lines = "select count(*) from audit_logs where table_name = 'marks'";
        assert_eq!(room.count(lines), 20 * version);
    }
}

#[test]
fn without_a_version_a_row_replaces_what_the_same_person_entered_and_no_others() {
    let room = Classroom::new(2);
    let sheet = |mark: i64| rows(&room, |_| json!({"mark": mark}));
    room.save(&room.teacher, &sheet(1)).expect(200);
    let own = room.save(&room.teacher, &sheet(2)).status(200);
    assert_eq!(outcomes(&own), ["updated", "updated"]);
    let others = room.save(&room.head, &sheet(3)).status(200);
    assert_eq!(outcomes(&others), ["stale", "stale"]);
    let same = room.save(&room.head, &sheet(2)).status(200);
    assert_eq!(outcomes(&same), ["unchanged", "unchanged"]);
    let seen = rows(&room, |_| json!({"mark": 3, "version": 2}));
    let seen = room.save(&room.head, &seen).status(200);
    assert_eq!(outcomes(&seen), ["updated", "updated"]);
    let back = room.save(&room.teacher, &sheet(2)).status(200);
    assert_eq!(outcomes(&back), ["stale", "stale"]);
}

#[test]
fn parallel_sheets_of_different_students_all_arrive() {
    let room = Classroom::new(40);
    let all = rows(&room, |n| json!({"mark": n, "version": 0}));
    let path = room.of_exam("marks/bulk/");
    let requests = all
        .chunks(10)
        .map(|part| {
            room.teacher
                .request(&Method::PUT, &path, Some(&json!({"marks": part})))
        })
        .collect();
    for reply in room.app.run_together(requests) {
        assert_eq!(counts(&reply.status(200)), [10, 0, 0, 0]);
    }
}

#[test]
fn marks_that_are_submitted_while_a_sheet_is_saved_are_not_changed_any_more() {
    let room = Classroom::new(5);
    let path = room.of_exam("marks/bulk/");
    let body = json!({"marks": rows(&room, |n| json!({"mark": n}))});
    let mut late = 0;
    for order in [true, false] {
        room.put_into("draft");
        let mut requests = vec![
            room.teacher.request(&Method::PUT, &path, Some(&body)),
            room.head
                .request(&Method::POST, &room.within("submit/"), None),
        ];
        if order {
            requests.reverse();
        }
        let replies = room.app.run_together(requests);
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            refused(reply, 409, "marks_closed");
            late += 1;
        }
    }
    assert!(
        late > 0,
        "no sheet met the submission: the test proves nothing"
    );
    room.app.assert_sound();
}

#[test]
fn every_changed_mark_has_a_line_of_its_own_in_the_log() {
    let room = Classroom::new(3);
    room.save(&room.teacher, &rows(&room, |n| json!({"mark": n})))
        .expect(200);
    let change = [
        json!({"student_session": room.students[0], "mark": 0, "version": 1}),
        json!({"student_session": room.students[1], "is_absent": true, "version": 1}),
        json!({"student_session": room.students[2], "mark": 2, "comment": "Late.", "version": 1}),
    ];
    room.save(&room.head, &change).expect(200);
    let log = |query: &str| {
        let path = format!("audit-logs/?table_name=marks&{query}");
        room.school.admin.get(&path).status(200)
    };
    let created = log("action=CREATE");
    assert_eq!(created.json["count"], 3);
    assert!(
        created
            .results()
            .iter()
            .all(|line| line["changes"]["exam"]["to"] == room.exam.as_str())
    );
    let updated = log("action=UPDATE");
    assert_eq!(updated.json["count"], 2);
    let mark = room
        .teacher
        .get(&room.of_exam(&format!("marks/?student_session={}", room.students[1])))
        .status(200)
        .str("results/0/id");
    let line = log(&format!("record_id={mark}&action=UPDATE"));
    assert_eq!(
        line.results()[0]["changes"],
        json!({
            "mark": {"from": 1, "to": null}, "is_absent": {"from": false, "to": true},
            "version": {"from": 1, "to": 2},
        })
    );
    assert_eq!(line.results()[0]["actor_name"], "Chipo Dube");
}

#[test]
fn the_bare_list_is_taken_and_other_bodies_are_refused() {
    let room = Classroom::new(1);
    let path = room.of_exam("marks/bulk/");
    let row = json!([{"student_session": room.students[0], "mark": 1}]);
    assert_eq!(
        counts(&room.teacher.put(&path, &row).status(200)),
        [1, 0, 0, 0]
    );
    assert_eq!(
        counts(&room.teacher.put(&path, &json!([])).status(200)),
        [0, 0, 0, 0]
    );
    for (body, field) in [
        (json!({"marks": {}}), "marks"),
        (json!({"marks": null}), "marks"),
        (json!({"rows": []}), "rows"),
        (json!({"marks": [], "reason": 7}), "reason"),
    ] {
        let fields = room.teacher.put(&path, &body).fields();
        assert!(fields.contains(&field.to_owned()), "{body}: {fields:?}");
    }
    for (kind, body) in [
        ("application/json", "[1"),
        ("application/json", "[] x"),
        ("application/json", "7"),
        ("application/json", "\"[]\""),
    ] {
        let reply = room
            .teacher
            .raw(&Method::PUT, &path, Some(kind), body.as_bytes());
        refused(&reply, 400, "malformed");
    }
    let reply = room
        .teacher
        .raw(&Method::PUT, &path, Some("text/plain"), b"[]");
    refused(&reply, 415, "unsupported_media_type");
}

#[test]
fn an_empty_row_makes_no_mark_and_a_moved_student_gets_none() {
    let room = Classroom::new(2);
    let nothing = rows(&room, |_| json!({"mark": null}));
    let reply = room.save(&room.teacher, &nothing).status(200);
    assert_eq!(
        (counts(&reply), &results(&reply)[0]["version"]),
        ([0, 0, 2, 0], &json!(0))
    );
    assert_eq!(room.count("select count(*) from marks"), 0);
    room.save(&room.teacher, &rows(&room, |_| json!({"mark": 5}))[..1])
        .expect(200);
    let class = room.another_class("1B");
    for student in &room.students {
        let path = format!("sessions/{}/student-sessions/{student}/", room.session);
        room.school
            .admin
            .patch(&path, &json!({"academic_class": class}))
            .expect(200);
    }
    // What was entered before can be corrected.
    let reply = room
        .save(&room.teacher, &rows(&room, |_| json!({"mark": 6})))
        .status(200);
    assert_eq!(outcomes(&reply), ["updated", "invalid"]);
}

#[test]
fn who_may_change_marks_and_add_none_enters_no_new_ones() {
    let room = Classroom::new(2);
    let row = |n: usize, mark: u32| json!({"student_session": room.students[n], "mark": mark});
    room.save(&room.teacher, &[row(0, 30)]).expect(200);
    let corrector = room
        .school
        .user_who_may(&["school.change_mark", "school.manage_mark"]);
    let rows = [row(0, 40), row(1, 40)].map(|mut row| {
        row["version"] = json!(u32::from(row["student_session"] == room.students[0]));
        row
    });
    let saved = room.save(&corrector, &rows).status(200);
    assert_eq!(outcomes(&saved), ["updated", "invalid"]);
    assert_eq!(
        room.app
            .count(&room.school.slot, "select count(*) from marks"),
        1
    );
}
