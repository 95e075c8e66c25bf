//! What becomes of messages that wait for a receiver who wants none any more.

use homeroom_api_tests::{Mood, PUBLIC_HOST, SMS_ADMIN_KEY, SmsUser, TestApp, text_to};
use homeroom_sms::Fate;
use serde_json::{Value, json};

use super::school_year::SmsSchool;

const ADA: &str = "+263771234567";
const BEN: &str = "+263779999999";
const OURS: &str = "33555";

fn owns_a_number(app: &TestApp, user: &SmsUser) {
    let admin = app.gateway(PUBLIC_HOST).with("x-admin-key", SMS_ADMIN_KEY);
    let body = json!({"number": OURS, "app_id": user.app_id});
    admin.post("admin/numbers", &body).expect(200);
}

fn says(app: &TestApp, id: &str, text: &str) -> homeroom_api_tests::Reply {
    let event = json!({
        "id": format!("evt-{id}"), "at": app.now().millis(), "inbound_id": id, "esme": 100, "source": ADA,
        "destination": OURS, "text": text, "missing_parts": 0,
    });
    app.webhook("sms/mo", &json!({"events": [event]}))
}

/// Sends a text that is to leave tomorrow.
fn scheduled(app: &TestApp, user: &SmsUser, to: &str, text: &str) -> String {
    let mut body = text_to(to, text);
    body["send_at"] = json!(app.now().seconds() + 86_400);
    let sent = user.client.post("sms/send", &body).status(200);
    sent.str("message_id")
}

fn statuses(user: &SmsUser, ids: &[&String]) -> Vec<Value> {
    ids.iter()
        .map(|id| user.info(id)["status"].clone())
        .collect()
}

#[test]
fn stop_withdraws_what_waits_here_and_at_the_bridge_and_nobody_elses() {
    let app = TestApp::new();
    let (user, other) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    owns_a_number(&app, &user);
    let at_bridge = scheduled(&app, &user, ADA, "tomorrow");
    let left = user.sent("now");
    let batch = json!({
        "esme": 100, "source": "Greenwood", "message": "to both", "send_at": app.now().seconds() + 86_400,
        "recipients": [{"destination": ADA}, {"destination": BEN}],
    });
    let batch = user.client.post("sms/send-batch", &batch).status(200);
    app.work_queue();
    app.bridge_sends(&left);
    let here = scheduled(&app, &user, ADA, "not handed over yet");
    let bens = scheduled(&app, &user, BEN, "tomorrow");
    let of_other = scheduled(&app, &other, ADA, "of another app");
    says(&app, "in-1", "STOP").expect(204);
    assert_eq!(
        statuses(&user, &[&at_bridge, &here, &left, &bens]),
        ["DELETED", "DELETED", "ACCEPTED", "ACCEPTED"]
    );
    assert_eq!(statuses(&other, &[&of_other]), ["ACCEPTED"]);
    let path = format!("sms/batch/{}", batch.str("batch_id"));
    let counts = user.client.get(&path).status(200);
    assert_eq!(
        counts.json["statuses"],
        json!({"ACCEPTED": 1, "DELETED": 1})
    );
    // The answer to STOP itself leaves, also where STOP is told again before it does.
    says(&app, "in-1", "STOP").expect(204);
    let _ = app.take_submissions();
    assert!(app.work_queue().iter().all(|fate| *fate == Fate::Done));
    let sent = app.take_submissions().into_iter().flatten();
    let to_ada = sent.filter(|one| one.app_id == user.app_id && one.destination == "263771234567");
    let texts: Vec<String> = to_ada.map(|one| one.text).collect();
    assert_eq!(
        texts,
        ["You will get no more messages. Reply START to get them again."]
    );
}

#[test]
fn a_stop_that_was_taken_back_withdraws_nothing_when_it_is_told_again() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    owns_a_number(&app, &user);
    says(&app, "in-1", "STOP").expect(204);
    user.client.delete("sms/opt-outs/263771234567").expect(204);
    let (here, there) = ("here", "there");
    let there = scheduled(&app, &user, ADA, there);
    app.work_queue();
    let here = scheduled(&app, &user, ADA, here);
    says(&app, "in-1", "STOP").expect(204);
    assert_eq!(statuses(&user, &[&here, &there]), ["ACCEPTED"; 2]);
}

