//! A session with a centre that behaves, and with its peculiarities.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::message::AttemptResult;
use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::link::LinkEvent;
use homeroom_bridge::smpp::pdu::{Pdu, tag};
use homeroom_kernel::{Clock, Timestamp};
use homeroom_sms_contract::submit::LinkStatus;
use tokio::time::Instant;

use crate::support::{Centre, Running, claimed, config, submitted};

#[tokio::test]
async fn a_part_goes_out_as_it_is_and_comes_back_with_the_centre_s_id() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    let mut part = claimed(1);
    part.body.sar = Some((0x0102, 3, 2));
    part.data_coding = 8;
    part.priority = 2;
    link.link.reserve(1).await.pop().unwrap().send(part);
    let (header, frame) = peer.read().await;
    let Pdu::SubmitSm(message) = codec::decode(&frame).unwrap().1 else {
        panic!("no submit_sm");
    };
    assert_eq!(message.source.address, b"School");
    assert_eq!((message.source.ton, message.source.npi), (5, 0));
    assert_eq!(message.destination.address, b"491701234567");
    assert_eq!(message.short_message, b"Hello");
    assert_eq!((message.data_coding, message.priority), (8, 2));
    assert_eq!(message.registered_delivery, 1);
    assert_eq!(message.esm_class, 0);
    assert_eq!(message.tlv(tag::SAR_MSG_REF_NUM), Some(&[1, 2][..]));
    assert_eq!(message.tlv(tag::SAR_TOTAL_SEGMENTS), Some(&[3][..]));
    assert_eq!(message.tlv(tag::SAR_SEGMENT_SEQNUM), Some(&[2][..]));
    assert_eq!(message.validity.len(), 16);
    assert_eq!(link.link.state().in_flight, 1);
    peer.answer(header.sequence, "abc").await;
    let attempted = link.attempted().await;
    assert_eq!(attempted.result, submitted("abc"));
    assert_eq!((attempted.link, attempted.attempt), (1, 1));
}

#[tokio::test]
async fn a_centre_that_answers_only_once_the_window_is_full_is_served_at_once() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.window = 50;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    let start = Instant::now();
    let sending = link.sending(500);
    let answering = async {
        for _ in 0..10 {
            for sequence in peer.submits(50).await {
                peer.answer(sequence, "x").await;
            }
        }
    };
    tokio::join!(answering, link.outcomes(500));
    sending.await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "nothing waited for a timer"
    );
}

#[tokio::test]
async fn answers_out_of_order_twice_and_to_nothing_reach_the_right_parts_once() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(5).await;
    let sequences = peer.submits(5).await;
    for sequence in [0, 0x7FFF_FFFF, 999_999] {
        peer.answer(sequence, "nobody").await;
    }
    for (number, sequence) in sequences.iter().enumerate().rev() {
        peer.answer(*sequence, &number.to_string()).await;
        peer.answer(*sequence, "again").await;
    }
    let outcomes = link.outcomes(5).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(*outcome, submitted(&number.to_string()));
    }
    peer.lives().await;
    link.quiet(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_response_of_another_kind_is_no_answer() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    for other in [Pdu::DeliverSmResp, Pdu::EnquireLinkResp, Pdu::UnbindResp] {
        peer.write(0, sequence, &other).await;
    }
    peer.lives().await;
    link.quiet(Duration::from_millis(50)).await;
    peer.answer(sequence, "1").await;
    assert_eq!(link.attempted().await.result, submitted("1"));
}

#[tokio::test]
async fn a_nack_of_a_part_is_a_refusal_of_it() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(2).await;
    let sequences = peer.submits(2).await;
    peer.write(0x03, sequences[0], &Pdu::GenericNack).await;
    peer.write(0, sequences[1], &Pdu::GenericNack).await;
    for outcome in link.outcomes(2).await {
        assert!(
            matches!(outcome, AttemptResult::Again { status: Some(status), .. } if status != 0),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn refusals_are_final_or_tried_again_as_their_status_says() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.exceptions.permanent = vec![0x0452];
    config.max_attempts = 3;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    for (status, refusals, last) in [
        (0x0B, 0, true),
        (0x0A, 0, true),
        (0x66, 0, true),
        (0x08, 0, false),
        (0x08, 1, false),
        (0x08, 2, true),
        (0x0401, 0, false),
        (0x0452, 0, true),
        (0x58, 99, false),
    ] {
        let mut part = claimed(1);
        part.attempt = 99;
        part.refusals = refusals;
        link.link.reserve(1).await.pop().unwrap().send(part);
        let sequence = peer.submits(1).await[0];
        peer.write(status, sequence, &Pdu::SubmitSmResp(b"")).await;
        let attempted = link.attempted().await;
        assert_eq!(attempted.attempt, 99);
        match attempted.result {
            AttemptResult::Rejected { status: found } if last => assert_eq!(found, status),
            AttemptResult::Again { status: found, .. } if !last => {
                assert_eq!(found, Some(status));
            }
            AttemptResult::Throttled { status: found, .. } if !last => {
                assert_eq!((found, status), (0x58, 0x58));
            }
            other => panic!("{status:#x} {other:?}"),
        }
    }
}

#[tokio::test]
async fn throttling_slows_the_link_down_and_shows() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.rate = 1_000.0;
    config.burst = 100;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    link.send(20).await;
    for sequence in peer.submits(20).await {
        peer.write(0x14, sequence, &Pdu::SubmitSmResp(b"")).await;
    }
    link.outcomes(20).await;
    let state = link.link.state();
    assert_eq!(state.status, LinkStatus::Throttled);
    assert!(state.rate <= 20.0, "{}", state.rate);
}

