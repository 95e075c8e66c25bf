//! Many messages in one request.

use std::collections::BTreeSet;

use homeroom_api_tests::{Fault, Intrusion, Moment, Mood, PUBLIC_HOST, Reply, SmsUser, TestApp};
use homeroom_sms::Fate;
use http::Method;
use serde_json::{Value, json};

use super::{receipt, set};

fn number(n: usize) -> String {
    format!("+26377{n:07}")
}

fn batch(recipients: &[Value]) -> Value {
    json!({
        "esme": 100, "source": "Greenwood", "message": "School closes at noon.", "transaction_id": "closing",
        "recipients": recipients,
    })
}

fn to(count: usize) -> Value {
    let all: Vec<Value> = (0..count)
        .map(|n| json!({"destination": number(n)}))
        .collect();
    batch(&all)
}

fn send(user: &SmsUser, body: &Value) -> Reply {
    user.client.post("sms/send-batch", body)
}

fn codes(reply: &Reply) -> Vec<(u64, String)> {
    let rejected = reply.json["rejected"].as_array().unwrap();
    rejected
        .iter()
        .map(|one| {
            let code = one["code"].as_str().unwrap().to_owned();
            (one["index"].as_u64().unwrap(), code)
        })
        .collect()
}

fn generous(app: &TestApp, user: &SmsUser) {
    set(
        app,
        user,
        "rate_per_second = 1000, burst = 2000, daily_parts = 100000",
    );
}

/// The bucket of a new app holds 20.
#[test]
fn a_batch_larger_than_the_burst_is_taken_and_the_next_one_waits() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    assert_eq!(send(&user, &to(50)).status(200).json["count"], 50);
    let mut next = to(50);
    next["transaction_id"] = json!("another");
    let limited = send(&user, &next).status(429);
    assert_eq!(limited.code(), "rate_limited");
    app.pass_seconds(2);
    assert_eq!(send(&user, &next).status(200).json["count"], 50);
}

#[test]
fn every_receiver_has_an_answer_of_its_own() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    user.client
        .post("sms/opt-outs", &json!({"number": number(3)}))
        .expect(200);
    let mut single = homeroom_api_tests::text_to(&number(8), "School closes at noon.");
    for transaction_id in ["same", "other"] {
        single["transaction_id"] = json!(transaction_id);
        user.client.post("sms/send", &single).expect(200);
    }
    app.work_queue();
    let _ = app.take_submissions();
    let body = batch(&[
        json!({"destination": number(0)}),
        json!({"destination": "0771234567"}),
        json!({"destination": number(2), "message": "Ada, come home.", "transaction_id": "ada", "task_id": 7}),
        json!({"destination": number(3)}),
        json!("a text"),
        json!({"destination": number(5), "colour": "red"}),
        json!({"destination": number(6), "message": "a".repeat(1_531)}),
        json!({"destination": number(7), "transaction_id": "ada"}),
        json!({"destination": number(8), "transaction_id": "same"}),
        json!({"destination": number(9), "transaction_id": "other"}),
        json!({}),
    ]);
    let sent = send(&user, &body).status(200);
    assert_eq!(
        codes(&sent),
        [
            (1, "invalid_destination".to_owned()),
            (3, "opted_out".to_owned()),
            (4, "invalid".to_owned()),
            (5, "invalid".to_owned()),
            (6, "too_long".to_owned()),
            (7, "transaction_id_reused".to_owned()),
            (8, "already_sent".to_owned()),
            (9, "transaction_id_reused".to_owned()),
            (10, "invalid_destination".to_owned()),
        ]
    );
    let rejected = sent.json["rejected"].as_array().unwrap();
    assert_eq!(rejected[0]["destination"], "0771234567");
    assert_eq!(rejected[1]["destination"], number(3));
    assert_eq!(
        rejected[3]["error"], "colour: There is no such field",
        "{}",
        sent.text
    );
    assert_eq!(sent.json["count"], 2);
    let messages = sent.json["messages"].as_array().unwrap();
    let named: Vec<_> = messages
        .iter()
        .map(|one| {
            (
                one["index"].as_u64().unwrap(),
                one["transaction_id"].clone(),
            )
        })
        .collect();
    assert_eq!(named, [(0, json!("closing-0")), (2, json!("ada"))]);
    let info = user.info(messages[1]["message_id"].as_str().unwrap());
    assert_eq!(
        (&info["task_id"], &info["transaction_id"]),
        (&json!(7), &json!("ada"))
    );
    assert_eq!(app.work_queue(), [Fate::Done]);
    let submitted = app.take_submissions().remove(0);
    let texts: BTreeSet<_> = submitted.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        texts,
        BTreeSet::from(["Ada, come home.", "School closes at noon."])
    );
}

