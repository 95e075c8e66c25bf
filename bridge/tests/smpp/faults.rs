//! Centres and networks that misbehave.

use std::time::Duration;

use homeroom_bridge::message::AttemptResult;
use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::pdu::{BindMode, BindResp, Pdu};
use homeroom_sms_contract::submit::LinkStatus;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::link::problem;
use crate::support::{Centre, PATIENCE, Peer, Running, config, submitted};

/// The times between the first few connections.
async fn gaps(centre: &Centre, count: usize, mut serve: impl AsyncFnMut(Peer)) -> Vec<Duration> {
    let mut last = None;
    let mut found = Vec::new();
    while found.len() < count {
        let peer = centre.connection().await;
        let now = Instant::now();
        found.extend(last.map(|last| now - last));
        last = Some(now);
        serve(peer).await;
    }
    found
}

async fn refuse(mut peer: Peer, status: u32) {
    let (header, _) = peer.read().await;
    let answer = Pdu::BindResp(BindResp::default());
    peer.write(status, header.sequence, &answer).await;
    peer.closed().await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_until_the_centre_is_there() {
    let port = crate::ports::free().port();
    let mut link = Running::start(config(port));
    let problem = problem(&link).await;
    assert!(problem.contains("refused"), "{problem}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(link.link.state().status, LinkStatus::Down);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = Peer::over(stream);
    peer.accept_bind().await;
    link.becomes(LinkStatus::Up).await;
    assert_eq!(link.link.problem(), None);
}

#[tokio::test]
async fn the_wait_between_attempts_doubles_up_to_its_limit() {
    const WAITS: [u128; 6] = [80, 160, 320, 640, 640, 640];
    let mut tries = Vec::new();
    // A busy machine makes a wait longer, but not each time.
    while tries.len() < 5 {
        let (centre, port) = Centre::start().await;
        let mut config = config(port);
        config.timers.backoff_min = Duration::from_millis(80);
        config.timers.backoff_max = Duration::from_millis(640);
        let _link = Running::start(config);
        let gaps = gaps(&centre, WAITS.len(), async |peer| drop(peer)).await;
        let mut pairs = gaps.iter().map(Duration::as_millis).zip(WAITS);
        assert!(pairs.clone().all(|(gap, most)| gap >= most / 2), "{gaps:?}");
        if pairs.all(|(gap, most)| gap <= most + 300) {
            return;
        }
        tries.push(gaps);
    }
    panic!("{tries:?}");
}

#[tokio::test]
async fn a_refused_account_is_not_tried_again_soon() {
    for status in [0x0E, 0x0F] {
        let (centre, port) = Centre::start().await;
        let mut config = config(port);
        config.timers.refused = Duration::from_secs(1);
        let link = Running::start(config);
        let gaps = gaps(&centre, 1, async |peer| refuse(peer, status).await).await;
        assert!(gaps[0] >= Duration::from_millis(500), "{gaps:?}");
        assert!(link.link.problem().unwrap().contains("ESME_RINV"));
    }
}

#[tokio::test]
async fn an_account_that_is_bound_already_waits_for_the_old_session_to_end() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.already_bound = Duration::from_secs(1);
    let _link = Running::start(config);
    let gaps = gaps(&centre, 1, async |peer| refuse(peer, 0x05).await).await;
    assert!(gaps[0] >= Duration::from_millis(500), "{gaps:?}");
}

#[tokio::test]
async fn other_refusals_of_the_bind_are_tried_again_soon() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    refuse(centre.connection().await, 0x0D).await;
    let mut nack = centre.connection().await;
    let (header, _) = nack.read().await;
    nack.write(0x03, header.sequence, &Pdu::GenericNack).await;
    nack.closed().await;
    let _peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
}

#[tokio::test]
async fn a_bind_that_is_never_answered_is_given_up() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.bind = Duration::from_millis(500);
    let mut link = Running::start(config);
    let mut silent = centre.connection().await;
    silent.closed().await;
    let _peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
}

#[tokio::test]
async fn a_network_that_swallows_packets_is_given_up() {
    // A listener whose queue is full answers no SYN.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut fillers = Vec::new();
    for _ in 0..4 {
        let filler = tokio::net::TcpStream::connect(address);
        fillers.push(timeout(Duration::from_millis(200), filler).await);
    }
    assert!(fillers.iter().any(Result::is_err), "the queue is full");
    let mut config = config(address.port());
    config.timers.connect = Duration::from_millis(200);
    crate::link::expect_problem(config, "no connection within").await;
}

