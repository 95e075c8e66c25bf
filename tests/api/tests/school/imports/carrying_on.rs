//! Large files, and imports that are cut short.

use std::{collections::BTreeMap, fmt::Write as _};

use homeroom_api_tests::{Fault, Moment, Reply};
use http::Method;
use serde_json::json;

use super::{Year, counts};

/// So many students whose numbers begin with this.
fn file(prefix: &str, students: usize) -> String {
    let mut file = String::from("student_id,first_name,last_name,admission_year,form\n");
    for n in 0..students {
        writeln!(file, "{prefix}{n:04},Rudo {n},Moyo {prefix},2026,Form 1").unwrap();
    }
    file
}

impl Year {
    fn poll(&self, id: &str) -> Reply {
        self.school.admin.get(&format!("imports/{id}/")).status(200)
    }

    /// That every row of the file became one student, once.
    #[track_caller]
    fn assert_all_there(&self, prefix: &str, students: i64, case: &str) {
        let slot = &self.school.slot;
        let own = format!("select count(*) from students where last_name = 'Moyo {prefix}'");
        assert_eq!(self.app.count(slot, &own), students, "{case}");
        let logged = format!(
            "select count(*) from audit_logs l join students s on s.id = l.record_id where l.table_name = 'students' \
             and s.last_name = 'Moyo {prefix}' and l.actor_id = '{}'",
            self.school.admin_id
        );
        assert_eq!(self.app.count(slot, &logged), students, "{case}");
        assert_eq!(
            self.app.count(slot, "select count(*) from import_chunks"),
            0,
            "{case}"
        );
        self.app.assert_sound();
    }
}

#[test]
fn a_larger_file_is_done_after_the_answer() {
    let year = Year::new();
    let reply = year.import("students", &file("L", 450));
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("running".into(), [0, 0, 0, 0])
    );
    assert_eq!(
        (&reply.json["total"], &reply.json["progress"]),
        (&json!(450), &json!(0))
    );
    let reply = year.poll(&reply.id());
    assert_eq!(
        (reply.str("status"), counts(&reply), reply.trips()),
        ("completed".into(), [450, 0, 0, 0], 1)
    );
    year.assert_all_there("L", 450, "after the answer");
    let again = year.import("students", &file("L", 450));
    assert_eq!(counts(&year.poll(&again.id())), [0, 0, 450, 0]);
    year.assert_all_there("L", 450, "again");
}

#[test]
fn whoever_asks_how_far_an_import_is_carries_it_on() {
    let year = Year::new();
    year.app.lose_deferred(true);
    let id = year.import("students", &file("P", 700)).id();
    assert_eq!(year.rows("students"), 0);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let reply = year.poll(&id);
        assert!(reply.trips() <= 8, "{} trips", reply.trips());
        seen.push((
            reply.json["progress"].as_u64().unwrap(),
            reply.str("status"),
        ));
    }
    let running = |progress| (progress, "running".to_owned());
    let completed = (100, "completed".to_owned());
    assert_eq!(seen, [running(57), completed.clone(), completed]);
    year.assert_all_there("P", 700, "polled");
}

#[test]
fn many_who_ask_at_once_do_nothing_twice() {
    let year = Year::new();
    year.app.lose_deferred(true);
    let id = year.import("students", &file("T", 700)).id();
    for _ in 0..3 {
        for reply in year
            .school
            .admin
            .together(4, &Method::GET, &format!("imports/{id}/"), None)
        {
            reply.expect(200);
        }
    }
    let reply = year.poll(&id);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [700, 0, 0, 0])
    );
    year.assert_all_there("T", 700, "together");
}

#[test]
fn the_visit_carries_on_what_nobody_asks_for() {
    let year = Year::new();
    year.app.lose_deferred(true);
    let id = year.import("students", &file("V", 450)).id();
    year.import("staff", "staff_number\nT-1\n").expect(202);
    year.app.visit_schools();
    year.assert_all_there("V", 450, "visited");
    let reply = year.poll(&id);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [450, 0, 0, 0])
    );
    let progress = "select setup_progress from tenants where schema_name = 'greenwood'";
    assert_eq!(year.app.value("CONTROL", progress), "completed");
}

#[test]
fn a_visit_that_fails_is_made_up_for_by_the_next() {
    let year = Year::new();
    year.app.lose_deferred(true);
    for nth in 1..16 {
        for moment in [Moment::Before, Moment::After] {
            let prefix = format!("W{nth}{moment:?}");
            let id = year.import("students", &file(&prefix, 410)).id();
            year.app.inject(Some(Fault { nth, moment }));
            let _ = year.app.try_visit_schools();
            year.app.inject(None);
            year.app.visit_schools();
            year.assert_all_there(&prefix, 410, &prefix);
            assert_eq!(counts(&year.poll(&id)), [410, 0, 0, 0], "{prefix}");
        }
    }
}

#[test]
fn a_row_that_the_database_refuses_stops_no_other() {
    let year = Year::new();
    // A rule that nothing asks for beforehand.
    let rule = "create trigger picky before insert on students when new.first_name in ('Rudo 7', 'Rudo 399') begin \
                select raise(abort, 'CHECK constraint failed: class_full'); end";
    year.app.execute(&year.school.slot, rule);
    let id = year.import("students", &file("R", 450)).id();
    let reply = year.poll(&id);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [448, 0, 0, 2])
    );
    assert_eq!(
        super::wrong(&reply)
            .iter()
            .map(|(row, _)| *row)
            .collect::<Vec<_>>(),
        [9, 401]
    );
    let message = reply.json.pointer("/errors/0/messages/non_field_errors/0");
    assert!(
        message
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("The class is full"),
        "{message:?}"
    );
    // The same where the file is small.
    let small = year.import("students", &file("R", 20));
    let reply = year.poll(&small.id());
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [0, 0, 19, 1])
    );
    year.app.assert_sound();
}

