//! What changes between a message's request and its way to the bridge.

use homeroom_api_tests::{Mood, TestApp, text_to};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::{admin, set};

const ADA: &str = "+263771234567";
const DAY: i64 = 86_400;

#[test]
fn a_repetition_is_answered_as_the_first_was_although_the_link_is_off_and_the_time_over_by_now() {
    let app = TestApp::new();
    let (user, key) = (app.public_sms_user("ada"), admin::admin(&app));
    let mut single = text_to(ADA, "Hello");
    single["transaction_id"] = json!("tx-1");
    single["valid_until"] = json!(app.now().seconds() + 60);
    let batch = json!({
        "esme": 100, "source": "Greenwood", "message": "Hello", "transaction_id": "tx-2",
        "recipients": [{"destination": ADA}], "valid_until": app.now().seconds() + 60,
    });
    let requests = [("sms/send", single), ("sms/send-batch", batch)];
    let all = || {
        requests
            .each_ref()
            .map(|(path, body)| user.client.post(path, body))
    };
    let first = all().map(|reply| reply.status(200).json);
    app.pass_seconds(61);
    let off = json!({"is_enabled": false});
    key.patch("admin/links/100", &off).expect(200);
    app.pass_seconds(4);
    assert_eq!(all().map(|reply| reply.status(200).json), first);
    for (path, mut body) in requests.clone() {
        body["transaction_id"] = json!("tx-3");
        assert_eq!(user.client.post(path, &body).code(), "link_disabled");
    }
}

#[test]
fn a_message_whose_time_is_over_is_refused_at_once() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut single = text_to(ADA, "Hello");
    let mut batch = json!({
        "esme": 100, "source": "Greenwood", "message": "Hello", "recipients": [{"destination": ADA}],
    });
    for (path, body) in [("sms/send", &mut single), ("sms/send-batch", &mut batch)] {
        body["valid_until"] = json!(app.now().seconds());
        let refused = user.client.post(path, body).status(400);
        let words = "valid_until: This is over already: the message would not be sent";
        assert_eq!(refused.json["error"], words, "{path}");
        body["valid_until"] = json!(app.now().seconds() + 1);
        user.client.post(path, body).expect(200);
    }
}

#[test]
fn ids_of_senders_are_on_one_line() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut single = text_to(ADA, "Hello");
    let mut batch = json!({
        "esme": 100, "source": "Greenwood", "message": "Hello", "recipients": [{"destination": ADA}],
    });
    for (path, body) in [("sms/send", &mut single), ("sms/send-batch", &mut batch)] {
        body["transaction_id"] = json!("tx\n1");
        let refused = user.client.post(path, body).status(400);
        let words = "transaction_id: Use no line breaks or other control characters";
        assert_eq!(refused.json["error"], words, "{path}");
        body["transaction_id"] = json!("Школа-2026-четверть-вторая-родители".to_owned() + path);
        user.client.post(path, body).expect(200);
    }
}

/// The bridge keeps a message for 30 days at most.
#[test]
fn what_is_to_leave_in_two_months_is_kept_here_and_handed_over_when_its_month_comes() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut body = text_to(ADA, "See you in January");
    body["send_at"] = json!(app.now().seconds() + 60 * DAY);
    let id = user
        .client
        .post("sms/send", &body)
        .status(200)
        .str("message_id");
    assert_eq!(app.work_queue(), [Fate::Done]);
    app.pass_seconds(30 * DAY);
    app.sweep().unwrap();
    assert!(app.queued().is_empty(), "too early");
    assert!(app.take_submissions().is_empty());
    assert_eq!(user.signed_in_again().info(&id)["status"], "ACCEPTED");

    app.pass_seconds(DAY);
    app.sweep().unwrap();
    assert_eq!(app.work_queue(), [Fate::Done]);
    let sent = app.take_submissions().remove(0).remove(0);
    assert_eq!(
        (sent.message_id, sent.text),
        (id, "See you in January".to_owned())
    );
}

#[test]
fn what_waits_of_an_app_that_is_switched_off_or_whose_account_is_deleted_is_not_sent() {
    for deleted in [false, true] {
        let app = TestApp::new();
        let (user, other) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
        app.bridge_is(Mood::Away);
        let (id, others) = (user.sent("Hello"), other.sent("Hello"));
        let retry = app.work_queue();
        assert!(retry.iter().all(|fate| *fate != Fate::Done));
        if deleted {
            let sql = "update sms_accounts set deleted_at = 1 where id = (select account_id from sms_apps where id = ";
            app.execute("CONTROL", &format!("{sql}{})", user.app_id));
        } else {
            set(&app, &user, "is_active = 0");
        }
        app.bridge_is(Mood::Taking);
        app.pass_seconds(300);
        app.sweep().unwrap();
        app.work_queue();
        let sent: Vec<String> = app
            .take_submissions()
            .into_iter()
            .flatten()
            .map(|one| one.message_id)
            .collect();
        assert_eq!(sent, [others]);
        let row = app.rows(
            "CONTROL",
            &format!("select status, error from sms_messages where id = '{id}'"),
        );
        let expected: [Value; 2] = [
            json!("REJECTED"),
            json!("the app that sent it is switched off"),
        ];
        assert_eq!(row, [expected]);
    }
}
