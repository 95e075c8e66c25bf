//! Decisions, one at a time.

use serde_json::json;

use super::{Year, refused, someone};

#[test]
fn a_decision_has_a_destination_exactly_where_it_leads_to_one() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = year.path("student-promotions/");
    for (action, leads) in [
        ("pending", false),
        ("promote", true),
        ("repeat", true),
        ("transfer", false),
        ("graduate", false),
        ("drop_out", false),
    ] {
        for destination in [None, Some(&year.new[1])] {
            let body = json!({"student": pupil.id, "source_session_class": year.old[0], "action": action,
                "destination_session_class": destination});
            let reply = year.admin().post(&path, &body);
            if destination.is_some() == leads {
                let id = reply.status(201).id();
                year.admin().delete(&format!("{path}{id}/")).expect(204);
            } else {
                assert_eq!(reply.fields(), ["destination_session_class"], "{action}");
            }
        }
    }
}

#[test]
fn classes_are_of_the_sessions_of_the_set_up_and_students_of_their_class() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = year.path("student-promotions/");
    for (source, destination, field) in [
        (&year.new[0], &year.new[1], "non_field_errors"),
        (&year.old[0], &year.old[1], "non_field_errors"),
        (&year.old[1], &year.new[1], "student"),
    ] {
        let body = json!({"student": pupil.id, "source_session_class": source, "action": "promote",
            "destination_session_class": destination});
        let reply = year.admin().post(&path, &body);
        assert_eq!(reply.fields(), [field], "{}", reply.text);
    }
}

#[test]
fn a_student_has_one_decision_in_a_set_up() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = year.path("student-promotions/");
    let body = json!({"student": pupil.id, "source_session_class": year.old[0]});
    let first = year.admin().post(&path, &body).status(201);
    assert_eq!(first.str("student_name"), "Rudo Moyo");
    assert_eq!(first.json["action"], "pending");
    assert_eq!(year.admin().post(&path, &body).fields(), ["student"]);
}

#[test]
fn who_decides_is_noted_and_who_changes_nothing_is_not() {
    let year = Year::new();
    let pupil = year.pupil("Rudo", 0);
    let path = year.path("student-promotions/");
    let body = json!({"student": pupil.id, "source_session_class": year.old[0]});
    let made = year.admin().post(&path, &body).status(201);
    assert_eq!(made.str("decided_by"), year.school.admin_id);
    let path = format!("{path}{}/", made.id());
    let (head, head_id) = someone(&year.school, "head@greenwood.example", &["Head teacher"]);
    head.patch(&path, &json!({})).expect(200);
    assert_eq!(
        year.admin().get(&path).status(200).str("decided_by"),
        year.school.admin_id
    );
    let decided = head
        .patch(
            &path,
            &json!({"action": "transfer", "reason": "Moves away."}),
        )
        .status(200);
    assert_eq!(
        (decided.str("decided_by"), decided.str("reason")),
        (head_id, "Moves away.".to_owned())
    );
}

#[test]
fn who_sends_a_proposal_as_it_is_decides_it() {
    let year = Year::new();
    let [one, two] = ["Rudo", "Tariro"].map(|name| year.pupil(name, 0));
    for pupil in [&one, &two] {
        year.card(pupil, 0, 61.0, 6, false);
    }
    year.propose(&json!({}));
    let (head, head_id) = someone(&year.school, "head@greenwood.example", &["Head teacher"]);
    let path = year.path("student-promotions/");
    let proposed = head.get(&path).status(200);
    let rows = proposed.results();
    for (row, whole) in rows.iter().zip([true, false]) {
        assert_eq!(row["is_proposed"], json!(true));
        let own = format!("{path}{}/", row["id"].as_str().unwrap());
        head.patch(&own, &json!({})).expect(200);
        assert_eq!(head.get(&own).status(200).json["is_proposed"], json!(true));
        let decided = if whole {
            head.put(&own, row)
        } else {
            head.patch(&own, &json!({"action": row["action"]}))
        };
        let decided = decided.status(200);
        assert_eq!(decided.str("decided_by"), head_id);
        assert_eq!(decided.json["is_proposed"], json!(false));
        assert_eq!(decided.json["reason"], row["reason"]);
    }
    // Other figures move it no more.
    let lower =
        "update report_cards set card = json_set(card, '$.average', 20, '$.subjects_passed', 0)";
    year.app.execute(&year.school.slot, lower);
    assert_eq!(year.propose(&json!({}))["decided"], json!(2));
}

#[test]
fn decisions_are_found_by_student_class_and_action() {
    let year = Year::new();
    let (one, two) = (year.pupil("Rudo", 0), year.pupil("Tariro", 1));
    year.decide(&one, "promote", Some(&year.new[1]));
    year.decide(&two, "graduate", None);
    for (query, name) in [
        (format!("student={}", one.id), "Rudo Moyo"),
        (
            format!("source_session_class={}", year.old[1]),
            "Tariro Moyo",
        ),
        (
            format!("destination_session_class={}", year.new[1]),
            "Rudo Moyo",
        ),
        ("action=graduate".to_owned(), "Tariro Moyo"),
        ("search=tariro".to_owned(), "Tariro Moyo"),
    ] {
        let list = year
            .admin()
            .get(&year.path(&format!("student-promotions/?{query}")))
            .status(200);
        assert_eq!(list.column("student_name"), [name], "{query}");
    }
}

#[test]
fn decisions_are_locked_while_they_are_carried_out() {
    let year = Year::new();
    let (one, two) = (year.pupil("Rudo", 0), year.pupil("Tariro", 0));
    year.decide(&one, "promote", Some(&year.new[1]));
    let execution = year
        .execute(&json!({"skip_pending": true}))
        .status(201)
        .id();
    let list = year.path("student-promotions/");
    let id = year.admin().get(&list).status(200).str("results/0/id");
    let path = format!("{list}{id}/");
    let whole =
        json!({"student": one.id, "source_session_class": year.old[0], "action": "graduate"});
    let another = json!({"student": two.id, "source_session_class": year.old[0]});
    let row = json!({"student": two.id, "action": "graduate"});
    let before = year.app.dump(&year.school.slot);
    let attempts = || {
        [
            year.admin().put(&path, &whole),
            year.admin().patch(&path, &json!({"reason": "Other."})),
            year.admin().post(&list, &another),
            year.bulk(std::slice::from_ref(&row)),
            year.admin()
                .post(&year.path("student-promotions/propose/"), &json!({})),
            year.admin()
                .patch(&year.path(""), &json!({"status": "pending"})),
            year.admin().delete(&path),
        ]
    };
    for reply in attempts() {
        refused(&reply, 409, "promotion_executed");
    }
    assert_eq!(year.app.dump(&year.school.slot), before);
    year.undo(&execution).expect(200);
    for reply in attempts() {
        assert!(
            reply.status < 300 || reply.code() == "invalid",
            "{}",
            reply.text
        );
    }
}