#[tokio::test]
async fn a_bind_answer_without_a_body_and_of_an_older_version_is_an_answer() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.connection().await;
    let (header, _) = peer.read().await;
    let bare = [16, 0x8000_0009, 0, header.sequence]
        .map(u32::to_be_bytes)
        .concat();
    peer.raw(&bare).await;
    link.becomes(LinkStatus::Up).await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    peer.answer(sequence, "1").await;
    assert_eq!(link.attempted().await.result, submitted("1"));
}

#[tokio::test]
async fn a_delivery_right_behind_the_bind_answer_is_not_lost() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.connection().await;
    let (header, _) = peer.read().await;
    let mut both = bytes::BytesMut::new();
    codec::encode(
        &mut both,
        0,
        header.sequence,
        &Pdu::BindResp(BindResp::default()),
    );
    let message = crate::support::receipt(b"id:9 stat:DELIVRD", &[]);
    codec::encode(&mut both, 0, 5, &Pdu::DeliverSm(message));
    peer.raw(&both).await;
    let (_, ack) = link.delivery().await;
    ack.send(Ok(())).unwrap();
    assert_eq!(peer.read().await.0.sequence, 5);
}

#[tokio::test]
async fn parts_in_flight_when_the_connection_breaks_are_ambiguous() {
    for reset in [false, true] {
        let (centre, port) = Centre::start().await;
        let mut link = Running::start(config(port));
        let mut peer = centre.bound().await;
        link.send(7).await;
        let sequences = peer.submits(7).await;
        peer.answer(sequences[0], "1").await;
        // Half an answer, then the end.
        peer.raw(&[0, 0, 0, 20, 0x80, 0]).await;
        if reset {
            peer.stream.set_zero_linger().unwrap();
        }
        drop(peer);
        let outcomes = link.outcomes(7).await;
        // A reset may overtake the answer.
        if !reset {
            assert_eq!(outcomes[0], submitted("1"));
        }
        for outcome in &outcomes[1..] {
            assert_eq!(*outcome, AttemptResult::Ambiguous);
        }
        assert_eq!(link.link.state().in_flight, 0);
        let mut again = centre.bound().await;
        link.send(1).await;
        let sequence = again.submits(1).await[0];
        again.answer(sequence, "2").await;
        assert_eq!(link.attempted().await.result, submitted("2"));
    }
}

#[tokio::test]
async fn parts_of_which_nothing_left_are_not_ambiguous() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.response = Duration::from_millis(700);
    config.window = 400;
    let mut link = Running::start(config);
    // This one takes nothing off the network.
    let mut peer = centre.bound().await;
    let mut big = crate::support::claimed(1);
    big.body.payload = Some(vec![b'x'; 60_000]);
    let slots = link.link.reserve(300).await;
    let count = u16::try_from(slots.len()).unwrap();
    for (number, slot) in (1..).zip(slots) {
        let mut part = big.clone();
        part.key.number = number;
        slot.send(part);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    peer.stream.set_zero_linger().unwrap();
    peer.stream.shutdown().await.unwrap();
    drop(peer);
    let outcomes = link.outcomes(count).await;
    let unsent = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, AttemptResult::Again { status: None, .. }))
        .count();
    let ambiguous = outcomes
        .iter()
        .filter(|outcome| **outcome == AttemptResult::Ambiguous)
        .count();
    assert_eq!(unsent + ambiguous, usize::from(count));
    assert!(unsent > 0 && ambiguous > 0, "{unsent} {ambiguous}");
    let first_unsent = outcomes
        .iter()
        .position(|outcome| *outcome != AttemptResult::Ambiguous);
    assert_eq!(first_unsent, Some(ambiguous), "what left is a prefix");
}

#[tokio::test]
async fn a_centre_that_takes_nothing_any_more_is_left() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.response = Duration::from_millis(300);
    config.window = 300;
    let link = Running::start(config);
    let mut peer = centre.bound().await;
    for slot in link.link.reserve(300).await {
        let mut part = crate::support::claimed(1);
        part.body.payload = Some(vec![b'x'; 60_000]);
        slot.send(part);
    }
    // It goes on talking, so that silence is not what gives it away.
    let talking = async {
        loop {
            let mut ask = bytes::BytesMut::new();
            codec::encode(&mut ask, 0, 1, &Pdu::EnquireLink);
            if peer.stream.write_all(&ask).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, talking).await.expect("the link leaves");
}

