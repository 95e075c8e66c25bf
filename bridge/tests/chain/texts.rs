//! Texts are sent as they were counted, and say when they left.

use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_kernel::Clock;
use serde_json::json;

use crate::rest::{call, message};
use crate::support::Chain;

#[tokio::test(flavor = "multi_thread")]
async fn every_alphabet_and_header_sends_the_parts_that_check_text_promised() {
    let forms = [
        ("gsm7", "udh8", "a", 305),
        ("gsm7", "udh16", "a", 305),
        ("gsm7", "sar", "é", 307),
        ("gsm7", "payload", "a", 305),
        ("latin1", "udh8", "a", 160),
        ("latin1", "udh16", "ç", 267),
        ("ascii", "udh8", "[", 81),
        ("ascii", "udh16", "é", 133),
    ];
    let lines: Vec<String> = forms
        .iter()
        .map(|(alphabet, header, ..)| format!("alphabet = \"{alphabet}\"\nheader = \"{header}\"\n"))
        .collect();
    let links: Vec<(u16, &str)> = lines.iter().map(|line| (1, line.as_str())).collect();
    let mut chain = Chain::over(&links, "").await;
    // A pool of all is refused: they cut differently.
    chain.edit(|text| text.split("[pools").next().unwrap().to_owned());
    chain.start().await;
    for (esme, (alphabet, header, letter, count)) in (100..).zip(forms) {
        let text = letter.repeat(count);
        let wanted = json!({ "message": text, "esme": esme });
        let promised = call(chain.rest, "/api/v1/sms/check-text", Some(wanted)).await;
        let mut sent = message(esme, &text);
        sent["transaction_id"] = json!(esme.to_string());
        let sent = call(chain.rest, "/api/v1/sms/send", Some(sent)).await;
        let parts = sent.json()["sms_ids"].as_array().unwrap().len();
        assert_eq!(
            promised.json()["segments"],
            parts,
            "{alphabet} {header} {letter}"
        );
    }
    chain.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_when_it_was_accepted_until_its_first_part_has_left() {
    let mut chain = Chain::new(1, Duration::ZERO).await;
    chain.start().await;
    let leaves = SystemClock.now().seconds() + 6;
    let mut wanted = message(100, "Later");
    wanted["sent_at"] = json!(leaves);
    let sent = call(chain.rest, "/api/v1/sms/send", Some(wanted)).await;
    let asked = json!({ "message_id": sent.json()["message_id"] });
    let sent_at = async || {
        let info = call(chain.rest, "/api/v1/sms/info", Some(asked.clone())).await;
        info.json()["sent_at"].as_i64().unwrap()
    };
    assert!(sent_at().await < leaves);
    chain.wait_delivered(1).await;
    let left = sent_at().await;
    assert!((leaves..leaves + 60).contains(&left), "{left} {leaves}");
}
