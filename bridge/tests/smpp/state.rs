//! What a link says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use homeroom_bridge::smpp::codec;
use homeroom_bridge::smpp::pdu::{BindResp, Pdu};
use homeroom_domain::sms::cut::Cut;
use homeroom_domain::sms::text::{Alphabet, Header};
use homeroom_kernel::{Clock, Timestamp};
use homeroom_sms_contract::submit::LinkStatus;
use tokio::time::Instant;

use crate::support::{Centre, Running, config};

/// Milliseconds that the test sets.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn local(&self, _: Timestamp, _: &str) -> Option<String> {
        None
    }
}

#[tokio::test]
async fn the_name_that_is_shown_is_the_centre_s_and_stays_until_another_centre_has_one() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    assert_eq!(link.link.state().system_id, "", "nothing was heard yet");
    let peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    assert_eq!(link.link.state().system_id, "centre");
    drop(peer);
    link.becomes(LinkStatus::Down).await;
    assert_eq!(link.link.state().system_id, "centre");
    let (_elsewhere, other) = Centre::start().await;
    link.link.reload(config(other)).await;
    assert_eq!(link.link.state().system_id, "");
}

#[tokio::test]
async fn how_a_link_cuts_texts_is_told_as_it_is_now() {
    let (_centre, port) = Centre::start().await;
    let link = Running::start(config(port));
    assert_eq!(link.link.state().cut, Cut::default());
    let mut changed = config(port);
    changed.cut = Cut {
        alphabet: Alphabet::Latin1,
        header: Header::Udh16,
        max_segments: 3,
    };
    link.link.reload(changed.clone()).await;
    assert_eq!(link.link.state().cut, changed.cut);
}

#[tokio::test]
async fn a_centre_that_says_the_account_s_name_back_gives_none_of_it_away() {
    let (centre, port) = Centre::start().await;
    let mut link = Running::start(config(port));
    let mut peer = centre.connection().await;
    let (header, _) = peer.read().await;
    let answer = BindResp {
        system_id: b"school",
        ..BindResp::default()
    };
    peer.write(0, header.sequence, &Pdu::BindResp(answer)).await;
    link.becomes(LinkStatus::Up).await;
    assert_eq!(link.link.state().system_id, "");
}

#[tokio::test]
async fn the_last_check_is_when_the_centre_was_last_heard_and_not_when_somebody_asks() {
    let (centre, port) = Centre::start().await;
    let clock = Arc::new(SetClock::default());
    let mut link = Running::with(config(port), 100, clock.clone());
    clock.0.store(1_000, Ordering::Relaxed);
    assert_eq!(link.link.state().last_check, 0, "never");
    let mut peer = centre.bound().await;
    link.becomes(LinkStatus::Up).await;
    clock.0.store(2_000, Ordering::Relaxed);
    assert_eq!(link.link.state().last_check, 1_000);
    peer.lives().await;
    clock.0.store(3_000, Ordering::Relaxed);
    assert_eq!(link.link.state().last_check, 2_000);
    drop(peer);
    link.becomes(LinkStatus::Down).await;
    assert_eq!(link.link.state().last_check, 2_000);
}

#[tokio::test]
async fn a_centre_below_3_4_is_no_centre_for_a_link_that_needs_optional_parameters() {
    for (version, parameters, usable) in [
        (Some(0x33), true, false),
        (Some(0x33), false, true),
        (Some(0x34), true, true),
        (Some(0x50), true, true),
        (None, true, true),
    ] {
        let (centre, port) = Centre::start().await;
        let mut config = config(port);
        config.parameters = parameters;
        let mut link = Running::start(config);
        let mut peer = centre.connection().await;
        let (header, _) = peer.read().await;
        let answer = BindResp {
            interface_version: version,
            ..BindResp::default()
        };
        peer.write(0, header.sequence, &Pdu::BindResp(answer)).await;
        if usable {
            link.becomes(LinkStatus::Up).await;
            continue;
        }
        let (_, frame) = peer.read().await;
        assert_eq!(codec::decode(&frame).unwrap().1, Pdu::Unbind);
        peer.closed().await;
        let problem = loop {
            match link.link.problem() {
                Some(problem) => break problem,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert!(
            problem.starts_with("the centre speaks SMPP 3.3, "),
            "{problem}"
        );
        assert_eq!(link.link.state().status, LinkStatus::Down);
        let again = tokio::time::timeout(Duration::from_millis(300), centre.connection());
        assert!(again.await.is_err(), "it will not get younger");
    }
}

#[tokio::test]
async fn a_session_without_messages_is_made_anew_after_its_time_and_signs_of_life_do_not_count() {
    let (centre, port) = Centre::start().await;
    let mut config = config(port);
    config.timers.inactivity = Some(Duration::from_secs(2));
    config.timers.enquire_link = Duration::from_millis(100);
    let mut link = Running::start(config);
    let mut peer = centre.bound().await;
    let start = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    link.send(1).await;
    let sequence = peer.submits(1).await[0];
    peer.answer(sequence, "1").await;
    link.attempted().await;
    let mut asked = 0;
    loop {
        let (header, frame) = peer.read().await;
        match codec::decode(&frame).unwrap().1 {
            Pdu::EnquireLink => {
                asked += 1;
                peer.write(0, header.sequence, &Pdu::EnquireLinkResp).await;
            }
            Pdu::Unbind => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(asked >= 2, "{asked}");
    assert!(
        start.elapsed() >= Duration::from_secs(3),
        "a message is activity"
    );
    centre.bound().await;
    link.becomes(LinkStatus::Up).await;
}
