//! Links over the loopback centre: rates, reloads, shutdown, TLS, latency.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::message::{AttemptResult, PartStatus};
use homeroom_bridge::smpp::link::Delivery;
use homeroom_bridge::smpp::pdu::Pdu;
use homeroom_bridge::smsc::{Config, FromPhone, Smsc};
use homeroom_bridge::tls::Tls;
use homeroom_sms_contract::submit::LinkStatus;
use tokio::time::{Instant, timeout};

use crate::authority::Authority;
use crate::support::{Centre, PATIENCE, Running, claimed, config, submitted};

async fn smsc(config: Config) -> Smsc {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Smsc::start(any, config, Arc::new(SystemClock))
        .await
        .unwrap()
}

#[tokio::test]
async fn parts_go_to_the_loopback_centre_and_receipts_come_back() {
    let smsc = smsc(Config::default()).await;
    let mut link = Running::start(config(smsc.address().port()));
    let sending = link.sending(500);
    for outcome in link.outcomes(500).await {
        assert!(matches!(outcome, AttemptResult::Submitted { .. }));
    }
    sending.await.unwrap();
    for _ in 0..500 {
        let (what, ack) = link.delivery().await;
        let Delivery::Receipt(receipt) = what else {
            panic!("{what:?}");
        };
        assert_eq!(receipt.status, PartStatus::Delivered);
        ack.send(Ok(())).unwrap();
    }
    timeout(PATIENCE, async {
        while smsc.receipted() < 500 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(smsc.taken(), 500);
}

#[tokio::test]
async fn a_receipt_that_was_not_stored_comes_again_also_after_a_new_bind() {
    let smsc = smsc(Config {
        receipts: Some(Duration::ZERO),
        ..Config::default()
    })
    .await;
    let mut link = Running::start(config(smsc.address().port()));
    link.send(1).await;
    let (first, ack) = link.delivery().await;
    ack.send(Err(())).unwrap();
    let (second, _held) = link.delivery().await;
    smsc.cut();
    let (third, ack) = link.delivery().await;
    ack.send(Ok(())).unwrap();
    let id = |delivery: &Delivery| match delivery {
        Delivery::Receipt(receipt) => receipt.provider_id.clone(),
        Delivery::Inbound(_) => panic!(),
    };
    assert_eq!(id(&first), id(&second));
    assert_eq!(id(&first), id(&third));
}

#[tokio::test]
async fn the_window_is_used_fully_at_a_latency_of_200_ms() {
    let smsc = smsc(Config {
        latency: Duration::from_millis(200),
        receipts: None,
        ..Config::default()
    })
    .await;
    let mut link = Running::start(config(smsc.address().port()));
    link.becomes(LinkStatus::Up).await;
    let mut shares = Vec::new();
    // A busy machine takes its part of the time, but not always so much.
    while shares.len() < 5 {
        let start = Instant::now();
        let sending = link.sending(2_500);
        link.outcomes(2_500).await;
        sending.await.unwrap();
        let share = 25.0 * 0.2 / start.elapsed().as_secs_f64();
        println!("{share:.2} of the window is used");
        if share >= 0.9 {
            return;
        }
        shares.push(share);
    }
    panic!("{shares:?}");
}

#[tokio::test]
async fn the_agreed_rate_is_never_exceeded() {
    let smsc = smsc(Config {
        receipts: None,
        ..Config::default()
    })
    .await;
    let mut config = config(smsc.address().port());
    config.rate = 200.0;
    config.burst = 10;
    let mut link = Running::start(config);
    link.becomes(LinkStatus::Up).await;
    let start = Instant::now();
    let _sending = link.sending(410);
    link.outcomes(410).await;
    let seconds = start.elapsed().as_secs_f64();
    // How much less it may be, is the machine's.
    assert!((1.98..20.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_place_that_is_dropped_is_free_again() {
    let smsc = smsc(Config::default()).await;
    let mut config = config(smsc.address().port());
    config.window = 3;
    let link = Running::start(config);
    for _ in 0..10 {
        let slots = timeout(PATIENCE, link.link.reserve(3)).await.unwrap();
        assert_eq!(slots.len(), 3);
    }
}

#[tokio::test]
async fn a_part_sent_while_the_link_is_down_or_gone_comes_back_at_once() {
    let smsc = smsc(Config::default()).await;
    let mut link = Running::start(config(smsc.address().port()));
    link.becomes(LinkStatus::Up).await;
    let mut slots = link.link.reserve(3).await;
    drop(smsc);
    link.becomes(LinkStatus::Down).await;
    slots.pop().unwrap().send(claimed(1));
    assert!(matches!(
        link.attempted().await.result,
        AttemptResult::Again { status: None, .. }
    ));
    link.link.shutdown(Duration::ZERO).await;
    slots.pop().unwrap().send(claimed(2));
    assert!(matches!(
        link.attempted().await.result,
        AttemptResult::Again { status: None, .. }
    ));
    assert!(link.link.reserve(1).await.is_empty());
}

#[tokio::test]
async fn shutdown_waits_for_answers_and_unbinds() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(3).await;
    let sequences = peer.submits(3).await;
    let handle = Arc::clone(&link.link);
    let down = tokio::spawn(async move { handle.shutdown(Duration::from_secs(5)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!down.is_finished());
    for sequence in sequences {
        peer.answer(sequence, "x").await;
    }
    let (header, frame) = peer.read().await;
    assert_eq!(
        homeroom_bridge::smpp::codec::decode(&frame).unwrap().1,
        Pdu::Unbind
    );
    peer.write(0, header.sequence, &Pdu::UnbindResp).await;
    peer.closed().await;
    for outcome in link.outcomes(3).await {
        assert_eq!(outcome, submitted("x"));
    }
    down.await.unwrap();
    assert_eq!(link.link.state().status, LinkStatus::Down);
}

#[tokio::test]
async fn shutdown_does_not_wait_longer_than_it_may() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.send(3).await;
    peer.submits(3).await;
    let start = Instant::now();
    link.link.shutdown(Duration::from_millis(200)).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    for outcome in link.outcomes(3).await {
        assert_eq!(outcome, AttemptResult::Ambiguous);
    }
}

#[tokio::test]
async fn a_reload_of_rate_and_window_keeps_the_session_and_of_the_account_does_not() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    let mut other = config(port);
    other.window = 1;
    other.rate = 5.0;
    link.link.reload(other.clone()).await;
    assert_eq!(link.link.state().window, 1);
    peer.lives().await;
    assert_eq!(link.link.reserve(10).await.len(), 1);
    other.system_id = String::from("another");
    let handle = Arc::clone(&link.link);
    let reload = tokio::spawn(async move { handle.reload(other).await });
    let (header, _) = peer.read().await;
    peer.write(0, header.sequence, &Pdu::UnbindResp).await;
    peer.closed().await;
    let mut again = centre.connection().await;
    let (_, frame) = again.read().await;
    let Ok((_, Pdu::Bind(bind))) = homeroom_bridge::smpp::codec::decode(&frame) else {
        panic!("no bind");
    };
    assert_eq!(bind.system_id, b"another");
    reload.await.unwrap();
}

#[tokio::test]
async fn a_link_is_switched_off_and_on_by_a_reload() {
    let (centre, port) = Centre::start().await;
    let mut off = config(port);
    off.disabled = true;
    let mut link = Running::start(off.clone());
    link.becomes(LinkStatus::Disabled).await;
    link.link.reload(config(port)).await;
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    let handle = Arc::clone(&link.link);
    let reload = tokio::spawn(async move { handle.reload(off).await });
    let (header, _) = peer.read().await;
    peer.write(0, header.sequence, &Pdu::UnbindResp).await;
    link.becomes(LinkStatus::Disabled).await;
    reload.await.unwrap();
}

#[tokio::test]
async fn error_storms_and_throttling_of_the_centre_lose_no_part() {
    let smsc = smsc(Config {
        error_rate: 0.5,
        rate: Some(300),
        receipts: None,
        ..Config::default()
    })
    .await;
    let mut link = Running::start(config(smsc.address().port()));
    let _sending = link.sending(600);
    let outcomes = link.outcomes(600).await;
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, AttemptResult::Submitted { .. }))
        .count();
    assert_eq!(u64::try_from(taken).unwrap(), smsc.taken());
    assert!(taken > 100 && taken < 500, "{taken}");
}

#[tokio::test]
async fn the_loopback_centre_refuses_strangers_and_speaks_for_phones() {
    let smsc = smsc(Config {
        accounts: Some([(String::from("school"), String::from("secret"))].into()),
        ..Config::default()
    })
    .await;
    let mut wrong = config(smsc.address().port());
    wrong.system_id = String::from("nobody");
    let stranger = Running::start(wrong);
    let mut link = Running::start(config(smsc.address().port()));
    smsc.send(
        "school",
        FromPhone {
            source: String::from("491701234567"),
            destination: String::from("4711"),
            esm_class: 0,
            data_coding: 0,
            text: b"STOP".to_vec(),
        },
    );
    let (what, ack) = link.delivery().await;
    let Delivery::Inbound(part) = what else {
        panic!("{what:?}");
    };
    assert_eq!(
        (part.text.as_str(), part.source.as_str()),
        ("STOP", "+491701234567")
    );
    ack.send(Ok(())).unwrap();
    assert!(problem(&stranger).await.contains("ESME_RINVSYSID"));
}

#[tokio::test]
async fn tls_with_an_authority_and_a_client_certificate_of_its_own() {
    let authority = Authority::new("own", false);
    let smsc = smsc(Config {
        tls: Some(authority.server(true)),
        receipts: None,
        ..Config::default()
    })
    .await;
    let mut config = config(smsc.address().port());
    config.tls = Some(Tls {
        client: Some((authority.file("client.pem"), authority.file("client.key"))),
        ..authority.trusted()
    });
    let mut link = Running::start(config);
    let _sending = link.sending(300);
    for outcome in link.outcomes(300).await {
        assert!(matches!(outcome, AttemptResult::Submitted { .. }));
    }
    // The centre goes without close_notify.
    smsc.cut();
    link.becomes(LinkStatus::Down).await;
    link.becomes(LinkStatus::Up).await;
    link.link.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn tls_that_cannot_be_trusted_gives_no_session_and_says_why() {
    let good = Authority::new("good", false);
    let old = Authority::new("old", true);
    let other = Authority::new("other", false);
    for (server, tls, expected) in [
        (old.server(false), old.trusted(), "expired"),
        (
            good.server(false),
            other.trusted(),
            "invalid peer certificate",
        ),
        (
            good.server(false),
            Tls {
                server_name: Some(String::from("elsewhere.example")),
                ..good.trusted()
            },
            "not valid for name",
        ),
        (
            good.server(false),
            Tls {
                ca: Some(PathBuf::from("/nowhere.pem")),
                ..good.trusted()
            },
            "/nowhere.pem",
        ),
    ] {
        let smsc = smsc(Config {
            tls: Some(server),
            ..Config::default()
        })
        .await;
        let mut config = config(smsc.address().port());
        config.tls = Some(tls);
        expect_problem(config, expected).await;
    }
    let smsc = smsc(Config {
        tls: Some(good.server(true)),
        ..Config::default()
    })
    .await;
    let mut without = config(smsc.address().port());
    without.tls = Some(good.trusted());
    expect_problem(without, "ertificate").await;
}

#[tokio::test]
async fn tls_on_a_plain_port_and_plain_on_a_tls_port_give_no_session() {
    let authority = Authority::new("mixed", false);
    let plain = smsc(Config::default()).await;
    let mut tls = config(plain.address().port());
    tls.tls = Some(authority.trusted());
    expect_problem(tls, "").await;
    let secure = smsc(Config {
        tls: Some(authority.server(false)),
        ..Config::default()
    })
    .await;
    expect_problem(config(secure.address().port()), "").await;
}

/// What a link says to be wrong, once something is.
pub(crate) async fn problem(link: &Running) -> String {
    let problem = timeout(PATIENCE, async {
        loop {
            if let Some(problem) = link.link.problem() {
                return problem;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    problem.await.expect("something is wrong")
}

pub(crate) async fn expect_problem(
    config: homeroom_bridge::smpp::link::LinkConfig,
    expected: &str,
) {
    let problem = problem(&Running::start(config)).await;
    assert!(
        problem.contains(expected),
        "{problem:?} has no {expected:?}"
    );
}
