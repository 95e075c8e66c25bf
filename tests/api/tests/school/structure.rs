//! `/api/v1/school/sessions/`, `terms/`, `form/`, `classes/`, `subjects/` and what lies around them.

use homeroom_api_tests::{School, error_of};
use http::Method;
use serde_json::{Value, json};

use super::greenwood;

fn session(school: &School, name: &str, year: u32, is_active: bool) -> String {
    let body = json!({
        "name": name, "start_date": format!("{year}-01-05T00:00:00+02:00"), "end_date": format!("{year}-12-05T00:00:00+02:00"),
        "is_active": is_active,
    });
    school.admin.post("sessions/", &body).status(201).id()
}

fn term(session: &str, number: &str, start: &str, end: &str) -> Value {
    json!({"session": session, "term": number, "start_date": start, "end_date": end})
}

fn class(school: &School, name: &str) -> String {
    let form = school.admin.get("form/?name=Form%201").status(200);
    let form = match form.json["results"][0]["id"].as_str() {
        Some(id) => id.to_owned(),
        None => {
            let body = json!({"name": "Form 1", "level": "O Level"});
            school.admin.post("form/", &body).status(201).id()
        }
    };
    school
        .admin
        .post("classes/", &json!({"name": name, "form": form}))
        .status(201)
        .id()
}

#[test]
fn a_record_shows_its_fields_in_a_stable_order_and_times_in_utc() {
    let (_, school) = greenwood();
    let id = session(&school, "2026", 2026, true);
    let reply = school.admin.get(&format!("sessions/{id}/")).status(200);
    let text = reply.text.replace(&id, "[id]");
    assert!(
        text.starts_with(
            r#"{"id":"[id]","name":"2026","start_date":"2026-01-04T22:00:00.000Z","end_date":"2026-12-04T22:00:00.000Z","is_active":true,"created_at":"#
        ),
        "{text}"
    );
}

#[test]
fn activating_a_session_deactivates_the_other_and_says_so_in_the_audit_log() {
    let (_, school) = greenwood();
    let old = session(&school, "2025", 2025, true);
    let new = session(&school, "2026", 2026, true);
    let active = school.admin.get("sessions/?is_active=true").status(200);
    assert_eq!(active.column("id"), [new.as_str()]);
    school
        .admin
        .patch(&format!("sessions/{old}/"), &json!({"is_active": true}))
        .expect(200);
    let active = school.admin.get("sessions/?is_active=true").status(200);
    assert_eq!(active.column("id"), [old.as_str()]);
    let log = school
        .admin
        .get(&format!("audit-logs/?record_id={old}&action=UPDATE"))
        .status(200);
    assert_eq!(
        log.json["results"][0]["changes"]["is_active"],
        json!({"from": false, "to": true})
    );
}

#[test]
fn activating_a_term_deactivates_the_other_of_whatever_session() {
    let (app, school) = greenwood();
    let years =
        [("2025", 2025), ("2026", 2026)].map(|(name, year)| session(&school, name, year, false));
    let make = |session: &str, number: &str, start: &str, end: &str| {
        let mut body = term(session, number, start, end);
        body["is_active"] = json!(true);
        school.admin.post("terms/", &body).status(201).id()
    };
    let active = || {
        let list = school.admin.get("terms/?is_active=true").status(200);
        list.column("id")
    };
    let first = make(&years[0], "3", "2025-09-08", "2025-12-04");
    assert_eq!(active(), [first.as_str()]);
    let second = make(&years[1], "1", "2026-01-12", "2026-04-02");
    assert_eq!(active(), [second.as_str()]);
    let body = json!({"is_active": true});
    school
        .admin
        .patch(&format!("terms/{first}/"), &body)
        .expect(200);
    assert_eq!(active(), [first.as_str()]);
    let sql = "select count(*) from terms where is_active = 1";
    assert_eq!(app.count(&school.slot, sql), 1);
}

