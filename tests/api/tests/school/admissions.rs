use std::collections::BTreeSet;

use homeroom_api_tests::{Fault, Moment, School, TestApp};
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood,
    making::{admit, form, pupil, register, session, students},
    refused, someone,
};

fn number(school: &School, more: &Value) -> String {
    admit(school, more).status(201).str("student_id")
}

#[test]
fn a_new_student_is_answered_with_the_number_that_the_platform_gave() {
    let (_, school) = greenwood();
    let reply = admit(&school, &json!({})).status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "address": "",
      "admission_year": 2026,
      "created_at": "[time]",
      "created_by": "[id]",
      "dob": null,
      "enrolment": "active",
      "erased_at": null,
      "first_name": "Rudo",
      "form": null,
      "gender": "",
      "id": "[id]",
      "last_name": "Moyo",
      "middle_name": "",
      "parent_name": "",
      "parent_phone": "",
      "status": "Day",
      "student_id": "2026-0001",
      "updated_at": "[time]",
      "user": null,
      "warnings": []
    }
    "#);
    let found = school.admin.get(reply.header("location")).status(200);
    assert_eq!(found.json["student_id"], "2026-0001");
    assert!(found.json.get("reason").is_none(), "{}", found.text);
}

#[test]
fn numbers_run_within_the_year_of_admission() {
    let (app, school) = greenwood();
    let year = |year: u32| number(&school, &json!({"admission_year": year}));
    let given = [2026, 2025, 2026, 2026, 2025].map(year);
    assert_eq!(
        given,
        [
            "2026-0001",
            "2025-0001",
            "2026-0002",
            "2026-0003",
            "2025-0002"
        ]
    );
    let oakhill = app.school("oakhill");
    assert_eq!(number(&oakhill, &json!({"student_id": ""})), "2026-0001");
}

#[test]
fn ten_parallel_creations_get_ten_numbers() {
    let (app, school) = greenwood();
    let body = pupil(&json!({}));
    let replies = school
        .admin
        .together(10, &Method::POST, "admissions/", Some(&body));
    let numbers: BTreeSet<String> = replies
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 201, "{}", reply.text);
            reply.str("student_id")
        })
        .collect();
    let expected: BTreeSet<String> = (1..=10).map(|n| format!("2026-{n:04}")).collect();
    assert_eq!(numbers, expected);
    assert_eq!(app.count(&school.slot, "select count(*) from students"), 10);
}

#[test]
fn a_creation_with_a_number_of_the_platforms_costs_three_trips() {
    let (_, school) = greenwood();
    school.admin.get("admissions/").expect(200);
    assert_eq!(admit(&school, &json!({})).status(201).trips(), 3);
}

#[test]
fn the_platform_passes_over_numbers_that_the_school_gave_itself() {
    let (_, school) = greenwood();
    for own in ["2026-0001", "2026-0002", "2026-0004", "2026-00003", "A-17"] {
        assert_eq!(number(&school, &json!({"student_id": own})), own);
    }
    let given: Vec<String> = (0..3).map(|_| number(&school, &json!({}))).collect();
    assert_eq!(given, ["2026-0003", "2026-0005", "2026-0006"]);
}

#[test]
fn a_school_that_takes_the_next_number_meanwhile_makes_no_creation_fail() {
    let (app, school) = greenwood();
    for round in 0..4 {
        let next = format!("2026-{:04}", 2 * round + 1);
        let own = pupil(&json!({"student_id": next}));
        let given = pupil(&json!({}));
        let requests = [&own, &given].map(|body| {
            school
                .admin
                .request(&Method::POST, "admissions/", Some(body))
        });
        let mut requests = Vec::from(requests);
        if round % 2 == 1 {
            requests.reverse();
        }
        let replies = app.run_together(requests);
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        let (own, given) = if round % 2 == 1 {
            (&replies[1], &replies[0])
        } else {
            (&replies[0], &replies[1])
        };
        assert_eq!(given.status, 201, "{statuses:?} {}", given.text);
        match own.status {
            201 => assert_ne!(own.str("student_id"), given.str("student_id")),
            _ => assert_eq!(own.fields(), ["student_id"], "{}", own.text),
        }
        // The next round starts behind what was given.
        let last = number(&school, &json!({}));
        let last: u32 = last.split_once('-').unwrap().1.parse().unwrap();
        for n in last + 1..=2 * (round + 1) {
            admit(&school, &json!({"student_id": format!("2026-{n:04}")})).expect(201);
        }
    }
}

