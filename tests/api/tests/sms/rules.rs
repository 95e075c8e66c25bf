//! What keeps a message from being sent: opt-outs, caps, duplicates, quiet hours, quotas.

use homeroom_api_tests::{SmsUser, TestApp, text_to};
use homeroom_kernel::Timestamp;
use serde_json::{Value, json};

/// Gives an app another policy, as an administrator would.
fn policy(app: &TestApp, user: &SmsUser, policy: &Value) {
    app.execute(
        "CONTROL",
        &format!(
            "update sms_apps set policy = '{policy}' where id = {}",
            user.app_id
        ),
    );
    app.pass_seconds(4);
}

fn limits(app: &TestApp, user: &SmsUser, columns: &str) {
    app.execute(
        "CONTROL",
        &format!("update sms_apps set {columns} where id = {}", user.app_id),
    );
    app.pass_seconds(4);
}

fn refused(reply: &homeroom_api_tests::Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status, reply.code()),
        (status, code),
        "{}",
        reply.text
    );
    let keys: Vec<&String> = reply.json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["error"], "{}", reply.text);
}

const ADA: &str = "+263771234567";
const BEN: &str = "+263779999999";

#[test]
fn a_receiver_gets_no_more_than_its_caps_in_a_day_and_a_week() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    policy(&app, &user, &json!({"daily_cap": 2, "weekly_cap": 3}));
    for text in ["one", "two"] {
        user.send(ADA, text).expect(200);
    }
    let full = user.send(ADA, "three");
    refused(&full, 403, "daily_cp");
    user.send(BEN, "one").expect(200);
    app.pass_seconds(24 * 3_600);
    let again = user.signed_in_again();
    again.send(ADA, "three").expect(200);
    refused(&again.send(ADA, "four"), 403, "weekly_cp");
    app.pass_seconds(7 * 24 * 3_600);
    user.signed_in_again().send(ADA, "five").expect(200);
}

#[test]
fn what_was_withdrawn_or_refused_counts_for_no_cap() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    policy(&app, &user, &json!({"daily_cap": 1}));
    let id = user.sent("one");
    refused(&user.send(ADA, "two"), 403, "daily_cp");
    app.execute(
        "CONTROL",
        &format!("update sms_messages set status = 'REJECTED' where id = '{id}'"),
    );
    user.send(ADA, "two").expect(200);
}

#[test]
fn the_same_text_to_the_same_receiver_is_refused_for_a_while_and_its_repetition_is_not() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    policy(&app, &user, &json!({"duplicate_seconds": 300}));
    let mut body = text_to(ADA, "Hello");
    body["transaction_id"] = json!("tx-1");
    let first = user.client.post("sms/send", &body).status(200);
    let repeated = user.client.post("sms/send", &body).status(200);
    assert_eq!(first.json, repeated.json);
    body["transaction_id"] = json!("tx-2");
    refused(&user.client.post("sms/send", &body), 403, "duplicate");
    user.send(ADA, "Hello again").expect(200);
    user.send(BEN, "Hello").expect(200);
    app.pass_seconds(301);
    user.client.post("sms/send", &body).expect(200);
}

#[test]
fn at_night_a_message_waits_for_the_morning_of_the_schools_time_zone() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    let stored = |id: &str| {
        app.value(
            &school.slot,
            &format!("select send_at from sms_messages where id = '{id}'"),
        )
    };
    // It is ten o'clock in Harare, and eight in UTC.
    app.execute("CONTROL", "update tenants set timezone = 'Africa/Harare'");
    policy(
        &app,
        &user,
        &json!({"quiet_from": "08:00", "quiet_to": "14:00"}),
    );
    let id = user.sent("Good afternoon");
    let noon = Timestamp::parse("2026-01-15T12:00:00Z").unwrap();
    assert_eq!(stored(&id), json!(noon.millis()));

    let mut body = text_to(ADA, "Fire");
    body["priority"] = json!(3);
    let alarm = user.client.post("sms/send", &body).status(200);
    assert_eq!(stored(&alarm.str("message_id")), Value::Null);
    let mut body = text_to(ADA, "Lunch is ready");
    body["valid_until"] = json!(app.now().seconds() + 3_600);
    refused(&user.client.post("sms/send", &body), 403, "quiet_hours");
}

