//! `/api/v1/school/attendance/`, `attendance-codes/`, `holidays/`.

use http::Method;
use serde_json::{Value, json};

use super::{refused, year::Year};

pub(super) fn entry(student: &str, date: &str, status: &str) -> Value {
    json!({"student_session": student, "date": date, "status": status})
}

#[test]
fn an_entry_shows_the_student_and_the_class_and_is_found_by_each() {
    let year = Year::new();
    let (student, chipo) = year.student("Chipo", &year.class);
    let (_, tariro) = year.student("Tariro", &year.other_class);
    let lesson = year.lesson(4, json!({}));
    year.admin
        .post(
            "attendance-codes/",
            &json!({"code": "S", "name": "Sick", "status": "absent"}),
        )
        .expect(201);
    let sick =
        json!({"student_session": chipo, "date": "2026-01-14", "code": "S", "reason": "Flu"});
    let shown = year.admin.post("attendance/", &sick).status(201);
    assert_eq!(shown.json["student"], json!(student));
    assert_eq!(shown.json["student_name"], json!("Chipo Dube"));
    assert_eq!(shown.json["academic_class"], json!(year.class));
    assert_eq!(shown.json["status"], json!("absent"));
    let mut in_lesson = entry(&chipo, "2026-01-15", "late");
    in_lesson["lesson"] = json!(lesson);
    year.admin.post("attendance/", &in_lesson).expect(201);
    year.admin
        .post("attendance/", &entry(&tariro, "2026-01-15", "present"))
        .expect(201);
    for (query, expected) in [
        (String::new(), vec!["present", "late", "absent"]),
        (format!("student_session={chipo}"), vec!["late", "absent"]),
        (format!("student={student}"), vec!["late", "absent"]),
        (
            format!("academic_class={}", year.other_class),
            vec!["present"],
        ),
        ("date=2026-01-14".into(), vec!["absent"]),
        ("from=2026-01-15".into(), vec!["present", "late"]),
        ("to=2026-01-14".into(), vec!["absent"]),
        ("from=2026-01-14&to=2026-01-14".into(), vec!["absent"]),
        ("status=late".into(), vec!["late"]),
        ("code=S".into(), vec!["absent"]),
        (format!("lesson={lesson}"), vec!["late"]),
    ] {
        let path = format!("attendance/?ordering=-date&{query}");
        let mut found = year.admin.get(&path).status(200).column("status");
        let mut expected = expected;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn days_on_which_nobody_is_at_school_are_refused_on_the_date() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    year.holiday("Christmas", "2025-12-22", "2026-01-02");
    for (date, message) in [
        (
            "2025-08-31",
            Some("The date is outside the session, which runs from 2025-09-01 to 2026-07-31."),
        ),
        ("2025-09-01", None),
        ("2025-12-21", None),
        (
            "2025-12-22",
            Some("The date falls on a holiday: Christmas."),
        ),
        (
            "2026-01-02",
            Some("The date falls on a holiday: Christmas."),
        ),
        ("2026-01-03", None),
        ("2026-01-15", None),
        ("2026-01-16", Some("The date is in the future.")),
        ("2026-08-01", Some("The date is in the future.")),
    ] {
        let reply = year
            .admin
            .post("attendance/", &entry(&chipo, date, "present"));
        match message {
            None => assert_eq!(reply.status, 201, "{date}: {}", reply.text),
            Some(message) => {
                assert_eq!(reply.fields(), ["date"], "{date}");
                assert_eq!(reply.json["date"], json!([message]), "{date}");
                let body = json!({"academic_class": year.class, "date": date, "entries": [{"student_session": chipo, "status": "present"}]});
                let reply = year.admin.post("attendance/bulk/", &body);
                assert_eq!(reply.fields(), ["date"], "{date}");
            }
        }
    }
    // The last day of the session, once it is over.
    year.at("2026-08-10T08:00:00Z");
    for (date, status) in [("2026-07-31", 201), ("2026-08-01", 400)] {
        let reply = year
            .admin
            .post("attendance/", &entry(&chipo, date, "present"));
        assert_eq!(reply.status, status, "{date}: {}", reply.text);
    }
}

#[test]
fn nobody_is_at_school_in_the_vacation_after_a_term() {
    let year = Year::new();
    let (student, chipo) = year.student("Chipo", &year.class);
    let term = json!({"session": year.session, "term": "1", "start_date": "2025-09-01", "end_date": "2025-12-12",
        "vacation_start": "2025-12-15", "vacation_end": "2026-01-02"});
    let term = year.admin.post("terms/", &term).status(201).id();
    let said = json!(["The date falls on a holiday: Vacation after term 1."]);
    for (date, is_open) in [
        ("2025-12-12", true),
        ("2025-12-15", false),
        ("2026-01-02", false),
        ("2026-01-05", true),
    ] {
        let missing = format!("attendance/missing/?date={date}");
        let missing = year.admin.get(&missing).status(200);
        let classes = missing.json["classes"].as_array().unwrap();
        assert_eq!(classes.len(), usize::from(is_open), "{date}");
        let rows = json!([{"student_session": chipo, "status": "late"}]);
        let bulk = json!({"academic_class": year.class, "date": date, "entries": rows});
        for (path, body) in [
            ("attendance/bulk/", bulk),
            ("attendance/", entry(&chipo, date, "late")),
        ] {
            let reply = year.admin.post(path, &body);
            if !is_open {
                assert_eq!(reply.status(400).json["date"], said, "{path} {date}");
            } else if path == "attendance/bulk/" {
                assert_eq!(reply.status(200).json["created"], 1, "{date}");
            }
        }
    }
    let sheet = format!(
        "attendance/sheet/?academic_class={}&month=2026-01",
        year.class
    );
    let sheet = year.admin.get(&sheet).status(200);
    assert_eq!(sheet.json["days"][1]["holiday"], "Vacation after term 1");
    assert_eq!(sheet.json["days"][4]["holiday"], json!(null));
    let leave = json!({"student": student, "start_date": "2025-12-11", "end_date": "2026-01-06"});
    let leave = year
        .admin
        .post("leave-applications/", &leave)
        .status(201)
        .id();
    let path = format!("leave-applications/{leave}/approve/");
    year.admin.act(&path).expect(200);
    let found = year
        .admin
        .get("attendance/?status=excused&ordering=date")
        .status(200);
    assert_eq!(found.column("date"), ["2025-12-11", "2026-01-06"]);

    // Until it is known when a vacation ends, its first day is known.
    let open = json!({"vacation_end": null});
    year.admin
        .patch(&format!("terms/{term}/"), &open)
        .expect(200);
    for (date, status) in [("2025-12-15", 400), ("2025-12-16", 201)] {
        let reply = year.admin.post("attendance/", &entry(&chipo, date, "late"));
        assert_eq!(reply.status, status, "{date}: {}", reply.text);
    }
}

#[test]
fn today_is_the_day_that_the_schools_own_clock_shows() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    for (zone, moment, today, tomorrow) in [
        (
            "Pacific/Auckland",
            "2026-01-15T10:59:00Z",
            "2026-01-15",
            "2026-01-16",
        ),
        (
            "Pacific/Auckland",
            "2026-01-15T11:00:00Z",
            "2026-01-16",
            "2026-01-17",
        ),
        (
            "America/New_York",
            "2026-01-17T04:59:00Z",
            "2026-01-16",
            "2026-01-17",
        ),
        (
            "America/New_York",
            "2026-01-17T05:00:00Z",
            "2026-01-17",
            "2026-01-18",
        ),
        // The night in which clocks go forward, and the one after it.
        (
            "Europe/London",
            "2026-03-28T23:59:00Z",
            "2026-03-28",
            "2026-03-29",
        ),
        (
            "Europe/London",
            "2026-03-29T00:00:00Z",
            "2026-03-29",
            "2026-03-30",
        ),
        (
            "Europe/London",
            "2026-03-29T22:59:00Z",
            "2026-03-29",
            "2026-03-30",
        ),
        (
            "Europe/London",
            "2026-03-29T23:00:00Z",
            "2026-03-30",
            "2026-03-31",
        ),
    ] {
        year.in_zone(zone);
        year.at(moment);
        let case = format!("{zone} {moment}");
        let reply = year
            .admin
            .post("attendance/", &entry(&chipo, tomorrow, "present"));
        assert_eq!(reply.fields(), ["date"], "{case}");
        let reply = year
            .admin
            .post("attendance/", &entry(&chipo, today, "present"));
        assert_eq!(reply.status, 201, "{case}: {}", reply.text);
        let made = format!("attendance/{}/", reply.id());
        year.admin.delete(&made).expect(204);
    }
}

