//! `/api/v1/school/leave-applications/`.

use http::Method;
use serde_json::{Value, json};

use super::year::Year;

impl Year {
    pub(super) fn leave(&self, student: &str, first: &str, last: &str) -> String {
        let body = leave_body(student, first, last);
        self.admin
            .post("leave-applications/", &body)
            .status(201)
            .id()
    }

    pub(super) fn decide(&self, leave: &str, decision: &str) -> homeroom_api_tests::Reply {
        self.admin
            .act(&format!("leave-applications/{leave}/{decision}/"))
    }

    /// Date and status of every entry, by date; `*` marks those of a leave.
    pub(super) fn entries(&self, student_session: &str) -> Vec<String> {
        let path =
            format!("attendance/?student_session={student_session}&ordering=date&page_size=100");
        let list = self.admin.get(&path).status(200);
        let shown = list.results().iter().map(|row| {
            let mark = if row["leave_application"].is_null() {
                ""
            } else {
                "*"
            };
            let kind = if row["lesson"].is_null() {
                ""
            } else {
                " lesson"
            };
            format!(
                "{}{kind} {}{mark}",
                row["date"].as_str().unwrap(),
                row["status"].as_str().unwrap()
            )
        });
        shown.collect()
    }
}

pub(super) fn leave_body(student: &str, first: &str, last: &str) -> Value {
    json!({"student": student, "start_date": first, "end_date": last, "reason": "Family"})
}

#[test]
fn an_approval_excuses_the_school_days_of_the_leave() {
    let year = Year::new();
    year.holiday("Snow", "2026-01-20", "2026-01-21");
    for (first, last, days) in [
        // Thursday, over a weekend and a holiday, to the Thursday after.
        (
            "2026-01-15",
            "2026-01-22",
            vec!["2026-01-15", "2026-01-16", "2026-01-19", "2026-01-22"],
        ),
        // A holiday at either end.
        ("2026-01-20", "2026-01-22", vec!["2026-01-22"]),
        ("2026-01-19", "2026-01-21", vec!["2026-01-19"]),
        ("2026-01-20", "2026-01-21", vec![]),
        ("2026-01-17", "2026-01-18", vec![]),
        ("2026-01-05", "2026-01-05", vec!["2026-01-05"]),
        // Before the session, and after it.
        ("2025-08-28", "2025-09-02", vec!["2025-09-01", "2025-09-02"]),
        ("2026-07-30", "2026-08-05", vec!["2026-07-30", "2026-07-31"]),
    ] {
        let (student, registered) = year.student(&format!("{first}{last}"), &year.class);
        let leave = year.leave(&student, first, last);
        let reply = year.decide(&leave, "approve").status(200);
        assert_eq!(
            (reply.str("status"), &reply.json["excused"]),
            ("approved".into(), &json!(days.len()))
        );
        let expected: Vec<String> = days.iter().map(|day| format!("{day} excused*")).collect();
        assert_eq!(year.entries(&registered), expected, "{first} to {last}");
    }
}

#[test]
fn a_day_of_the_weekend_counts_where_the_class_has_lessons() {
    let year = Year::new();
    year.lesson(6, json!({"valid_from": "2026-01-24"}));
    for (class, expected) in [
        (
            &year.class,
            vec![
                "2026-01-16 excused*",
                "2026-01-19 excused*",
                "2026-01-20 excused*",
                "2026-01-21 excused*",
                "2026-01-22 excused*",
                "2026-01-23 excused*",
                "2026-01-24 excused*",
            ],
        ),
        (
            &year.other_class,
            vec![
                "2026-01-16 excused*",
                "2026-01-19 excused*",
                "2026-01-20 excused*",
                "2026-01-21 excused*",
                "2026-01-22 excused*",
                "2026-01-23 excused*",
            ],
        ),
    ] {
        let (student, registered) = year.student(class, class);
        let leave = year.leave(&student, "2026-01-16", "2026-01-25");
        year.decide(&leave, "approve").expect(200);
        assert_eq!(year.entries(&registered), expected);
    }
}

