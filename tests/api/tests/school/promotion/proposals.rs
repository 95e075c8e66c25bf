//! Proposals of the rules, written down.

use serde_json::json;

use super::{Pupil, Year, key_for, preview::rule, refused};

#[test]
fn proposing_writes_what_the_preview_shows_and_a_second_time_nothing() {
    let year = Year::new();
    let [good, missing] = ["Rudo", "Tariro"].map(|name| year.pupil(name, 0));
    let own = year.pupil("Chipo", 1);
    year.card(&good, 0, 61.0, 6, false);
    year.decide(&own, "transfer", None);
    let preview = year.preview(&json!({}));
    let summary = year.propose(&json!({}));
    assert_eq!(summary["counts"], preview["counts"]);
    assert_eq!(
        [
            &summary["created"],
            &summary["updated"],
            &summary["decided"]
        ],
        [&json!(2), &json!(0), &json!(1)]
    );
    let list = year
        .admin()
        .get(&year.path("student-promotions/?ordering=student_id"))
        .status(200);
    for row in list.results() {
        if row["student"] == own.id {
            assert_eq!(row["action"], "transfer", "what people decided stays");
            continue;
        }
        let shown = preview["students"]
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other["student"] == row["student"])
            .unwrap();
        for field in [
            "action",
            "destination_session_class",
            "reason",
            "source_session_class",
        ] {
            assert_eq!(row[field], shown[field], "{field}");
        }
        assert_eq!(row["decided_by"], json!(null));
    }
    let audited = "select count(*) from audit_logs where table_name = 'student_promotions' and action = 'CREATE'";
    assert_eq!(year.count(audited), 3);
    let before = year.app.dump(&year.school.slot);
    let again = year.propose(&json!({}));
    assert_eq!(
        (&again["created"], &again["updated"], &again["unchanged"]),
        (&json!(0), &json!(0), &json!(2))
    );
    assert_eq!(year.app.dump(&year.school.slot), before);
    year.card(&missing, 0, 61.0, 6, false);
    assert_eq!(
        year.propose(&json!({}))["updated"],
        1,
        "what the rules left open"
    );
    let path = year.path(&format!("student-promotions/?student={}", missing.id));
    assert_eq!(
        year.admin().get(&path).status(200).str("results/0/action"),
        "promote"
    );
}

#[test]
fn proposals_follow_corrected_marks_and_other_rules_until_somebody_decides() {
    let year = Year::new();
    let [pupil, key] = ["Rudo", "Tariro"].map(|name| year.pupil(name, 0));
    for pupil in [&pupil, &key] {
        year.marks(pupil, 0, [Some(80), Some(20)]);
    }
    let decision = |pupil: &Pupil| {
        let path = year.path(&format!("student-promotions/?student={}", pupil.id));
        year.admin().get(&path).status(200).results()[0].clone()
    };
    assert_eq!(year.propose(&rule(2))["created"], 2);
    let proposed = decision(&pupil);
    assert_eq!(
        (&proposed["action"], &proposed["is_proposed"]),
        (&json!("repeat"), &json!(true))
    );
    year.app.execute(
        &year.school.slot,
        "update marks set mark = 8000, version = version + 1",
    );
    let counts = year.preview(&rule(2))["counts"].clone();
    assert_eq!(counts["promote"], 2, "{counts}");
    let summary = year.propose(&rule(2));
    assert_eq!(
        (&summary["updated"], &summary["decided"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(decision(&pupil)["action"], "promote");
    assert_eq!(year.propose(&rule(2))["unchanged"], 2);

    // To repeat what is proposed is to decide, for programs as for people.
    let as_proposed = |pupil: &Pupil| {
        let known = decision(pupil);
        let mut row = json!({"student": pupil.id});
        for field in ["action", "destination_session_class", "reason"] {
            row[field] = known[field].clone();
        }
        json!({"rows": [row]})
    };
    let program = key_for(&year.app, &year.school, &["school.*"]);
    for (client, pupil) in [(year.admin(), &pupil), (&program, &key)] {
        let path = year.path("student-promotions/bulk/");
        let rows = as_proposed(pupil);
        assert_eq!(client.put(&path, &rows).status(200).json["updated"], 1);
        assert_eq!(client.put(&path, &rows).status(200).json["unchanged"], 1);
        assert_eq!(decision(pupil)["is_proposed"], json!(false));
    }
    assert_eq!(decision(&pupil)["decided_by"], json!(year.school.admin_id));
    assert_eq!(decision(&key)["decided_by"], json!(null));
    assert_eq!(year.propose(&rule(9))["decided"], 2);
    assert_eq!(decision(&key)["action"], "promote");
}

#[test]
fn what_people_left_open_is_not_proposed_over() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    year.card(&pupil, 0, 61.0, 6, false);
    year.decide(&pupil, "pending", None);
    assert_eq!(year.propose(&json!({}))["decided"], 1);
    let list = year
        .admin()
        .get(&year.path("student-promotions/"))
        .status(200);
    assert_eq!(list.str("results/0/action"), "pending");
}

#[test]
fn parallel_proposals_make_each_decision_once() {
    let year = Year::new();
    for n in 0..5 {
        let pupil = year.pupil(&format!("Rudo {n}"), 0);
        year.card(&pupil, 0, 61.0, 6, false);
    }
    let path = year.path("student-promotions/propose/");
    let replies = year
        .admin()
        .together(5, &http::Method::POST, &path, Some(&json!({})));
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "changed_meanwhile");
    }
    assert_eq!(year.count("select count(*) from student_promotions"), 5);
}