#[test]
fn a_day_and_each_of_its_lessons_are_entered_once() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let first = year.lesson(4, json!({}));
    let second = year.lesson(4, json!({"starts_at": "08:40", "ends_at": "09:20"}));
    for lesson in [json!(null), json!(first), json!(second)] {
        let mut body = entry(&chipo, "2026-01-15", "present");
        body["lesson"] = lesson;
        year.admin.post("attendance/", &body).expect(201);
        let again = year.admin.post("attendance/", &body);
        assert_eq!(again.fields(), ["date"], "{body}");
    }
    let day = format!("attendance/?lesson={first}");
    let id = year.admin.get(&day).status(200).str("results/0/id");
    let reply = year
        .admin
        .patch(&format!("attendance/{id}/"), &json!({"lesson": second}));
    assert_eq!(reply.fields(), ["date"]);
}

#[test]
fn a_code_decides_the_status() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    for (code, status) in [("S", "absent"), ("T", "excused")] {
        let body = json!({"code": code, "name": code, "status": status});
        year.admin.post("attendance-codes/", &body).expect(201);
    }
    let base = json!({"student_session": chipo, "date": "2026-01-15"});
    let with = |changes: Value| {
        let mut body = base.clone();
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        body
    };
    for (changes, field, message) in [
        (json!({}), "status", "This field is required."),
        (json!({"status": null}), "status", "This field is required."),
        (json!({"code": "X"}), "code", "There is no such code."),
        (
            json!({"code": "S", "status": "present"}),
            "status",
            "The code counts as absent: leave out the status, or the code.",
        ),
    ] {
        let reply = year.admin.post("attendance/", &with(changes.clone()));
        assert_eq!(reply.json, json!({field: [message]}), "{changes}");
    }
    let made = year
        .admin
        .post("attendance/", &with(json!({"code": "S"})))
        .status(201);
    let path = format!("attendance/{}/", made.id());
    for (changes, expected) in [
        (json!({"code": "T"}), Ok(("excused", json!("T")))),
        (json!({"reason": "Trip"}), Ok(("excused", json!("T")))),
        (json!({"status": "late"}), Err("status")),
        (
            json!({"status": "absent", "code": "S"}),
            Ok(("absent", json!("S"))),
        ),
        (json!({"code": null}), Ok(("absent", json!(null)))),
        (json!({"status": "late"}), Ok(("late", json!(null)))),
    ] {
        let reply = year.admin.patch(&path, &changes);
        match expected {
            Ok((status, code)) => {
                let reply = reply.status(200);
                assert_eq!(
                    (reply.str("status").as_str(), &reply.json["code"]),
                    (status, &code),
                    "{changes}"
                );
            }
            Err(field) => assert_eq!(reply.fields(), [field], "{changes}"),
        }
    }
    // A code that entries have stays, and entries keep the status with which they were made.
    year.admin.patch(&path, &json!({"code": "S"})).expect(200);
    let code = year
        .admin
        .get("attendance-codes/?code=S")
        .status(200)
        .str("results/0/id");
    let code = format!("attendance-codes/{code}/");
    refused(&year.admin.delete(&code), 409, "in_use");
    year.admin
        .patch(&code, &json!({"status": "excused"}))
        .expect(200);
    year.admin
        .patch(&path, &json!({"reason": "Flu"}))
        .expect(200);
    assert_eq!(year.admin.get(&path).status(200).str("status"), "absent");
}