#[test]
fn absences_become_excused_and_are_absences_again_when_the_leave_is_withdrawn() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    let lesson = year.lesson(4, json!({}));
    year.admin
        .post(
            "attendance-codes/",
            &json!({"code": "S", "name": "Sick", "status": "absent"}),
        )
        .expect(201);
    let enter = |date: &str, changes: Value| {
        let mut body = json!({"student_session": registered, "date": date});
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        year.admin.post("attendance/", &body).status(201).id()
    };
    let sick = enter("2026-01-12", json!({"code": "S", "reason": "Flu"}));
    enter("2026-01-13", json!({"status": "present"}));
    enter("2026-01-15", json!({"status": "absent", "lesson": lesson}));
    let before = year.entries(&registered);
    let leave = year.leave(&student, "2026-01-12", "2026-01-16");
    let reply = year.decide(&leave, "approve").status(200);
    assert_eq!(
        (&reply.json["excused"], &reply.json["kept"]),
        (&json!(5), &json!(1))
    );
    let mut after = year.entries(&registered);
    after.sort();
    assert_eq!(
        after,
        [
            "2026-01-12 excused*",
            "2026-01-13 present",
            "2026-01-14 excused*",
            "2026-01-15 excused*",
            "2026-01-15 lesson excused*",
            "2026-01-16 excused*",
        ]
    );
    let entry = year.admin.get(&format!("attendance/{sick}/")).status(200);
    assert_eq!(
        (entry.str("reason"), &entry.json["code"]),
        ("Family".into(), &json!(null))
    );
    let reply = year.decide(&leave, "withdraw").status(200);
    assert_eq!(
        (reply.str("status"), &reply.json["taken_back"]),
        ("withdrawn".into(), &json!(5))
    );
    assert_eq!(year.entries(&registered), before);
    let entry = year.admin.get(&format!("attendance/{sick}/")).status(200);
    assert_eq!(
        (entry.str("reason"), entry.str("code")),
        ("Flu".into(), "S".into())
    );
    let log = year
        .admin
        .get(&format!("audit-logs/?record_id={sick}"))
        .status(200);
    let codes: Vec<&Value> = log
        .results()
        .iter()
        .map(|row| &row["changes"]["code"])
        .collect();
    assert_eq!(
        codes,
        [
            &json!({"from": null, "to": "S"}),
            &json!({"from": "S", "to": null}),
            &json!({"from": null, "to": "S"})
        ]
    );
    let of_entries = year
        .admin
        .get("audit-logs/?table_name=attendance&page_size=100")
        .status(200);
    let count = |action: &str| {
        of_entries
            .column("action")
            .iter()
            .filter(|other| *other == action)
            .count()
    };
    assert_eq!(
        (count("CREATE"), count("UPDATE"), count("DELETE")),
        (6, 4, 3)
    );
}

#[test]
fn what_somebody_changed_since_the_approval_stays_when_the_leave_is_withdrawn() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    let leave = year.leave(&student, "2026-01-12", "2026-01-15");
    year.decide(&leave, "approve").expect(200);
    let list = year.admin.get("attendance/?date=2026-01-13").status(200);
    let id = list.str("results/0/id");
    let nothing = year.admin.patch(&format!("attendance/{id}/"), &json!({}));
    assert_eq!(nothing.status(200).str("leave_application"), leave);
    let reply = year
        .admin
        .patch(&format!("attendance/{id}/"), &json!({"reason": "Funeral"}))
        .status(200);
    assert_eq!(reply.json["leave_application"], json!(null));
    let body = json!({"academic_class": year.class, "date": "2026-01-14", "entries": [{"student_session": registered, "status": "present"}]});
    year.admin.post("attendance/bulk/", &body).expect(200);
    year.decide(&leave, "withdraw").expect(200);
    assert_eq!(
        year.entries(&registered),
        ["2026-01-13 excused", "2026-01-14 present"]
    );
}

