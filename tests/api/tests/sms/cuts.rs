//! How the links cut texts: what the bridge told of each is how messages are counted.

use homeroom_api_tests::{Mood, PUBLIC_HOST, SMS_ADMIN_KEY, SmsUser, TestApp, text_to};
use serde_json::{Value, json};

const ADA: &str = "+263771234567";

/// The bridge tells how a link cuts texts.
fn cut(app: &TestApp, esme: i64, cut: &Value) {
    let at = app.now().millis();
    let link = json!({
        "id": esme, "system_id": "s", "status": "up", "rate": 50.0, "in_flight": 0, "window": 10, "last_check": at, "cut": cut,
    });
    let event = json!({"id": format!("l{esme}"), "at": at, "link": link});
    app.webhook("sms/link-state", &json!({"events": [event]}))
        .expect(204);
}

fn checked(user: &SmsUser, esme: i64, message: &str) -> Value {
    let body = json!({"esme": esme, "message": message});
    user.client.post("sms/check-text", &body).status(200).json
}

fn parts_sent(user: &SmsUser, esme: i64, message: &str) -> usize {
    let mut body = text_to(ADA, message);
    body["esme"] = json!(esme);
    let sent = user.client.post("sms/send", &body).status(200);
    sent.json["sms_ids"].as_array().unwrap().len()
}

#[test]
fn a_text_is_counted_as_its_link_cuts_it() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let text = "a".repeat(150);
    assert_eq!(parts_sent(&user, 100, &text), 1);
    cut(&app, 100, &json!({"alphabet": "latin1", "header": "udh16"}));
    assert_eq!(
        checked(&user, 100, &text),
        json!({"encoding": "LATIN1", "length": 150, "segments": 2, "per_segment": 133})
    );
    assert_eq!(parts_sent(&user, 100, &text), 2);
    let usage = app.rows("CONTROL", "select sum(parts) from sms_usage");
    assert_eq!(usage, [[json!(3)]], "the quota counts alike");
    // Without a link it is counted as links usually do.
    let body = json!({"message": text});
    let reply = user.client.post("sms/check-text", &body).status(200);
    assert_eq!(reply.json["segments"], 1);
    let gone = json!({"esme": 7, "message": "x"});
    let gone = user.client.post("sms/check-text", &gone);
    assert_eq!((gone.status, gone.code()), (404, "unknown_esme"));
}