#[test]
fn a_number_that_is_lost_with_its_request_is_given_to_nobody_twice() {
    let (app, school) = greenwood();
    school.admin.get("admissions/").expect(200);
    let mut numbers = BTreeSet::new();
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..=4 {
            let client = school.admin.key(&format!("{moment:?} {nth}"));
            app.inject(Some(Fault { nth, moment }));
            let first = client.post("admissions/", &pupil(&json!({})));
            app.inject(None);
            assert_eq!(first.status, 503, "{nth}: {}", first.text);
            let again = client.post("admissions/", &pupil(&json!({}))).status(201);
            assert!(numbers.insert(again.str("student_id")), "{}", again.text);
        }
    }
    assert_eq!(app.count(&school.slot, "select count(*) from students"), 8);
}

#[test]
fn a_student_keeps_the_number_that_a_change_leaves_out() {
    let (_, school) = greenwood();
    let id = admit(&school, &json!({})).status(201).id();
    let path = format!("admissions/{id}/");
    let put = school
        .admin
        .put(&path, &pupil(&json!({"admission_year": 2024})));
    assert_eq!(put.status(200).str("student_id"), "2026-0001");
    let emptied = school.admin.patch(&path, &json!({"student_id": ""}));
    assert_eq!(emptied.status(200).str("student_id"), "2026-0001");
    let renumbered = school.admin.patch(&path, &json!({"student_id": "B-1"}));
    assert_eq!(renumbered.status(200).str("student_id"), "B-1");
}

#[test]
fn the_same_number_is_a_mistake_in_the_field() {
    let (_, school) = greenwood();
    admit(&school, &json!({"student_id": "A-1"})).expect(201);
    let twice = admit(&school, &json!({"student_id": "A-1"}));
    assert_eq!(
        (twice.status, twice.fields()),
        (400, vec!["student_id".to_owned()])
    );
    let other = admit(&school, &json!({})).status(201).id();
    let path = format!("admissions/{other}/");
    let changed = school.admin.patch(&path, &json!({"student_id": "A-1"}));
    assert_eq!(changed.fields(), ["student_id"]);
}

#[test]
fn a_possible_duplicate_is_created_with_a_warning() {
    let (_, school) = greenwood();
    let first = json!({"dob": "2012-03-04", "parent_phone": "+263 77 123-4567"});
    assert_eq!(
        admit(&school, &first).status(201).json["warnings"],
        json!([])
    );
    let warned = |more: Value| {
        let reply = admit(&school, &more).status(201);
        let warnings = reply.json["warnings"].as_array().unwrap().clone();
        school
            .admin
            .delete(&format!("admissions/{}/", reply.id()))
            .expect(204);
        warnings
    };
    let about = |what: &str| {
        json!([format!(
            "Rudo Moyo (2026-0001) has {what}: perhaps it is the same person."
        )])
    };
    for (more, expected) in [
        (
            json!({"first_name": "RUDO", "last_name": "moyo", "dob": "2012-03-04"}),
            about("the same name and date of birth"),
        ),
        (
            json!({"first_name": "rudo", "last_name": "MOYO", "parent_phone": "+263771234567"}),
            about("the same name and parent's phone number"),
        ),
        (
            json!({"first_name": "Tatenda", "dob": "2012-03-04"}),
            about("the same family name and date of birth"),
        ),
        (
            json!({"dob": "2012-03-05", "parent_phone": "+263770000000"}),
            json!([]),
        ),
        (
            json!({"first_name": "Tatenda", "parent_phone": "+263771234567"}),
            json!([]),
        ),
        (
            json!({"last_name": "Ncube", "dob": "2012-03-04"}),
            json!([]),
        ),
        (json!({}), json!([])),
    ] {
        assert_eq!(Value::from(warned(more.clone())), expected, "{more}");
    }
}