#[test]
fn of_ten_activations_at_once_one_session_is_left_active() {
    let (app, school) = greenwood();
    let ids: Vec<String> = (0..10)
        .map(|n| session(&school, &format!("S{n}"), 2026, false))
        .collect();
    let body = json!({"is_active": true});
    let requests = ids.iter().map(|id| {
        school
            .admin
            .request(&Method::PATCH, &format!("sessions/{id}/"), Some(&body))
    });
    for reply in app.run_together(requests.collect()) {
        assert!(reply.status == 200 || reply.status == 409, "{}", reply.text);
    }
    assert_eq!(
        app.count(
            &school.slot,
            "select count(*) from academic_sessions where is_active = 1"
        ),
        1
    );
}

#[test]
fn a_session_ends_after_it_starts_and_its_name_is_unique() {
    let (_, school) = greenwood();
    session(&school, "2026", 2026, true);
    let body = json!({"name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"});
    assert_eq!(school.admin.post("sessions/", &body).fields(), ["name"]);
    let body = json!({"name": "X", "start_date": "2026-02-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"});
    assert_eq!(school.admin.post("sessions/", &body).fields(), ["end_date"]);
}

#[test]
fn a_session_has_two_years_at_most_and_a_term_one() {
    let (_, school) = greenwood();
    let body =
        |end: &str| json!({"name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": end});
    for end in ["2028-01-03T00:00:00Z", "9999-12-31T00:00:00Z"] {
        let reply = school.admin.post("sessions/", &body(end));
        assert_eq!(
            reply.status(400).json,
            json!({"end_date": ["A session has at most two years."]})
        );
    }
    let path = "sessions/";
    let year = school.admin.post(path, &body("2028-01-01T00:00:00Z"));
    let year = year.status(201).id();
    let reply = school
        .admin
        .post("terms/", &term(&year, "1", "2026-01-05", "2027-01-06"));
    assert_eq!(
        reply.status(400).json,
        json!({"end_date": ["A term has at most 366 days."]})
    );
    let mut long = term(&year, "1", "2026-01-05", "2027-01-05");
    long["vacation_start"] = json!("2027-01-06");
    long["vacation_end"] = json!("9999-12-31");
    let reply = school.admin.post("terms/", &long);
    assert_eq!(reply.status(400).fields(), ["vacation_end"]);
    long["vacation_end"] = json!("2027-01-31");
    school.admin.post("terms/", &long).expect(201);
}

#[test]
fn terms_lie_within_their_session_and_do_not_overlap() {
    let (_, school) = greenwood();
    let year = session(&school, "2026", 2026, true);
    let create = |body: Value| school.admin.post("terms/", &body);
    let first = create(term(&year, "1", "2026-01-05", "2026-04-02"))
        .status(201)
        .id();
    for (body, field) in [
        (term(&year, "2", "2026-04-02", "2026-08-01"), "start_date"),
        (term(&year, "2", "2026-01-01", "2026-12-31"), "start_date"),
        (term(&year, "2", "2025-12-01", "2025-12-20"), "start_date"),
        (term(&year, "2", "2026-09-01", "2026-12-20"), "start_date"),
        (term(&year, "2", "2026-08-01", "2026-05-01"), "end_date"),
        (term(&year, "1", "2026-05-04", "2026-08-01"), "term"),
        (term(&year, "4", "2026-05-04", "2026-08-01"), "term"),
        (
            term(
                "01900000-0000-7000-8000-00000000dead",
                "2",
                "2026-05-04",
                "2026-08-01",
            ),
            "session",
        ),
    ] {
        assert_eq!(create(body.clone()).fields(), [field], "{body}");
    }
    create(term(&year, "2", "2026-05-04", "2026-08-01")).expect(201);
    let wider = json!({"end_date": "2026-05-04"});
    assert_eq!(
        school
            .admin
            .patch(&format!("terms/{first}/"), &wider)
            .fields(),
        ["start_date"]
    );
    // The session cannot shrink around them either.
    let shorter = json!({"end_date": "2026-06-01T00:00:00Z"});
    assert_eq!(
        school
            .admin
            .patch(&format!("sessions/{year}/"), &shorter)
            .fields(),
        ["start_date"]
    );
}

