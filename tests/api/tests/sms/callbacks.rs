//! Apps are told what became of their messages, and of messages from phones.

use std::collections::BTreeSet;

use homeroom_api_tests::{PUBLIC_HOST, Post, SMS_ADMIN_KEY, SmsUser, TestApp, text_to};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::receipt;
use crate::signatures::signed;

const URL: &str = "https://hooks.example.org/sms";
const OTHER: &str = "https://hooks.example.org/other";

/// An app that wants to be told, and its secret.
pub(super) fn teller(app: &TestApp, settings: &Value) -> (SmsUser, String) {
    let user = app.public_sms_user("ada");
    let reply = user.client.put("sms/callbacks", settings).status(200);
    (user, reply.str("secret"))
}

pub(super) fn becomes(app: &TestApp, user: &SmsUser, id: &str, version: u64, status: &str) {
    let event = receipt(user, None, id, version, status, &[status]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
}

fn sent_with(user: &SmsUser, more: &Value) -> String {
    let mut body = text_to("+263771234567", "Hello");
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let sent = user.client.post("sms/send", &body).status(200);
    sent.str("message_id")
}

/// Empties the queues; what was told meanwhile.
fn told(app: &TestApp) -> Vec<Post> {
    assert!(app.work_queue().iter().all(|fate| *fate == Fate::Done));
    while !app.queued_callbacks().is_empty() {
        assert!(app.work_callbacks().iter().all(|fate| *fate == Fate::Done));
    }
    app.take_posts()
}

fn statuses(posts: &[Post]) -> Vec<String> {
    let status = |post: &Post| post.json()["data"]["status"].as_str().unwrap().to_owned();
    posts.iter().map(status).collect()
}

#[test]
fn an_app_is_told_of_the_end_of_a_message_with_its_state_at_the_time_and_a_signature() {
    let app = TestApp::new();
    let (user, secret) = teller(&app, &json!({"status_url": URL}));
    let id = sent_with(&user, &json!({"transaction_id": "tx-1", "task_id": 7}));
    assert!(told(&app).is_empty(), "that it was accepted is no news");
    becomes(&app, &user, &id, 1, "SUBMITTED");
    assert_eq!(app.queued_callbacks(), [], "that is not the end");
    becomes(&app, &user, &id, 2, "DELIVERED");
    let posts = told(&app);
    assert_eq!(posts.len(), 1);
    let post = &posts[0];
    assert_eq!(post.url, URL);
    assert_eq!(post.headers["content-type"], "application/json");
    assert_eq!(post.headers["webhook-id"], post.json()["id"]);
    assert_eq!(
        post.headers["webhook-timestamp"],
        app.now().seconds().to_string()
    );
    assert_eq!(post.headers["webhook-signature"], signed(&secret, post));
    assert_eq!(
        post.json(),
        json!({
            "type": "message.status", "id": post.headers["webhook-id"], "at": 1_768_464_100, "version": 2,
            "data": {
                "message_id": id, "transaction_id": "tx-1", "task_id": 7, "destination": "+263771234567",
                "mode": "single", "parts": {"1": "DELIVERED"}, "delivered_count": 1, "status": "DELIVERED", "error": "",
                "sent_at": 1_768_464_100, "updated_at": 1_768_464_100,
            },
        })
    );
    becomes(&app, &user, &id, 2, "DELIVERED");
    app.pass_seconds(3_600);
    assert_eq!(app.sweep(), Ok(0));
    assert!(told(&app).is_empty(), "the same is told once");
}

#[test]
fn the_level_says_which_changes_are_told() {
    let changes = [
        (1, "SUBMITTED"),
        (2, "ENROUTE"),
        (3, "ENROUTE"),
        (4, "DELIVERED"),
    ];
    for (level, expected) in [
        (1, &["SUBMITTED"][..]),
        (2, &["DELIVERED"]),
        (3, &["SUBMITTED", "ENROUTE", "DELIVERED"]),
    ] {
        let app = TestApp::new();
        let settings = json!({"status_url": URL, "status_level": level});
        let (user, _) = teller(&app, &settings);
        let id = user.sent("Hello");
        for (version, status) in changes {
            becomes(&app, &user, &id, version, status);
        }
        let posts = told(&app);
        assert_eq!(statuses(&posts), expected, "level {level}");
        let ids: BTreeSet<_> = posts
            .iter()
            .map(|post| &post.headers["webhook-id"])
            .collect();
        assert_eq!(ids.len(), expected.len());
        // The end may be the first thing that is heard of a message.
        let fast = user.sent("Hi");
        becomes(&app, &user, &fast, 1, "UNDELIVERABLE");
        assert_eq!(statuses(&told(&app)), ["UNDELIVERABLE"], "level {level}");
    }
}

#[test]
fn every_way_in_which_a_message_ends_is_told() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    let withdrawn = user.sent("One");
    user.client
        .act(&format!("sms/{withdrawn}/cancel"))
        .expect(200);
    assert_eq!(app.sweep(), Ok(0), "nobody else puts it into the queue");
    assert_eq!(statuses(&told(&app)), ["DELETED"]);
    let _ = user.sent("Two");
    app.bridge_is(homeroom_api_tests::Mood::Refusing("unknown_esme"));
    assert_eq!(statuses(&told(&app)), ["REJECTED"]);
    app.bridge_is(homeroom_api_tests::Mood::Taking);
    let _ = user.sent("Three");
    let number = json!({"number": "+263771234567"});
    user.client.post("sms/opt-outs", &number).expect(200);
    app.sweep().unwrap();
    assert_eq!(statuses(&told(&app)), ["DELETED"]);
}