#[tokio::test]
async fn an_answer_after_its_time_is_told_after_the_ambiguity() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.response = Duration::from_millis(200);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    assert_eq!(link.attempted().await.result, AttemptResult::Ambiguous);
    peer.answer(sequence, "late").await;
    loop {
        match link.event().await {
            LinkEvent::Late(attempted, _) => {
                assert_eq!(attempted.result, submitted("late"));
                break;
            }
            LinkEvent::Changed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    peer.answer(sequence, "later still").await;
    peer.lives().await;
    link.quiet(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn signs_of_life_and_deliveries_are_answered_while_the_window_is_full() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.window = 2;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.send(2).await;
    peer.submits(2).await;
    peer.lives().await;
    let message = crate::support::receipt(b"id:1 stat:DELIVRD", &[]);
    peer.write(0, 77, &Pdu::DeliverSm(message)).await;
    let (_, ack) = link.delivery().await;
    ack.send(Ok(())).unwrap();
    let (header, frame) = peer.read().await;
    assert_eq!((header.sequence, header.status), (77, 0));
    assert_eq!(codec::decode(&frame).unwrap().1, Pdu::DeliverSmResp);
    let more = tokio::time::timeout(Duration::from_millis(100), link.link.reserve(1));
    assert!(more.await.is_err(), "the window is full");
}

#[tokio::test]
async fn a_flood_of_questions_is_answered_and_parts_still_leave() {
    let (centre, port) = Centre::start().await;
    let link = Running::start(config(port));
    let mut peer = centre.bound().await;
    for sequence in 1..=20_000 {
        peer.write(0, sequence, &Pdu::EnquireLink).await;
        if sequence == 10_000 {
            link.send(1).await;
        }
    }
    let (mut answers, mut submits) = (0, 0);
    while answers < 20_000 || submits < 1 {
        let (_, frame) = peer.read().await;
        match codec::decode(&frame).unwrap().1 {
            Pdu::EnquireLinkResp => answers += 1,
            Pdu::SubmitSm(_) => submits += 1,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_large_payload_goes_out_whole() {
    let (centre, port) = Centre::start().await;
    let link = Running::start(config(port));
    let mut peer = centre.bound().await;
    let mut part = claimed(1);
    part.body.short_message.clear();
    part.body.payload = Some(vec![b'x'; 39_000]);
    link.link.reserve(1).await.pop().unwrap().send(part);
    let (_, frame) = peer.read().await;
    let Pdu::SubmitSm(message) = codec::decode(&frame).unwrap().1 else {
        panic!("no submit_sm");
    };
    assert_eq!(message.text().len(), 39_000);
    assert!(message.short_message.is_empty());
}

#[tokio::test]
async fn a_slow_engine_slows_the_link_and_loses_nothing() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.window = 10;
    let mut link = Running::with(config, 1, Arc::new(SystemClock));
    let mut peer = centre.bound().await;
    let sending = link.sending(100);
    for sequence in peer.submits(10).await {
        peer.answer(sequence, "x").await;
    }
    // Nobody takes events, and yet the centre is heard.
    peer.lives().await;
    let answering = tokio::spawn(async move {
        for _ in 0..90 {
            let sequence = peer.submits(1).await[0];
            peer.answer(sequence, "x").await;
        }
        peer
    });
    for outcome in link.outcomes(100).await {
        assert_eq!(outcome, submitted("x"));
    }
    sending.await.unwrap();
    answering.await.unwrap();
}

/// Stands where it is put.
struct Jumping(AtomicI64);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn local(&self, _: Timestamp, _: &str) -> Option<String> {
        None
    }
}

#[tokio::test]
async fn a_clock_that_jumps_neither_ends_a_session_nor_a_wait() {
    let (centre, port) = Centre::start().await;
    let clock = Arc::new(Jumping(AtomicI64::new(1_768_473_000_000)));
    let mut link = Running::with(config(port), 1_000, clock.clone());
    let mut peer = centre.bound().await;
    for jump in [86_400_000, -172_800_000, -1_768_473_000_000, i64::MAX / 2] {
        link.send(1).await;
        let sequence = peer.submits(1).await[0];
        clock.0.fetch_add(jump, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        peer.lives().await;
        peer.answer(sequence, "1").await;
        assert_eq!(link.attempted().await.result, submitted("1"));
    }
}

#[tokio::test]
async fn answers_that_come_byte_by_byte_are_answers() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(2).await;
    let mut out = bytes::BytesMut::new();
    for sequence in peer.submits(2).await {
        codec::encode(&mut out, 0, sequence, &Pdu::SubmitSmResp(b"slow"));
    }
    for byte in out {
        peer.raw(&[byte]).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for outcome in link.outcomes(2).await {
        assert_eq!(outcome, submitted("slow"));
    }
}
