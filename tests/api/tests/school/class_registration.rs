use homeroom_api_tests::{Client, Reply, School};
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood,
    making::{admit, class, register, session, students},
    refused,
};

const NOBODY: &str = "01900000-0000-7000-8000-00000000dead";

pub(super) fn path(session: &str, class: &str) -> String {
    format!("sessions/{session}/academic-classes/{class}/registration/")
}

pub(super) fn place(client: &Client, path: &str, students: &[String]) -> Reply {
    client.post(path, &json!({"students": students}))
}

pub(super) fn outcomes(reply: &Reply) -> Vec<String> {
    let results = reply.json["results"].as_array().unwrap();
    results
        .iter()
        .map(|row| row["outcome"].as_str().unwrap().to_owned())
        .collect()
}

fn message(reply: &Reply, row: usize) -> Value {
    reply.json["results"][row]["message"].clone()
}

pub(super) fn members(school: &School, path: &str) -> Vec<String> {
    let list = school.admin.get(&format!("{path}?page_size=100"));
    let mut ids = list.status(200).column("student");
    ids.sort();
    ids
}

#[test]
fn students_are_registered_moved_or_left_where_they_are() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", None)),
        path(&year, &class(&school, &year, "1B", None)),
    );
    let mut all = students(&school, 3);
    all.push(
        admit(&school, &json!({"status": "Boarding"}))
            .status(201)
            .id(),
    );
    // One is in the session without a class, one in another class, one in this class.
    register(&school, &year, &json!({"student": all[0]})).expect(201);
    place(&school.admin, &second, &all[1..2]).expect(200);
    place(&school.admin, &first, &all[2..3]).expect(200);
    app.pass_seconds(1);
    let reply = place(&school.admin, &first, &all).status(200);
    assert_eq!(
        outcomes(&reply),
        ["moved", "moved", "unchanged", "registered"]
    );
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "failed": 0,
      "moved": 2,
      "registered": 1,
      "results": [
        {
          "message": null,
          "outcome": "moved",
          "student": "[id]"
        },
        {
          "message": null,
          "outcome": "moved",
          "student": "[id]"
        },
        {
          "message": null,
          "outcome": "unchanged",
          "student": "[id]"
        },
        {
          "message": null,
          "outcome": "registered",
          "student": "[id]"
        }
      ],
      "unchanged": 1
    }
    "#);
    let mut expected = all.clone();
    expected.sort();
    assert_eq!(members(&school, &first), expected);
    assert_eq!(members(&school, &second), [""; 0]);
    let boarder = school.admin.get(&format!("{first}?student={}", all[3]));
    assert_eq!(
        boarder.status(200).str("results/0/boarding_status"),
        "Boarding"
    );
    let list = format!("sessions/{year}/student-sessions/");
    assert_eq!(school.admin.get(&list).status(200).json["count"], 4);
}

#[test]
fn placing_again_changes_nothing() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let path = path(&year, &class(&school, &year, "1A", Some(3)));
    let all = students(&school, 3);
    place(&school.admin, &path, &all).expect(200);
    let before = app.dump(&school.slot);
    app.pass_seconds(1);
    let again = place(&school.admin, &path, &all).status(200);
    assert_eq!(outcomes(&again), ["unchanged"; 3]);
    assert_eq!(app.dump(&school.slot), before);
}

#[test]
fn rows_that_fail_do_not_stop_the_others() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let path = path(&year, &class(&school, &year, "1A", None));
    let all = students(&school, 2);
    let left = admit(&school, &json!({"enrolment": "graduated"}))
        .status(201)
        .id();
    let inactive = admit(&school, &json!({})).status(201).id();
    let past = json!({"student": inactive, "status": "dropped_out"});
    register(&school, &year, &past).expect(201);
    let rows = [
        all[0].clone(),
        NOBODY.to_owned(),
        left,
        inactive,
        all[0].clone(),
        all[1].clone(),
    ];
    let reply = place(&school.admin, &path, &rows).status(200);
    assert_eq!(
        outcomes(&reply),
        [
            "registered",
            "error",
            "error",
            "error",
            "unchanged",
            "registered"
        ]
    );
    let messages: Vec<Value> = (0..6).map(|row| message(&reply, row)).collect();
    assert_eq!(
        Value::from(messages),
        json!([
            null,
            "There is no such student.",
            "The student has left the school.",
            "The student's registration in this session is not active.",
            "The student is named more than once.",
            null
        ])
    );
    assert_eq!(
        (&reply.json["registered"], &reply.json["failed"]),
        (&json!(2), &json!(3))
    );
    let named: Vec<&str> = reply.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["student"].as_str().unwrap())
        .collect();
    assert_eq!(named, rows);
}