#[test]
fn a_lesson_must_be_one_that_the_student_had_on_that_day() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    year.teach(&year.other_class, &year.mathematics, &year.colleague.staff);
    let thursdays = year.lesson(
        4,
        json!({"valid_from": "2026-01-08", "valid_to": "2026-01-14"}),
    );
    let others = year.lesson(
        4,
        json!({"academic_class": year.other_class, "valid_from": "2026-01-15"}),
    );
    let missing = "01890000-0000-7000-8000-00000000dead";
    for (lesson, date, message) in [
        (thursdays.as_str(), "2026-01-08", None),
        (
            &thursdays,
            "2026-01-07",
            Some("The lesson does not take place on this day of the week."),
        ),
        (
            &thursdays,
            "2026-01-15",
            Some("The lesson is not in the timetable on this date."),
        ),
        (
            &thursdays,
            "2026-01-01",
            Some("The lesson is not in the timetable on this date."),
        ),
        (
            &others,
            "2026-01-15",
            Some("The lesson is one of another class."),
        ),
        (missing, "2026-01-15", Some("There is no such record.")),
    ] {
        let mut body = entry(&chipo, date, "present");
        body["lesson"] = json!(lesson);
        let reply = year.admin.post("attendance/", &body);
        let bulk = json!({
            "academic_class": year.class, "date": date, "lesson": lesson,
            "entries": [{"student_session": chipo, "status": "present"}],
        });
        let bulk = year.admin.post("attendance/bulk/", &bulk);
        match message {
            None => assert_eq!((reply.status, bulk.status), (201, 200), "{date}"),
            Some(message) => {
                assert_eq!(reply.json, json!({"lesson": [message]}), "{date}");
                assert_eq!(bulk.json, json!({"lesson": [message]}), "{date}");
            }
        }
    }
}

