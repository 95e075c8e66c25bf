use super::support::{Disk, SECRET, bridge, now};
use homeroom_sms_contract::submit::{Links, Outcome, Submitted, SwitchedOff};
use http::Method;
use serde_json::{Value, json};

fn submission(n: usize) -> Value {
    json!({
        "message_id": format!("m{n}"), "app_id": 7, "tenant": "hillside", "transaction_id": format!("t{n}"),
        "task_id": null, "esme": 102, "source": "School", "destination": "+987654321", "text": "Hello",
    })
}

#[tokio::test]
async fn the_platform_submits_in_batches_and_every_message_has_its_outcome() {
    let bridge = bridge().await;
    let mut messages: Vec<Value> = (0..100).map(submission).collect();
    messages[40]["esme"] = json!(77);
    let body = json!({ "messages": messages });
    let seconds = now().seconds();
    let answer = bridge
        .signed(
            Method::POST,
            "/v1/submissions",
            body.clone(),
            SECRET,
            seconds,
        )
        .await;
    assert_eq!(answer.status, 200);
    let Submitted { outcomes } = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(outcomes.len(), 100);
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Accepted {
                message_id,
                sms_ids,
            } => {
                assert_eq!(
                    (message_id, sms_ids),
                    (&format!("m{n}"), &vec![format!("m{n}-1")])
                );
            }
            other => assert!(
                n == 40 && matches!(other, Outcome::Refused { .. }),
                "{other:?}"
            ),
        }
    }
    let again = bridge
        .signed(Method::POST, "/v1/submissions", body, SECRET, seconds)
        .await;
    assert_eq!(again.body, answer.body);
    assert_eq!(bridge.engine.messages.lock().unwrap().len(), 99);
}

#[tokio::test]
async fn a_request_without_a_right_signature_changes_nothing() {
    let bridge = bridge().await;
    let body = json!({ "messages": [submission(1)] });
    let seconds = now().seconds();
    let path = "/v1/submissions";
    for (secret, seconds) in [
        ("another secret of any length", seconds),
        (SECRET, seconds - 400),
        (SECRET, seconds + 400),
    ] {
        let answer = bridge
            .signed(Method::POST, path, body.clone(), secret, seconds)
            .await;
        assert_eq!(answer.error(), (401, "invalid signature".to_owned()));
    }
    let bare = bridge.post_with(path, &[], body.to_string()).await;
    assert_eq!(bare.error(), (401, "signature required".to_owned()));
    assert_eq!(bridge.get("/v1/links").await.error().0, 401);
    assert!(bridge.engine.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_of_the_contract_is_refused_as_a_whole() {
    let bridge = bridge().await;
    let many: Vec<Value> = (0..101).map(submission).collect();
    let mut misspelt = submission(1);
    misspelt["txt"] = json!("x");
    for body in [
        json!({ "messages": [] }),
        json!({ "messages": many }),
        json!({ "messages": [misspelt] }),
    ] {
        let answer = bridge
            .signed(
                Method::POST,
                "/v1/submissions",
                body,
                SECRET,
                now().seconds(),
            )
            .await;
        assert_eq!(answer.error().0, 400);
    }
    *bridge.engine.disk.lock().unwrap() = Disk::Full;
    let body = json!({ "messages": [submission(1)] });
    let full = bridge
        .signed(
            Method::POST,
            "/v1/submissions",
            body,
            SECRET,
            now().seconds(),
        )
        .await;
    assert_eq!(full.error().0, 503);
}

#[tokio::test]
async fn the_platform_says_what_is_switched_off_with_messages_or_without() {
    let bridge = bridge().await;
    let seconds = now().seconds();
    let said = |esmes: &[i64], at| json!({ "esmes": esmes, "at": at });
    for (body, outcomes, expected) in [
        (
            json!({ "messages": [], "switched_off": said(&[101], 1) }),
            0,
            (vec![101], 1),
        ),
        (json!({ "messages": [submission(1)] }), 1, (vec![101], 1)),
        (
            json!({ "messages": [submission(2)], "switched_off": said(&[], 2) }),
            1,
            (vec![], 2),
        ),
    ] {
        let answer = bridge
            .signed(Method::POST, "/v1/submissions", body, SECRET, seconds)
            .await;
        let submitted: Submitted = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(submitted.outcomes.len(), outcomes);
        let (esmes, at) = expected;
        assert_eq!(
            *bridge.engine.off.lock().unwrap(),
            SwitchedOff { esmes, at }
        );
    }
}

#[tokio::test]
async fn the_platform_cancels_and_reads_links() {
    let bridge = bridge().await;
    let seconds = now().seconds();
    let body = json!({ "messages": [submission(1)] });
    bridge
        .signed(Method::POST, "/v1/submissions", body, SECRET, seconds)
        .await;
    for (app_id, expected) in [(8, "unknown"), (7, "cancelled"), (7, "unknown")] {
        let body = json!({ "message_id": "m1", "app_id": app_id });
        let answer = bridge
            .signed(Method::POST, "/v1/cancellations", body, SECRET, seconds)
            .await;
        assert_eq!(answer.json(), json!(expected));
    }
    let answer = bridge
        .signed(Method::GET, "/v1/links", Value::Null, SECRET, seconds)
        .await;
    let links: Links = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((links.links.len(), links.pools.len()), (3, 1));
}