#[test]
fn seats_go_in_the_order_of_the_rows_until_the_class_is_full() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", Some(4))),
        path(&year, &class(&school, &year, "1B", None)),
    );
    let all = students(&school, 7);
    place(&school.admin, &first, &all[..1]).expect(200);
    place(&school.admin, &second, &[all[2].clone(), all[5].clone()]).expect(200);
    let rows = [
        &all[1..2],
        &[NOBODY.to_owned()],
        &all[2..6],
        &all[..1],
        &all[6..],
    ]
    .concat();
    let reply = place(&school.admin, &first, &rows).status(200);
    assert_eq!(
        outcomes(&reply),
        [
            "registered",
            "error",
            "moved",
            "registered",
            "error",
            "error",
            "unchanged",
            "error"
        ]
    );
    assert_eq!(message(&reply, 4), "The class is full.");
    let mut expected = all[..4].to_vec();
    expected.sort();
    assert_eq!(members(&school, &first), expected);
    assert_eq!(members(&school, &second), all[5..6]);
}

#[test]
fn only_active_students_take_seats() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let path = path(&year, &class(&school, &year, "1A", Some(1)));
    let all = students(&school, 2);
    place(&school.admin, &path, &all[..1]).expect(200);
    let id = school.admin.get(&path).status(200).str("results/0/id");
    let gone = json!({"status": "transferred"});
    school
        .admin
        .patch(&format!("sessions/{year}/student-sessions/{id}/"), &gone)
        .expect(200);
    let reply = place(&school.admin, &path, &all[1..]).status(200);
    assert_eq!(outcomes(&reply), ["registered"]);
}

#[test]
fn parallel_placements_share_the_last_seats() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let class_id = class(&school, &year, "1A", Some(5));
    let path = path(&year, &class_id);
    let all = students(&school, 14);
    let mut requests: Vec<_> = all[..12]
        .chunks(2)
        .map(|pair| {
            let body = json!({"students": pair});
            school.admin.request(&Method::POST, &path, Some(&body))
        })
        .collect();
    // The other way into a class, at the same time.
    for student in &all[12..] {
        let body = json!({"student": student, "academic_class": class_id});
        let list = format!("sessions/{year}/student-sessions/");
        requests.push(school.admin.request(&Method::POST, &list, Some(&body)));
    }
    let replies = app.run_together(requests);
    let placed: usize = replies[..6]
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 200, "{}", reply.text);
            let all = outcomes(reply);
            all.iter()
                .filter(|outcome| *outcome == "registered")
                .count()
        })
        .sum();
    let single = replies[6..]
        .iter()
        .filter(|reply| {
            assert!([201, 409].contains(&reply.status), "{}", reply.text);
            reply.status == 201
        })
        .count();
    assert_eq!(placed + single, 5);
    assert_eq!(members(&school, &path).len(), 5);
}

#[test]
fn two_hundred_rows_cost_one_trip() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", Some(150))),
        path(&year, &class(&school, &year, "1B", None)),
    );
    let all = students(&school, 200);
    place(&school.admin, &second, &all[..100]).expect(200);
    let reply = place(&school.admin, &first, &all).status(200);
    assert_eq!(reply.trips(), 1);
    assert_eq!(
        [
            &reply.json["moved"],
            &reply.json["registered"],
            &reply.json["failed"]
        ],
        [&json!(100), &json!(50), &json!(50)]
    );
    // One row of the audit log for each that changed.
    let logged = "select count(*), count(distinct record_id), count(distinct id) from audit_logs \
                  where table_name = 'student_sessions' and action = ";
    let rows = |action: &str| app.rows(&school.slot, &format!("{logged}'{action}'"));
    assert_eq!(rows("CREATE"), [[json!(150), json!(150), json!(150)]]);
    assert_eq!(rows("UPDATE"), [[json!(100), json!(100), json!(100)]]);
    let keyed = place(&school.admin.key("k"), &first, &all).status(200);
    assert_eq!(keyed.trips(), 3);
    let many: Vec<String> = all.iter().cloned().chain([NOBODY.to_owned()]).collect();
    assert_eq!(place(&school.admin, &first, &many).fields(), ["students"]);
    assert_eq!(place(&school.admin, &first, &[]).fields(), ["students"]);
}

#[test]
fn the_audit_log_tells_who_was_registered_and_moved() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        class(&school, &year, "1A", None),
        class(&school, &year, "1B", None),
    );
    let all = students(&school, 1);
    place(&school.admin, &path(&year, &first), &all).expect(200);
    place(&school.admin, &path(&year, &second), &all).expect(200);
    let log = school.admin.get("audit-logs/?table_name=student_sessions");
    let log = log.status(200);
    let [moved, registered] = &log.results()[..] else {
        panic!("{}", log.text)
    };
    assert_eq!(
        moved["changes"],
        json!({"academic_class": {"from": first, "to": second}})
    );
    assert_eq!(
        (
            &moved["action"],
            &registered["action"],
            &registered["actor_name"]
        ),
        (&json!("UPDATE"), &json!("CREATE"), &json!("Rudo Ncube"))
    );
    assert_eq!(moved["record_id"], registered["record_id"]);
    let changes = &registered["changes"];
    assert_eq!(changes["student"], json!({"from": null, "to": all[0]}));
    assert_eq!(changes["boarding_status"]["to"], "Day");
}