#[test]
fn a_student_who_left_gets_no_new_entries_and_old_ones_can_be_corrected() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let body = entry(&chipo, "2026-01-14", "absent");
    let made = year.admin.post("attendance/", &body).status(201).id();
    year.leaves(&chipo);
    let reply = year
        .admin
        .post("attendance/", &entry(&chipo, "2026-01-15", "present"));
    assert_eq!(reply.fields(), ["student_session"]);
    year.admin
        .patch(&format!("attendance/{made}/"), &json!({"status": "late"}))
        .expect(200);
}

#[test]
fn a_holiday_that_is_announced_while_somebody_enters_attendance_wins() {
    let year = Year::new();
    let (_, chipo) = year.student("Chipo", &year.class);
    let holiday = json!({"name": "Snow", "start_date": "2026-01-15", "end_date": "2026-01-15"});
    let bulk = json!({"academic_class": year.class, "date": "2026-01-15", "entries": [{"student_session": chipo, "status": "late"}]});
    for (path, body) in [
        ("attendance/", entry(&chipo, "2026-01-15", "late")),
        ("attendance/bulk/", bulk),
    ] {
        let replies = year.app.run_together(vec![
            year.admin
                .request(&Method::POST, "holidays/", Some(&holiday)),
            year.admin.request(&Method::POST, path, Some(&body)),
        ]);
        let entries = year.admin.get("attendance/").status(200).results().len();
        match replies[1].status {
            409 => {
                assert_eq!(
                    (replies[1].code(), entries),
                    ("attendance_closed", 0),
                    "{path}"
                );
            }
            // It was entered before the holiday was there.
            200 | 201 => assert_eq!(entries, 1, "{path}"),
            _ => assert_eq!(replies[1].fields(), ["date"], "{path}"),
        }
        year.app.execute(
            &year.school.slot,
            "delete from attendance; delete from holidays",
        );
    }
}

#[test]
fn holidays_end_after_they_start_and_are_found_by_their_days() {
    let year = Year::new();
    let reply = year.admin.post(
        "holidays/",
        &json!({"name": "Easter", "start_date": "2026-04-06", "end_date": "2026-04-03"}),
    );
    assert_eq!(reply.fields(), ["end_date"]);
    year.holiday("Easter", "2026-04-03", "2026-04-06");
    year.holiday("May Day", "2026-05-01", "2026-05-01");
    for (query, names) in [
        ("from=2026-04-06", vec!["Easter", "May Day"]),
        ("from=2026-04-07", vec!["May Day"]),
        ("from=2026-04-01&to=2026-04-03", vec!["Easter"]),
        ("to=2026-04-02", vec![]),
    ] {
        let found = year.admin.get(&format!("holidays/?{query}")).status(200);
        assert_eq!(found.column("name"), names, "{query}");
    }
    let twice = json!({"code": "S", "name": "Sick", "status": "absent"});
    year.admin.post("attendance-codes/", &twice).expect(201);
    assert_eq!(
        year.admin.post("attendance-codes/", &twice).fields(),
        ["code"]
    );
}
