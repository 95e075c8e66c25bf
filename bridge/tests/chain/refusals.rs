//! What the whole bridge refuses, and that nothing of it is kept.

use std::time::Duration;

use serde_json::json;

use crate::rest::{call, call_with, message};
use crate::support::Chain;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_link_does_not_allow_is_403_for_the_link_and_its_pool() {
    let mut chain = Chain::over(&[(1, ""), (1, "allowed_ips = [\"203.0.113.0/24\"]\n")], "").await;
    chain.start().await;
    for (esme, status) in [(100, 200), (101, 403), (1000, 403)] {
        let answer = call(
            chain.rest,
            "/api/v1/sms/send",
            Some(message(esme, &format!("to-{esme}"))),
        )
        .await;
        assert_eq!(answer.status, status, "{esme}");
        if status == 403 {
            assert_eq!(answer.json(), json!({ "error": "IP not in whitelist" }));
        }
    }
    chain.stop();
    assert_eq!(chain.rows("messages"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_its_rate_an_app_is_told_429_and_when_to_come_back() {
    let mut chain = Chain::over(&[(1, "")], "[limits]\napp_rate = 0.2\napp_burst = 3\n").await;
    chain.start().await;
    let mut stored = 0;
    for n in 0..5 {
        let answer = call(
            chain.rest,
            "/api/v1/sms/send",
            Some(message(100, &format!("m-{n}"))),
        )
        .await;
        match answer.status.as_u16() {
            200 => stored += 1,
            429 => {
                let wait: u64 = answer.headers["retry-after"]
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                tokio::time::sleep(Duration::from_secs(wait)).await;
                let again = call(
                    chain.rest,
                    "/api/v1/sms/send",
                    Some(message(100, &format!("again-{n}"))),
                )
                .await;
                assert_eq!(again.status, 200, "after {wait} s");
                stored += 1;
                break;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(stored, 4);
    chain.stop();
    assert_eq!(chain.rows("messages"), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_429_and_keeps_nothing() {
    let mut chain = Chain::over(&[(1, "")], "[limits]\nqueue = 5\n").await;
    chain.start().await;
    for n in 0..8 {
        let answer = call(
            chain.rest,
            "/api/v1/sms/send",
            Some(message(100, &format!("m-{n}"))),
        )
        .await;
        assert_eq!(answer.status, if n < 5 { 200 } else { 429 }, "{n}");
        assert_eq!(answer.headers.contains_key("retry-after"), n >= 5);
    }
    chain.stop();
    assert_eq!(chain.rows("messages"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_surrogate_and_numbers_as_words_are_400_and_a_stranger_s_message_is_404() {
    let mut chain = Chain::over(&[(1, "")], "").await;
    chain.start().await;
    for (field, value) in [
        ("esme", json!("100")),
        ("esme", json!(-100)),
        ("esme", json!(1e300)),
        ("message", json!(5)),
        ("message", json!("")),
        ("destination", json!(263_771_234_567_i64)),
    ] {
        let mut body = message(100, "odd");
        body[field] = value.clone();
        let answer = call(chain.rest, "/api/v1/sms/send", Some(body)).await;
        assert_eq!(answer.status, 400, "{field} {value}");
        assert!(answer.json()["error"].is_string());
    }
    let half = message(100, "odd")
        .to_string()
        .replace(r#""message":"odd""#, r#""message":"\ud83d""#);
    assert!(half.contains(r"\ud83d"));
    let answer = call_with(chain.rest, "/api/v1/sms/send", Some(half)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"].is_string());
    let body = json!({ "esme": 100, "message_id": "nobody-s" });
    let answer = call(chain.rest, "/api/v1/sms/info", Some(body)).await;
    assert_eq!(answer.status, 404);
    let sent = chain.client().send(100, &["of-app-1".to_owned()]).await;
    let body = json!({ "esme": 100, "message_id": sent[0] });
    let answer = call(chain.rest, "/api/v1/sms/info", Some(body)).await;
    assert_eq!(answer.status, 404, "it is app 1's");
    chain.stop();
    assert_eq!(chain.rows("messages"), 1);
}

/// On a disk of its own, in a namespace of its own: a real `ENOSPC`.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_accepted_and_what_was_is_still_there() {
    let mut chain = Chain::new(1, Duration::from_millis(1)).await;
    chain.start_on_small_disk("3m").await;
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    // The centre is away, so that nothing leaves the queue.
    chain.end(100);
    for n in 0.. {
        let text = format!("{n}-{}", "x".repeat(900));
        let answer = call(chain.rest, "/api/v1/sms/send", Some(message_of(&text, n))).await;
        match answer.status.as_u16() {
            200 => accepted.push(n),
            503 => {
                assert!(answer.headers.contains_key("retry-after"));
                refused.push(n);
            }
            other => panic!("{other}"),
        }
        if refused.len() == 20 {
            break;
        }
        assert!(n < 20_000, "it is never full");
    }
    assert!(accepted.len() > 50, "{}", accepted.len());
    let ready = call(chain.rest, "/ready", None).await;
    assert_eq!(ready.status, 503);
    assert_eq!(call(chain.rest, "/healthy", None).await.status, 200);
    // All that was accepted can be read while it is full, and nothing of the rest.
    for (list, status) in [(&accepted, 200), (&refused, 409)] {
        for n in list.iter().rev().take(5) {
            let text = format!("{n}-{}", "x".repeat(900));
            let again = call(chain.rest, "/api/v1/sms/send", Some(message_of(&text, *n))).await;
            // A repetition needs no room; what was refused is still refused.
            let expected = if status == 200 { 200 } else { 503 };
            assert_eq!(again.status, expected, "{n}");
        }
    }
    chain.remount("remount,size=64m");
    let mut answer = call(
        chain.rest,
        "/api/v1/sms/send",
        Some(message_of("room", 900_001)),
    )
    .await;
    for _ in 0..600 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = call(
            chain.rest,
            "/api/v1/sms/send",
            Some(message_of("room", 900_001)),
        )
        .await;
    }
    assert_eq!(answer.status, 200, "there is room again");
    let depth = accepted.len() + 1;
    let queued = chain
        .wait_metric("bridge_parts_queued{esme=\"100\"}", |value| {
            value >= depth as u64
        })
        .await;
    println!(
        "{} accepted, {} refused, {queued} parts wait",
        accepted.len(),
        refused.len()
    );
    chain.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_read_only_disk_the_bridge_does_not_start_and_says_why() {
    let chain = Chain::over(&[(1, "")], "").await;
    let said = chain.fails_on_disk("ro,size=1m");
    assert!(
        said.contains("read-only") || said.contains("Read-only"),
        "{said}"
    );
}

pub(crate) fn message_of(text: &str, n: usize) -> serde_json::Value {
    let mut body = message(100, text);
    body["transaction_id"] = json!(format!("t-{n}"));
    body
}
