//! What a link says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use homeroom_bridge::smpp::pdu::{BindResp, Pdu};
use homeroom_kernel::{Clock, Timestamp};
use homeroom_sms_contract::submit::LinkStatus;

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
