//! Receipts that take another way than their message.

use std::ffi::OsStr;
use std::time::Duration;

use crate::node::PeerCentre;
use crate::support::Chain;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_come_on_another_bind_or_after_a_restart_find_their_messages() {
    // One centre, of which one link only sends and the other only receives.
    let mut chain = Chain::new(1, Duration::ZERO).await;
    let port = chain.port(100);
    let links = [
        (port, "bind = \"transmitter\"\nprovider = \"both\"\n"),
        (port, "bind = \"receiver\"\nprovider = \"both\"\n"),
    ];
    chain.configure(&links, "");
    chain.start().await;
    let first: Vec<String> = (0..50).map(|n| format!("first-{n}")).collect();
    assert_eq!(chain.client().send(100, &first).await.len(), 50);
    chain.wait_delivered(50).await;
    // With the receiving link off, receipts wait at the centre until after the restart.
    let off = [
        links[0],
        (
            port,
            "bind = \"receiver\"\nprovider = \"both\"\ndisabled = true\n",
        ),
    ];
    chain.stop();
    chain.configure(&off, "");
    chain.start().await;
    let second: Vec<String> = (0..50).map(|n| format!("second-{n}")).collect();
    assert_eq!(chain.client().send(100, &second).await.len(), 50);
    chain.wait_taken(100).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(chain.delivered(), 50);
    chain.kill();
    chain.configure(&links, "");
    chain.start().await;
    chain.wait_delivered(100).await;
    assert!(chain.arrived().values().all(|count| *count == 1));
}

/// node-smpp as a centre that never sends a receipt and answers when it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_centre_that_sends_no_receipts_is_asked_what_became_of_them() {
    let centre = PeerCentre::node(&["-", "-", "mute"].map(OsStr::new)).await;
    let mut chain = Chain::over(&[(centre.port, "query_after = \"1s\"\n")], "").await;
    chain.start().await;
    let texts: Vec<String> = (0..300).map(|n| format!("ask-{n}")).collect();
    for part in texts.chunks(100) {
        assert_eq!(chain.client().send(100, part).await.len(), 100);
    }
    chain.wait_delivered(300).await;
    chain.stop();
}
