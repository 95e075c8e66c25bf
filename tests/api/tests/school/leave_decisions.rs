//! Decisions on leave, and what they meet.

use http::Method;
use serde_json::json;

use super::{leave::leave_body, refused, year::Year};

#[test]
fn a_decision_is_made_once() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    let head = year.school.user("head@people.example", "Head teacher");
    for (first, allowed, refused_ones) in [
        ("approve", vec![], vec!["approve", "reject"]),
        ("reject", vec![], vec!["approve", "reject", "withdraw"]),
        ("withdraw", vec![], vec!["approve", "reject", "withdraw"]),
        (
            "approve",
            vec!["withdraw"],
            vec!["approve", "reject", "withdraw"],
        ),
    ] {
        let leave = year.leave(&student, "2026-01-12", "2026-01-12");
        let reply = head
            .act(&format!("leave-applications/{leave}/{first}/"))
            .status(200);
        let me = head.get("auth/me/").status(200).id();
        assert_eq!(reply.str("decided_by"), me);
        assert_eq!(reply.str("decided_at"), reply.str("updated_at"));
        for decision in allowed {
            year.decide(&leave, decision).expect(200);
        }
        for decision in refused_ones {
            refused(&year.decide(&leave, decision), 409, "leave_decided");
        }
        let path = format!("leave-applications/{leave}/");
        refused(
            &year.admin.patch(&path, &json!({"reason": "x"})),
            409,
            "leave_decided",
        );
        refused(
            &year
                .admin
                .put(&path, &leave_body(&student, "2026-01-12", "2026-01-13")),
            409,
            "leave_decided",
        );
        if reply.str("status") == "approved"
            && year.admin.get(&path).status(200).str("status") == "approved"
        {
            refused(&year.admin.delete(&path), 409, "leave_decided");
            year.decide(&leave, "withdraw").expect(200);
        }
        year.admin.delete(&path).expect(204);
        assert_eq!(year.entries(&registered), Vec::<String>::new());
    }
    let leave = year.leave(&student, "2026-01-12", "2026-01-12");
    let reply = year
        .leader
        .client
        .act(&format!("leave-applications/{leave}/approve/"));
    refused(&reply, 403, "permission_denied");
}

#[test]
fn of_decisions_at_once_one_counts() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    for decisions in [
        ["approve", "approve", "reject"],
        ["reject", "approve", "withdraw"],
        ["withdraw", "approve", "approve"],
    ] {
        let leave = year.leave(&student, "2026-01-12", "2026-01-15");
        let requests = decisions.map(|decision| {
            let path = format!("leave-applications/{leave}/{decision}/");
            year.admin.request(&Method::POST, &path, None)
        });
        let replies = year.app.run_together(requests.into());
        let status = year
            .admin
            .get(&format!("leave-applications/{leave}/"))
            .status(200)
            .str("status");
        let good: Vec<String> = replies
            .iter()
            .filter(|reply| reply.status == 200)
            .map(|reply| reply.str("status"))
            .collect();
        assert_eq!(good, [status.as_str()]);
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            refused(reply, 409, "leave_decided");
        }
        let entries = year.entries(&registered).len();
        assert_eq!(
            entries,
            if status == "approved" { 4 } else { 0 },
            "{status}"
        );
        if status == "approved" {
            year.decide(&leave, "withdraw").expect(200);
        }
    }
}

#[test]
fn a_leave_that_is_changed_while_it_is_approved_excuses_the_days_that_it_has() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    for _ in 0..4 {
        let leave = year.leave(&student, "2026-01-12", "2026-01-12");
        let path = format!("leave-applications/{leave}/");
        let replies = year.app.run_together(vec![
            year.admin.request(
                &Method::PATCH,
                &path,
                Some(&json!({"end_date": "2026-01-14"})),
            ),
            year.admin
                .request(&Method::POST, &format!("{path}approve/"), None),
        ]);
        let known = year.admin.get(&path).status(200);
        let days = if known.str("end_date") == "2026-01-14" {
            3
        } else {
            1
        };
        let entries = year.entries(&registered).len();
        match known.str("status").as_str() {
            "approved" => assert_eq!(entries, days, "{replies:?}"),
            _ => assert_eq!(entries, 0, "{replies:?}"),
        }
        year.decide(&leave, "withdraw").expect(200);
        year.admin.delete(&path).expect(204);
    }
}

#[test]
fn repeating_an_approval_under_its_key_answers_again() {
    let year = Year::new();
    let (student, registered) = year.student("Chipo", &year.class);
    let leave = year.leave(&student, "2026-01-12", "2026-01-15");
    let keyed = year.admin.key("approve-1");
    let path = format!("leave-applications/{leave}/approve/");
    let first = keyed.act(&path).status(200);
    let second = keyed.act(&path).status(200);
    assert_eq!(
        (second.header("idempotent-replayed"), &second.json),
        ("true", &first.json)
    );
    assert_eq!(year.entries(&registered).len(), 4);
}
