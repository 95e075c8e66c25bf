//! A hundred thousand at once: of receipts, and of messages that wait when the bridge starts.

use std::time::Duration;

use bytes::BytesMut;
use homeroom_bridge::message::{Address, Addresses, NewMessage, PartBody};
use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::pdu::Pdu;
use homeroom_bridge::store::sqlite::{Options, SqliteStore};
use homeroom_bridge::store::{QueueLimits, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::centre::{Centre, receipt};
use crate::rest::call;
use crate::steps::submit;
use crate::support::Chain;

const COUNT: u32 = 100_000;

/// MB that a process has in memory now, and had at most.
fn memory(pid: u32) -> (usize, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kb = line.unwrap().trim().trim_end_matches(" kB");
        kb.parse::<usize>().unwrap() / 1024
    };
    (value("VmRSS:"), value("VmHWM:"))
}

/// Among them one of a message, whose platform hears of it, and no end of memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_receipts_is_stored_and_answered_and_other_work_goes_on() {
    let (centre, port) = Centre::start().await;
    let mut chain = Chain::over(&[(port, "")], "").await;
    chain.start().await;
    let mut peer = centre.bound().await;
    assert_eq!(chain.client().send(100, &["one".to_owned()]).await.len(), 1);
    let (sequence, _) = submit(&mut peer).await;
    peer.answer(sequence, "50000").await;
    let mut storm = BytesMut::new();
    for number in 0..COUNT {
        let text = format!("id:{number} stat:DELIVRD err:000");
        let receipt = Pdu::DeliverSm(receipt(text.as_bytes(), &[]));
        codec::encode(&mut storm, 0, number + 1, &receipt);
    }
    let started = Instant::now();
    let (mut reading, mut writing) = peer.stream.into_split();
    let sending = tokio::spawn(async move {
        writing.write_all(&storm).await.unwrap();
        writing
    });
    let answering = tokio::spawn(async move {
        let mut buffer = BytesMut::new();
        let mut answered = vec![false; COUNT as usize];
        let mut left = COUNT;
        while left > 0 {
            while let Some(frame) = codec::next_frame(&mut buffer).unwrap() {
                let (header, pdu) = codec::decode(&frame).unwrap();
                if pdu == Pdu::DeliverSmResp {
                    assert_eq!(header.status, 0);
                    let place = &mut answered[header.sequence as usize - 1];
                    assert!(!std::mem::replace(place, true), "answered twice");
                    left -= 1;
                }
            }
            assert!(left == 0 || reading.read_buf(&mut buffer).await.unwrap() > 0);
        }
    });
    let mut accepted = 0;
    while !answering.is_finished() {
        assert!(
            started.elapsed() < Duration::from_mins(3),
            "not all answered"
        );
        let text = format!("meanwhile-{accepted}");
        accepted += chain.client().send(100, &[text]).await.len();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    answering.await.unwrap();
    let _open = sending.await.unwrap();
    let (_, most) = memory(chain.pid());
    println!(
        "{COUNT} receipts in {:?}, {accepted} messages accepted meanwhile, at most {most} MB",
        started.elapsed()
    );
    chain.wait_delivered(1).await;
    let orphans = u64::from(COUNT) - 1;
    chain
        .wait_metric("bridge_receipts_orphaned", |count| count == orphans)
        .await;
    assert!(accepted > 5, "{accepted}");
    assert!(most < 150, "{most} MB");
    chain.kill();
}

fn waiting(number: u32) -> NewMessage {
    let end = |address: &str| Address {
        ton: 1,
        npi: 1,
        address: address.to_owned(),
    };
    NewMessage {
        message_id: format!("m-{number}"),
        app_id: 1,
        tenant: None,
        transaction_id: format!("t-{number}"),
        task_id: None,
        esme: 100,
        fingerprint: [1; 32],
        addresses: Addresses {
            source: end("4711"),
            destination: end("263771234567"),
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        send_at: 0,
        valid_until: i64::MAX,
        parts: vec![PartBody {
            short_message: vec![b'x'; 140],
            payload: None,
            sar: None,
        }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_hundred_thousand_messages_waiting_it_starts_soon_and_stays_small() {
    let (centre, port) = Centre::start().await;
    let mut chain = Chain::over(&[(port, "")], "").await;
    let limits = QueueLimits {
        total: 1_000_000,
        per_app: 1_000_000,
        per_esme: 1_000_000,
    };
    let store = SqliteStore::open(&chain.file(), Options::default()).unwrap();
    for first in (0..COUNT).step_by(1_000) {
        let messages = (first..first + 1_000).map(waiting).collect();
        store.accept(messages, limits, 1).await.unwrap();
    }
    drop(store);
    let started = Instant::now();
    chain.start().await;
    let start = started.elapsed();
    let mut peer = centre.bound().await;
    // It sends at once, and goes on accepting.
    for _ in 0..500 {
        let (sequence, _) = submit(&mut peer).await;
        peer.answer(sequence, &sequence.to_string()).await;
    }
    assert_eq!(chain.client().send(100, &["new".to_owned()]).await, ["new"]);
    let ready = call(chain.rest, "/ready", None).await;
    assert_eq!(ready.status, 200);
    let (now, most) = memory(chain.pid());
    println!("{COUNT} waiting: {start:?} to start, {now} MB, at most {most} MB");
    assert!(start < Duration::from_secs(5), "{start:?}");
    assert!(most < 120, "{most} MB");
    chain.kill();
}
