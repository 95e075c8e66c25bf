//! `/api/v1/school/applications/`: what is known of applicants, and the decisions.

use homeroom_api_tests::{Client, Reply, School, TestApp};
use http::Method;
use serde_json::{Value, json};

use super::{
    greenwood,
    making::{admit, form, session},
    refused,
};

/// A school with a session and a form to apply for.
pub(super) struct Office {
    pub(super) app: TestApp,
    pub(super) school: School,
    pub(super) session: String,
    pub(super) form: String,
}

impl Office {
    pub(super) fn new() -> Self {
        let (app, school) = greenwood();
        let (session, form) = (session(&school, "Next year"), form(&school, "Form 1"));
        Self {
            app,
            school,
            session,
            form,
        }
    }

    pub(super) fn admin(&self) -> &Client {
        &self.school.admin
    }

    /// The body of an application; `more` adds to it and wins.
    pub(super) fn body(&self, more: &Value) -> Value {
        let mut body = json!({"session": self.session, "form": self.form, "first_name": "Rudo", "last_name": "Moyo"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    pub(super) fn apply(&self, more: &Value) -> Reply {
        self.admin().post("applications/", &self.body(more))
    }

    pub(super) fn applied(&self, more: &Value) -> String {
        self.apply(more).status(201).id()
    }

    pub(super) fn shown(&self, id: &str) -> Value {
        let path = format!("applications/{id}/");
        self.admin().get(&path).status(200).json
    }

    pub(super) fn step(&self, id: &str, step: &str) -> Reply {
        let body = json!({"reason": "All places are taken."});
        self.admin()
            .post(&format!("applications/{id}/{step}/"), &body)
    }

    pub(super) fn change(&self, id: &str, body: &Value) -> Reply {
        self.admin().patch(&format!("applications/{id}/"), body)
    }

    pub(super) fn history(&self, id: &str) -> Vec<(Value, Value, Value)> {
        let path = format!("applications/{id}/history/?ordering=changed_at");
        let page = self.admin().get(&path).status(200);
        let line = |line: &Value| {
            assert_eq!(line["field"], "state");
            let of = |name: &str| line[name].clone();
            (of("old_value"), of("new_value"), of("reason"))
        };
        page.results().iter().map(line).collect()
    }

    /// An application that was taken by these steps.
    pub(super) fn after(&self, steps: &[&str]) -> String {
        let id = self.applied(&json!({}));
        for step in steps {
            match *step {
                "examine" => self.change(&id, &json!({"exam_mark": 61.5})).expect(200),
                step => self.step(&id, step).expect(200),
            }
        }
        id
    }
}

/// Every state, with steps that lead there.
pub(super) const STATES: [(&str, &[&str]); 7] = [
    ("received", &[]),
    ("examined", &["examine"]),
    ("waitlisted", &["waitlist"]),
    ("offered", &["offer"]),
    ("rejected", &["reject"]),
    ("declined", &["offer", "decline"]),
    ("withdrawn", &["withdraw"]),
];

#[test]
fn a_new_application_is_received_with_a_number_of_its_own() {
    let office = Office::new();
    let reply = office
        .apply(&json!({"guardian_first_name": "Ada", "guardian_last_name": "Moyo", "guardian_phone": "+263 77 123-4567",
            "guardian_consent": {"sms": true}}))
        .status(201);
    insta::assert_json_snapshot!(reply.shape(), @r#"
    {
      "address": "",
      "admission_year": 2026,
      "boarding_status": "Day",
      "created_at": "[time]",
      "created_by": "[id]",
      "decided_at": null,
      "decided_by": null,
      "dob": null,
      "exam_date": null,
      "exam_mark": null,
      "exam_remark": "",
      "first_name": "Rudo",
      "form": "[id]",
      "gender": "",
      "guardian_consent": {
        "email": false,
        "sms": true,
        "whatsapp": false
      },
      "guardian_email": null,
      "guardian_first_name": "Ada",
      "guardian_last_name": "Moyo",
      "guardian_phone": "+263771234567",
      "guardian_relation": "guardian",
      "id": "[id]",
      "last_name": "Moyo",
      "middle_name": "",
      "notes": "",
      "number": "A-2026-0001",
      "previous_results": "",
      "previous_school": "",
      "reason": "",
      "session": "[id]",
      "state": "received",
      "student": null,
      "student_id": null,
      "updated_at": "[time]",
      "warnings": []
    }
    "#);
    let found = office.admin().get(reply.header("location")).status(200);
    assert_eq!(found.json["number"], "A-2026-0001");
}

#[test]
fn numbers_run_within_the_year_of_admission() {
    let office = Office::new();
    let number = |more: &Value| office.apply(more).status(201).str("number");
    assert_eq!(number(&json!({})), "A-2026-0001");
    assert_eq!(number(&json!({"admission_year": 2027})), "A-2027-0001");
    assert_eq!(number(&json!({})), "A-2026-0002");
    // The school's midnight is the evening before in UTC.
    let east = json!({"name": "East", "start_date": "2029-12-31T22:00:00Z", "end_date": "2030-12-04T22:00:00Z"});
    let east = office.admin().post("sessions/", &east).status(201).id();
    assert_eq!(number(&json!({"session": east})), "A-2030-0001");
}

#[test]
fn ten_at_once_get_ten_numbers() {
    let office = Office::new();
    let body = office.body(&json!({}));
    let replies = office
        .admin()
        .together(10, &Method::POST, "applications/", Some(&body));
    let mut numbers: Vec<String> = replies
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 201, "{}", reply.text);
            reply.str("number")
        })
        .collect();
    numbers.sort();
    let expected: Vec<String> = (1..=10).map(|n| format!("A-2026-{n:04}")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn whoever_can_be_reached_has_a_name() {
    let office = Office::new();
    for reach in [
        json!({"guardian_phone": "+263771234567"}),
        json!({"guardian_email": "ada@people.example"}),
    ] {
        let reply = office.apply(&reach);
        assert_eq!(
            reply.fields(),
            ["guardian_first_name", "guardian_last_name"]
        );
    }
    office
        .apply(&json!({"guardian_first_name": "Ada"}))
        .expect(201);
    let nothing = office.admin().post("applications/", &json!({}));
    assert_eq!(
        nothing.fields(),
        ["first_name", "form", "last_name", "session"]
    );
}

#[test]
fn possible_duplicates_are_named_among_students_and_applicants_of_the_session() {
    let office = Office::new();
    let born = json!({"dob": "2012-03-04"});
    admit(&office.school, &born).expect(201);
    let warnings = |more: &Value| office.apply(more).status(201).json["warnings"].clone();
    let alike = |number: &str| {
        format!(
            "Rudo Moyo ({number}) has the same name and date of birth: perhaps it is the same person."
        )
    };
    assert_eq!(warnings(&born), json!([alike("2026-0001")]));
    assert_eq!(
        warnings(&born),
        json!([alike("2026-0001"), alike("A-2026-0001")])
    );
    let other = session(&office.school, "The year after");
    let elsewhere = json!({"dob": "2012-03-04", "session": other});
    assert_eq!(warnings(&elsewhere), json!([alike("2026-0001")]));
    assert_eq!(warnings(&json!({"dob": "2012-03-05"})), json!([]));
    let reach = json!({"guardian_phone": "+263771234567", "guardian_first_name": "Ada", "guardian_last_name": "Moyo"});
    assert_eq!(warnings(&reach), json!([]));
    assert_eq!(
        warnings(&reach),
        json!([
            "Rudo Moyo (A-2026-0005) has the same name and parent's phone number: perhaps it is the same person."
        ])
    );
}

#[test]
fn a_result_makes_an_examined_application_and_taking_it_back_a_received_one() {
    let office = Office::new();
    let with_result = office.applied(&json!({"exam_mark": 0, "exam_date": "2026-01-10"}));
    assert_eq!(office.shown(&with_result)["state"], "examined");
    let id = office.applied(&json!({}));
    for (mark, state) in [
        (json!(72.25), "examined"),
        (json!(80), "examined"),
        (json!(null), "received"),
    ] {
        let reply = office.change(&id, &json!({"exam_mark": mark, "exam_remark": "Fine."}));
        assert_eq!(reply.status(200).str("state"), state);
        assert_eq!(office.shown(&id)["exam_mark"].as_f64(), mark.as_f64());
    }
    // Why it was opened again says nothing about the result.
    for step in ["waitlist", "reopen"] {
        office.step(&id, step).expect(200);
    }
    let examined = office.change(&id, &json!({"exam_mark": 50})).status(200);
    assert_eq!(
        (examined.str("state"), examined.str("reason")),
        ("examined".to_owned(), String::new())
    );
    // A decision stays what it is.
    office.step(&id, "offer").expect(200);
    let late = office.change(&id, &json!({"exam_mark": 12}));
    assert_eq!(late.status(200).str("state"), "offered");
    for mark in [json!(101), json!(-1), json!("x")] {
        assert_eq!(
            office.change(&id, &json!({"exam_mark": mark})).fields(),
            ["exam_mark"]
        );
    }
}

#[test]
fn what_has_ended_stays_as_it_is_and_a_state_is_not_written() {
    let office = Office::new();
    for (state, way) in STATES {
        let id = office.after(way);
        let before = office.shown(&id);
        let reply = office.change(&id, &json!({"notes": "A note.", "state": "enrolled"}));
        if ["rejected", "declined", "withdrawn"].contains(&state) {
            refused(&reply, 409, "application_ended");
            let put = office
                .admin()
                .put(&format!("applications/{id}/"), &office.body(&json!({})));
            refused(&put, 409, "application_ended");
            assert_eq!(office.shown(&id), before);
        } else {
            assert_eq!(reply.status(200).str("state"), state);
        }
    }
}

#[test]
fn the_selection_is_ordered_by_results_and_filtered() {
    let office = Office::new();
    let other = form(&office.school, "Form 2");
    for (name, more) in [
        ("B", json!({"exam_mark": 61.5, "exam_date": "2026-01-10"})),
        ("A", json!({"exam_mark": 88, "exam_date": "2026-01-10"})),
        ("C", json!({"exam_mark": 61.5, "exam_date": "2026-01-11"})),
        ("D", json!({})),
        ("E", json!({"form": other, "boarding_status": "Boarding"})),
    ] {
        let mut body = more;
        body["first_name"] = json!(name);
        office.apply(&body).expect(201);
    }
    let names = |query: &str| {
        let page = office.admin().get(&format!("applications/?{query}"));
        page.status(200).column("first_name").join("")
    };
    let (session, form) = (&office.session, &office.form);
    let selection = format!("session={session}&form={form}&ordering=-exam_mark,number");
    assert_eq!(names(&selection), "ABCD");
    assert_eq!(names(&format!("{selection}&state=examined")), "ABC");
    assert_eq!(names(&format!("{selection}&exam_date=2026-01-10")), "AB");
    assert_eq!(names("boarding_status=Boarding"), "E");
    assert_eq!(names("search=a-2026-0004"), "D");
}

#[test]
fn applications_are_exported_with_names_results_and_what_became_of_them() {
    let office = Office::new();
    let id =
        office.applied(&json!({"exam_mark": 61.5, "exam_date": "2026-01-10", "notes": "=1+1"}));
    office.step(&id, "offer").expect(200);
    let enrol = format!("applications/{id}/enrol/");
    office.admin().act(&enrol).expect(200);
    let other = session(&office.school, "Another");
    office.applied(&json!({"session": other}));
    let export = |query: &str| {
        let path = format!("exports/applications.csv{query}");
        office.admin().get(&path).status(200).text
    };
    let file = export(&format!("?session={}", office.session));
    let mut lines = file.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(lines.next(), None);
    let cell = |name: &str| row[head.iter().position(|column| *column == name).unwrap()];
    assert_eq!(
        [
            "number",
            "session",
            "form",
            "exam_mark",
            "exam_date",
            "notes",
            "state",
            "student_id",
            "dob"
        ]
        .map(cell),
        [
            "A-2026-0001",
            "Next year",
            "Form 1",
            "61.5",
            "2026-01-10",
            "'=1+1",
            "enrolled",
            "2026-0001",
            ""
        ]
    );
    assert_eq!(export("").lines().count(), 3);
}

#[test]
fn an_application_goes_with_everything_that_was_known_of_the_person() {
    let office = Office::new();
    for (state, way) in STATES {
        let id = office.after(way);
        let path = format!("applications/{id}/");
        let reply = office.admin().delete(&path);
        if ["examined", "waitlisted", "offered"].contains(&state) {
            refused(&reply, 409, "application_kept");
            office.step(&id, "withdraw").expect(200);
            office.admin().delete(&path).expect(204);
        } else {
            reply.expect(204);
        }
        office.admin().get(&path).expect(404);
    }
    let mark = json!("Zyxomir");
    let resource =
        homeroom_api_tests::samples::records::all().find(|one| one.noun == "application");
    let texts = resource.unwrap().table.fields.iter().filter(|field| {
        field.is_settable() && matches!(field.kind, homeroom_domain::records::Kind::Text { .. })
    });
    let mut body: Value = texts.map(|field| (field.name, mark.clone())).collect();
    body["guardian_phone"] = json!("+263779990001");
    body["guardian_email"] = json!("zyxomir@people.example");
    body["dob"] = json!("2011-11-11");
    let id = office.applied(&body);
    office
        .change(&id, &json!({"notes": "Zyxomir again"}))
        .expect(200);
    let path = format!("applications/{id}/");
    let because = json!({"reason": "Zyxomir is too young."});
    office
        .admin()
        .post(&format!("{path}reject/"), &because)
        .expect(200);
    let traces = || {
        let dump = office.app.dump(&office.school.slot).to_lowercase();
        ["zyxomir", "263779990001", "2011-11-11"].map(|trace| dump.contains(trace))
    };
    assert_eq!(traces(), [true; 3]);
    let lines = "select count(*) from audit_logs where table_name = 'applications'";
    let before = office.app.count(&office.school.slot, lines);
    office.admin().delete(&path).expect(204);
    assert_eq!(traces(), [false; 3]);
    // Who did what when stays.
    assert_eq!(office.app.count(&office.school.slot, lines), before + 1);
    office.app.assert_sound();
}

#[test]
fn the_office_decides_and_teachers_see_nothing() {
    let office = Office::new();
    let id = office.after(&[]);
    let path = format!("applications/{id}/");
    let clerk = office.school.user("clerk@greenwood.example", "Office");
    clerk.get(&path).expect(200);
    clerk.patch(&path, &json!({"notes": "A note."})).expect(200);
    clerk.act(&format!("{path}offer/")).expect(200);
    refused(&clerk.delete(&path), 403, "permission_denied");
    for role in ["Teacher", "Head teacher", "Student", "Guardian"] {
        let email = format!("{}@greenwood.example", &role[..4].to_lowercase());
        let somebody = office.school.user(&email, role);
        refused(&somebody.get(&path), 403, "permission_denied");
    }
}
