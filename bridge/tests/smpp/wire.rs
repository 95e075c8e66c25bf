//! What comes over the wire wrongly, late or in drops, and what a session makes of it.

use std::time::Duration;

use homeroom_bridge::message::AttemptResult;
use homeroom_bridge::smpp::link::Delivery;
use homeroom_bridge::smpp::pdu::Pdu;
use homeroom_sms_contract::submit::LinkStatus;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::support::{Centre, PATIENCE, Peer, Running, config, submitted};

fn raw(id: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header = [length, id, status, sequence].map(u32::to_be_bytes);
    [&header.concat()[..], body].concat()
}

/// `deliver_sm` up to its text, `sm_length` not included.
fn delivery(source: &[u8], class: u8, coding: u8) -> Vec<u8> {
    [
        b"\0\x01\x01",
        source,
        b"\0\x01\x01491\0",
        &[class, 0, 0, 0, 0, 0, 0, coding, 0],
    ]
    .concat()
}

#[tokio::test]
async fn every_odd_delivery_is_answered_and_the_next_one_is_read() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    let hello = |tail: &[u8]| {
        [
            delivery(b"4917", 0, 0),
            b"\x05Hello".to_vec(),
            tail.to_vec(),
        ]
        .concat()
    };
    let payload = b"\x04\x24\0\x04long";
    for (name, body, text) in [
        (
            "an unknown parameter",
            hello(b"\x99\x99\0\x01x"),
            Some("Hello"),
        ),
        (
            "a repeated parameter",
            hello(b"\0\x1e\0\x01a\0\x1e\0\x01b"),
            Some("Hello"),
        ),
        ("an empty parameter", hello(b"\0\x1e\0\0"), Some("Hello")),
        (
            "a parameter longer than the rest",
            hello(b"\0\x1e\xff\xffa"),
            Some("Hello"),
        ),
        ("a cut parameter", hello(b"\0\x1e\0"), Some("Hello")),
        ("trailing bytes", hello(b"\0\0\0\0\0\0\0"), Some("Hello")),
        ("a payload too", hello(payload), Some("Hello")),
        (
            "a payload only",
            [&delivery(b"4917", 0, 0)[..], b"\0", payload].concat(),
            Some("long"),
        ),
        (
            "an address of 40",
            [delivery(&[b'x'; 40], 0, 0), b"\x05Hello".to_vec()].concat(),
            Some("Hello"),
        ),
        (
            "Latin-1 in an address",
            [delivery(b"\xe9t\xe9", 0, 0), b"\x05Hello".to_vec()].concat(),
            Some("Hello"),
        ),
        (
            "UTF-8 in an address",
            [delivery("é".as_bytes(), 0, 0), b"\x05Hello".to_vec()].concat(),
            Some("Hello"),
        ),
        (
            "255 octets",
            [delivery(b"4917", 0, 0), vec![255], vec![b'y'; 255]].concat(),
            Some("yyy"),
        ),
        (
            "half a surrogate pair",
            [delivery(b"4917", 0, 8), b"\x04\xd8\x3d\0a".to_vec()].concat(),
            Some("\u{FFFD}a"),
        ),
        (
            "a header longer than the text",
            [delivery(b"4917", 0x40, 0), b"\x02\xff\0".to_vec()].concat(),
            Some("\u{a0}@"),
        ),
        (
            "a length beyond the end",
            [delivery(b"4917", 0, 0), b"\x09Hello".to_vec()].concat(),
            None,
        ),
        (
            "no NUL",
            b"\0\x01\x01".iter().chain(&[b'4'; 90]).copied().collect(),
            None,
        ),
        ("nothing", Vec::new(), None),
    ] {
        peer.raw(&raw(5, 0, 77, &body)).await;
        if let Some(text) = text {
            let (what, ack) = link.delivery().await;
            let Delivery::Inbound(part) = what else {
                panic!("{name}: {what:?}");
            };
            assert!(
                part.text.starts_with(text) || name.starts_with("a header"),
                "{name}: {:?}",
                part.text
            );
            ack.send(Ok(())).unwrap();
        }
        let (header, _) = peer.read().await;
        assert_eq!((header.id, header.sequence), (0x8000_0005, 77), "{name}");
        assert_eq!(header.status == 0, text.is_some(), "{name}");
        peer.lives().await;
    }
}