#[test]
fn names_in_other_letters_are_compared_without_their_case() {
    let (_, school) = greenwood();
    let name = |first: &str, last: &str| {
        let body = json!({"first_name": first, "last_name": last, "dob": "2012-03-04"});
        admit(&school, &body).status(201).json["warnings"].clone()
    };
    assert_eq!(name("Žofie", "Müller"), json!([]));
    assert_eq!(name("ŽOFIE", "MÜLLER").as_array().unwrap().len(), 1);
}

#[test]
fn what_becomes_of_a_student_is_kept_with_its_reason() {
    let (app, school) = greenwood();
    let id = admit(&school, &json!({"reason": "By transfer."}))
        .status(201)
        .id();
    let path = format!("admissions/{id}/");
    let history = format!("{path}history/");
    assert_eq!(school.admin.get(&history).status(200).json["count"], 0);
    let form = form(&school, "Form 1");
    let both = json!({"status": "Boarding", "form": form, "reason": "Moved into the hostel."});
    school.admin.patch(&path, &both).expect(200);
    app.pass_seconds(60);
    school
        .admin
        .patch(&path, &json!({"enrolment": "transferred"}))
        .expect(200);
    school
        .admin
        .patch(&path, &json!({"address": "1 Road", "reason": "None."}))
        .expect(200);
    let reply = school.admin.get(&history).status(200);
    assert_eq!(reply.column("field")[0], "enrolment");
    assert_eq!(reply.json["count"], 3);
    let newest = &reply.results()[0];
    assert_eq!(
        (
            &newest["old_value"],
            &newest["new_value"],
            &newest["reason"]
        ),
        (&json!("active"), &json!("transferred"), &json!(""))
    );
    assert_eq!(newest["actor_name"], "Rudo Ncube");
    let moved = school
        .admin
        .get(&format!("{history}?field=form"))
        .status(200);
    let moved = &moved.results()[0];
    assert_eq!(
        (&moved["old_value"], &moved["new_value"], &moved["reason"]),
        (&Value::Null, &json!(form), &json!("Moved into the hostel."))
    );
    let page = school.admin.get(&format!("{history}?page_size=2&page=2"));
    assert_eq!(page.status(200).results().len(), 1);
    refused(
        &school
            .admin
            .get("admissions/01900000-0000-7000-8000-00000000dead/history/"),
        404,
        "not_found",
    );
}

#[test]
fn a_change_that_is_refused_leaves_no_history() {
    let (app, school) = greenwood();
    admit(&school, &json!({"student_id": "A-1"})).expect(201);
    let id = admit(&school, &json!({})).status(201).id();
    let change = json!({"student_id": "A-1", "enrolment": "graduated"});
    let reply = school.admin.patch(&format!("admissions/{id}/"), &change);
    assert_eq!(reply.fields(), ["student_id"]);
    let rows = "select count(*) from student_history";
    assert_eq!(app.count(&school.slot, rows), 0);
}

fn class_of(school: &School, session: &str) -> String {
    let made = |path: &str, body: Value| school.admin.post(path, &body).status(201).id();
    let form = made("form/", json!({"name": "Form 1", "level": "O Level"}));
    let class = made("classes/", json!({"name": "1A", "form": form}));
    made(
        &format!("sessions/{session}/academic-classes/"),
        json!({"class": class}),
    )
}

#[test]
fn students_without_a_session_are_those_of_the_school_who_are_in_no_class_of_it() {
    let (_, school) = greenwood();
    let (this_year, next_year) = (session(&school, "2026"), session(&school, "2027"));
    let all = students(&school, 4);
    let gone = json!({"enrolment": "graduated"});
    school
        .admin
        .patch(&format!("admissions/{}/", all[3]), &gone)
        .expect(200);
    let class = class_of(&school, &this_year);
    let in_class = json!({"student": all[0], "academic_class": class});
    register(&school, &this_year, &in_class).expect(201);
    // Registered, but not in a class yet.
    let registered = register(&school, &this_year, &json!({"student": all[1]})).status(201);
    let listed = |query: &str| {
        let path = format!("admissions/without-session/?ordering=created_at&{query}");
        school.admin.get(&path).status(200).column("id")
    };
    assert_eq!(listed(&format!("session={this_year}")), all[1..3]);
    assert_eq!(listed(&format!("session={next_year}")), all[..3]);
    assert_eq!(
        listed(&format!("session={this_year}&search=pupil+0003")),
        all[2..3]
    );
    assert_eq!(
        listed(&format!("session={this_year}&page_size=1&page=2")),
        all[2..3]
    );
    assert_eq!(
        listed(&format!("session={this_year}&status=Boarding")),
        [""; 0]
    );
    assert_eq!(
        listed("session=01900000-0000-7000-8000-00000000dead"),
        [""; 0]
    );
    // Without a question, the present session.
    assert_eq!(listed(""), all[..3]);
    let path = format!("sessions/{this_year}/");
    let active = json!({"is_active": true});
    school.admin.patch(&path, &active).expect(200);
    assert_eq!(listed(""), all[1..3]);
    // Who left the session needs no class in it.
    let path = format!("sessions/{this_year}/student-sessions/{}/", registered.id());
    let left = json!({"status": "transferred"});
    school.admin.patch(&path, &left).expect(200);
    assert_eq!(listed(""), all[2..3]);
    assert_eq!(listed(&format!("session={this_year}")), all[2..3]);
}

