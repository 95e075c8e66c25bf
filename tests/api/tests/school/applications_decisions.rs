//! Decisions on applications: one by one, many at once, and at the same time.

use homeroom_api_tests::Reply;
use http::Method;
use serde_json::{Value, json};

use super::{
    applications::{Office, STATES},
    refused, someone,
};

#[test]
fn every_step_begins_where_it_may_and_nowhere_else() {
    let office = Office::new();
    let steps = [
        (
            "offer",
            "offered",
            vec!["received", "examined", "waitlisted"],
        ),
        ("waitlist", "waitlisted", vec!["received", "examined"]),
        (
            "reject",
            "rejected",
            vec!["received", "examined", "waitlisted"],
        ),
        ("decline", "declined", vec!["offered"]),
        (
            "withdraw",
            "withdrawn",
            vec!["received", "examined", "waitlisted", "offered"],
        ),
        ("reopen", "received", vec!["waitlisted", "rejected"]),
    ];
    for (step, to, from) in steps {
        for (state, way) in STATES {
            let id = office.after(way);
            let before = office.shown(&id);
            assert_eq!(before["state"], state);
            let reply = office.step(&id, step);
            if from.contains(&state) {
                let after = reply.status(200).json;
                assert_eq!(after["state"], to, "{state} {step}");
                assert_eq!(office.shown(&id), after);
            } else {
                refused(&reply, 409, "not_from_here");
                assert_eq!(office.shown(&id), before, "{state} {step}");
            }
        }
    }
}

#[test]
fn rejecting_and_reopening_need_a_reason() {
    let office = Office::new();
    let (new, rejected) = (office.after(&[]), office.after(&["reject"]));
    for (id, step) in [(&new, "reject"), (&rejected, "reopen")] {
        let path = format!("applications/{id}/{step}/");
        assert_eq!(office.admin().act(&path).fields(), ["reason"]);
        let empty = json!({"reason": ""});
        assert_eq!(office.admin().post(&path, &empty).fields(), ["reason"]);
    }
    office
        .admin()
        .act(&format!("applications/{new}/offer/"))
        .expect(200);
}

#[test]
fn a_decision_says_who_when_and_why_and_the_history_keeps_it() {
    let office = Office::new();
    let (clerk, id) = someone(&office.school, "clerk@greenwood.example", &["Office"]);
    let application = office.after(&["examine"]);
    let post = |step: &str, reason: &str| {
        office.app.pass_seconds(1);
        let path = format!("applications/{application}/{step}/");
        clerk.post(&path, &json!({"reason": reason})).status(200)
    };
    let rejected = post("reject", "Too young.");
    assert_eq!(
        [&rejected.json["decided_by"], &rejected.json["reason"]],
        [&json!(id), &json!("Too young.")]
    );
    assert_eq!(rejected.json["decided_at"], rejected.json["updated_at"]);
    let reopened = post("reopen", "The birth date was wrong.");
    assert_eq!(reopened.json["state"], "examined");
    assert_eq!(
        [&reopened.json["decided_by"], &reopened.json["decided_at"]],
        [&json!(null), &json!(null)]
    );
    post("offer", "");
    let line = |from: &str, to: &str, why: &str| (json!(from), json!(to), json!(why));
    assert_eq!(
        office.history(&application),
        [
            line("received", "examined", ""),
            line("examined", "rejected", "Too young."),
            line("rejected", "examined", "The birth date was wrong."),
            line("examined", "offered", ""),
        ]
    );
    let path =
        format!("audit-logs/?table_name=applications&record_id={application}&ordering=timestamp");
    let lines = office.admin().get(&path).status(200);
    let actions = lines.column("action");
    assert_eq!(actions, ["CREATE", "UPDATE", "UPDATE", "UPDATE", "UPDATE"]);
    assert_eq!(
        lines.results()[2]["changes"]["state"],
        json!({"from": "examined", "to": "rejected"})
    );
}

fn decide(office: &Office, rows: Value) -> Reply {
    let body = json!({"rows": rows});
    office.admin().post("applications/bulk-decide/", &body)
}