#[tokio::test]
async fn odd_answers_still_answer() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    let id = vec![b'7'; 70];
    for (name, status, body, expected) in [
        ("no NUL", 0, &b"abc"[..], Some(&b"abc"[..])),
        ("an id of 70", 0, &id, Some(&id)),
        ("Latin-1 in the id", 0, b"\xe9\xff\0", Some(b"\xe9\xff")),
        ("trailing bytes", 0, b"abc\0\0\0\0rest", Some(b"abc")),
        ("no body", 0, b"", Some(b"")),
        ("a body with an error", 0x0B, b"abc\0", None),
        ("an error of the vendor's", 0x0452, b"", None),
    ] {
        link.send(1).await;
        let sequence = peer.submits(1).await[0];
        peer.raw(&raw(0x8000_0004, status, sequence, body)).await;
        match (link.attempted().await.result, expected) {
            (AttemptResult::Submitted { provider_id }, Some(id)) => {
                assert_eq!(provider_id, id, "{name}");
            }
            (
                AttemptResult::Rejected { status: found }
                | AttemptResult::Again {
                    status: Some(found),
                    ..
                },
                None,
            ) => {
                assert_eq!(found, status, "{name}");
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
        peer.lives().await;
    }
}

#[tokio::test]
async fn a_pdu_in_drops_is_read_and_one_that_never_ends_is_left() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.enquire_link = Duration::from_secs(1);
    config.timers.response = Duration::from_secs(1);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    for byte in raw(0x15, 0, 5, b"") {
        peer.raw(&[byte]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(peer.read().await.0.id, 0x8000_0015);
    // A byte now and then, of a PDU of 70,000: bytes are no sign of life.
    let started = tokio::time::Instant::now();
    let drops = [0, 1, 0x11, 0x70, 0, 0, 0, 5]
        .into_iter()
        .chain(std::iter::repeat(0));
    for byte in drops {
        assert!(started.elapsed() < PATIENCE, "it is still there");
        if peer.stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    link.becomes(LinkStatus::Down).await;
    assert!(link.link.problem().unwrap().contains("silent"));
}

#[tokio::test]
async fn a_connection_that_ends_right_after_the_bind_is_made_again() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    for _ in 0..5 {
        drop(centre.bound().await);
    }
    let mut peer = centre.bound().await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    peer.answer(sequence, "1").await;
    assert_eq!(link.attempted().await.result, submitted("1"));
}

#[tokio::test]
async fn five_seconds_are_not_too_long_for_an_answer() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.response = Duration::from_secs(20);
    config.timers.enquire_link = Duration::from_secs(1);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    link.send(20).await;
    let sequences = peer.submits(20).await;
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    while let Ok((header, _)) = tokio::time::timeout_at(until, peer.read()).await {
        peer.write(0, header.sequence, &Pdu::EnquireLinkResp).await;
    }
    for sequence in sequences {
        peer.answer(sequence, "late").await;
    }
    assert!(
        link.outcomes(20)
            .await
            .iter()
            .all(|outcome| *outcome == submitted("late"))
    );
}

#[tokio::test]
async fn tls_that_ends_without_a_word_is_an_end() {
    let authority = Authority::new("abrupt", false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(listener.local_addr().unwrap().port());
    config.tls = Some(authority.trusted());
    let mut link = Running::start(config);
    let acceptor = TlsAcceptor::from(authority.server(false));
    for _ in 0..2 {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut peer = Peer::over(acceptor.accept(tcp).await.unwrap());
        peer.accept_bind().await;
        link.send(1).await;
        peer.submits(1).await;
        // No close_notify: only TCP ends.
        drop(peer);
        assert_eq!(link.attempted().await.result, AttemptResult::Ambiguous);
    }
}

/// OpenSSL as a centre of TLS 1.2 that wants to negotiate anew: this side never does, so the session ends in order.
#[tokio::test]
async fn tls_that_is_negotiated_anew_does_not_confuse_a_session() {
    use std::process::Stdio;
    use tokio::io::AsyncReadExt;
    let authority = Authority::new("anew", false);
    let port = crate::ports::free().port();
    let mut server = tokio::process::Command::new("openssl")
        .args(["s_server", "-tls1_2", "-accept", &port.to_string(), "-cert"])
        .arg(authority.file("client.pem"))
        .arg("-key")
        .arg(authority.file("client.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("this test needs the program openssl");
    let mut input = server.stdin.take().unwrap();
    let mut output = server.stdout.take().unwrap();
    let mut config = config(port);
    config.tls = Some(authority.trusted());
    config.timers.enquire_link = Duration::from_millis(500);
    config.timers.response = Duration::from_secs(1);
    let mut link = Running::start(config);
    let mut said = Vec::new();
    let mut until = async |wanted: &[u8]| {
        let reading = async {
            while !said.windows(wanted.len()).any(|window| window == wanted) {
                assert!(output.read_buf(&mut said).await.unwrap() > 0);
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the link says it");
    };
    until(b"\0\0\0\x09\0\0\0\0\0\0\0\x01school").await;
    input
        .write_all(&raw(0x8000_0009, 0, 1, b"openssl\0"))
        .await
        .unwrap();
    link.becomes(LinkStatus::Up).await;
    input.write_all(b"R\n").await.unwrap();
    // OpenSSL insists, and waits for what never comes: the link notices that nobody speaks any more.
    link.becomes(LinkStatus::Down).await;
    let problem = link.link.problem().unwrap();
    println!("{problem}");
    assert!(!problem.is_empty());
}
