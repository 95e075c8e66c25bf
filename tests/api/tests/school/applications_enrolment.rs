//! `/api/v1/school/applications/{id}/enrol/`: a student is made of an application.

use homeroom_api_tests::{Fault, Moment, Reply};
use http::Method;
use serde_json::{Value, json};

use super::{
    applications::Office,
    making::{admit, class, register, session, students},
    refused,
};

const MOTHER: &str = "+263771000001";

/// An application with a mother who agreed to text messages, and a place that is offered.
fn offered(office: &Office, more: &Value) -> String {
    let mut body = json!({
        "middle_name": "T", "gender": "female", "dob": "2014-05-06", "boarding_status": "Boarding", "address": "1 High Street",
        "guardian_first_name": "Ada", "guardian_last_name": "Moyo", "guardian_phone": MOTHER,
        "guardian_email": "ada@people.example", "guardian_relation": "mother", "guardian_consent": {"sms": true},
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let id = office.applied(&body);
    office.step(&id, "offer").expect(200);
    id
}

fn enrol(office: &Office, id: &str, body: &Value) -> Reply {
    let path = format!("applications/{id}/enrol/");
    office.admin().post(&path, body)
}

fn count(office: &Office, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    office.app.count(&office.school.slot, &sql)
}

fn counts(office: &Office) -> [i64; 4] {
    [
        "students",
        "guardians",
        "student_guardians",
        "student_sessions",
    ]
    .map(|table| count(office, table))
}

#[test]
fn an_applicant_becomes_a_student_with_guardian_and_registration() {
    let office = Office::new();
    let class = class(&office.school, &office.session, "1A", Some(30));
    let id = offered(&office, &json!({}));
    let reply = enrol(&office, &id, &json!({"academic_class": class})).status(200);
    assert_eq!(reply.json["warnings"], json!([]));
    assert_eq!(reply.str("student_id"), "2026-0001");
    let mut shown = reply.json.clone();
    shown.as_object_mut().unwrap().remove("warnings");
    assert_eq!(office.shown(&id), shown);
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("enrolled"), &json!(""))
    );
    assert_ne!(shown["decided_by"], json!(null));

    let student = reply.str("student");
    let path = format!("admissions/{student}/");
    let record = office.admin().get(&path).status(200).json;
    for (field, value) in [
        ("student_id", json!("2026-0001")),
        ("first_name", json!("Rudo")),
        ("middle_name", json!("T")),
        ("last_name", json!("Moyo")),
        ("gender", json!("female")),
        ("dob", json!("2014-05-06")),
        ("admission_year", json!(2026)),
        ("form", json!(office.form)),
        ("status", json!("Boarding")),
        ("enrolment", json!("active")),
        ("parent_name", json!("Ada Moyo")),
        ("parent_phone", json!(MOTHER)),
        ("address", json!("1 High Street")),
        ("user", json!(null)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let path = format!("students/{student}/guardians/");
    let link = office.admin().get(&path).status(200).results()[0].clone();
    for (field, value) in [
        ("guardian_name", json!("Ada Moyo")),
        ("relation", json!("mother")),
        ("is_primary", json!(true)),
        ("phone_number", json!(MOTHER)),
        ("email", json!("ada@people.example")),
        (
            "consent",
            json!({"sms": true, "whatsapp": false, "email": false}),
        ),
    ] {
        assert_eq!(link[field], value, "{field}");
    }
    let path = format!(
        "sessions/{}/student-sessions/?student={student}",
        office.session
    );
    let placed = office.admin().get(&path).status(200).results()[0].clone();
    assert_eq!(
        [
            &placed["academic_class"],
            &placed["boarding_status"],
            &placed["status"]
        ],
        [&json!(class), &json!("Boarding"), &json!("active")]
    );
    let made = format!("audit-logs/?record_id={student}");
    assert_eq!(
        office.admin().get(&made).status(200).column("action"),
        ["CREATE"]
    );
    office.app.assert_sound();
}

#[test]
fn who_is_a_guardian_already_gets_the_student_and_stays_as_is() {
    let office = Office::new();
    let known = json!({"first_name": "Adah", "last_name": "Moyo-Dube", "phone_number": MOTHER});
    let known = office.admin().post("guardians/", &known).status(201).id();
    let first = offered(&office, &json!({"guardian_email": null}));
    let stranger = enrol(&office, &first, &json!({}));
    assert_eq!(stranger.fields(), ["guardian"]);
    assert!(
        stranger.text.contains("Adah Moyo-Dube") && stranger.text.contains(&known),
        "{}",
        stranger.text
    );
    assert_eq!(count(&office, "students"), 0);
    let meant = json!({"guardian": known});
    enrol(&office, &first, &meant).expect(200);
    let second = offered(
        &office,
        &json!({"guardian_phone": "+263 77 100 0001", "guardian_email": null, "first_name": "Tendai"}),
    );
    enrol(&office, &second, &meant).expect(200);
    let children = office.admin().get(&format!("guardians/{known}/students/"));
    assert_eq!(children.status(200).json["count"], 2);
    let path = format!("guardians/{known}/");
    let record = office.admin().get(&path).status(200).json;
    assert_eq!(
        [
            &record["first_name"],
            &record["email"],
            &record["consent"]["sms"]
        ],
        [&json!("Adah"), &json!(null), &json!(false)]
    );
    assert_eq!(count(&office, "guardians"), 1);
    // By the email alone, too.
    let father = json!({"first_name": "Ben", "last_name": "Moyo", "email": "ben@people.example"});
    let father = office.admin().post("guardians/", &father).status(201).id();
    let third = offered(
        &office,
        &json!({"guardian_phone": null, "guardian_email": "Ben@People.example", "first_name": "C"}),
    );
    let meant = json!({"guardian": father});
    enrol(&office, &third, &meant).expect(200);
    assert_eq!(count(&office, "guardians"), 2);
    // Whoever is meant by a number of one and an email of the other.
    let torn = offered(
        &office,
        &json!({"guardian_email": "ben@people.example", "first_name": "D"}),
    );
    assert_eq!(
        enrol(&office, &torn, &json!({})).fields(),
        ["non_field_errors"]
    );
}

#[test]
fn whoever_cannot_be_reached_is_named_with_the_student_only() {
    let office = Office::new();
    let nothing = json!({"guardian_phone": null, "guardian_email": null});
    let id = offered(&office, &nothing);
    let student = enrol(&office, &id, &json!({})).status(200).str("student");
    let record = office.admin().get(&format!("admissions/{student}/"));
    assert_eq!(record.status(200).str("parent_name"), "Ada Moyo");
    assert_eq!(counts(&office), [1, 0, 0, 1]);
}

#[test]
fn possible_duplicates_are_named_once_more() {
    let office = Office::new();
    let ada = json!({"first_name": "Ada", "last_name": "Moyo", "email": "other@people.example"});
    office.admin().post("guardians/", &ada).expect(201);
    let id = offered(&office, &json!({}));
    admit(&office.school, &json!({"dob": "2014-05-06"})).expect(201);
    let reply = enrol(&office, &id, &json!({})).status(200);
    assert_eq!(
        reply.json["warnings"],
        json!([
            "Rudo Moyo (2026-0001) has the same name and date of birth: perhaps it is the same person.",
            "Ada Moyo (other@people.example) has the same name: perhaps it is the same person.",
        ])
    );
}

#[test]
fn a_class_that_is_full_of_another_session_or_of_nobody_takes_nobody() {
    let office = Office::new();
    let full = class(&office.school, &office.session, "1A", Some(1));
    let one = students(&office.school, 1).remove(0);
    let taken = json!({"student": one, "academic_class": full});
    register(&office.school, &office.session, &taken).expect(201);
    let other = session(&office.school, "Another");
    let elsewhere = class(&office.school, &other, "1B", None);
    let id = offered(&office, &json!({}));
    let before = office.app.dump(&office.school.slot);
    let numbers = |dump: &str| -> Vec<String> {
        let kept = dump
            .lines()
            .filter(|line| !line.starts_with("student_numbers"));
        kept.map(str::to_owned).collect()
    };
    let into = |class: &str| enrol(&office, &id, &json!({"academic_class": class}));
    refused(&into(&full), 409, "class_full");
    for class in [&elsewhere, "01890000-0000-7000-8000-00000000dead", "x"] {
        assert_eq!(into(class).fields(), ["academic_class"]);
    }
    let after = office.app.dump(&office.school.slot);
    assert_eq!(numbers(&before), numbers(&after));
    let raised = json!({"capacity": 2});
    let path = format!("sessions/{}/academic-classes/{full}/", office.session);
    office.admin().patch(&path, &raised).expect(200);
    into(&full).expect(200);
}

#[test]
fn a_number_of_the_schools_own_is_taken_unless_somebody_has_it() {
    let office = Office::new();
    admit(&office.school, &json!({"student_id": "S-1"})).expect(201);
    let id = offered(&office, &json!({}));
    let taken = enrol(&office, &id, &json!({"student_id": "S-1"}));
    assert_eq!(taken.fields(), ["student_id"]);
    let reply = enrol(&office, &id, &json!({"student_id": "S-2"})).status(200);
    assert_eq!(reply.str("student_id"), "S-2");
    let number = office.admin().get("admissions/?student_id=S-2").status(200);
    assert_eq!(number.json["count"], 1);
}

#[test]
fn only_an_offered_place_is_taken_and_only_once() {
    let office = Office::new();
    for way in [
        &[][..],
        &["examine"],
        &["waitlist"],
        &["reject"],
        &["offer", "decline"],
        &["withdraw"],
    ] {
        let id = office.after(way);
        refused(&enrol(&office, &id, &json!({})), 409, "not_from_here");
    }
    let id = offered(&office, &json!({}));
    enrol(&office, &id, &json!({})).expect(200);
    refused(&enrol(&office, &id, &json!({})), 409, "not_from_here");
    for step in ["withdraw", "decline", "reopen", "offer"] {
        refused(&office.step(&id, step), 409, "not_from_here");
    }
    let path = format!("applications/{id}/");
    refused(
        &office.admin().patch(&path, &json!({"notes": "A note."})),
        409,
        "application_ended",
    );
    refused(&office.admin().delete(&path), 409, "application_kept");
    assert_eq!(counts(&office), [1, 1, 1, 1]);
}

#[test]
fn of_ten_clicks_at_once_one_makes_a_student() {
    let office = Office::new();
    let class = class(&office.school, &office.session, "1A", None);
    for (round, body) in (1..).zip([
        json!({"academic_class": class}),
        json!({"academic_class": class, "student_id": "S-1"}),
    ]) {
        let id = offered(
            &office,
            &json!({"guardian_phone": format!("+26377200000{round}"), "guardian_email": null}),
        );
        let path = format!("applications/{id}/enrol/");
        let replies = office
            .admin()
            .together(10, &Method::POST, &path, Some(&body));
        let good = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(good, 1);
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            let known = ["changed_meanwhile", "not_from_here"];
            assert!(
                reply.status == 409 && known.contains(&reply.code()),
                "{}",
                reply.text
            );
        }
        assert_eq!(counts(&office), [round; 4]);
    }
    office.app.assert_sound();
}

#[test]
fn ten_clicks_with_one_key_are_answered_alike() {
    let office = Office::new();
    let id = offered(&office, &json!({}));
    let path = format!("applications/{id}/enrol/");
    let keyed = office.admin().key("enrol-1");
    let replies = keyed.together(10, &Method::POST, &path, Some(&json!({})));
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.json, replies[0].json);
    }
    assert_eq!(counts(&office), [1; 4]);
}

