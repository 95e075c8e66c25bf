//! What a link says of itself.

use homeroom_bridge::smpp::pdu::{BindResp, Pdu};
use homeroom_sms_contract::submit::LinkStatus;

use crate::support::{Centre, Running, config};

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