#[test]
fn what_a_message_says_comes_before_what_its_app_says() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL, "status_level": 2}));
    let elsewhere = sent_with(&user, &json!({"callback_url": OTHER}));
    let level = sent_with(&user, &json!({"callback_level": 1}));
    let plain = sent_with(&user, &json!({"callback_url": null}));
    let batch = json!({
        "esme": 100, "source": "Greenwood", "message": "x", "callback_url": OTHER, "callback_level": 3,
        "recipients": [{"destination": "+263771234567"}, {"destination": "+263771234568"}],
    });
    let batch = user.client.post("sms/send-batch", &batch).status(200);
    let id = |n: usize| {
        batch.json["messages"][n]["message_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for id in [&elsewhere, &level, &plain, &id(0), &id(1)] {
        becomes(&app, &user, id, 1, "SUBMITTED");
        becomes(&app, &user, id, 2, "EXPIRED");
    }
    let mut seen: Vec<(String, String, String)> = told(&app)
        .iter()
        .map(|post| {
            let data = &post.json()["data"];
            let text = |name: &str| data[name].as_str().unwrap().to_owned();
            (text("message_id"), post.url.clone(), text("status"))
        })
        .collect();
    let line =
        |id: &str, url: &str, status: &str| (id.to_owned(), url.to_owned(), status.to_owned());
    let mut expected = vec![
        line(&elsewhere, OTHER, "EXPIRED"),
        line(&level, URL, "SUBMITTED"),
        line(&plain, URL, "EXPIRED"),
    ];
    for n in 0..2 {
        expected.push(line(&id(n), OTHER, "SUBMITTED"));
        expected.push(line(&id(n), OTHER, "EXPIRED"));
    }
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn a_message_names_an_address_once_there_is_a_secret_to_sign_with_and_is_another_with_another() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut body = text_to("+263771234567", "Hello");
    body["transaction_id"] = json!("tx");
    user.client.post("sms/send", &body).expect(200);
    body["callback_url"] = json!(OTHER);
    let reused = user.client.post("sms/send", &body).status(409);
    assert_eq!(reused.code(), "transaction_id_reused");
    body["transaction_id"] = json!("tx-2");
    let send = || user.client.post("sms/send", &body).status(400).json;
    let error = send()["error"].as_str().unwrap().to_owned();
    assert!(
        error.starts_with("callback_url: This app has no secret"),
        "{error}"
    );
    user.client.put("sms/callbacks", &json!({})).expect(200);
    let first = user.client.post("sms/send", &body).status(200);
    let again = user.client.post("sms/send", &body).status(200);
    assert_eq!(first.json, again.json);
    becomes(&app, &user, &first.str("message_id"), 1, "DELIVERED");
    assert_eq!(told(&app).len(), 1);
}

/// Withdraws a message, by its id or the number that it goes to.
type Way<'a> = &'a dyn Fn(&str, &str);

