//! The configuration is read again while messages go through.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::node::PeerCentre;
use crate::rest;
use crate::support::Chain;

fn texts(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

/// The first pool, once its rate is as wanted.
async fn pool_of_rate(chain: &Chain, wanted: f64) -> Value {
    let mut pool = Value::Null;
    for _ in 0..1_200 {
        let answer = rest::call(chain.rest, "/dashboard/load-balancers", None).await;
        pool = answer.json()["data"][0].clone();
        if pool["rate"] == wanted {
            return pool;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{pool} has not the rate {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_sends_no_faster_than_its_own_rate_until_a_reload_lifts_it() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.edit(|text| format!("{text}rate = 20\nburst = 1\n"));
    chain.start().await;
    chain.wait_up(&[100, 101]).await;
    pool_of_rate(&chain, 20.0).await;
    let start = Instant::now();
    chain.client().send(1000, &texts("slow", 41)).await;
    chain.wait_taken(41).await;
    let took = start.elapsed().as_secs_f64();
    assert!((1.9..20.0).contains(&took), "{took}");

    chain.edit(|text| text.replace("rate = 20\nburst = 1\n", ""));
    chain.hang_up();
    pool_of_rate(&chain, 10_000.0).await;
    let start = Instant::now();
    for n in 0..4 {
        let texts = texts(&format!("fast-{n}"), 100);
        chain.client().send(1000, &texts).await;
    }
    chain.wait_taken(441).await;
    let took = start.elapsed().as_secs_f64();
    assert!(took < 16.0, "{took}: at 20 a second it takes 20");
}

/// What a centre answers, after the messages that it tells of unasked.
async fn asked(centre: &mut PeerCentre, command: &str) -> u64 {
    centre.command(command).await;
    loop {
        if let Some(answer) = centre.line().await[command].as_u64() {
            return answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_binds_anew_only_the_link_whose_account_changed_and_loses_nothing() {
    let (mut same, mut other) = (PeerCentre::node(&[]).await, PeerCentre::node(&[]).await);
    let mut chain = Chain::over(&[(same.port, ""), (other.port, "")], "").await;
    chain.start().await;
    chain.client().send(1000, &texts("before", 100)).await;
    chain.edit(|text| text.replace("[links.101]\n", "[links.101]\nsystem_type = \"SMS\"\n"));
    chain.hang_up();
    chain.client().send(1000, &texts("during", 100)).await;
    let mut binds = 0;
    for _ in 0..1_200 {
        binds = asked(&mut other, "binds").await;
        if binds > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(binds, 2, "the link that changed");
    chain.edit(|text| text.replace("rate = 5000", "rate = 4000"));
    chain.hang_up();
    pool_of_rate(&chain, 8_000.0).await;
    chain.client().send(1000, &texts("after", 100)).await;
    chain.wait_delivered(300).await;
    assert_eq!(asked(&mut same, "binds").await, 1, "the one that did not");
    assert_eq!(
        asked(&mut other, "binds").await,
        2,
        "no other rate is another bind"
    );
    let taken = asked(&mut same, "count").await + asked(&mut other, "count").await;
    assert_eq!(taken, 300, "each once");
}
