//! `POST /api/v1/school/attendance/bulk/`.

use homeroom_api_tests::Intrusion;
use http::Method;
use serde_json::{Value, json};

use super::year::Year;

fn bulk(class: &str, entries: Value) -> Value {
    json!({"academic_class": class, "date": "2026-01-15", "entries": entries})
}

#[test]
fn each_row_has_a_result_and_a_bad_one_stops_no_other() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.class);
    let (_, rudo) = year.student("Rudo", &year.class);
    let (_, left) = year.student("Farai", &year.class);
    let (_, other) = year.student("Tendai", &year.other_class);
    year.leaves(&left);
    year.admin
        .post(
            "attendance-codes/",
            &json!({"code": "S", "name": "Sick", "status": "absent"}),
        )
        .expect(201);
    year.admin
        .post(
            "attendance/",
            &json!({"student_session": tariro, "date": "2026-01-15", "status": "present"}),
        )
        .expect(201);
    year.admin
        .post("attendance/", &json!({"student_session": rudo, "date": "2026-01-15", "status": "late", "reason": "Bus"}))
        .expect(201);
    let body = bulk(
        &year.class,
        json!([
            {"student_session": chipo, "code": "S", "reason": " Flu "},
            {"student_session": tariro, "status": "absent"},
            {"student_session": rudo, "status": "late", "reason": "Bus"},
            {"student_session": chipo, "status": "present"},
            {"student_session": left, "status": "present"},
            {"student_session": other, "status": "present"},
            {"student_session": "nobody", "status": "present"},
            {"status": "present", "colour": "red"},
            {"student_session": tariro, "status": "asleep"},
            "present",
        ]),
    );
    let reply = year.admin.post("attendance/bulk/", &body).status(200);
    let results: Vec<(u64, &str, &str)> = reply.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap(),
                row["outcome"].as_str().unwrap(),
                row["message"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        results,
        [
            (1, "created", ""),
            (2, "updated", ""),
            (3, "unchanged", ""),
            (4, "error", "The student is in row 1 already."),
            (5, "error", "The student has left this session."),
            (6, "error", "The student is not in this class."),
            (7, "error", "student_session: Must be a valid UUID."),
            (
                8,
                "error",
                "colour: There is no such field. student_session: This field is required."
            ),
            (
                9,
                "error",
                "status: Choose one of: \"present\", \"absent\", \"late\", \"excused\"."
            ),
            (10, "error", "Expected an object."),
        ]
    );
    let counts = ["created", "updated", "unchanged", "errors"]
        .map(|name| reply.json[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 7]);
    assert_eq!(reply.json["results"][0]["student_session"], json!(chipo));
    assert_eq!(reply.json["results"][6]["student_session"], json!(null));
    let listed = year.admin.get("attendance/?date=2026-01-15").status(200);
    let mut statuses = listed.column("status");
    statuses.sort();
    assert_eq!(statuses, ["absent", "absent", "late"]);
    let entry = year
        .admin
        .get(&format!("attendance/?student_session={chipo}"))
        .status(200);
    assert_eq!(entry.json["results"][0]["reason"], json!("Flu"));
}

#[test]
fn what_is_wrong_with_the_whole_is_said_of_the_whole() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let row = json!({"student_session": chipo, "status": "present"});
    let missing = "01890000-0000-7000-8000-00000000dead";
    for (body, fields) in [
        (bulk(missing, json!([row])), vec!["academic_class"]),
        (bulk(&year.class, json!([])), vec!["entries"]),
        (bulk(&year.class, json!("x")), vec!["entries"]),
        (
            bulk(&year.class, Value::Array(vec![row.clone(); 201])),
            vec!["entries"],
        ),
        (json!({}), vec!["academic_class", "date", "entries"]),
    ] {
        assert_eq!(year.admin.post("attendance/bulk/", &body).fields(), fields);
    }
    let most = bulk(&year.class, Value::Array(vec![row; 200]));
    let reply = year.admin.post("attendance/bulk/", &most).status(200);
    assert_eq!(reply.json["errors"], json!(199));
}

#[test]
fn sending_it_again_changes_nothing_and_every_change_is_recorded() {
    let year = Year::new();
    let students: Vec<String> = (0..3)
        .map(|n| year.student(&format!("S{n}"), &year.class).1)
        .collect();
    let rows = |status: &str| -> Value {
        students
            .iter()
            .map(|id| json!({"student_session": id, "status": status}))
            .collect()
    };
    let log = || {
        year.admin
            .get("audit-logs/?table_name=attendance&page_size=100")
            .status(200)
    };
    let first = year
        .admin
        .post("attendance/bulk/", &bulk(&year.class, rows("present")))
        .status(200);
    assert_eq!(first.json["created"], json!(3));
    let before = year.app.dump(&year.school.slot);
    let again = year
        .admin
        .post("attendance/bulk/", &bulk(&year.class, rows("present")))
        .status(200);
    assert_eq!(again.json["unchanged"], json!(3));
    assert_eq!(before, year.app.dump(&year.school.slot));
    year.app.pass_seconds(1);
    let changed = year
        .admin
        .post("attendance/bulk/", &bulk(&year.class, rows("absent")))
        .status(200);
    assert_eq!(changed.json["updated"], json!(3));
    let mut ids = year.admin.get("attendance/").status(200).column("id");
    ids.sort();
    let log = log();
    for (action, changes) in [
        ("CREATE", json!({"from": null, "to": "present"})),
        ("UPDATE", json!({"from": "present", "to": "absent"})),
    ] {
        let rows = log.results().iter().filter(|row| row["action"] == action);
        let rows: Vec<&Value> = rows.collect();
        let mut about: Vec<String> = rows
            .iter()
            .map(|row| row["record_id"].as_str().unwrap().to_owned())
            .collect();
        about.sort();
        assert_eq!(about, ids, "{action}");
        assert!(
            rows.iter().all(|row| row["changes"]["status"] == changes),
            "{action}"
        );
    }
}