#[test]
fn over_the_rate_and_over_the_quotas_it_is_429_with_the_time_to_wait() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    limits(
        &app,
        &user,
        "rate_per_second = 1, burst = 2, daily_parts = 6, monthly_parts = 7",
    );
    for text in ["one", "two"] {
        user.send(ADA, text).expect(200);
    }
    let over = user.send(ADA, "three");
    refused(&over, 429, "rate_limited");
    assert_eq!(over.header("retry-after"), "1");
    app.pass_seconds(1);
    user.send(ADA, &"x".repeat(400)).expect(200);
    app.pass_seconds(2);
    let over = user.send(ADA, &"x".repeat(200));
    refused(&over, 429, "daily_quota");
    let wait: i64 = over.header("retry-after").parse().unwrap();
    let now = app.now().seconds();
    assert_eq!((now + wait) % 86_400, 0, "until midnight in UTC");
    user.send(ADA, "the sixth part").expect(200);
    app.pass_seconds(wait);
    let user = user.signed_in_again();
    user.send(ADA, "the seventh part").expect(200);
    refused(&user.send(ADA, "too much"), 429, "monthly_quota");
    let sent = app.count("CONTROL", "select sum(parts) from sms_usage");
    assert_eq!(sent, 7);
}

#[test]
fn a_repetition_takes_nothing_of_the_quota_and_another_app_has_its_own() {
    let app = TestApp::new();
    let (ada, ben) = (app.public_sms_user("ada"), app.public_sms_user("ben"));
    for user in [&ada, &ben] {
        limits(&app, user, "daily_parts = 1");
    }
    let mut body = text_to(ADA, "Hello");
    body["transaction_id"] = json!("tx-1");
    for _ in 0..3 {
        ada.client.post("sms/send", &body).expect(200);
    }
    refused(&ada.send(ADA, "more"), 429, "daily_quota");
    ben.send(ADA, "Hello").expect(200);
}

#[test]
fn what_is_refused_before_it_takes_nothing_of_the_quota() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    limits(&app, &user, "daily_parts = 1");
    user.client
        .post("sms/opt-outs", &json!({"number": ADA}))
        .expect(200);
    for _ in 0..3 {
        refused(&user.send(ADA, "Hello"), 403, "opted_out");
    }
    user.send(BEN, "Hello").expect(200);
}

#[test]
fn without_the_limiter_nothing_is_sent() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    app.break_login_guard(true);
    refused(&user.send(ADA, "Hello"), 503, "unavailable");
    app.break_login_guard(false);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 0);
    user.send(ADA, "Hello").expect(200);
}

#[test]
fn a_text_is_counted_before_it_is_sent_as_it_will_be() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for (body, answer) in [
        (
            json!({"message": "Hello"}),
            json!({"encoding": "GSM7", "length": 5, "segments": 1, "per_segment": 160}),
        ),
        (
            json!({"message": format!("It’s {}", "a".repeat(100))}),
            json!({"encoding": "UCS2", "length": 105, "segments": 2, "per_segment": 67}),
        ),
        (
            json!({"message": format!("It’s {}", "a".repeat(100)), "transliterate": true}),
            json!({"encoding": "GSM7", "length": 105, "segments": 1, "per_segment": 160}),
        ),
    ] {
        let reply = user.client.post("sms/check-text", &body).status(200);
        assert_eq!(reply.json, answer);
        let mut message = text_to(ADA, body["message"].as_str().unwrap());
        message["transliterate"] = json!(body["transliterate"] == json!(true));
        let sent = user.client.post("sms/send", &message).status(200);
        let ids = sent.json["sms_ids"].as_array().unwrap().len();
        assert_eq!(json!(ids), answer["segments"]);
    }
    refused(
        &user.client.post("sms/check-text", &json!({})),
        400,
        "invalid",
    );
    let nobody = user
        .client
        .anonymous()
        .post("sms/check-text", &json!({"message": "x"}));
    assert_eq!(nobody.status, 401);
}