#[test]
fn a_repetition_is_answered_alike_and_sends_nothing_again() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let mut body = to(3);
    body["recipients"][1]["destination"] = json!("nobody at all");
    let first = send(&user, &body).status(200).json;
    assert_eq!(send(&user, &body).status(200).json, first);
    assert_eq!(app.queued().len(), 1);
    assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 2);
    for (field, value) in [
        ("message", json!("Another text")),
        ("priority", json!(2)),
        ("name", json!("Another name")),
        ("recipients", json!([{"destination": number(0)}])),
    ] {
        let mut other = body.clone();
        other[field] = value;
        let refused = send(&user, &other).status(409);
        assert_eq!(refused.code(), "transaction_id_reused", "{field}");
    }
    // Another app's batch of the same name is its own.
    let bob = app.public_sms_user("bob");
    assert_ne!(
        send(&bob, &body).status(200).json["batch_id"],
        first["batch_id"]
    );
    // Without an id every batch is a new one.
    body.as_object_mut().unwrap().remove("transaction_id");
    assert_ne!(
        send(&user, &body).status(200).json["batch_id"],
        send(&user, &body).status(200).json["batch_id"]
    );
}

#[test]
fn of_parallel_batches_with_one_transaction_id_one_sends() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let replies = user
        .client
        .together(4, &Method::POST, "sms/send-batch", Some(&to(5)));
    let ids: BTreeSet<String> = replies.iter().map(|reply| reply.str("batch_id")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 5);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_batches"), 1);
    assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 5);
    assert_eq!(app.queued().len(), 1);
}

#[test]
fn a_lost_answer_is_asked_for_again_without_a_second_message() {
    for nth in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            let app = TestApp::new();
            let user = app.public_sms_user("ada");
            app.inject(Some(Fault { nth, moment }));
            let first = send(&user, &to(5));
            app.inject(None);
            assert!(matches!(first.status, 200 | 503), "{}", first.text);
            let again = send(&user, &to(5)).status(200);
            assert_eq!(again.json["count"], 5);
            assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 5);
            assert_eq!(app.count("CONTROL", "select messages from sms_usage"), 5);
        }
    }
}

#[test]
fn a_message_that_is_faster_than_its_batch_is_not_sent_twice() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    // Sent by another request, between the look and the writing.
    let columns = "id, app_id, transaction_id, content_hash, esme, source, destination, text, numbering, transliterate, \
                   encoding, segments, priority, status, parts, created_at, updated_at";
    let sql = format!(
        "insert into sms_messages ({columns}) values ('01900000-0000-7000-8000-00000000aaaa', {}, 'closing-1', 'x', 100, 'a', \
         'b', 'c', '{{}}', 0, 'GSM7', 1, 0, 'ACCEPTED', '[]', 0, 0)",
        user.app_id
    );
    let _ = user.client.post("sms/check-esme", &json!({"esme": 100}));
    app.intrude(Some(Intrusion {
        nth: 2,
        binding: "CONTROL".to_owned(),
        sql,
    }));
    let sent = send(&user, &to(3)).status(200);
    assert!(!app.intrusion_waits());
    assert_eq!(codes(&sent), [(1, "transaction_id_reused".to_owned())]);
    assert_eq!(sent.json["count"], 2);
    assert_eq!(send(&user, &to(3)).status(200).json, sent.json);
    let id = sent.str("batch_id");
    let state = user.client.get(&format!("sms/batch/{id}")).status(200).json;
    assert_eq!(state["count"], 2);
    assert_eq!(state["rejected"].as_array().unwrap().len(), 1);
    // The part that was not stored is given back.
    set(&app, &user, "daily_parts = 3");
    user.send(&number(900), "One more").expect(200);
    user.send(&number(901), "One too many").expect(429);
}