#[test]
fn a_class_of_another_session_is_not_found() {
    let (app, school) = greenwood();
    let (year, next) = (session(&school, "2026"), session(&school, "2027"));
    let class = class(&school, &year, "1A", None);
    let all = students(&school, 1);
    for (session, class) in [
        (next.as_str(), class.as_str()),
        (&year, NOBODY),
        (NOBODY, &class),
        ("x", &class),
        (&year, "x"),
    ] {
        let reply = place(&school.admin, &path(session, class), &all);
        refused(&reply, 404, "not_found");
    }
    let rows = "select count(*) from student_sessions";
    assert_eq!(app.count(&school.slot, rows), 0);
}

#[test]
fn whoever_may_only_register_moves_nobody() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", None)),
        path(&year, &class(&school, &year, "1B", None)),
    );
    let all = students(&school, 2);
    place(&school.admin, &first, &all[..1]).expect(200);
    let clerk = school.user_who_may(&["school.add_student_session"]);
    let reply = place(&clerk, &second, &all).status(200);
    assert_eq!(outcomes(&reply), ["error", "registered"]);
    assert_eq!(members(&school, &first), all[..1]);
    let viewer = school.user_who_may(&["school.change_student_session"]);
    refused(&place(&viewer, &second, &all), 403, "permission_denied");
}

#[test]
fn the_students_of_a_class_are_listed_in_pages_and_searched() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", None)),
        path(&year, &class(&school, &year, "1B", None)),
    );
    let all = students(&school, 4);
    place(&school.admin, &first, &all[..3]).expect(200);
    place(&school.admin, &second, &all[3..]).expect(200);
    let page = school.admin.get(&format!("{first}?page_size=2&page=2"));
    let page = page.status(200);
    assert_eq!((&page.json["count"], page.results().len()), (&json!(3), 1));
    let found = school
        .admin
        .get(&format!("{first}?search=pupil+0002"))
        .status(200);
    assert_eq!(found.column("student"), all[1..2]);
    assert_eq!(found.column("student_name"), ["Pupil 1 Moyo"]);
}

#[test]
fn a_registration_of_a_class_is_read_and_changed_as_among_the_sessions_registrations() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let second_class = class(&school, &year, "1B", Some(1));
    let (first, second) = (
        path(&year, &class(&school, &year, "1A", None)),
        path(&year, &second_class),
    );
    let [own, other] = students(&school, 2).try_into().unwrap();
    place(&school.admin, &first, std::slice::from_ref(&own)).expect(200);
    let id = school.admin.get(&first).status(200).str("results/0/id");
    let (one, there) = (format!("{first}{id}/"), format!("{second}{id}/"));
    let of_session = format!("sessions/{year}/student-sessions/{id}/");
    let found = school.admin.get(&one).status(200);
    assert_eq!(found.json, school.admin.get(&of_session).status(200).json);
    refused(&school.admin.get(&there), 404, "not_found");

    app.pass_seconds(1);
    let boards = json!({"boarding_status": "Boarding"});
    refused(&school.admin.patch(&there, &boards), 404, "not_found");
    let changed = school.admin.patch(&one, &boards).status(200);
    assert_eq!(changed.json["boarding_status"], "Boarding");
    let log = school.admin.get(&format!("audit-logs/?record_id={id}"));
    let changes = json!({"boarding_status": {"from": "Day", "to": "Boarding"}});
    assert_eq!(log.status(200).results()[0]["changes"], changes);

    // Whoever is replaced stays in the class, and becomes what the body leaves out.
    app.pass_seconds(1);
    let body = json!({"student": own});
    let replaced = school.admin.send(&Method::PUT, &one, Some(&body));
    let replaced = replaced.status(200).json;
    assert_eq!(replaced["academic_class"], found.json["academic_class"]);
    assert_eq!(replaced["boarding_status"], "Day");
    let swap = json!({"student": other});
    let reply = school.admin.send(&Method::PUT, &one, Some(&swap));
    assert_eq!(reply.status(400).fields(), ["student"]);
    let reply = school.admin.patch(&one, &json!({"academic_class": NOBODY}));
    assert_eq!(reply.status(400).fields(), ["academic_class"]);

    // Another class is a move, with that class's seats.
    place(&school.admin, &second, std::slice::from_ref(&other)).expect(200);
    let to_second = json!({"academic_class": second_class});
    let reply = school.admin.patch(&one, &to_second);
    refused(&reply, 409, "class_full");
    school
        .admin
        .patch(
            &format!("sessions/{year}/academic-classes/{second_class}/"),
            &json!({"capacity": 2}),
        )
        .expect(200);
    school.admin.patch(&one, &to_second).expect(200);
    refused(&school.admin.get(&one), 404, "not_found");
    school.admin.get(&there).expect(200);
}
