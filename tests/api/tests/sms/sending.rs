//! Sending: what is taken, what is refused, and what a repetition is.

use homeroom_api_tests::{Fault, Moment, Mood, TestApp, text_to};
use serde_json::{Value, json};

#[test]
fn a_repetition_is_answered_alike_and_sends_nothing_again() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut body = text_to("+263771234567", "Hello");
    body["transaction_id"] = json!("tx-1");
    let first = user.client.post("sms/send", &body).status(200).json;
    assert_eq!(user.client.post("sms/send", &body).status(200).json, first);
    for (field, value) in [
        ("message", json!("Bye")),
        ("esme", json!(101)),
        ("validity_seconds", json!(60)),
    ] {
        let mut other = body.clone();
        other[field] = value;
        let refused = user.client.post("sms/send", &other).status(409);
        assert_eq!(refused.code(), "transaction_id_reused");
    }
    assert_eq!(app.queued().len(), 1);
    assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 1);
    // Another app's transaction of the same name is its own.
    let bob = app.public_sms_user("bob");
    assert_ne!(
        bob.client.post("sms/send", &body).status(200).json["message_id"],
        first["message_id"]
    );
}

#[test]
fn of_parallel_requests_with_one_transaction_id_one_sends() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut body = text_to("+263771234567", "Hello");
    body["transaction_id"] = json!("tx-1");
    let replies = user
        .client
        .together(4, &http::Method::POST, "sms/send", Some(&body));
    let ids: std::collections::BTreeSet<String> = replies
        .iter()
        .map(|reply| reply.str("message_id"))
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 1);
    assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 1);
    assert_eq!(app.queued().len(), 1);
}

#[test]
fn a_lost_answer_is_asked_for_again_without_a_second_message() {
    for nth in 1..=3 {
        for moment in [Moment::Before, Moment::After] {
            let app = TestApp::new();
            let user = app.public_sms_user("ada");
            let mut body = text_to("+263771234567", "Hello");
            body["transaction_id"] = json!("tx-1");
            app.inject(Some(Fault { nth, moment }));
            let first = user.client.post("sms/send", &body);
            app.inject(None);
            assert!(matches!(first.status, 200 | 503), "{}", first.text);
            user.client.post("sms/send", &body).expect(200);
            assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 1);
            assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 1);
        }
    }
}

#[test]
fn long_texts_have_an_id_for_each_part() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for (text, parts) in [
        ("a".repeat(160), 1),
        ("a".repeat(161), 2),
        ("ሰ".repeat(71), 2),
        ("€".repeat(80), 1),
    ] {
        let sent = user.send("+263771234567", &text).status(200);
        let id = sent.str("message_id");
        let expected: Vec<String> = (1..=parts).map(|n| format!("{id}-{n}")).collect();
        assert_eq!(
            sent.json["sms_ids"],
            json!(expected),
            "{}",
            text.chars().count()
        );
        let info = user.info(&id);
        assert_eq!(info["mode"], if parts > 1 { "multipart" } else { "single" });
    }
    let long = user.send("+263771234567", &"a".repeat(1_531)).status(400);
    assert_eq!(
        long.json["error"],
        "message: The message takes 11 parts, and at most 10 are sent"
    );
}

#[test]
fn wrong_fields_are_named_in_one_line() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for (field, value, words) in [
        ("esme", json!("many"), "esme: A valid integer is required"),
        ("source", json!("TwelveLetter"), "source: a sender is"),
        (
            "destination",
            json!("0771234567"),
            "destination: a phone number in international form",
        ),
        ("message", json!(""), "message: This field may not be blank"),
        (
            "priority",
            json!(4),
            "priority: Ensure this value is from 0 to 3",
        ),
        ("send_at", json!("soon"), "send_at: Use unix seconds"),
        ("strategy", json!("cp9"), "strategy: One of cp1"),
        (
            "transaction_id",
            json!("x".repeat(65)),
            "transaction_id: Ensure",
        ),
        ("colour", json!(1), "colour: There is no such field"),
        ("ston", json!(9), "ston: Ensure this value is from 0 to 7"),
    ] {
        let mut body = text_to("+263771234567", "Hello");
        body[field] = value;
        let refused = user.client.post("sms/send", &body).status(400);
        let error = refused.str("error");
        assert!(error.starts_with(words), "{error}");
    }
    let empty = user
        .client
        .post("sms/send", &json!({}))
        .status(400)
        .str("error");
    for field in ["destination", "esme", "message", "source"] {
        assert!(
            empty.contains(&format!("{field}: This field is required")),
            "{empty}"
        );
    }
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 0);
}

#[test]
fn a_link_is_for_the_addresses_that_it_allows_and_only_while_it_is_on() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let link = "insert into sms_links (esme, is_enabled, allowed_ips, updated_at) values";
    app.execute(
        "CONTROL",
        &format!("{link} (100, 1, '[\"203.0.113.0/24\"]', 0), (101, 0, '[]', 0)"),
    );
    let body = text_to("+263771234567", "Hello");
    for ip in ["198.51.100.7", "2001:db8::1"] {
        for (path, body) in [
            ("sms/send", &body),
            ("sms/check-esme", &json!({"esme": 100})),
        ] {
            let refused = user.client.from(ip).post(path, body).status(403);
            assert_eq!(
                refused.json,
                json!({"error": "IP not in whitelist for the requested SMPP link"})
            );
        }
    }
    user.client.post("sms/send", &body).expect(403);
    user.client
        .from("203.0.113.9")
        .post("sms/send", &body)
        .expect(200);
    user.client
        .from("::ffff:203.0.113.9")
        .post("sms/send", &body)
        .expect(200);
    let mut off = body.clone();
    off["esme"] = json!(101);
    assert_eq!(
        user.client.post("sms/send", &off).status(409).code(),
        "link_disabled"
    );
}