#[tokio::test]
async fn a_silent_centre_is_asked_and_then_left() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.enquire_link = Duration::from_millis(200);
    config.timers.response = Duration::from_secs(1);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    for _ in 0..3 {
        let (header, frame) = peer.read().await;
        assert_eq!(codec::decode(&frame).unwrap().1, Pdu::EnquireLink);
        peer.write(0, header.sequence, &Pdu::EnquireLinkResp).await;
    }
    // From now on it only opens a PDU and never ends it.
    link.becomes(LinkStatus::Up).await;
    peer.raw(&[0, 0, 0]).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    peer.raw(&[16]).await;
    peer.closed().await;
    link.becomes(LinkStatus::Down).await;
    assert!(link.link.problem().unwrap().contains("silent"));
}

#[tokio::test]
async fn what_is_no_smpp_ends_the_session_and_odd_pdus_do_not() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    let odd = |id: u32, body: &[u8]| {
        let length = u32::try_from(16 + body.len()).unwrap();
        [&[length, id, 0, 9].map(u32::to_be_bytes).concat()[..], body].concat()
    };
    peer.raw(&odd(0x0999, b"what")).await;
    let (header, frame) = peer.read().await;
    assert_eq!(codec::decode(&frame).unwrap().1, Pdu::GenericNack);
    assert_eq!((header.status, header.sequence), (3, 9));
    peer.raw(&odd(5, b"\0\x01\x01no end")).await;
    assert_eq!(peer.read().await.0.status, 2);
    peer.raw(&odd(5, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x99hi"))
        .await;
    assert_eq!(peer.read().await.0.status, 1);
    peer.raw(&odd(0x8000_0999, b"")).await;
    peer.raw(&odd(0x102, b"\0\0\0")).await;
    peer.write(0, 10, &Pdu::SubmitSm(crate::support::receipt(b"x", &[])))
        .await;
    assert_eq!(peer.read().await.0.status, 4);
    peer.lives().await;
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0, 0, 0, 8],
        &[0x7F, 0xFF, 0xFF, 0xFF],
        &[0; 4],
    ] {
        peer.raw(garbage).await;
        peer.closed().await;
        link.becomes(LinkStatus::Down).await;
        peer = centre.bound().await;
        link.becomes(LinkStatus::Up).await;
    }
}

#[tokio::test]
async fn another_protocol_on_the_port_is_no_session() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    for words in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x15\x03\x03\0\x02\x02\x46",
    ] {
        let mut peer = centre.connection().await;
        peer.raw(words).await;
        peer.closed().await;
    }
    assert!(link.link.problem().is_some());
    let _peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
}

#[tokio::test]
async fn a_centre_that_unbinds_is_waited_for_and_answered() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.window = 10;
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.send(10).await;
    let sequences = peer.submits(10).await;
    peer.write(0, 500, &Pdu::Unbind).await;
    // It still answers half of them.
    for sequence in &sequences[..5] {
        peer.answer(*sequence, "x").await;
    }
    let (header, frame) = peer.read().await;
    assert_eq!(codec::decode(&frame).unwrap().1, Pdu::UnbindResp);
    assert_eq!(header.sequence, 500);
    peer.closed().await;
    let outcomes = link.outcomes(10).await;
    assert_eq!(outcomes[4], submitted("x"));
    assert_eq!(outcomes[5], AttemptResult::Ambiguous);
    let _again = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
}

#[tokio::test]
async fn a_receiver_sends_nothing_and_a_transmitter_sends() {
    for (mode, command) in [(BindMode::Receiver, 1), (BindMode::Transmitter, 2)] {
        let (centre, port) = Centre::start().await;
        let mut config = config(port);
        config.bind = mode;
        let mut link = Running::start(config);
        let mut peer = centre.connection().await;
        let (header, _) = peer.read().await;
        assert_eq!(header.id, command);
        let answer = BindResp {
            mode,
            ..BindResp::default()
        };
        peer.write(0, header.sequence, &Pdu::BindResp(answer)).await;
        link.becomes(LinkStatus::Up).await;
        let place = timeout(Duration::from_millis(200), link.link.reserve(1)).await;
        assert_eq!(place.is_ok(), mode == BindMode::Transmitter);
    }
}
