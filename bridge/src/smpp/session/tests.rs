//! A session at the end of the sequence numbers, which no test lives long enough to reach.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::super::shared::Shared;
use super::*;
use crate::clock::SystemClock;
use crate::message::{Address, Addresses, AttemptResult, PartBody, PartKey};
use crate::meters::Meters;

fn part(number: u16) -> Claimed {
    let address = |ton| Address {
        ton,
        npi: 1,
        address: String::from("491701234567"),
    };
    Claimed {
        key: PartKey {
            message_id: String::from("m"),
            number,
        },
        attempt: 1,
        refusals: 0,
        esme: 1,
        addresses: Addresses {
            source: address(0),
            destination: address(1),
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        valid_until: i64::MAX,
        body: PartBody {
            short_message: b"Hello".to_vec(),
            payload: None,
            sar: None,
        },
    }
}

#[tokio::test]
async fn a_session_goes_on_after_the_last_sequence_number() {
    let config = LinkConfig::new(1, "centre", 2775, "me", "secret");
    let (events, mut heard) = mpsc::channel(100);
    let (parts, claimed) = mpsc::unbounded_channel();
    let (_requests, asked) = mpsc::channel(1);
    let (_questions, open) = mpsc::channel(1);
    let shared = Shared::new(
        &config,
        parts.clone(),
        events.clone(),
        std::sync::Arc::new(SystemClock),
        Meters::default(),
    );
    let mut keeper = Keeper::new(config.clone(), shared, claimed, (asked, open), events);
    let (ours, mut centre) = tokio::io::duplex(1 << 20);
    let mut session = Session::new(Wire::new(Box::new(ours)), &config);
    session.pending = Pending::starting_at(0x7FFF_FFFD);
    let running = tokio::spawn(async move {
        session.run(&mut keeper).await;
    });
    for number in 1..=6 {
        parts.send(part(number)).unwrap();
    }
    let mut buffer = BytesMut::new();
    let mut sequences = Vec::new();
    while sequences.len() < 6 {
        while let Some(frame) = codec::next_frame(&mut buffer).unwrap() {
            sequences.push(codec::decode(&frame).unwrap().0.sequence);
        }
        if sequences.len() < 6 {
            assert!(centre.read_buf(&mut buffer).await.unwrap() > 0);
        }
    }
    assert_eq!(sequences, [0x7FFF_FFFD, 0x7FFF_FFFE, 0x7FFF_FFFF, 1, 2, 3]);
    // The answers come in another order, across the end of the numbers.
    let mut answers = BytesMut::new();
    for at in [3, 0, 5, 2, 1, 4] {
        let id = format!("id-{}", at + 1);
        let answer = Pdu::SubmitSmResp(id.as_bytes());
        codec::encode(&mut answers, status::OK, sequences[at], &answer);
    }
    centre.write_all(&answers).await.unwrap();
    for _ in 0..6 {
        let Some(LinkEvent::Attempted(attempted, ..)) = heard.recv().await else {
            panic!("no outcome");
        };
        let provider_id = format!("id-{}", attempted.key.number).into_bytes();
        assert_eq!(attempted.result, AttemptResult::Submitted { provider_id });
    }
    drop(centre);
    running.await.unwrap();
}