#[test]
fn a_text_that_the_centre_cuts_has_one_id_and_counts_as_the_parts_that_phones_get() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    cut(&app, 100, &json!({"header": "payload"}));
    let text = "a".repeat(300);
    assert_eq!(checked(&user, 100, &text)["segments"], 1);
    assert_eq!(parts_sent(&user, 100, &text), 1);
    let usage = app.rows("CONTROL", "select sum(parts) from sms_usage");
    assert_eq!(usage, [[json!(2)]]);
    let stored = "select segments, parts from sms_messages";
    let stored = app.rows("CONTROL", stored);
    assert_eq!(stored, [[json!(2), json!(r#"[["ACCEPTED",null]]"#)]]);

    // One part is left of the day, which is too little for the same again.
    app.execute("CONTROL", "update sms_apps set daily_parts = 3");
    app.pass_seconds(4);
    let mut again = text_to("+263771234568", &text);
    again["esme"] = json!(100);
    let over = user.client.post("sms/send", &again);
    assert_eq!((over.status, over.code()), (429, "daily_quota"));
    user.send("+263771234568", "One more").expect(200);

    // The bridge would send none of these.
    let long = user.send(ADA, &"a".repeat(3_000)).status(400);
    let words = "takes 20 parts, and at most 10 are sent";
    assert!(long.json.to_string().contains(words), "{}", long.json);
}

#[test]
fn the_answer_to_a_word_is_counted_as_its_link_cuts_it() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let admin = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
    let number = json!({"number": "33555", "app_id": user.app_id});
    admin.post("admin/numbers", &number).expect(200);
    let help = format!("{{\"help_text\": \"{}\"}}", "a".repeat(150));
    app.execute("CONTROL", &format!("update sms_apps set policy = '{help}'"));
    cut(&app, 100, &json!({"alphabet": "latin1"}));
    let event = json!({
        "id": "evt-1", "at": app.now().millis(), "inbound_id": "in-1", "esme": 100,
        "source": ADA, "destination": "33555", "text": "HELP", "missing_parts": 0,
    });
    app.webhook("sms/mo", &json!({"events": [event]}))
        .expect(204);
    let stored = "select encoding, segments from sms_messages";
    let stored = app.rows("CONTROL", stored);
    assert_eq!(stored, [[json!("LATIN1"), json!(2)]]);
    let usage = app.rows("CONTROL", "select sum(parts) from sms_usage");
    assert_eq!(usage, [[json!(2)]]);
}

#[test]
fn a_text_for_a_pool_is_counted_as_the_link_does_that_needs_most_parts() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    cut(&app, 100, &json!({"alphabet": "latin1"}));
    cut(&app, 101, &json!({"alphabet": "gsm7"}));
    let text = "a".repeat(150);
    assert_eq!(checked(&user, 1000, &text)["segments"], 2);
    assert_eq!(checked(&user, 101, &text)["segments"], 1);
    assert_eq!(parts_sent(&user, 1000, &text), 2);
}

#[test]
fn what_the_bridge_told_holds_while_it_is_away() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    cut(&app, 100, &json!({"alphabet": "latin1"}));
    app.bridge_is(Mood::Away);
    app.pass_seconds(3_600);
    let text = "a".repeat(150);
    assert_eq!(parts_sent(&user, 100, &text), 2);
}

#[test]
fn a_text_of_more_parts_than_its_link_sends_is_refused_before_it_counts() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    cut(&app, 100, &json!({"max_segments": 2}));
    let long = "a".repeat(307);
    let refused = user.send(ADA, &long).status(400);
    assert!(
        refused.json.to_string().contains("at most 2 are sent"),
        "{}",
        refused.json
    );
    let batch = json!({
        "esme": 100, "source": "Greenwood", "message": long,
        "recipients": [{"destination": ADA, "message": "Short"}, {"destination": "+263771234568"}],
    });
    let batch = user.client.post("sms/send-batch", &batch).status(200).json;
    assert_eq!(batch["count"], 1);
    assert_eq!(batch["rejected"][0]["index"], 1);
    assert_eq!(batch["rejected"][0]["code"], "too_long");
    let usage = app.rows("CONTROL", "select sum(parts) from sms_usage");
    assert_eq!(usage, [[json!(1)]]);
}

#[test]
fn a_text_of_which_nothing_is_left_is_refused_at_once_and_by_check_text() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let unseen = "\u{200B}\u{FEFF}\u{AD}";
    let words = json!({"error": "message: Nothing of the message is left once it is written in the GSM alphabet"});
    let mut body = text_to(ADA, unseen);
    body["transliterate"] = json!(true);
    for path in ["sms/send", "sms/check-text"] {
        let body = match path {
            "sms/send" => body.clone(),
            _ => json!({"message": unseen, "transliterate": true}),
        };
        assert_eq!(user.client.post(path, &body).status(400).json, words);
    }
    let many = json!({
        "esme": 100, "source": "Greenwood", "transliterate": true, "message": "Seen",
        "recipients": [{"destination": ADA, "message": unseen}, {"destination": "+263771234568"}],
    });
    let sent = user.client.post("sms/send-batch", &many).status(200).json;
    assert_eq!(
        (&sent["count"], &sent["rejected"][0]["code"]),
        (&json!(1), &json!("invalid"))
    );
    body["transliterate"] = json!(false);
    user.client.post("sms/send", &body).expect(200);
}