#[test]
fn siblings_who_are_enrolled_at_once_share_their_mother_and_no_number() {
    let office = Office::new();
    let path = |name: &str| {
        let id = offered(&office, &json!({"first_name": name}));
        format!("applications/{id}/enrol/")
    };
    let paths = ["Anesu", "Bongai", "Chipo"].map(path);
    let requests = paths.map(|path| {
        let body = json!({});
        office.admin().request(&Method::POST, &path, Some(&body))
    });
    let replies = office.app.run_together(requests.into());
    let mut numbers: Vec<String> = replies
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 200, "{}", reply.text);
            reply.str("student_id")
        })
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    assert_eq!(counts(&office), [3, 1, 3, 3]);
}

#[test]
fn what_is_cut_off_anywhere_makes_one_student_once_it_is_repeated() {
    let office = Office::new();
    let class = class(&office.school, &office.session, "1A", None);
    office.admin().get("applications/").expect(200);
    let mut students = 0;
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..=5 {
            let phone = format!("+2637730000{students:02}");
            let more = json!({"guardian_phone": phone, "guardian_email": null});
            let id = offered(&office, &more);
            let client = office.admin().key(&format!("{moment:?} {nth}"));
            let path = format!("applications/{id}/enrol/");
            let body = json!({"academic_class": class});
            office.app.inject(Some(Fault { nth, moment }));
            let first = client.post(&path, &body);
            office.app.inject(None);
            assert!(
                first.status == 503 || first.status == 200,
                "{nth}: {}",
                first.text
            );
            client.post(&path, &body).expect(200);
            students += 1;
            assert_eq!(counts(&office), [students; 4], "{moment:?} {nth}");
        }
    }
    office.app.assert_sound();
}