#[test]
fn a_thousand_receivers_are_one_batch_few_trips_and_jobs_of_a_hundred() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    for user in [
        app.public_sms_user("ada"),
        app.sms_user(&school.host, "bob"),
    ] {
        generous(&app, &user);
        let mut body = to(1_000);
        // Ten parts of the widest characters: more than one statement may carry.
        body["message"] = json!("ሰ".repeat(670));
        let _ = user.client.post("sms/check-esme", &json!({"esme": 100}));
        let sent = send(&user, &body).status(200);
        assert_eq!(sent.json["count"], 1_000);
        assert_eq!(sent.json["rejected"], json!([]));
        assert!(sent.trips() <= 4, "{} trips", sent.trips());
        let jobs = app.queued();
        assert_eq!(jobs.len(), 10);
        assert!(jobs.iter().all(|job| job.message_ids.len() == 100));
        assert!(app.work_queue().iter().all(|fate| *fate == Fate::Done));
        let state = user
            .client
            .get(&format!("sms/batch/{}", sent.str("batch_id")))
            .status(200);
        assert_eq!(state.json["statuses"], json!({"ACCEPTED": 1_000}));
        assert_eq!(state.trips(), 1);
    }
    let user = app.public_sms_user("cyd");
    let refused = send(&user, &to(1_001)).status(400);
    assert_eq!(
        refused.json["error"],
        "recipients: Name 1 to 1000 receivers"
    );
    send(&user, &to(0)).expect(400);
}

#[test]
fn the_quota_is_taken_once_for_all_or_not_at_all() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    set(&app, &user, "daily_parts = 5");
    let refused = send(&user, &to(6)).status(429);
    assert_eq!(refused.code(), "daily_quota");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(app.count("CONTROL", "select count(*) from sms_messages"), 0);
    assert_eq!(app.count("CONTROL", "select count(*) from sms_batches"), 0);
    // Those that are not written to need none.
    let mut body = to(6);
    body["recipients"][3]["destination"] = json!("+1");
    send(&user, &body).expect(200);
    send(&user, &body).expect(200);
    app.pass_seconds(60);
    user.send(&number(900), "One too many").expect(429);
}

#[test]
fn what_is_earlier_in_a_batch_counts_for_what_is_later() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    set(
        &app,
        &user,
        r#"policy = '{"daily_cap": 2, "duplicate_seconds": 600}'"#,
    );
    let ada = number(1);
    let sent = send(
        &user,
        &batch(&[
            json!({"destination": ada, "message": "One"}),
            json!({"destination": ada, "message": "One"}),
            json!({"destination": ada, "message": "Two"}),
            json!({"destination": ada, "message": "Three"}),
            json!({"destination": number(2), "message": "One"}),
        ]),
    )
    .status(200);
    assert_eq!(
        codes(&sent),
        [(1, "duplicate".to_owned()), (3, "daily_cp".to_owned())]
    );
    assert_eq!(sent.json["count"], 3);
}

#[test]
fn who_stopped_everywhere_gets_no_batch_of_a_school_either() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    app.execute(
        "CONTROL",
        "insert into sms_opt_outs (app_id, number, reason, created_at) values (0, '263770000001', 'stop', 0)",
    );
    let sent = send(&user, &to(3)).status(200);
    assert_eq!(codes(&sent), [(1, "opted_out".to_owned())]);
}

#[test]
fn a_batch_shows_how_far_it_is() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let sent = send(&user, &to(3)).status(200);
    let id = sent.str("batch_id");
    let state = || user.client.get(&format!("sms/batch/{id}")).status(200).json;
    assert_eq!(state()["statuses"], json!({"ACCEPTED": 3}));
    assert_eq!(state()["progress"], 0.0);
    app.work_queue();
    let message = sent.json["messages"][0]["message_id"].as_str().unwrap();
    let event = receipt(&user, None, message, 1, "DELIVERED", &["DELIVERED"]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
    let now = state();
    assert_eq!(now["statuses"], json!({"ACCEPTED": 2, "DELIVERED": 1}));
    assert_eq!(
        (&now["finished"], &now["progress"]),
        (&json!(1), &json!(0.333))
    );
    assert_eq!(now["cancelled_at"], 0);
}

