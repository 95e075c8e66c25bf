//! Opt-outs, and what an app has used.

use homeroom_api_tests::{Reply, SmsUser, TestApp};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::receipt;

const ADA: &str = "+263771234567";

fn opt_out(user: &SmsUser, number: &str) -> Reply {
    user.client.post("sms/opt-outs", &json!({"number": number}))
}

fn numbers(reply: &Reply) -> Vec<&str> {
    let results = reply.json["results"].as_array().expect("a list");
    results
        .iter()
        .map(|one| one["number"].as_str().expect("a number"))
        .collect()
}

#[test]
fn who_has_opted_out_of_an_app_gets_none_of_its_messages_until_it_is_in_again() {
    let app = TestApp::new();
    let (ada, ben) = (app.public_sms_user("ada"), app.public_sms_user("ben"));
    let added = opt_out(&ada, "00263 77 123 4567").status(200);
    let expected = json!({"number": ADA, "reason": "api", "created_at": app.now().seconds()});
    assert_eq!(added.json, expected);
    let refused = ada.send(ADA, "Hello");
    assert_eq!((refused.status, refused.code()), (403, "opted_out"));
    assert_eq!(refused.json, json!({"error": "the receiver has opted out"}));
    ben.send(ADA, "Hello").expect(200);

    app.pass_seconds(10);
    assert_eq!(
        opt_out(&ada, ADA).status(200).json,
        expected,
        "it stays as it is"
    );
    ada.client
        .delete("sms/opt-outs/%2B263771234567")
        .expect(204);
    ada.send(ADA, "Hello").expect(200);
    let gone = ada.client.delete("sms/opt-outs/263771234567");
    assert_eq!((gone.status, gone.code()), (404, "not_found"));
    assert_eq!(ada.client.delete("sms/opt-outs/nobody").status, 404);
    let log = app.rows(
        "CONTROL",
        "select action, record_id from audit_logs where table_name = 'sms_opt_outs' order by id",
    );
    let record = json!(format!("{}/263771234567", ada.app_id));
    assert_eq!(
        log,
        [[json!("CREATE"), record.clone()], [json!("DELETE"), record]]
    );
}

#[test]
fn opt_outs_are_listed_in_parts_and_another_apps_are_not() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, ben) = (
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "ben"),
    );
    for digit in [3, 1, 2] {
        opt_out(&ada, &format!("+26377000000{digit}")).expect(200);
    }
    opt_out(&ben, ADA).expect(200);
    let first = ada.client.get("sms/opt-outs?limit=2").status(200);
    assert_eq!(numbers(&first), ["+263770000001", "+263770000002"]);
    let next = first.str("next");
    let rest = ada
        .client
        .get(&format!("sms/opt-outs?limit=2&after={next}"))
        .status(200);
    assert_eq!(numbers(&rest), ["+263770000003"]);
    assert_eq!(rest.json["next"], "");
    assert_eq!(numbers(&ben.client.get("sms/opt-outs").status(200)), [ADA]);
    assert_eq!(ben.client.delete("sms/opt-outs/263770000001").status, 404);
    assert_eq!(ada.client.delete("sms/opt-outs/263771234567").status, 404);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_opt_outs"), 3);
    assert_eq!(
        app.count(&school.slot, "select count(*) from sms_opt_outs"),
        1
    );
}

#[test]
fn mistakes_are_one_line_of_words() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for (reply, words) in [
        (
            opt_out(&user, "tomorrow"),
            "number: a phone number in international form is expected: a plus and 7 to 15 digits",
        ),
        (
            user.client.post("sms/opt-outs", &json!({"numbr": "1"})),
            "number: This field is required; numbr: There is no such field",
        ),
        (
            user.client.get("sms/opt-outs?limit=501"),
            "limit: Ensure this value is from 1 to 500",
        ),
    ] {
        assert_eq!((reply.status, reply.code()), (400, "invalid"));
        assert_eq!(reply.json, json!({"error": words}));
    }
}

#[test]
fn what_no_route_answers_speaks_the_gateways_words_too() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let nowhere = user.client.get("sms/nowhere");
    assert_eq!((nowhere.status, nowhere.code()), (404, "not_found"));
    assert_eq!(nowhere.json, json!({"error": "Not found."}));
    let wrong = user.client.put("sms/send", &json!({}));
    assert_eq!((wrong.status, wrong.code()), (405, "method_not_allowed"));
    assert_eq!(wrong.header("allow"), "POST");
    assert!(wrong.json["error"].is_string() && wrong.json["detail"].is_null());
    let large = "x".repeat(1_048_577);
    let large = user.send(ADA, &large);
    assert_eq!((large.status, large.code()), (413, "payload_too_large"));
    assert!(large.json["error"].is_string());
    let school = app.school("greenwood");
    let inside = school.admin.get("nowhere/");
    assert_eq!(
        inside.json,
        json!({"detail": "Not found.", "code": "not_found"})
    );
}

#[test]
fn usage_is_told_by_the_day_of_acceptance_and_for_this_app_only() {
    let app = TestApp::new();
    let (ada, ben) = (app.public_sms_user("ada"), app.public_sms_user("ben"));
    let id = ada.sent("Hello");
    ada.send(ADA, &"x".repeat(200)).expect(200);
    ben.send(ADA, "Hello").expect(200);
    assert!(app.work_queue().iter().all(|fate| *fate == Fate::Done));
    app.pass_seconds(24 * 3_600);
    let delivered = receipt(&ada, None, &id, 1, "DELIVERED", &["DELIVERED"]);
    app.webhook("sms/dlr", &json!({"events": [delivered]}))
        .expect(204);
    let ada = ada.signed_in_again();
    ada.send(ADA, "Tomorrow").expect(200);
    let usage = ada.client.get("sms/usage").status(200);
    let day = |day: &str, messages: u64, parts: u64, delivered: u64| -> Value {
        json!({"day": day, "messages": messages, "parts": parts, "delivered": delivered, "failed": 0})
    };
    assert_eq!(
        usage.json,
        json!({
            "app_id": ada.app_id, "from": "2025-12-17", "to": "2026-01-16", "messages": 3, "parts": 4,
            "delivered": 1, "failed": 0, "days": [day("2026-01-15", 2, 3, 1), day("2026-01-16", 1, 1, 0)],
        })
    );
    let one = ada
        .client
        .get("sms/usage?from=2026-01-16&to=2026-01-16")
        .status(200);
    assert_eq!(one.json["days"], json!([day("2026-01-16", 1, 1, 0)]));
    for query in [
        "from=2026-01-17&to=2026-01-16",
        "from=2025-01-15&to=2026-01-16",
        "from=yesterday",
        "form=2026-01-16",
    ] {
        let wrong = ada.client.get(&format!("sms/usage?{query}"));
        assert_eq!((wrong.status, wrong.code()), (400, "invalid"), "{query}");
    }
    ada.client
        .get("sms/usage?from=2025-01-16&to=2026-01-16")
        .expect(200);
}