#[test]
fn enrolling_takes_few_trips() {
    let office = Office::new();
    let id = offered(&office, &json!({}));
    office.admin().get("applications/").expect(200);
    // Read, a number and who is alike, guardians of the name, and the one batch.
    assert_eq!(enrol(&office, &id, &json!({})).status(200).trips(), 4);
}

#[test]
fn nobody_enrols_a_child_of_the_own() {
    let office = Office::new();
    let clerk = office.school.user("clerk@greenwood.example", "Office");
    let me = clerk.get("auth/me/").status(200).id();
    let own = json!({"first_name": "Ada", "last_name": "Moyo", "phone_number": MOTHER, "user": me});
    office.admin().post("guardians/", &own).expect(201);
    let id = offered(&office, &json!({"guardian_email": null}));
    let path = format!("applications/{id}/enrol/");
    refused(&clerk.post(&path, &json!({})), 409, "own_account");
    // Who sees all cards gains nothing.
    enrol(&office, &id, &json!({})).expect(200);
}

#[test]
fn the_office_enrols() {
    let office = Office::new();
    let clerk = office.school.user("clerk@greenwood.example", "Office");
    let class = class(&office.school, &office.session, "1A", None);
    let id = offered(&office, &json!({}));
    let body = json!({"academic_class": class});
    let path = format!("applications/{id}/enrol/");
    clerk.post(&path, &body).expect(200);
    let student = office.shown(&id)["student"].as_str().unwrap().to_owned();
    refused(
        &office.admin().delete(&format!("admissions/{student}/")),
        409,
        "in_use",
    );
}