#[test]
fn students_without_a_session_are_found_by_the_set_up_of_the_session() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let all = students(&school, 2);
    let class = class_of(&school, &year);
    let in_class = json!({"student": all[0], "academic_class": class});
    register(&school, &year, &in_class).expect(201);
    let setup = "01900000-0000-7000-8000-00000000aaaa";
    app.execute(
        &school.slot,
        &format!(
            "insert into session_setups (id, session_type, academic_session, status, current_step, created_at, updated_at) \
             values ('{setup}', 'academic_session', '{year}', 'pending', 1, 0, 0)"
        ),
    );
    let path = format!("admissions/without-session/?session_setup={setup}");
    assert_eq!(school.admin.get(&path).status(200).column("id"), all[1..]);
}

#[test]
fn a_student_with_a_registration_is_in_use_and_one_without_anything_is_deleted() {
    let (app, school) = greenwood();
    let year = session(&school, "2026");
    let all = students(&school, 2);
    register(&school, &year, &json!({"student": all[0]})).expect(201);
    let path = |id: &str| format!("admissions/{id}/");
    refused(&school.admin.delete(&path(&all[0])), 409, "in_use");
    // Its history goes with it; the audit log stays.
    school
        .admin
        .patch(&path(&all[1]), &json!({"enrolment": "dropped_out"}))
        .expect(200);
    school.admin.delete(&path(&all[1])).expect(204);
    refused(&school.admin.get(&path(&all[1])), 404, "not_found");
    let rows = "select count(*) from student_history";
    assert_eq!(app.count(&school.slot, rows), 0);
    let logs = format!("audit-logs/?table_name=students&search={}", all[1]);
    assert!(school.admin.get(&logs).status(200).json["count"].as_u64() > Some(0));
}

#[test]
fn the_reason_of_a_change_is_in_the_audit_log() {
    let (_, school) = greenwood();
    let id = admit(&school, &json!({})).status(201).id();
    let change = json!({"enrolment": "transferred", "reason": "The family moved."});
    let path = format!("admissions/{id}/");
    let reply = school.admin.patch(&path, &change).status(200);
    assert!(reply.json.get("reason").is_none(), "{}", reply.text);
    let log = school.admin.get("audit-logs/?action=UPDATE").status(200);
    let changes = &log.results()[0]["changes"];
    assert_eq!(changes["reason"]["to"], "The family moved.");
}

#[test]
fn a_student_sees_no_records_of_students() {
    let (_, school) = greenwood();
    let (student, user) = someone(&school, "student@greenwood.example", &["Student"]);
    let id = admit(&school, &json!({"user": user})).status(201).id();
    for path in [
        "admissions/".to_owned(),
        format!("admissions/{id}/"),
        format!("admissions/{id}/history/"),
        "admissions/without-session/".to_owned(),
    ] {
        refused(&student.get(&path), 403, "permission_denied");
    }
}

#[test]
fn one_school_never_warns_of_the_students_of_another() {
    let app = TestApp::new();
    let (alpha, beta) = (app.school("alpha"), app.school("beta"));
    let body = json!({"dob": "2012-03-04"});
    admit(&alpha, &body).expect(201);
    assert_eq!(admit(&beta, &body).status(201).json["warnings"], json!([]));
}