#[test]
fn a_class_of_two_hundred_is_entered_in_two_trips() {
    let year = Year::new();
    let mut rows = Vec::new();
    for n in 0..30 {
        let (_, student) = year.student(&format!("S{n}"), &year.class);
        rows.push(
            json!({"student_session": student, "status": "present", "reason": "x".repeat(500)}),
        );
    }
    let _ = year.admin.get("attendance/");
    let body = bulk(&year.class, json!(rows));
    let reply = year.admin.post("attendance/bulk/", &body).status(200);
    assert_eq!(
        (reply.trips(), reply.json["created"].as_u64()),
        (2, Some(30))
    );
    let keyed = year.admin.key("once");
    let reply = keyed.post("attendance/bulk/", &body).status(200);
    assert_eq!(
        (reply.trips(), reply.json["unchanged"].as_u64()),
        (3, Some(30))
    );
    let replayed = keyed.post("attendance/bulk/", &body).status(200);
    assert_eq!(
        (replayed.header("idempotent-replayed"), &replayed.json),
        ("true", &reply.json)
    );
}

#[test]
fn of_two_teachers_at_once_one_comes_last_row_by_row_and_nothing_is_doubled() {
    let year = Year::new();
    let students: Vec<String> = (0..5)
        .map(|n| year.student(&format!("S{n}"), &year.class).1)
        .collect();
    let rows = |status: &str| -> Value {
        students
            .iter()
            .map(|id| json!({"student_session": id, "status": status}))
            .collect()
    };
    for round in 0..3 {
        let request = |who: &super::year::Teacher, status: &str| {
            who.client.request(
                &Method::POST,
                "attendance/bulk/",
                Some(&bulk(&year.class, rows(status))),
            )
        };
        let statuses = [
            ["present", "absent"],
            ["late", "excused"],
            ["absent", "present"],
        ][round];
        let replies = year.app.run_together(vec![
            request(&year.leader, statuses[0]),
            request(&year.colleague, statuses[1]),
        ]);
        assert!(
            replies.iter().all(|reply| reply.status == 200),
            "{replies:?}"
        );
        let entries = year.admin.get("attendance/").status(200);
        let found = entries.column("status");
        assert_eq!(found.len(), 5);
        assert!(
            found
                .iter()
                .all(|status| *status == found[0] && statuses.contains(&status.as_str())),
            "{found:?}"
        );
        let known = entries.column("id");
        let log = year
            .admin
            .get("audit-logs/?table_name=attendance&page_size=100")
            .status(200);
        assert!(log.column("record_id").iter().all(|id| known.contains(id)));
        let created = log
            .column("action")
            .iter()
            .filter(|action| *action == "CREATE")
            .count();
        assert_eq!(created, 5, "an entry is created once");
    }
}

#[test]
fn who_may_only_add_changes_nothing() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.class);
    let adds = year
        .school
        .user_who_may(&["school.add_attendance", "school.delete_attendance"]);
    let one = bulk(
        &year.class,
        json!([{"student_session": chipo, "status": "present"}]),
    );
    adds.post("attendance/bulk/", &one).expect(200);
    let both = bulk(
        &year.class,
        json!([{"student_session": chipo, "status": "absent"}, {"student_session": tariro, "status": "absent"}]),
    );
    let reply = adds.post("attendance/bulk/", &both).status(200);
    let outcomes = [0, 1].map(|n| reply.json["results"][n]["outcome"].as_str().unwrap());
    assert_eq!(outcomes, ["error", "created"]);
    assert!(
        reply.text.contains("school.change_attendance"),
        "{}",
        reply.text
    );
}

#[test]
fn who_may_only_add_changes_nothing_that_somebody_else_enters_at_the_same_time() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.class);
    let adds = year
        .school
        .user_who_may(&["school.add_attendance", "school.delete_attendance"]);
    let both = bulk(
        &year.class,
        json!([{"student_session": chipo, "status": "absent"}, {"student_session": tariro, "status": "absent"}]),
    );
    let theirs = format!(
        "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
         values ('01890000-0000-7000-8000-00000000beef', '{chipo}', '2026-01-15', 'present', '', 1, 1)"
    );
    let _ = adds.get("auth/me/");
    year.app.intrude(Some(Intrusion {
        nth: 1,
        binding: year.school.slot.clone(),
        sql: theirs,
    }));
    let reply = adds.post("attendance/bulk/", &both).status(200);
    assert!(!year.app.intrusion_waits());
    let outcomes = [0, 1].map(|n| reply.json["results"][n]["outcome"].as_str().unwrap());
    assert_eq!(outcomes, ["error", "created"]);
    let entries = year.admin.get("attendance/?ordering=status").status(200);
    assert_eq!(entries.column("status"), ["absent", "present"]);
    year.app.assert_sound();
}
