//! Carrying out the decisions.

use http::Method;
use serde_json::{Value, json};

use super::{MOVED, Pupil, Year, refused};

/// A year with one student of each action, all decided.
pub(super) fn decided() -> (Year, Vec<(&'static str, Pupil)>) {
    let year = Year::new();
    let pupils: Vec<(&str, Pupil)> = [
        ("promote", 0),
        ("repeat", 0),
        ("transfer", 0),
        ("graduate", 1),
        ("drop_out", 0),
    ]
    .map(|(action, class)| (action, year.pupil(action, class)))
    .into();
    for (action, pupil) in &pupils {
        let destination = match *action {
            "promote" => Some(year.new[1].as_str()),
            "repeat" => Some(year.new[0].as_str()),
            _ => None,
        };
        year.decide(pupil, action, destination);
    }
    (year, pupils)
}

fn find<'a>(pupils: &'a [(&'static str, Pupil)], action: &str) -> &'a Pupil {
    &pupils.iter().find(|(known, _)| *known == action).unwrap().1
}

#[test]
fn every_decision_is_carried_out() {
    let (year, pupils) = decided();
    let promoted = find(&pupils, "promote");
    let path = format!("student-promotions/?student={}", promoted.id);
    let decision = year
        .admin()
        .get(&year.path(&path))
        .status(200)
        .str("results/0/id");
    let day = json!({"boarding_status": "Day"});
    year.admin()
        .patch(&year.path(&format!("student-promotions/{decision}/")), &day)
        .expect(200);

    let reply = year.execute(&json!({})).status(201);
    assert_eq!(reply.trips(), 2);
    assert_eq!(
        reply.json["summary"],
        json!({"pending": 0, "promote": 1, "repeat": 1, "transfer": 1, "graduate": 1, "drop_out": 1})
    );
    assert_eq!(reply.str("executed_by"), year.school.admin_id);
    for (action, enrolment, form, status, class) in [
        (
            "promote",
            "active",
            &year.forms[1],
            "Day",
            Some(&year.new[1]),
        ),
        (
            "repeat",
            "active",
            &year.forms[0],
            "Boarding",
            Some(&year.new[0]),
        ),
        ("transfer", "transferred", &year.forms[0], "Boarding", None),
        ("graduate", "graduated", &year.forms[1], "Boarding", None),
        ("drop_out", "dropped_out", &year.forms[0], "Boarding", None),
    ] {
        let pupil = find(&pupils, action);
        let student = year.student(pupil);
        assert_eq!(
            (&student["enrolment"], &student["form"], &student["status"]),
            (&json!(enrolment), &json!(form), &json!(status)),
            "{action}"
        );
        let registered: Vec<Value> = year
            .registrations(pupil)
            .iter()
            .map(|row| json!([row["academic_class"], row["boarding_status"], row["status"]]))
            .collect();
        let expected: Vec<Value> = class
            .iter()
            .map(|class| json!([class, status, "active"]))
            .collect();
        assert_eq!(registered, expected, "{action}");
        let path = format!("student-promotion-history/?student={}", pupil.id);
        let history = year.admin().get(&path).status(200);
        let row = &history.results()[0];
        assert_eq!(
            (
                &row["action"],
                &row["old_enrolment"],
                &row["new_enrolment"],
                &row["new_boarding"],
                &row["execution"]
            ),
            (
                &json!(action),
                &json!("active"),
                &json!(enrolment),
                &json!(status),
                &json!(reply.id())
            )
        );
        assert_eq!(row["student_session"].is_string(), class.is_some());
        assert_eq!(
            row["old_form"],
            json!(year.forms[usize::from(action == "graduate")])
        );
    }
    let setup = year.admin().get(&year.path("")).status(200);
    assert_eq!(
        (setup.str("status"), &setup.json["current_step"]),
        ("completed".to_owned(), &json!(5))
    );
    let executed = "select count(*) from student_promotions where execution_date is not null";
    assert_eq!(year.count(executed), 5);
    let list = year
        .admin()
        .get(&year.path("promotion-executions/"))
        .status(200);
    assert_eq!(list.results()[0], reply.json);
    let audited = "select count(*) from audit_logs where table_name in ('promotion_executions', 'session_setups') \
                   and request_id = (select request_id from audit_logs where table_name = 'promotion_executions')";
    assert_eq!(year.count(audited), 2);
    year.app.assert_sound();
}

#[test]
fn what_changed_about_a_student_is_in_the_students_history() {
    let (year, pupils) = decided();
    year.execute(&json!({})).expect(201);
    let history = year.app.rows(
        &year.school.slot,
        "select s.first_name, h.field, h.new_value, h.reason from student_history h join students s \
         on s.id = h.student order by s.first_name, h.field",
    );
    let reason = "Promotion 2026 → 2027";
    let expected = [
        ("drop_out", "enrolment", "dropped_out"),
        ("graduate", "enrolment", "graduated"),
        ("promote", "form", year.forms[1].as_str()),
        ("transfer", "enrolment", "transferred"),
    ]
    .map(|(name, field, value)| vec![json!(name), json!(field), json!(value), json!(reason)]);
    assert_eq!(history, expected);
    assert_eq!(pupils.len(), 5);
}

#[test]
fn registrations_of_the_year_that_ends_stay_as_they_are() {
    let (year, _) = decided();
    let old = format!(
        "select * from student_sessions where session = '{}' order by id",
        year.from
    );
    let before = year.app.rows(&year.school.slot, &old);
    year.execute(&json!({})).expect(201);
    assert_eq!(year.app.rows(&year.school.slot, &old), before);
}

#[test]
fn of_ten_parallel_executions_one_happens() {
    let (year, _) = decided();
    let path = year.path("promotion-executions/");
    let replies = year
        .admin()
        .together(10, &Method::POST, &path, Some(&json!({})));
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201).count(),
        1
    );
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        refused(reply, 409, "promotion_executed");
    }
    assert_eq!(year.count("select count(*) from promotion_executions"), 1);
    assert_eq!(
        year.count("select count(*) from student_promotion_history"),
        5
    );
    let registered = format!(
        "select count(*) from student_sessions where session = '{}'",
        year.to
    );
    assert_eq!(year.count(&registered), 2);
    refused(&year.execute(&json!({})), 409, "promotion_executed");
}

