//! Links that only receive, and what is handed over late.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::smsc::{self, Smsc};
use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::{Submissions, SwitchedOff};
use serde_json::json;

use crate::platform::message;
use crate::rest;
use crate::support::Chain;

async fn centre() -> Smsc {
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let settings = smsc::Config::default();
    Smsc::start(listen, settings, Arc::new(SystemClock))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_link_that_only_receives_leaves_by_the_one_that_sends_for_it_or_is_refused() {
    let centres = [centre().await, centre().await, centre().await];
    let ports = centres.each_ref().map(|one| one.address().port());
    let links = [
        (ports[0], ""),
        (ports[1], "bind = \"receiver\"\nsends_by = 100\n"),
        (ports[2], "bind = \"receiver\"\n"),
    ];
    let mut chain = Chain::over(&links, "").await;
    chain.start().await;
    chain.client().send(101, &["an answer".to_owned()]).await;
    chain.wait_delivered(1).await;
    let taken = centres.each_ref().map(Smsc::taken);
    assert_eq!(taken, [1, 0, 0]);
    // What sends for it is off for it too.
    let switch = async |off: Vec<i64>| {
        let said = Submissions {
            messages: Vec::new(),
            switched_off: Some(SwitchedOff {
                esmes: off,
                at: SystemClock.now().millis(),
            }),
        };
        chain.client().submit(&said).await;
    };
    switch(vec![100]).await;
    chain.client().send(101, &["later".to_owned()]).await;
    let body = rest::message(101, "not now");
    let answer = rest::call(chain.rest, "/api/v1/sms/send", Some(body)).await;
    assert_eq!(answer.status, 409);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(centres[0].taken(), 1);
    switch(vec![]).await;
    chain.wait_delivered(2).await;
    let body = rest::message(102, "nobody sends this");
    let answer = rest::call(chain.rest, "/api/v1/sms/send", Some(body)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json(), json!({"error": "link 102 only receives"}));
}

/// The platform hands over again what it could not note, and that may be after the message's time or without its link.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_bridge_has_stays_accepted_when_it_is_handed_over_again_too_late() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    let mut late = message(100, "in time");
    late.valid_until = Some(SystemClock.now().millis() + 2_000);
    let said = Submissions {
        messages: vec![late.clone()],
        switched_off: None,
    };
    let first = chain.client().submit(&said).await;
    chain.wait_delivered(1).await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(chain.client().submit(&said).await, first);
    let mut never = said.clone();
    never.messages[0].message_id = "another".into();
    never.messages[0].transaction_id = "another".into();
    assert!(
        chain.client().submit(&never).await.is_empty(),
        "it is too late"
    );
    assert_eq!(chain.taken(), [1, 0]);
}
