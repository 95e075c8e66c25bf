//! Jasmin's SMPP server, which closes a session over what it cannot read (`tests/bridge/jasmin_centre.py`).

use std::time::Duration;

use homeroom_bridge::message::{AttemptResult, PartStatus};
use homeroom_bridge::smpp::link::{Delivery, LinkConfig};
use homeroom_bridge::smpp::pdu::BindMode;
use homeroom_sms_contract::submit::LinkStatus;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::node::{PeerCentre, folder};
use crate::python::jasmin;
use crate::support::{Running, claimed, config};

async fn centre(enquire_link: &str) -> PeerCentre {
    let mut command = Command::new(jasmin().await);
    command
        .arg(folder().join("jasmin_centre.py"))
        .arg(enquire_link)
        .kill_on_drop(true);
    PeerCentre::start(&mut command).await
}

async fn count(centre: &mut PeerCentre) -> Value {
    centre.command("count").await;
    centre.line().await
}

/// Parts of every kind: the GSM alphabet, UTF-16, two that belong together, and a long one in one piece.
async fn send(link: &Running) {
    let mut wide = claimed(2);
    wide.data_coding = 8;
    wide.body.short_message = "Ж😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut udh = [claimed(3), claimed(4)];
    for (number, part) in (1..).zip(&mut udh) {
        part.esm_class = 0x40;
        part.body.short_message = [&[5, 0, 3, 42, 2, number][..], b"part"].concat();
    }
    let mut sar = claimed(5);
    sar.body.sar = Some((0x1234, 2, 1));
    let mut payload = claimed(6);
    payload.body.short_message.clear();
    payload.body.payload = Some(vec![b'x'; 1_000]);
    // A message that is good for an hour, as the bridge writes it.
    payload.valid_until =
        homeroom_kernel::Clock::now(&homeroom_bridge::clock::SystemClock).millis() + 3_600_000;
    let [first, second] = udh;
    for part in [claimed(1), wide, first, second, sar, payload] {
        link.link.reserve(1).await.pop().unwrap().send(part);
    }
}

/// What Jasmin made of them.
fn check(lines: &[Value], outcomes: &[AttemptResult]) {
    for (line, outcome) in lines.iter().zip(outcomes) {
        let provider_id = line["id"].as_str().unwrap().as_bytes().to_vec();
        assert_eq!(*outcome, AttemptResult::Submitted { provider_id });
        assert_eq!(line["source"], "School");
        assert_eq!(line["destination"], "491701234567");
        assert_eq!(line["ton"], "INTERNATIONAL");
        assert_eq!(line["receipt"], "SMSC_DELIVERY_RECEIPT_REQUESTED");
    }
    let each = |name: &str| -> Vec<Value> { lines.iter().map(|line| line[name].clone()).collect() };
    let octets = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
    let gsm = "SMSC_DEFAULT_ALPHABET";
    assert_eq!(each("coding"), [gsm, "UCS2", gsm, gsm, gsm, gsm]);
    assert_eq!(
        each("text"),
        [
            octets(b"Hello"),
            octets(b"\x04\x16\xd8\x3d\xde\x00"),
            octets(b"\x05\x00\x03\x2a\x02\x01part"),
            octets(b"\x05\x00\x03\x2a\x02\x02part"),
            octets(b"Hello"),
            String::new(),
        ]
    );
    let header = json!(["UDHI_INDICATOR_SET"]);
    let none = json!([]);
    assert_eq!(
        each("features"),
        [&none, &none, &header, &header, &none, &none].map(Clone::clone)
    );
    assert_eq!(lines[4]["sar"], json!([0x1234, 2, 1]));
    assert_eq!(lines[5]["payload"], octets(&[b'x'; 1_000]));
}

async fn receipts(link: &mut Running, outcomes: &[AttemptResult]) {
    for outcome in outcomes {
        let (what, ack) = link.delivery().await;
        let Delivery::Receipt(receipt) = what else {
            panic!("{what:?}");
        };
        assert_eq!(receipt.status, PartStatus::Delivered);
        let provider_id = receipt.provider_id;
        assert_eq!(AttemptResult::Submitted { provider_id }, *outcome);
        ack.send(Ok(())).unwrap();
    }
}

async fn lines(centre: &mut PeerCentre) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..6 {
        lines.push(centre.line().await);
    }
    lines
}

#[tokio::test]
async fn jasmin_reads_every_kind_of_part_and_its_receipts_are_acknowledged() {
    let mut centre = centre("30").await;
    let mut link = Running::start(config(centre.port));
    send(&link).await;
    let outcomes = link.outcomes(6).await;
    check(&lines(&mut centre).await, &outcomes);
    receipts(&mut link, &outcomes).await;
    link.link.shutdown(Duration::from_secs(5)).await;
    let expected = json!({
        "taken": 6,
        "answers": { "deliver_sm_resp ESME_ROK": 6 },
        "unbinds": 1,
        "connections": 1,
    });
    assert_eq!(count(&mut centre).await, expected);
}

#[tokio::test]
async fn jasmin_takes_parts_from_a_transmitter_and_delivers_receipts_to_a_receiver() {
    let mut centre = centre("30").await;
    let bound = |bind: BindMode| LinkConfig {
        bind,
        ..config(centre.port)
    };
    let mut receiver = Running::start(bound(BindMode::Receiver));
    receiver.becomes(LinkStatus::Up).await;
    let mut transmitter = Running::start(bound(BindMode::Transmitter));
    send(&transmitter).await;
    let outcomes = transmitter.outcomes(6).await;
    check(&lines(&mut centre).await, &outcomes);
    receipts(&mut receiver, &outcomes).await;
    for link in [transmitter, receiver] {
        assert!(link.deliveries.is_empty());
        link.link.shutdown(Duration::from_secs(5)).await;
    }
    let count = count(&mut centre).await;
    assert_eq!(count["answers"], json!({ "deliver_sm_resp ESME_ROK": 6 }));
    assert_eq!(count["unbinds"], 2);
}

#[tokio::test]
async fn jasmin_keeps_a_quiet_session_that_answers_when_it_asks() {
    let mut centre = centre("0.2").await;
    let mut link = Running::start(config(centre.port));
    link.becomes(LinkStatus::Up).await;
    // Longer than Jasmin waits for an answer.
    link.quiet(Duration::from_millis(2_500)).await;
    let count = count(&mut centre).await;
    let asked = count["answers"]["enquire_link_resp ESME_ROK"].as_u64();
    assert!(asked.is_some_and(|asked| asked >= 5), "{count}");
    assert_eq!(count["connections"], 1);
    centre.command("unbind").await;
    link.becomes(LinkStatus::Down).await;
    assert_eq!(link.link.problem().as_deref(), Some("the centre unbound"));
    link.becomes(LinkStatus::Up).await;
    link.send(1).await;
    assert!(matches!(
        link.outcomes(1).await[..],
        [AttemptResult::Submitted { .. }]
    ));
}

#[tokio::test]
async fn jasmin_s_refusal_of_a_password_is_told_with_its_reason() {
    let centre = centre("30").await;
    let mut config = config(centre.port);
    config.password = "another".into();
    crate::link::expect_problem(config, "ESME_RINVPASWD").await;
}