#[test]
fn of_overlapping_terms_created_at_once_one_stays() {
    let (app, school) = greenwood();
    let year = session(&school, "2026", 2026, true);
    let requests = ["1", "2", "3"].map(|number| {
        let body = term(&year, number, "2026-01-05", "2026-04-02");
        school.admin.request(&Method::POST, "terms/", Some(&body))
    });
    let replies = app.run_together(requests.into_iter().collect());
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400, 400]);
}

/// Tells where the first and the last day of a school's year are, by its clock.
#[test]
fn the_days_of_a_session_are_those_of_the_schools_own_calendar() {
    for (zone, first, last) in [
        ("UTC", "2026-01-05", "2026-12-04"),
        ("America/New_York", "2026-01-04", "2026-12-03"),
        ("Africa/Harare", "2026-01-05", "2026-12-04"),
    ] {
        let (app, school) = greenwood();
        let id = &school.id;
        app.execute(
            "CONTROL",
            &format!("update tenants set timezone = '{zone}' where id = '{id}'"),
        );
        app.pass_seconds(5);
        let body = json!({"name": "2026", "start_date": "2026-01-05T00:00:00Z", "end_date": "2026-12-04T00:00:00Z"});
        let year = school.admin.post("sessions/", &body).status(201).id();
        let next = |day: &str, days: i64| {
            let day: chrono::NaiveDate = day.parse().unwrap();
            (day + chrono::Duration::days(days)).to_string()
        };
        for (from, to) in [
            (next(first, -1), last.into()),
            (first.into(), next(last, 1)),
        ] {
            let reply = school.admin.post("terms/", &term(&year, "1", &from, &to));
            let message = json!({"start_date": ["Terms must lie within their session."]});
            assert_eq!(reply.status(400).json, message, "{zone} {from} {to}");
        }
        let whole = school.admin.post("terms/", &term(&year, "1", first, last));
        whole.expect(201);
        // A session keeps its terms.
        let path = format!("sessions/{year}/");
        for change in [
            json!({"start_date": "2026-01-06T00:00:00Z"}),
            json!({"end_date": "2026-12-03T00:00:00Z"}),
        ] {
            let reply = school.admin.patch(&path, &change);
            assert_eq!(reply.fields(), ["start_date"], "{zone} {change}");
        }
        let longer = json!({"end_date": "2026-12-05T00:00:00Z"});
        school.admin.patch(&path, &longer).expect(200);
    }
}

#[test]
fn a_vacation_follows_its_term() {
    let (_, school) = greenwood();
    let year = session(&school, "2026", 2026, true);
    let with = |start: Value, end: Value| {
        let mut body = term(&year, "1", "2026-01-05", "2026-04-02");
        body["vacation_start"] = start;
        body["vacation_end"] = end;
        school.admin.post("terms/", &body)
    };
    assert_eq!(
        with(json!("2026-04-02"), json!("2026-04-20")).fields(),
        ["vacation_start"]
    );
    assert_eq!(
        with(json!("2026-04-03"), json!("2026-04-01")).fields(),
        ["vacation_end"]
    );
    assert_eq!(
        with(json!(null), json!("2026-04-20")).fields(),
        ["vacation_start"]
    );
    with(json!("2026-04-03"), json!("2026-05-03")).expect(201);
    for (first, status) in [("2026-05-03", 400), ("2026-05-04", 201)] {
        let reply = school
            .admin
            .post("terms/", &term(&year, "2", first, "2026-07-30"));
        assert_eq!(reply.status, status, "{first}: {}", reply.text);
    }
}