#[test]
fn a_withdrawal_is_told_at_once_whoever_withdraws_and_wherever_the_message_is() {
    for at_bridge in [false, true] {
        let app = TestApp::new();
        let (user, _) = teller(&app, &json!({"status_url": URL}));
        let key = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
        key.post(
            "admin/numbers",
            &json!({"number": "33555", "app_id": user.app_id}),
        )
        .expect(200);
        let ways: [Way<'_>; 4] = [
            &|id, _| user.client.act(&format!("sms/{id}/cancel")).expect(200),
            &|id, _| {
                let batch = app.rows(
                    "CONTROL",
                    &format!("select batch_id from sms_messages where id = '{id}'"),
                );
                let batch = batch[0][0].as_str().unwrap();
                user.client
                    .delete(&format!("sms/batch/{batch}"))
                    .expect(200);
            },
            &|_, number| {
                user.client
                    .post("sms/opt-outs", &json!({"number": number}))
                    .expect(200)
            },
            &|_, number| {
                let event = json!({
                    "id": format!("evt-{number}"), "at": app.now().millis(), "inbound_id": format!("in-{number}"),
                    "esme": 100, "source": number, "destination": "33555", "text": "STOP", "missing_parts": 0,
                });
                app.webhook("sms/mo", &json!({"events": [event]}))
                    .expect(204);
            },
        ];
        for (place, way) in ways.into_iter().enumerate() {
            let number = format!("+26377123456{place}");
            let body = json!({
                "esme": 100, "source": "Greenwood", "message": "Hello", "recipients": [{"destination": number}],
            });
            let sent = user.client.post("sms/send-batch", &body).status(200).json;
            let id = sent["messages"][0]["message_id"].as_str().unwrap();
            if at_bridge {
                app.work_queue();
            }
            way(id, &number);
            assert_eq!(app.queued_callbacks().len(), 1, "way {place}, {at_bridge}");
            let posts: Vec<Post> = told(&app);
            let told: Vec<Value> = posts
                .iter()
                .map(|post| post.json()["data"]["message_id"].clone())
                .collect();
            assert_eq!(told, [json!(id)], "way {place}, {at_bridge}");
            assert_eq!(statuses(&posts), ["DELETED"]);
        }
    }
}

#[test]
fn what_is_held_back_since_its_receiver_opted_out_is_told_when_it_is() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({"status_url": URL}));
    sent_with(&user, &json!({}));
    let stop = format!(
        "insert into sms_opt_outs (app_id, number, reason, created_at) values ({}, '263771234567', 'stop', 0)",
        user.app_id
    );
    app.execute("CONTROL", &stop);
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert_eq!(app.queued_callbacks().len(), 1);
    assert_eq!(statuses(&told(&app)), ["DELETED"]);
}

#[test]
fn addresses_that_are_not_somebodys_public_server_are_refused_wherever_they_are_given() {
    let app = TestApp::new();
    let (user, _) = teller(&app, &json!({}));
    for url in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://localhost:8080/",
        "https://printer.local/",
        "https://ada:secret@hooks.example.org/",
        "hooks.example.org",
    ] {
        for field in ["status_url", "inbound_url"] {
            let reply = user.client.put("sms/callbacks", &json!({field: url}));
            let words = reply.status(400).json["error"].as_str().unwrap().to_owned();
            assert!(words.starts_with(field), "{words}");
        }
        let mut body = text_to("+263771234567", "Hello");
        body["callback_url"] = json!(url);
        user.client.post("sms/send", &body).expect(400);
        body["recipients"] = json!([{"destination": "+263771234567"}]);
        body.as_object_mut().unwrap().remove("destination");
        user.client.post("sms/send-batch", &body).expect(400);
    }
    for level in [0, 4] {
        let body = json!({"status_level": level});
        user.client.put("sms/callbacks", &body).expect(400);
    }
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 0);
}

