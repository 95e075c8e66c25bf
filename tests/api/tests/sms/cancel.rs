//! Withdrawing a message while the adapter has it in its hands.

use homeroom_api_tests::{Intrusion, Mood, TestApp};
use homeroom_sms::Fate;
use serde_json::json;

use super::receipt;

#[test]
fn what_the_adapter_took_and_lost_can_be_withdrawn_once_the_bridge_has_it() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    let cancel = || user.client.act(&format!("sms/{id}/cancel"));
    app.bridge_is(Mood::Away);
    assert!(matches!(app.work_queue()[..], [Fate::Retry { .. }]));
    app.bridge_is(Mood::Taking);
    // Taken, and not there: it may arrive at any moment.
    assert_eq!(cancel().status(409).code(), "in_progress");
    assert_eq!(user.info(&id)["status"], "ACCEPTED");
    assert_eq!(app.work_queue(), [Fate::Done]);
    cancel().expect(200);
    assert_eq!(user.info(&id)["status"], "DELETED");
}

#[test]
fn what_the_bridge_has_although_its_answer_was_lost_is_withdrawn_and_not_handed_over_again() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    app.bridge_is(Mood::Mute);
    app.work_queue();
    app.bridge_is(Mood::Taking);
    let _ = app.take_submissions();
    user.client.act(&format!("sms/{id}/cancel")).expect(200);
    assert_eq!(app.work_queue(), [Fate::Done]);
    assert!(app.take_submissions().is_empty());
    assert_eq!(user.info(&id)["status"], "DELETED");
}

#[test]
fn what_the_adapter_takes_at_the_same_moment_is_asked_for_at_the_bridge() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    // The isolate knows the app; the adapter's claim comes just before the guarded statement.
    let _ = user.info(&id);
    app.intrude(Some(Intrusion {
        nth: 1,
        binding: "CONTROL".to_owned(),
        sql: "update sms_messages set claimed_at = 1".to_owned(),
    }));
    let reply = user.client.act(&format!("sms/{id}/cancel")).status(409);
    assert!(!app.intrusion_waits());
    assert_eq!(reply.code(), "in_progress");
    assert_eq!(user.info(&id)["status"], "ACCEPTED");
}

#[test]
fn a_receipt_that_is_faster_than_the_note_of_the_withdrawal_stays() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    app.work_queue();
    // The bridge says that it withdrew it; what it says afterwards, in an event, is newer.
    app.intrude(Some(Intrusion {
        nth: 3,
        binding: "CONTROL".to_owned(),
        sql: "update sms_messages set status = 'EXPIRED', version = 2".to_owned(),
    }));
    user.client.act(&format!("sms/{id}/cancel")).expect(200);
    assert!(!app.intrusion_waits());
    assert_eq!(user.info(&id)["status"], "EXPIRED");
}

#[test]
fn a_withdrawal_and_its_receipt_are_one_and_count_as_no_failure() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let id = user.sent("Hello");
    app.work_queue();
    user.client.act(&format!("sms/{id}/cancel")).expect(200);
    let event = receipt(&user, None, &id, 1, "DELETED", &["DELETED"]);
    app.webhook("sms/dlr", &json!({"events": [event]}))
        .expect(204);
    assert_eq!(user.info(&id)["status"], "DELETED");
    assert_eq!(
        app.rows(
            "CONTROL",
            "select messages, delivered, failed from sms_usage"
        ),
        [[json!(1), json!(0), json!(0)]]
    );
}

#[test]
fn what_came_to_an_end_is_too_late_whatever_the_end_was() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    for status in [
        "SUBMITTED",
        "ENROUTE",
        "UNKNOWN",
        "DELIVERED",
        "EXPIRED",
        "UNDELIVERABLE",
        "REJECTED",
    ] {
        let id = user.sent(status);
        app.work_queue();
        let event = receipt(&user, None, &id, 1, status, &[status]);
        app.webhook("sms/dlr", &json!({"events": [event]}))
            .expect(204);
        let reply = user.client.act(&format!("sms/{id}/cancel")).status(409);
        assert_eq!(reply.code(), "too_late", "{status}");
        assert_eq!(user.info(&id)["status"], status);
    }
}

#[test]
fn an_answer_of_the_bridge_that_could_not_be_stored_is_asked_for_again() {
    use homeroom_api_tests::{Fault, Moment};
    for moment in [Moment::Before, Moment::After] {
        let app = TestApp::new();
        let user = app.public_sms_user("ada");
        let id = user.sent("Hello");
        app.work_queue();
        app.inject(Some(Fault { nth: 3, moment }));
        user.client.act(&format!("sms/{id}/cancel")).expect(503);
        assert!(app.fault_fired());
        app.inject(None);
        user.client.act(&format!("sms/{id}/cancel")).expect(200);
        assert_eq!(user.info(&id)["status"], "DELETED");
    }
}
