//! Apps are told what became of their messages.

use homeroom_api_tests::{SmsUser, TestApp};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::receipt;

const URL: &str = "https://hooks.example.org/sms";

fn wants(user: &SmsUser, settings: &Value) -> String {
    let reply = user.client.put("sms/callbacks", settings).status(200);
    reply.json["secret"].as_str().unwrap_or_default().to_owned()
}

fn becomes(app: &TestApp, user: &SmsUser, id: &str, version: u64, status: &str) {
    let event = receipt(user, None, id, version, status, &[status]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
}

#[test]
fn an_app_is_told_of_the_end_of_a_message() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    wants(&user, &json!({"status_url": URL}));
    let id = user.sent("Hello");
    assert_eq!(app.work_queue(), [Fate::Done]);
    becomes(&app, &user, &id, 1, "SUBMITTED");
    assert_eq!(app.queued(), [], "that is not the end");
    becomes(&app, &user, &id, 2, "DELIVERED");
    assert_eq!(app.work_queue(), [Fate::Done]);
    let posts = app.take_posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].url, URL);
    let body = posts[0].json();
    assert_eq!(body["type"], "message.status");
    assert_eq!(body["data"]["status"], "DELIVERED");
    assert_eq!(body["data"]["message_id"], id);
    becomes(&app, &user, &id, 2, "DELIVERED");
    app.pass_seconds(3_600);
    assert_eq!(app.sweep(), Ok(0));
    assert_eq!(app.queued(), []);
}

#[test]
fn the_sweep_finds_what_never_got_into_the_queue() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    wants(&user, &json!({"status_url": URL}));
    let id = user.sent("Hello");
    app.work_queue();
    app.break_queue(true);
    becomes(&app, &user, &id, 1, "DELIVERED");
    app.break_queue(false);
    assert_eq!(app.queued(), []);
    assert_eq!(app.sweep(), Ok(0));
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert_eq!(app.take_posts().len(), 1);
}
