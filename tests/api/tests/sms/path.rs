//! The thin path: an account, a message, the queue, the bridge, a receipt.

use homeroom_api_tests::TestApp;
use homeroom_sms::Fate;
use serde_json::json;

use super::receipt;

#[test]
fn a_message_goes_through_queue_and_bridge_and_its_receipt_comes_back() {
    let app = TestApp::new();
    let user = app.public_sms_user("ada");
    let body = json!({
        "esme": 1000, "source": "+123456789", "destination": "+987654321", "message": "Hello world",
        "transaction_id": "tx-001", "task_id": 12345,
    });
    let sent = user.client.post("sms/send", &body).status(200);
    let id = sent.str("message_id");
    assert_eq!(
        sent.json,
        json!({
            "success": true, "error": "", "esme": 1000, "transaction_id": "tx-001", "message_id": id,
            "status": "submitted", "sms_ids": [format!("{id}-1")], "task_id": 12345,
        })
    );
    assert_eq!(user.info(&id)["status"], "ACCEPTED");

    assert_eq!(app.work_queue(), [Fate::Done]);
    let submitted = app.take_submissions().remove(0).remove(0);
    assert_eq!(submitted.message_id, id);
    assert_eq!(submitted.text, "Hello world");
    assert_eq!((submitted.app_id, submitted.esme), (user.app_id, 1000));
    assert_eq!(submitted.tenant, None);

    let delivered = receipt(&user, None, &id, 3, "DELIVERED", &["DELIVERED"]);
    let events = json!({"events": [delivered]});
    app.webhook("sms/dlr", &events).expect(204);
    let info = user.info(&id);
    assert_eq!(info["status"], "DELIVERED");
    assert_eq!(info["parts"], json!({"1": "DELIVERED"}));
    assert_eq!(info["delivered_count"], 1);
    assert_eq!(info["mode"], "single");
    assert_eq!(info["sent_at"], 1_768_464_100);
    assert_eq!(info["task_id"], 12345);
    let usage = app.rows(
        "CONTROL",
        "select app_id, messages, parts, delivered, failed from sms_usage",
    );
    assert_eq!(
        usage,
        [[json!(user.app_id), json!(1), json!(1), json!(1), json!(0)]]
    );
}

#[test]
fn the_messages_of_a_school_lie_in_its_database_only() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let user = app.sms_user(&school.host, "ada");
    let id = user.sent("Hello");
    assert_eq!(app.work_queue(), [Fate::Done]);
    let submitted = app.take_submissions().remove(0).remove(0);
    assert_eq!(submitted.tenant.as_deref(), Some(school.id.as_str()));
    let delivered = receipt(&user, Some(&school.id), &id, 1, "DELIVERED", &["DELIVERED"]);
    let events = json!({"events": [delivered]});
    app.webhook("sms/dlr", &events).expect(204);
    assert_eq!(user.info(&id)["status"], "DELIVERED");
    let count = "select count(*) from sms_messages";
    assert_eq!(app.count(&school.slot, count), 1);
    assert_eq!(app.count("CONTROL", count), 0);
}