#[test]
fn what_the_bridge_cannot_be_asked_about_is_withdrawn_when_it_tells_of_the_stop_again() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    owns_a_number(&app, &user);
    let id = scheduled(&app, &user, ADA, "tomorrow");
    app.work_queue();
    app.bridge_is(Mood::Away);
    says(&app, "in-1", "STOP").expect(503);
    assert_eq!(user.send(ADA, "Hello").code(), "opted_out");
    assert_eq!(statuses(&user, &[&id]), ["ACCEPTED"]);
    app.bridge_is(Mood::Taking);
    says(&app, "in-1", "STOP").expect(204);
    assert_eq!(statuses(&user, &[&id]), ["DELETED"]);
}

#[test]
fn what_was_taken_and_not_handed_over_when_its_receiver_stopped_is_not_handed_over_later() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    owns_a_number(&app, &user);
    let id = user.sent("Hello");
    app.bridge_is(Mood::Away);
    assert!(matches!(app.work_queue()[..], [Fate::Retry { .. }]));
    app.bridge_is(Mood::Taking);
    let _ = app.take_submissions();
    says(&app, "in-1", "STOP").expect(503);
    assert_eq!(
        statuses(&user, &[&id]),
        ["ACCEPTED"],
        "it may be on its way to the bridge, which tells of the STOP again"
    );
    app.pass_seconds(301);
    says(&app, "in-1", "STOP").expect(204);
    app.work_queue();
    assert_eq!(statuses(&user, &[&id]), ["DELETED"]);
    let handed = app.take_submissions().into_iter().flatten();
    let texts: Vec<String> = handed.map(|one| one.text).collect();
    assert!(!texts.contains(&"Hello".to_owned()), "{texts:?}");
}

#[test]
fn a_stop_to_a_number_of_nobody_withdraws_what_waits_for_it_of_every_app_of_the_platform() {
    let app = TestApp::new();
    let (ada, bob) = (app.public_sms_user("ada"), app.public_sms_user("bob"));
    let one = scheduled(&app, &ada, ADA, "tomorrow");
    app.work_queue();
    let two = scheduled(&app, &bob, ADA, "tomorrow");
    says(&app, "in-1", "STOP").expect(204);
    assert_eq!(statuses(&ada, &[&one]), ["DELETED"]);
    assert_eq!(statuses(&bob, &[&two]), ["DELETED"]);
}

#[test]
fn an_opt_out_by_the_apps_owner_withdraws_too_and_is_not_kept_waiting_by_the_bridge() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let there = scheduled(&app, &user, ADA, "there");
    app.work_queue();
    let here = scheduled(&app, &user, ADA, "here");
    let opt_out = || user.client.post("sms/opt-outs", &json!({"number": ADA}));
    app.bridge_is(Mood::Away);
    opt_out().expect(200);
    assert_eq!(statuses(&user, &[&here, &there]), ["DELETED", "ACCEPTED"]);
    app.bridge_is(Mood::Taking);
    opt_out().expect(200);
    assert_eq!(statuses(&user, &[&there]), ["DELETED"]);
}

#[test]
fn an_opt_out_at_a_school_withdraws_what_the_school_sends_the_number() {
    let place = SmsSchool::new();
    let tomorrow = "2026-01-16T08:00:00Z";
    let send = |text: &str| {
        let body = json!({"destination": ADA, "message": text, "send_at": tomorrow});
        place.send(&body).status(201).id()
    };
    let there = send("there");
    place.app.work_queue();
    let here = send("here");
    let body = json!({"number": ADA});
    place.admin.post("sms/opt-outs/", &body).expect(200);
    for id in [here, there] {
        assert_eq!(place.message(&id)["status"], "DELETED");
    }
}