#[test]
fn an_absence_on_approved_leave_is_entered_as_excused() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    let lesson = year.lesson(4, json!({}));
    let leave = year.leave(&student, "2026-01-12", "2026-01-20");
    let enter = |lesson: Value, status: &str| {
        let body = json!({
            "academic_class": year.class, "date": "2026-01-15", "lesson": lesson,
            "entries": [{"student_session": registered, "status": status}],
        });
        let reply = year.admin.post("attendance/bulk/", &body).status(200);
        let row = &reply.json["results"][0];
        (
            row["outcome"].as_str().unwrap().to_owned(),
            row["message"].as_str().unwrap_or("").to_owned(),
        )
    };
    assert_eq!(
        enter(json!(lesson), "absent"),
        ("created".into(), String::new()),
        "a request is no leave yet"
    );
    year.decide(&leave, "approve").expect(200);
    let told = "The student has approved leave.".to_owned();
    assert_eq!(
        enter(json!(null), "absent"),
        ("unchanged".into(), told.clone())
    );
    assert_eq!(
        enter(json!(lesson), "absent"),
        ("unchanged".into(), told.clone())
    );
    assert_eq!(
        enter(json!(null), "present"),
        ("updated".into(), String::new())
    );
    assert_eq!(enter(json!(null), "absent"), ("updated".into(), told));
    let mut entries = year.entries(&registered);
    entries.retain(|entry| entry.starts_with("2026-01-15"));
    entries.sort();
    assert_eq!(
        entries,
        ["2026-01-15 excused", "2026-01-15 lesson excused*"]
    );
}

#[test]
fn leaves_of_a_student_do_not_overlap_while_they_are_pending_or_approved() {
    let year = Year::new();
    let (student, _) = year.student("Chipo", &year.class);
    let (other, _) = year.student("Tariro", &year.class);
    let first = year.leave(&student, "2026-01-12", "2026-01-16");
    let post = |student: &str, from: &str, to: &str| {
        year.admin
            .post("leave-applications/", &leave_body(student, from, to))
    };
    for (from, to, free) in [
        ("2026-01-10", "2026-01-11", true),
        ("2026-01-10", "2026-01-12", false),
        ("2026-01-16", "2026-01-18", false),
        ("2026-01-13", "2026-01-14", false),
        ("2026-01-01", "2026-01-31", false),
        ("2026-01-17", "2026-01-18", true),
    ] {
        let reply = post(&student, from, to);
        if free {
            year.admin
                .delete(&format!("leave-applications/{}/", reply.status(201).id()))
                .expect(204);
        } else {
            assert_eq!(reply.fields(), ["start_date"], "{from} to {to}");
        }
    }
    post(&other, "2026-01-12", "2026-01-16").expect(201);
    let later = year.leave(&student, "2026-02-02", "2026-02-03");
    let path = format!("leave-applications/{later}/");
    let reply = year
        .admin
        .patch(&path, &json!({"start_date": "2026-01-16"}));
    assert_eq!(reply.fields(), ["start_date"]);
    year.decide(&first, "approve").expect(200);
    assert_eq!(
        post(&student, "2026-01-16", "2026-01-16").fields(),
        ["start_date"]
    );
    year.decide(&first, "withdraw").expect(200);
    let again = post(&student, "2026-01-16", "2026-01-16").status(201).id();
    year.decide(&again, "reject").expect(200);
    post(&student, "2026-01-16", "2026-01-16").expect(201);
    // Of ten that ask at once, one gets it.
    let body = leave_body(&other, "2026-03-02", "2026-03-03");
    let replies = year
        .admin
        .together(10, &Method::POST, "leave-applications/", Some(&body));
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201).count(),
        1
    );
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 400).count(),
        9
    );
}

#[test]
fn a_leave_ends_after_it_starts_and_lasts_a_year_at_most() {
    let year = Year::new();
    let (student, _) = year.student("Chipo", &year.class);
    for (first, last, fields) in [
        ("2026-01-16", "2026-01-15", vec!["end_date"]),
        ("2026-01-15", "2027-01-16", vec!["end_date"]),
        ("2026-01-15", "2027-01-15", vec![]),
    ] {
        let reply = year
            .admin
            .post("leave-applications/", &leave_body(&student, first, last));
        if fields.is_empty() {
            reply.expect(201);
        } else {
            assert_eq!(reply.fields(), fields);
        }
    }
    let mut body = leave_body(&student, "2024-01-15", "2024-01-15");
    body["status"] = json!("approved");
    body["decided_by"] = json!(student);
    let reply = year.admin.post("leave-applications/", &body).status(201);
    assert_eq!(
        (reply.str("status"), &reply.json["decided_by"]),
        ("pending".into(), &json!(null))
    );
}
