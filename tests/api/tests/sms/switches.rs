//! Links and pools that administrators switch off.

use homeroom_api_tests::{Client, Mood, TestApp, text_to};
use homeroom_sms::Fate;
use serde_json::json;

use super::admin;

fn switch(key: &Client, esme: i64, is_enabled: bool) {
    let body = json!({ "is_enabled": is_enabled });
    key.patch(&format!("admin/links/{esme}"), &body).expect(200);
}

#[test]
fn a_pool_takes_messages_until_its_last_link_is_off() {
    let app = TestApp::new();
    let (user, key) = (app.public_sms_user("ada"), admin::admin(&app));
    let mut body = text_to("+263771234567", "Hello");
    body["esme"] = json!(1000);
    let sent = || {
        app.pass_seconds(4);
        let reply = user.client.post("sms/send", &body);
        (reply.status, reply.code().to_owned())
    };
    let off = (409, "link_disabled".to_owned());
    switch(&key, 101, false);
    assert_eq!(sent(), (200, String::new()));
    switch(&key, 100, false);
    assert_eq!(sent(), off, "every link");
    switch(&key, 101, true);
    assert_eq!(sent(), (200, String::new()));
    switch(&key, 100, true);
    switch(&key, 1000, false);
    assert_eq!(sent(), off, "the pool itself");
}

#[test]
fn of_a_pool_only_the_links_that_are_on_are_asked_for_their_connection() {
    let app = TestApp::new();
    let (user, key) = (app.public_sms_user("ada"), admin::admin(&app));
    let persist = || {
        app.pass_seconds(4);
        let answer = user.client.post("sms/check-esme", &json!({"esme": 1000}));
        answer.status(200).json["persist"] == true
    };
    assert!(persist());
    switch(&key, 100, false);
    assert!(!persist(), "link 101 is down");
}

#[test]
fn the_bridge_hears_what_is_off_at_once_with_each_message_and_every_minute() {
    let app = TestApp::new();
    let (user, key) = (app.public_sms_user("ada"), admin::admin(&app));
    switch(&key, 102, true);
    switch(&key, 101, false);
    assert_eq!(app.bridge_heard_off(), [101]);

    app.bridge_is(Mood::Away);
    switch(&key, 102, false);
    switch(&key, 101, true);
    assert_eq!(app.bridge_heard_off(), [101], "it is away");
    app.bridge_is(Mood::Taking);
    user.send("+263771234567", "Hello").expect(200);
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert_eq!(app.bridge_heard_off(), [102]);

    app.bridge_is(Mood::Away);
    switch(&key, 102, true);
    app.bridge_is(Mood::Taking);
    app.sweep().unwrap();
    assert_eq!(app.bridge_heard_off(), [0i64; 0]);
}