#[test]
fn a_check_says_whether_a_link_or_pool_is_connected() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for (esme, persist, system_id, error) in [
        (100, true, "system100", ""),
        (101, false, "system101", "the connection is down"),
        (102, false, "system102", "the connection is switched off"),
        (1000, true, "system100", ""),
    ] {
        let reply = user
            .client
            .post("sms/check-esme", &json!({"esme": esme}))
            .status(200);
        assert_eq!(
            reply.json,
            json!({"persist": persist, "system_id": system_id, "error": error})
        );
    }
    user.client
        .post("sms/check-esme", &json!({"esme": 7}))
        .expect(404);
}

#[test]
fn a_number_of_no_link_and_no_pool_is_refused_before_anything_is_stored() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut one = text_to("+263771234567", "Hello");
    let mut many = json!({
        "esme": 100, "source": "Greenwood", "message": "Hello", "recipients": [{"destination": "+263771234567"}],
    });
    for (esme, status, code, words) in [
        (json!(7), 404, "unknown_esme", "unknown esme 7"),
        (
            json!(9_007_199_254_740_991_i64),
            404,
            "unknown_esme",
            "unknown esme 9007199254740991",
        ),
        (
            json!(9_007_199_254_740_992_i64),
            400,
            "invalid",
            "esme: Ensure",
        ),
        (json!(u64::MAX), 400, "invalid", "esme: A valid integer"),
        (json!(0), 400, "invalid", "esme: Ensure"),
        (json!(-100), 400, "invalid", "esme: Ensure"),
        (json!(100.5), 400, "invalid", "esme: A valid integer"),
        (json!("-100"), 400, "invalid", "esme: Ensure"),
        (Value::Null, 400, "invalid", "esme: "),
    ] {
        one["esme"] = esme.clone();
        many["esme"] = esme.clone();
        let check = json!({"esme": esme});
        for (path, body) in [
            ("sms/send", &one),
            ("sms/send-batch", &many),
            ("sms/check-esme", &check),
        ] {
            let refused = user.client.post(path, body).status(status);
            assert_eq!(refused.code(), code, "{path} {esme}");
            let error = refused.str("error");
            assert!(error.starts_with(words), "{path} {esme}: {error}");
        }
    }
    for table in ["sms_messages", "sms_batches"] {
        assert_eq!(
            app.count("CONTROL", &format!("select count(*) from {table}")),
            0
        );
    }
    for esme in [100, 101, 102, 1000] {
        one["esme"] = json!(esme);
        user.client.post("sms/send", &one).expect(200);
    }
}

#[test]
fn while_the_bridge_is_away_no_link_is_unknown_and_messages_wait() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    app.bridge_is(Mood::Away);
    let mut body = text_to("+263771234567", "Hello");
    body["esme"] = json!(7);
    user.client.post("sms/send", &body).expect(200);
    app.bridge_is(Mood::Taking);
    app.pass_seconds(11);
    let refused = user.client.post("sms/send", &body);
    assert_eq!((refused.status, refused.code()), (404, "unknown_esme"));
}

#[test]
fn a_pool_is_for_the_addresses_that_all_its_links_allow() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    app.execute(
        "CONTROL",
        "insert into sms_links (esme, allowed_ips, updated_at) values (101, '[\"203.0.113.0/24\"]', 0)",
    );
    let mut body = text_to("+263771234567", "Hello");
    body["esme"] = json!(1000);
    let far = user.client.from("198.51.100.7").post("sms/send", &body);
    assert_eq!((far.status, far.code()), (403, "ip_not_allowed"));
    let near = user.client.from("203.0.113.9");
    near.post("sms/send", &body).expect(200);
}

#[test]
fn a_suspended_school_sends_nothing_and_still_gets_its_receipts() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    let (sent, waits) = (user.sent("One"), user.sent("Two"));
    let jobs = app.queued();
    assert_eq!(app.work_queue().len(), jobs.len());
    assert_eq!(app.take_submissions().concat().len(), 2);
    app.execute(
        &school.slot,
        &format!("update sms_messages set handed_at = null where id = '{waits}'"),
    );
    app.platform()
        .act(&format!("schools/{}/suspend/", school.id))
        .expect(200);
    user.send("+263771234567", "Three").expect(403);
    let delivered = super::receipt(
        &user,
        Some(&school.id),
        &sent,
        1,
        "DELIVERED",
        &["DELIVERED"],
    );
    app.webhook("sms/dlr", &json!({"events": [delivered]}))
        .expect(204);
    app.pass_seconds(600);
    assert_eq!(app.sweep(), Ok(0));
    app.platform()
        .act(&format!("schools/{}/activate/", school.id))
        .expect(200);
    assert_eq!(app.sweep(), Ok(1));
    app.work_queue();
    assert_eq!(app.take_submissions().concat()[0].message_id, waits);
    let token = user.info(&sent);
    assert_eq!(token["status"], "DELIVERED");
}
