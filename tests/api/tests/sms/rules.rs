//! What keeps a message from being sent: opt-outs, caps, duplicates, quiet hours, quotas.

use homeroom_api_tests::{SmsUser, TestApp, text_to};
use homeroom_kernel::Timestamp;
use http::Method;
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
fn all_apps_of_a_school_and_the_school_itself_share_its_limits() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, ben) = (
        app.sms_user(&school.host, "ada"),
        app.sms_user(&school.host, "ben"),
    );
    let elsewhere = app.public_sms_user("cyd");
    let message = |number: &str| json!({"destination": number, "message": "School begins at 8."});
    let own = |number: &str| {
        let path = "/api/v1/school/sms/messages/";
        school.admin.post(path, &message(number))
    };
    let _ = own(BEN).status(201);
    let of_school = app.school_app(&school.id);
    let key = app
        .gateway(homeroom_api_tests::PUBLIC_HOST)
        .with("x-admin-key", homeroom_api_tests::SMS_ADMIN_KEY);
    key.patch(
        &format!("admin/apps/{of_school}"),
        &json!({"daily_parts": 4}),
    )
    .expect(200);
    app.pass_seconds(4);
    ada.send(ADA, "two").expect(200);
    ben.send(ADA, "three").expect(200);
    ada.send(ADA, "four").expect(200);
    for user in [&ada, &ben] {
        let over = user.send(BEN, "five");
        refused(&over, 429, "daily_quota");
        assert_eq!(
            over.json,
            json!({"error": "daily quota of the school exceeded"})
        );
    }
    let over = own("+263775555555");
    assert_eq!((over.status, over.code()), (429, "daily_quota"));
    elsewhere.send(ADA, "one").expect(200);
    // What the school refused was given back to the app, which has its own terms besides.
    let usage = school
        .admin
        .get("/api/v1/school/sms/usage/")
        .status(200)
        .json;
    assert_eq!(usage["parts"], 1);
    assert_eq!(
        usage["limits"],
        json!({"daily_parts": 4, "parts_today": 4, "monthly_parts": 200_000, "parts_this_month": 4})
    );
    limits(&app, &ada, "daily_parts = 3");
    key.patch(
        &format!("admin/apps/{of_school}"),
        &json!({"daily_parts": 100}),
    )
    .expect(200);
    app.pass_seconds(4);
    ada.send(BEN, "its third").expect(200);
    let over = ada.send(BEN, "its fourth");
    assert_eq!(over.json, json!({"error": "daily quota exceeded"}));
    app.pass_seconds(24 * 3_600);
    let again = ada.signed_in_again();
    again.send(BEN, "the next day").expect(200);
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

#[test]
fn requests_at_the_same_time_send_no_more_than_the_caps_allow() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let sent = || app.count("CONTROL", "select count(*) from sms_messages");
    policy(&app, &user, &json!({"daily_cap": 2}));
    let requests = (0..5).map(|n| {
        let body = text_to(ADA, &format!("Hello {n}"));
        user.client.request(&Method::POST, "sms/send", Some(&body))
    });
    let replies = app.run_together(requests.collect());
    let (taken, others): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((taken.len(), sent()), (2, 2));
    for reply in &others {
        refused(reply, 403, "daily_cp");
    }
    // What was refused is not counted.
    assert_eq!(app.count("CONTROL", "select sum(parts) from sms_usage"), 2);
    limits(&app, &user, "daily_parts = 3");
    user.send(BEN, "the third of the day").expect(200);

    policy(&app, &user, &json!({"duplicate_seconds": 60}));
    limits(&app, &user, "daily_parts = 1000");
    let body = text_to(ADA, "The same for all");
    let replies = user
        .client
        .together(4, &Method::POST, "sms/send", Some(&body));
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((taken, sent()), (1, 4));
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 403, "duplicate");
    }
}

#[test]
fn batches_at_the_same_time_send_no_more_than_the_caps_allow() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    policy(&app, &user, &json!({"weekly_cap": 1}));
    let mut body = text_to(ADA, "Hello");
    body.as_object_mut().unwrap().remove("destination");
    body["recipients"] = json!([{"destination": ADA}, {"destination": BEN}]);
    let replies = user
        .client
        .together(3, &Method::POST, "sms/send-batch", Some(&body));
    let late = |reply: &homeroom_api_tests::Reply| reply.code() == "changed_meanwhile";
    assert!(replies.iter().any(late), "{replies:?}");
    for reply in &replies {
        assert!(reply.status == 200 || late(reply), "{}", reply.text);
    }
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 2);
    let again = user.client.post("sms/send-batch", &body).status(200).json;
    assert_eq!(again["count"], 0);
    assert_eq!(again["rejected"][0]["code"], "weekly_cp");
}

#[test]
fn who_opts_out_between_the_look_and_the_writing_is_not_written_to() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let stop = user
        .client
        .request(&Method::POST, "sms/opt-outs", Some(&json!({"number": ADA})));
    let send = |n: u32| {
        let body = text_to(ADA, &format!("Hello {n}"));
        user.client.request(&Method::POST, "sms/send", Some(&body))
    };
    let replies = app.run_together(vec![send(1), stop, send(2), send(3)]);
    assert_eq!(replies[1].status, 200);
    let mut late = 0;
    for reply in [&replies[0], &replies[2], &replies[3]] {
        if reply.status != 200 {
            refused(reply, 403, "opted_out");
            late += 1;
        }
    }
    let sent = app.count("CONTROL", "select count(*) from sms_messages");
    assert_eq!(sent, 3 - late);
    assert!(
        late > 0,
        "no message met the opt-out: the test proves nothing"
    );
}
