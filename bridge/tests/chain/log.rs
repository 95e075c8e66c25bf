//! What the running bridge writes down, and what it does not.

use std::time::Duration;

use homeroom_bridge::smsc::FromPhone;
use serde_json::json;

use crate::rest::call;
use crate::support::Chain;

#[tokio::test(flavor = "multi_thread")]
async fn neither_log_nor_metrics_hold_a_text_or_a_whole_number() {
    let mut chain = Chain::new(1, Duration::ZERO).await;
    chain.edit(|text| text.replace("level = \"error\"", "level = \"trace\""));
    let log = chain.start_logged().await;
    let send = |destination: &str, text: &str| {
        let body = json!({
            "esme": 1000, "source": "+263778887766", "destination": destination, "message": text, "transaction_id": text.len().to_string(),
        });
        call(chain.rest, "/api/v1/sms/send", Some(body))
    };
    let long = "Parents evening is moved ".repeat(20);
    assert_eq!(send("+263771234567", "Lunch is at noon").await.status, 200);
    assert_eq!(send("+263771234567", &long).await.status, 200);
    assert_eq!(
        send("+2637712345670000000", "Lunch is at noon!")
            .await
            .status,
        400
    );
    let unread =
        json!({ "esme": 1000, "destination": "+263771234567", "message": "Lunch is at noon" });
    assert_eq!(
        call(chain.rest, "/api/v1/sms/send", Some(unread))
            .await
            .status,
        400
    );
    chain.write_as_phone(
        100,
        FromPhone {
            source: "263775554433".to_owned(),
            destination: "4711".to_owned(),
            esm_class: 0,
            data_coding: 0,
            text: b"We cannot come".to_vec(),
        },
    );
    chain.wait_delivered(2).await;
    chain
        .wait_metric(
            "bridge_link_answers_total{link=\"100\",status=\"ESME_ROK\"}",
            |n| n == 5,
        )
        .await;
    chain
        .wait_metric("bridge_receipt_seconds_count{link=\"100\"}", |n| n == 5)
        .await;
    chain.wait_inbound().await;
    let metrics = call(chain.rest, "/metrics", None).await.body;
    chain.stop();
    let written = std::fs::read_to_string(log).unwrap();
    for seen in [
        "\"level\":\"TRACE\"",
        "\"message\":\"bound\"",
        "\"/api/v1/sms/send\"",
    ] {
        assert!(
            written.contains(seen),
            "{seen} is not in the log, so what follows would say nothing"
        );
    }
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    for private in [
        "Lunch",
        "Parents",
        "cannot come",
        "771234567",
        "778887766",
        "775554433",
        "hillside",
    ] {
        let line = written
            .lines()
            .chain(metrics.lines())
            .find(|line| line.contains(private));
        assert_eq!(line, None, "{private}");
    }
}
