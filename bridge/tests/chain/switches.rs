//! Links that the platform's administrators switch off.

use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::{Submissions, SwitchedOff};
use serde_json::json;

use crate::platform::message;
use crate::rest;
use crate::support::Chain;

fn texts(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

/// Sends texts by the pool and says in the same breath what is off.
async fn send(chain: &Chain, texts: &[String], off: &[i64]) -> usize {
    let said = Submissions {
        messages: texts.iter().map(|text| message(1000, text)).collect(),
        switched_off: Some(SwitchedOff {
            esmes: off.to_vec(),
            at: SystemClock.now().millis(),
        }),
    };
    chain.client().submit(&said).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_goes_on_without_the_link_that_is_off_also_after_a_restart() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    chain.wait_up(&[100, 101]).await;
    assert_eq!(send(&chain, &texts("off", 40), &[101]).await, 40);
    chain.wait_delivered(40).await;
    assert_eq!(chain.taken(), [40, 0]);
    chain.client().send(101, &texts("itself", 5)).await;
    chain.wait_delivered(45).await;
    assert_eq!(
        chain.taken(),
        [40, 5],
        "what the link itself is given leaves"
    );

    chain.stop();
    chain.start().await;
    chain.wait_up(&[100, 101]).await;
    chain.client().send(1000, &texts("restarted", 40)).await;
    chain.wait_delivered(85).await;
    assert_eq!(chain.taken(), [80, 5]);
    send(&chain, &texts("on", 40), &[]).await;
    chain.wait_delivered(125).await;
    let taken = chain.taken();
    assert_eq!(taken.iter().sum::<u64>(), 125);
    // Half of them, or what a busy machine makes of it.
    assert!((10..=40).contains(&taken[1]), "its turns again: {taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_pool_leaves_by_the_link_that_is_switched_on_first() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    assert_eq!(send(&chain, &texts("wait", 20), &[100, 101]).await, 20);
    chain.client().send(100, &texts("passes", 1)).await;
    chain.wait_delivered(1).await;
    // Longer than any pause between two looks at the queue.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(chain.taken(), [1, 0], "nothing of the pool");
    send(&chain, &[], &[100]).await;
    chain.wait_delivered(21).await;
    assert_eq!(chain.taken(), [1, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_takes_nothing_at_the_bridges_own_door() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    for (off, esme, status) in [
        (&[101][..], 101, 409),
        (&[101], 100, 200),
        (&[101], 1000, 200),
        (&[100, 101], 1000, 409),
        (&[1000], 1000, 409),
        (&[], 1000, 200),
    ] {
        send(&chain, &[], off).await;
        let body = rest::message(esme, &format!("{off:?} {esme}"));
        let answer = rest::call(chain.rest, "/api/v1/sms/send", Some(body)).await;
        assert_eq!(answer.status, status, "{off:?} {esme}");
        if status == 409 {
            let error = json!({ "error": "this link is switched off" });
            assert_eq!(answer.json(), error);
        }
    }
}