#[test]
fn an_import_that_cannot_be_carried_on_says_so() {
    let year = Year::new();
    year.app.lose_deferred(true);
    let id = year.import("students", &file("B", 450)).id();
    let rule = "create trigger odd before insert on students when new.first_name = 'Rudo 300' begin \
                select raise(abort, 'CHECK constraint failed: never_heard_of'); end";
    year.app.execute(&year.school.slot, rule);
    for _ in 0..20 {
        let _ = year.poll(&id);
    }
    let reply = year.poll(&id);
    assert_eq!(reply.str("status"), "failed");
    assert!(
        counts(&reply)[0] >= 200 && year.rows("import_chunks") == 0,
        "{}",
        reply.text
    );
}

#[test]
fn what_somebody_changes_meanwhile_is_not_overwritten() {
    let year = Year::new();
    year.students("A1,Rudo,Moyo,2026\n").expect(202);
    let client = &year.school.admin;
    let id = client.get("admissions/").status(200).str("results/0/id");
    for round in 0..6 {
        let patch = json!({"first_name": format!("Patched {round}")});
        let patch = client.request(&Method::PATCH, &format!("admissions/{id}/"), Some(&patch));
        let file = format!(
            "student_id,first_name,last_name,admission_year,address\nA1,Imported {round},Moyo,2026,{round} High St\n"
        );
        let import = client.raw_request(
            &Method::POST,
            "imports/students/",
            Some("text/csv"),
            file.into_bytes(),
        );
        let requests = if round % 2 == 0 {
            vec![patch, import]
        } else {
            vec![import, patch]
        };
        let replies = year.app.run_together(requests);
        let (patched, imported) = if round % 2 == 0 {
            (&replies[0], &replies[1])
        } else {
            (&replies[1], &replies[0])
        };
        assert!(matches!(patched.status, 200 | 409), "{}", patched.text);
        assert_eq!(imported.status, 202, "{}", imported.text);
        assert_eq!(counts(&year.poll(&imported.id())), [0, 1, 0, 0]);
        let student = client.get(&format!("admissions/{id}/")).status(200);
        assert_eq!(student.str("address"), format!("{round} High St"));
        // Every step of the name is in the log: nothing was overwritten unseen.
        let log = client.get(&format!(
            "audit-logs/?table_name=students&record_id={id}&page_size=100"
        ));
        let change = |line: &serde_json::Value| {
            let change = line["changes"].get("first_name")?;
            let text = |end: &str| change[end].as_str().unwrap_or_default().to_owned();
            Some((text("from"), text("to")))
        };
        let steps: BTreeMap<String, String> = log.results().iter().filter_map(change).collect();
        let (mut name, mut walked) = (String::new(), 0);
        while let Some(next) = steps.get(&name) {
            name.clone_from(next);
            walked += 1;
        }
        assert_eq!(
            (walked, name),
            (steps.len(), student.str("first_name")),
            "{steps:?}"
        );
    }
}

#[test]
fn five_thousand_rows_are_taken_and_not_one_more() {
    let year = Year::new();
    let _ = year.app.take_batches();
    let reply = year
        .school
        .admin
        .file("imports/students/", &file("M", 5_001));
    assert_eq!((reply.status, reply.code()), (413, "too_many_rows"));
    assert_eq!(
        year.app
            .take_batches()
            .iter()
            .map(|batch| batch.changes)
            .sum::<u64>(),
        0
    );
    assert_eq!((year.rows("imports"), year.rows("students")), (0, 0));

    let id = year.import("students", &file("M", 5_000)).id();
    let batches = year.app.take_batches();
    let statements: usize = batches.iter().map(|batch| batch.statements.len()).sum();
    println!(
        "5,000 students: {} batches, {statements} statements",
        batches.len()
    );
    assert!(
        batches.len() <= 60 && statements <= 500,
        "{} batches, {statements} statements",
        batches.len()
    );
    let reply = year.poll(&id);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [5_000, 0, 0, 0])
    );
    year.assert_all_there("M", 5_000, "all");
}

#[test]
fn imports_are_listed_and_kept_for_a_month() {
    let year = Year::new();
    year.students("A1,Rudo,Moyo,x\n").expect(202);
    year.app.pass_seconds(60);
    year.import("staff", "staff_number\nT-1\n").expect(202);
    let client = &year.school.admin;
    let list = client.get("imports/").status(200);
    assert_eq!(list.column("resource"), ["staff", "students"]);
    assert!(list.results()[0].get("errors").is_none());
    assert_eq!(
        client
            .get("imports/?resource=students&status=completed&dry_run=false")
            .status(200)
            .json["count"],
        1
    );
    let key = super::super::key_for(&year.app, &year.school, &["school.view_import"]);
    let id = list.str("results/1/id");
    year.app.pass_seconds(29 * 24 * 3_600);
    year.app.visit_schools();
    key.get(&format!("imports/{id}/results/")).expect(200);
    year.app.pass_seconds(2 * 24 * 3_600);
    year.app.visit_schools();
    assert_eq!((year.rows("imports"), year.rows("import_results")), (0, 0));
    for path in [format!("imports/{id}/"), format!("imports/{id}/results/")] {
        assert_eq!(
            (key.get(&path).status, key.get(&path).code().to_owned()),
            (404, "not_found".to_owned())
        );
    }
}