#[test]
fn each_row_of_many_decisions_has_a_result_of_its_own() {
    let office = Office::new();
    let ids: Vec<String> = [&[][..], &["examine"], &["offer"], &["withdraw"], &[]]
        .into_iter()
        .map(|way| office.after(way))
        .collect();
    let nobody = "01890000-0000-7000-8000-00000000dead";
    let rows = json!([
        {"application": ids[0], "decision": "offer"},
        {"application": ids[1], "decision": "reject", "reason": "Too young."},
        {"application": ids[2], "decision": "offer"},
        {"application": ids[3], "decision": "waitlist"},
        {"application": ids[4], "decision": "reject"},
        {"application": ids[0], "decision": "reject", "reason": "Twice."},
        {"application": nobody, "decision": "offer"},
        {"application": "x", "decision": "enrol"},
        7,
    ]);
    let reply = decide(&office, rows.clone()).status(200);
    assert_eq!(
        reply.column("outcome"),
        [
            "decided",
            "decided",
            "unchanged",
            "refused",
            "refused",
            "refused",
            "refused",
            "refused",
            "refused"
        ]
    );
    let errors: Vec<Vec<&String>> = reply.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["errors"].as_object().unwrap().keys().collect())
        .collect();
    assert_eq!(
        errors[3..],
        [
            vec!["decision"],
            vec!["reason"],
            vec!["application"],
            vec!["application"],
            vec!["application", "decision"],
            vec!["non_field_errors"],
        ]
    );
    let states: Vec<Value> = ids
        .iter()
        .map(|id| office.shown(id)["state"].clone())
        .collect();
    assert_eq!(
        states,
        ["offered", "rejected", "offered", "withdrawn", "received"]
    );
    assert_eq!(office.shown(&ids[1])["reason"], "Too young.");
    assert_eq!(office.history(&ids[1]).len(), 2);
    let again = decide(&office, rows).status(200).json;
    assert_eq!(
        [&again["decided"], &again["unchanged"], &again["refused"]],
        [&json!(0), &json!(3), &json!(6)]
    );
}

#[test]
fn two_hundred_are_decided_on_in_few_trips_and_one_more_is_refused() {
    let office = Office::new();
    let ids: Vec<String> = (0..201).map(|_| office.applied(&json!({}))).collect();
    let row = |id: &String| json!({"application": id, "decision": "offer"});
    let rows: Vec<Value> = ids.iter().map(row).collect();
    assert_eq!(decide(&office, json!(rows)).fields(), ["rows"]);
    assert_eq!(decide(&office, json!([])).fields(), ["rows"]);
    let reply = decide(&office, json!(rows[1..])).status(200);
    assert_eq!(reply.json["decided"], 200);
    assert_eq!(reply.trips(), 2);
    let list = office
        .admin()
        .get("applications/?state=offered")
        .status(200);
    assert_eq!(list.json["count"], 200);
}

#[test]
fn of_decisions_at_once_one_counts() {
    let office = Office::new();
    for _ in 0..4 {
        let id = office.after(&[]);
        let path = format!("applications/{id}/");
        let because = json!({"reason": "All places are taken."});
        let change = json!({"exam_mark": 50});
        let (admin, post) = (office.admin(), Method::POST);
        let replies = office.app.run_together(vec![
            admin.request(&post, &format!("{path}offer/"), Some(&because)),
            admin.request(&post, &format!("{path}reject/"), Some(&because)),
            admin.request(&Method::PATCH, &path, Some(&change)),
            admin.request(&post, &format!("{path}waitlist/"), Some(&because)),
            admin.request(&Method::DELETE, &path, None),
        ]);
        let good = replies.iter().filter(|reply| reply.status < 300).count();
        assert!(good >= 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status >= 300) {
            let known = [
                "changed_meanwhile",
                "not_from_here",
                "application_ended",
                "application_kept",
                "not_found",
            ];
            assert!(known.contains(&reply.code()), "{}", reply.text);
        }
        // What is told is what happened: as many lines as changes of state.
        if office.admin().get(&path).status == 200 {
            let (shown, history) = (office.shown(&id), office.history(&id));
            let (mut state, mut lines) = (json!("received"), 0);
            while let Some((_, to, _)) = history.iter().find(|(from, ..)| *from == state) {
                (state, lines) = (to.clone(), lines + 1);
            }
            assert_eq!((&state, lines), (&shown["state"], history.len()));
        }
    }
}