#[test]
fn the_secret_is_shown_once_kept_sealed_and_the_one_before_signs_for_a_day_more() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let nothing = json!({"status_url": null, "status_level": 2, "inbound_url": null, "secret_at": 0, "secret": null});
    assert_eq!(user.client.get("sms/callbacks").status(200).json, nothing);
    assert_eq!(
        user.client.act("sms/callbacks/secret").status(404).code(),
        "not_found"
    );
    let settings = json!({"status_url": URL});
    let first = user
        .client
        .put("sms/callbacks", &settings)
        .status(200)
        .str("secret");
    let again = user
        .client
        .put("sms/callbacks", &json!({"status_url": OTHER}))
        .status(200);
    assert!(again.json["secret"].is_null(), "{}", again.text);
    user.client.put("sms/callbacks", &settings).expect(200);
    let stored = app.rows("CONTROL", "select secret from sms_callback_settings")[0][0].to_string();
    assert!(
        !stored.contains("whsec_") && !stored.contains(&first),
        "{stored}"
    );
    app.pass_seconds(60);
    let second = user
        .client
        .act("sms/callbacks/secret")
        .status(200)
        .str("secret");
    assert_ne!(first, second);
    let tells = || {
        becomes(&app, &user, &user.sent("Hello"), 1, "DELIVERED");
        let post = told(&app).remove(0);
        let signatures = post.headers["webhook-signature"].clone();
        (signatures, signed(&first, &post), signed(&second, &post))
    };
    let (signatures, old, new) = tells();
    assert_eq!(signatures, format!("{new} {old}"));
    // The answer got lost: the one that receivers know is still the one before.
    let lost = second;
    let second = user
        .client
        .act("sms/callbacks/secret")
        .status(200)
        .str("secret");
    becomes(&app, &user, &user.sent("Hello"), 1, "DELIVERED");
    let post = told(&app).remove(0);
    let signatures = [signed(&second, &post), signed(&first, &post)].join(" ");
    assert_eq!(post.headers["webhook-signature"], signatures);
    assert!(!signatures.contains(&signed(&lost, &post)));
    app.pass_seconds(24 * 3_600);
    let user = user.signed_in_again();
    becomes(&app, &user, &user.sent("Hello"), 1, "DELIVERED");
    let post = told(&app).remove(0);
    assert_eq!(post.headers["webhook-signature"], signed(&second, &post));
    let audit = app.rows(
        "CONTROL",
        "select action, changes from audit_logs where table_name = 'sms_callback_settings' order by timestamp, id",
    );
    let actions: Vec<_> = audit.iter().map(|row| row[0].clone()).collect();
    assert_eq!(actions, ["CREATE", "UPDATE", "UPDATE", "UPDATE", "UPDATE"]);
    assert!(!format!("{audit:?}").contains("whsec_"));
}

#[test]
fn administrators_see_where_an_app_is_told_and_no_secret() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, _) = teller(&app, &json!({"status_url": URL}));
    let ben = app.sms_user(&school.host, "ben");
    let settings = json!({"inbound_url": OTHER, "status_level": 3});
    ben.client.put("sms/callbacks", &settings).expect(200);
    let admin = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
    let shown = |app_id: i64| admin.get(&format!("admin/apps/{app_id}/callbacks"));
    let at = app.now().seconds();
    assert_eq!(
        shown(ada.app_id).status(200).json,
        json!({"status_url": URL, "status_level": 2, "inbound_url": null, "secret_at": at, "secret": null})
    );
    assert_eq!(
        shown(ben.app_id).status(200).json,
        json!({"status_url": null, "status_level": 3, "inbound_url": OTHER, "secret_at": at, "secret": null})
    );
    shown(999).expect(404);
    let count = "select count(*) from sms_callback_settings";
    assert_eq!(
        app.count(&school.slot, count),
        1,
        "a school's lies in its own database"
    );
}

#[test]
fn messages_from_phones_are_sent_on_once() {
    let app = TestApp::new();
    let (user, secret) = teller(&app, &json!({"inbound_url": OTHER}));
    let admin = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
    let number = json!({"number": "33555", "app_id": user.app_id});
    admin.post("admin/numbers", &number).expect(200);
    let event = |id: &str, to: &str| {
        json!({
            "id": format!("evt-{id}"), "at": app.now().millis(), "inbound_id": id, "esme": 100, "source": "+263771234567",
            "destination": to, "text": "When does school begin?", "missing_parts": 0,
        })
    };
    let body = json!({"events": [event("in-1", "33555"), event("in-2", "33666")]});
    app.webhook("sms/mo", &body).expect(204);
    app.webhook("sms/mo", &body).expect(204);
    let posts = told(&app);
    assert_eq!(posts.len(), 1, "not what is nobody's, and nothing twice");
    assert_eq!(posts[0].url, OTHER);
    assert_eq!(
        posts[0].headers["webhook-signature"],
        signed(&secret, &posts[0])
    );
    let listed = user.client.get("sms/inbound").status(200).json["results"][0].clone();
    assert_eq!(
        posts[0].json(),
        json!({
            "type": "message.inbound", "id": posts[0].headers["webhook-id"], "at": app.now().seconds(), "data": listed,
        })
    );
}

#[test]
fn an_app_of_a_school_is_told_from_the_schools_database() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let ben = app.sms_user(&school.host, "ben");
    let secret = ben.client.put("sms/callbacks", &json!({"status_url": URL}));
    let secret = secret.status(200).str("secret");
    let id = ben.sent("Hello");
    let event = receipt(&ben, Some(&school.id), &id, 1, "DELIVERED", &["DELIVERED"]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
    let posts = told(&app);
    assert_eq!(statuses(&posts), ["DELIVERED"]);
    assert_eq!(
        posts[0].headers["webhook-signature"],
        signed(&secret, &posts[0])
    );
    let count = "select count(*) from sms_callbacks";
    assert_eq!(app.count("CONTROL", count), 0);
}