#[test]
fn withdrawing_a_batch_ends_what_has_not_left_and_counts_all_of_it() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let path = |sent: &Reply| format!("sms/batch/{}", sent.str("batch_id"));
    let counts = |reply: &Reply| {
        ["cancelled", "too_late", "in_progress"].map(|name| reply.json[name].as_u64().unwrap())
    };
    // Nobody took it: the bridge need not be there.
    let waiting = send(&user, &to(5)).status(200);
    app.bridge_is(Mood::Away);
    let ended = user.client.delete(&path(&waiting)).status(200);
    assert_eq!(counts(&ended), [5, 0, 0]);
    app.bridge_is(Mood::Taking);
    app.work_queue();
    assert!(app.take_submissions().is_empty());
    assert_eq!(
        user.client.delete(&path(&waiting)).status(200).json,
        ended.json
    );
    assert_ne!(
        user.client.get(&path(&waiting)).status(200).json["cancelled_at"],
        0
    );

    // The bridge has it: some have left, one was delivered.
    let mut body = to(5);
    body["transaction_id"] = json!("second");
    let handed = send(&user, &body).status(200);
    app.work_queue();
    let id = |n: usize| {
        handed.json["messages"][n]["message_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    app.bridge_sends(&id(0));
    let event = receipt(&user, None, &id(1), 1, "DELIVERED", &["DELIVERED"]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
    app.bridge_is(Mood::Away);
    let blind = user.client.delete(&path(&handed)).status(200);
    assert_eq!(counts(&blind), [0, 1, 4]);
    app.bridge_is(Mood::Taking);
    let ended = user.client.delete(&path(&handed)).status(200);
    assert_eq!(counts(&ended), [3, 2, 0]);
    assert_eq!(user.info(&id(2))["parts"], json!({"1": "DELETED"}));

    // Between the two: taken from the queue, and the bridge did not answer.
    body["transaction_id"] = json!("third");
    let between = send(&user, &body).status(200);
    app.bridge_is(Mood::Away);
    app.work_queue();
    app.bridge_is(Mood::Taking);
    let early = user.client.delete(&path(&between)).status(200);
    assert_eq!(counts(&early), [0, 0, 5]);
    app.work_queue();
    let ended = user.client.delete(&path(&between)).status(200);
    assert_eq!(counts(&ended), [5, 0, 0]);
}

#[test]
fn more_than_the_bridge_is_asked_about_at_once_is_withdrawn_in_turns() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    generous(&app, &user);
    let sent = send(&user, &to(450)).status(200);
    app.work_queue();
    let path = format!("sms/batch/{}", sent.str("batch_id"));
    let left = || user.client.delete(&path).status(200).json["in_progress"].clone();
    assert_eq!([left(), left(), left()], [json!(250), json!(50), json!(0)]);
}

#[test]
fn a_batch_of_another_app_or_school_is_not_there() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let cyd = app.sms_user(&school.host, "cyd");
    let id = send(&ada, &to(2)).status(200).str("batch_id");
    for user in [&bob, &cyd] {
        let path = format!("sms/batch/{id}");
        let unknown = json!({"error": "batch not found"});
        assert_eq!(user.client.get(&path).status(404).json, unknown);
        assert_eq!(user.client.delete(&path).status(404).json, unknown);
        let found = user.client.get(&format!("sms/messages?batch_id={id}"));
        assert_eq!(found.status(200).json["results"], json!([]));
    }
    ada.client.get("sms/batch/nonsense").expect(404);
    assert_eq!(
        app.count(
            "CONTROL",
            "select count(*) from sms_messages where status = 'ACCEPTED'"
        ),
        2
    );
    app.gateway(PUBLIC_HOST)
        .get(&format!("sms/batch/{id}"))
        .expect(401);
}