#[test]
fn ten_clicks_with_one_key_are_one_execution_and_one_answer() {
    let (year, _) = decided();
    let client = year.admin().key("once");
    let path = year.path("promotion-executions/");
    let replies = client.together(10, &Method::POST, &path, Some(&json!({})));
    let texts: std::collections::BTreeSet<_> = replies
        .iter()
        .map(|reply| (reply.status, &reply.text))
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(replies[0].status, 201);
    assert_eq!(year.count("select count(*) from promotion_executions"), 1);
}

#[test]
fn students_who_are_not_decided_on_stop_it_and_are_named() {
    let (year, _) = decided();
    let (open, unknown) = (year.pupil("Open", 0), year.pupil("Unknown", 0));
    year.decide(&open, "pending", None);
    let before = year.app.dump(&year.school.slot);
    let reply = year.execute(&json!({}));
    refused(&reply, 409, "promotion_pending");
    assert_eq!(
        reply.json["detail"],
        "Some students are not decided on. Decide, or leave them out with skip_pending. They are: Open Moyo, Unknown Moyo."
    );
    let students: Vec<&Value> = reply.json["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["student"])
        .collect();
    assert_eq!(students, [&json!(open.id), &json!(unknown.id)]);
    assert_eq!(year.app.dump(&year.school.slot), before);
    let executed = year.execute(&json!({"skip_pending": true})).status(201);
    assert_eq!(executed.json["summary"]["pending"], 2);
    for pupil in [&open, &unknown] {
        assert_eq!(year.registrations(pupil), Vec::<Value>::new());
        assert_eq!(year.student(pupil)["enrolment"], "active");
    }
}

#[test]
fn a_class_without_enough_places_stops_it_and_is_named() {
    let (year, _) = decided();
    let more = year.pupil("More", 0);
    year.decide(&more, "promote", Some(&year.new[1]));
    let path = format!("sessions/{}/academic-classes/{}/", year.to, year.new[1]);
    year.admin()
        .patch(&path, &json!({"capacity": 1}))
        .expect(200);
    let before = year.app.dump(&year.school.slot);
    let reply = year.execute(&json!({}));
    refused(&reply, 409, "class_full");
    assert_eq!(
        reply.json["detail"],
        "The class is full, or has more students than that: raise its capacity, or choose another class. 2A has 1 for 2."
    );
    assert_eq!(
        reply.json["classes"],
        json!([{"academic_class": year.new[1], "class_name": "2A", "capacity": 1, "registered": 0, "incoming": 2}])
    );
    assert_eq!(year.app.dump(&year.school.slot), before);
    year.admin()
        .patch(&path, &json!({"capacity": 2}))
        .expect(200);
    year.execute(&json!({})).expect(201);
}

#[test]
fn who_has_left_or_is_registered_meanwhile_stops_it_and_is_named() {
    let (year, pupils) = decided();
    let (promote, repeat) = (find(&pupils, "promote"), find(&pupils, "repeat"));
    let left = json!({"enrolment": "transferred"});
    year.admin()
        .patch(&format!("admissions/{}/", promote.id), &left)
        .expect(200);
    let path = format!("sessions/{}/student-sessions/", year.to);
    year.admin()
        .post(&path, &json!({"student": repeat.id}))
        .expect(201);
    let before = year.app.dump(&year.school.slot);
    let reply = year.execute(&json!({}));
    refused(&reply, 409, "promotion_blocked");
    let obstacles: Vec<(&Value, &Value)> = reply.json["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["student_name"], &row["obstacle"]))
        .collect();
    assert_eq!(
        obstacles,
        [
            (&json!("promote Moyo"), &json!("left")),
            (&json!("repeat Moyo"), &json!("registered"))
        ]
    );
    assert_eq!(year.app.dump(&year.school.slot), before);
}

#[test]
fn nothing_decided_is_nothing_to_carry_out() {
    let year = Year::new();
    year.pupil("Rudo", 0);
    refused(
        &year.execute(&json!({"skip_pending": true})),
        409,
        "promotion_empty",
    );
}

#[test]
fn a_decision_that_changes_under_an_execution_is_carried_out_whole_or_stops_it() {
    for _ in 0..3 {
        let (year, pupils) = decided();
        let row = json!({"student": find(&pupils, "promote").id, "action": "graduate"});
        let replies = year.app.run_together(vec![
            year.admin().request(
                &Method::POST,
                &year.path("promotion-executions/"),
                Some(&json!({})),
            ),
            year.admin().request(
                &Method::PUT,
                &year.path("student-promotions/bulk/"),
                Some(&json!({"rows": [row]})),
            ),
        ]);
        let statuses = (replies[0].status, replies[1].status);
        assert!(
            [(201, 409), (409, 200)].contains(&statuses),
            "{statuses:?}: {} {}",
            replies[0].text,
            replies[1].text
        );
        let promoted =
            year.count("select count(*) from student_promotion_history where action = 'promote'");
        assert_eq!(promoted, i64::from(replies[0].status == 201));
    }
}

#[test]
fn a_lost_answer_leaves_all_or_nothing() {
    use homeroom_api_tests::{Fault, Moment};
    for (moment, again) in [(Moment::Before, 201), (Moment::After, 409)] {
        let (year, _) = decided();
        let before = year.dump(MOVED);
        year.app.inject(Some(Fault { nth: 2, moment }));
        year.execute(&json!({})).expect(503);
        year.app.inject(None);
        assert_eq!(year.dump(MOVED) == before, moment == Moment::Before);
        assert_eq!(year.execute(&json!({})).status, again);
        year.app.assert_sound();
    }
}

#[test]
fn who_left_the_session_since_is_not_promoted() {
    let year = Year::new();
    let [gone, away, here] = ["gone", "away", "here"].map(|name| year.pupil(name, 0));
    year.decide(&gone, "promote", Some(&year.new[1]));
    year.decide(&away, "drop_out", None);
    year.decide(&here, "promote", Some(&year.new[1]));
    for pupil in [&gone, &away] {
        let path = format!(
            "sessions/{}/student-sessions/{}/",
            year.from, pupil.registration
        );
        let left = json!({"status": "dropped_out"});
        year.admin().patch(&path, &left).expect(200);
    }
    let before = year.app.dump(&year.school.slot);
    let reply = year.execute(&json!({}));
    refused(&reply, 409, "promotion_blocked");
    assert_eq!(reply.json["students"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            reply.str("students/0/student"),
            reply.str("students/0/obstacle")
        ),
        (gone.id.clone(), "left".to_owned())
    );
    assert_eq!(year.app.dump(&year.school.slot), before);
    year.decide(&gone, "drop_out", None);
    year.execute(&json!({})).expect(201);
}

/// Another set-up that ends 2026, and leads to `session`.
fn another_setup(year: &Year, session: &str) -> String {
    let body = json!({"session_type": "academic_session", "academic_session": session, "previous_session": year.from});
    year.admin().post("session-setup/", &body).status(201).id()
}

#[test]
fn a_student_is_moved_on_out_of_a_session_once_whatever_set_up_says_so() {
    let (year, pupils) = decided();
    let execution = year.execute(&json!({})).status(201).id();
    let late = year.pupil("late", 0);
    let later = super::session(year.admin(), "2028");
    let path = format!("sessions/{later}/academic-classes/");
    let class = json!({"class": year.classes[1]});
    let class = year.admin().post(&path, &class).status(201).id();
    let second = another_setup(&year, &later);
    let within = |rest: &str| format!("session-setup/{second}/{rest}");
    let promoted = find(&pupils, "promote");
    let decide = |pupil: &Pupil, action: &str| {
        let class = (action == "promote").then_some(&class);
        let row =
            json!({"student": pupil.id, "action": action, "destination_session_class": class});
        let path = within("student-promotions/bulk/");
        year.admin().put(&path, &json!({"rows": [row]})).expect(200);
    };
    let execute = || {
        let path = within("promotion-executions/");
        year.admin().post(&path, &json!({}))
    };
    decide(&late, "promote");
    decide(promoted, "promote");
    let reply = execute();
    refused(&reply, 409, "promotion_blocked");
    assert_eq!(
        (
            reply.str("students/0/student"),
            reply.str("students/0/obstacle")
        ),
        (promoted.id.clone(), "promoted".to_owned())
    );
    assert_eq!(reply.json["students"].as_array().unwrap().len(), 1);
    decide(promoted, "pending");
    let steps = year.admin().get(&within("steps/")).status(200);
    assert_eq!(
        steps.json["steps"][3]["counts"],
        json!({"decided": 1, "undecided": 0}),
        "whoever moved on is nobody to decide on"
    );
    let preview = year
        .admin()
        .post(&within("promotion-executions/preview/"), &json!({}))
        .status(200);
    let shown: Vec<&Value> = preview.json["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["student"])
        .collect();
    assert_eq!(shown, [&json!(late.id)]);
    execute().expect(201);
    assert_eq!(year.registrations(promoted).len(), 1);
    year.undo(&execution).expect(200);
    let third = another_setup(&year, &later);
    let steps = year
        .admin()
        .get(&format!("session-setup/{third}/steps/"))
        .status(200);
    assert_eq!(
        steps.json["steps"][3]["counts"]["undecided"], 5,
        "those of the first set-up are back, the late one is not"
    );
    year.app.assert_sound();
}