#[test]
fn a_class_leads_to_one_other_class() {
    let (_, school) = greenwood();
    let (one, two) = (class(&school, "1A"), class(&school, "2A"));
    let pattern = |from: &str, to: &str| {
        school.admin.post(
            "class-patterns/",
            &json!({"from_class": from, "to_class": to}),
        )
    };
    assert_eq!(pattern(&one, &one).fields(), ["to_class"]);
    pattern(&one, &two).expect(201);
    assert_eq!(pattern(&one, &two).fields(), ["from_class"]);
    // What others refer to stays.
    assert_eq!(
        error_of(&school.admin.delete(&format!("classes/{two}/"))),
        (409, "in_use".into())
    );
}

#[test]
fn a_form_has_one_pass_mark_of_its_own_and_one_per_subject() {
    let (_, school) = greenwood();
    let form = school
        .admin
        .post("form/", &json!({"name": "Form 1", "level": "O Level"}))
        .status(201)
        .id();
    let subject = school
        .admin
        .post("subjects/", &json!({"name": "Maths", "code": "M"}))
        .status(201)
        .id();
    let mark = |subject: Value, mark: Value| {
        school.admin.post(
            "pass-marks/",
            &json!({"form": form, "subject": subject, "mark": mark}),
        )
    };
    assert_eq!(
        mark(json!(null), json!(49.5)).status(201).json["mark"],
        json!(49.5)
    );
    mark(json!(subject), json!("40")).expect(201);
    assert_eq!(mark(json!(null), json!(50)).fields(), ["subject"]);
    assert_eq!(mark(json!(subject), json!(50)).fields(), ["subject"]);
    assert_eq!(mark(json!(subject), json!(100.01)).fields(), ["mark"]);
}

#[test]
fn a_class_of_a_session_is_found_in_its_session_only() {
    let (_, school) = greenwood();
    let (old, new) = (
        session(&school, "2025", 2025, false),
        session(&school, "2026", 2026, true),
    );
    let class = class(&school, "1A");
    let path = format!("sessions/{new}/academic-classes/");
    let created = school
        .admin
        .post(&path, &json!({"class": class}))
        .status(201);
    assert_eq!(
        (
            created.str("class_name"),
            &created.json["size"],
            created.str("session")
        ),
        ("1A".to_owned(), &json!(0), new.clone())
    );
    assert_eq!(
        school.admin.post(&path, &json!({"class": class})).fields(),
        ["class"]
    );
    let id = created.id();
    assert_eq!(
        created.header("location"),
        format!("/api/v1/school/{path}{id}/")
    );
    school.admin.get(&format!("{path}{id}/")).expect(200);
    for wrong in [
        format!("sessions/{old}/academic-classes/{id}/"),
        format!("sessions/{old}/academic-classes/{id}/subject-teachers/"),
    ] {
        let reply = school.admin.get(&wrong);
        assert!(
            reply.status == 404 || reply.json["count"] == 0,
            "{wrong}: {}",
            reply.text
        );
    }
    let subject = school
        .admin
        .post("subjects/", &json!({"name": "Maths", "code": "M"}))
        .status(201)
        .id();
    let staff = school
        .admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .status(201)
        .id();
    let teacher = json!({"subject": subject, "teacher": staff});
    let wrong = format!("sessions/{old}/academic-classes/{id}/subject-teachers/");
    assert_eq!(school.admin.post(&wrong, &teacher).status, 404);
    school
        .admin
        .post(&format!("{path}{id}/subject-teachers/"), &teacher)
        .expect(201);
}

#[test]
fn two_changes_at_once_of_one_record_lose_nothing_silently() {
    let (app, school) = greenwood();
    let id = class(&school, "1A");
    let path = format!("classes/{id}/");
    let requests = ["1B", "1C"].map(|name| {
        school
            .admin
            .request(&Method::PATCH, &path, Some(&json!({"name": name})))
    });
    let replies = app.run_together(requests.into_iter().collect());
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
