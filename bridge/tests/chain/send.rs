//! Messages through the whole bridge.

use std::time::Duration;

use crate::support::Chain;

fn texts(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_sent_once_and_their_delivery_is_heard_of() {
    let mut chain = Chain::new(1, Duration::ZERO).await;
    chain.start().await;
    let sent = texts("hello", 200);
    for part in sent.chunks(100) {
        assert_eq!(chain.client().send(100, part).await, part);
        // A repetition is the same message.
        assert_eq!(chain.client().send(100, part).await, part);
    }
    chain.wait_delivered(200).await;
    let arrived = chain.arrived();
    assert_eq!(arrived.len(), 200);
    assert!(arrived.values().all(|count| *count == 1));
    chain.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_sends_on_through_the_link_that_is_left() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    chain.client().send(1000, &texts("both", 100)).await;
    chain.wait_delivered(100).await;
    chain.end(100);
    chain.client().send(1000, &texts("one", 100)).await;
    chain.wait_delivered(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_while_the_bridge_is_down_or_its_line_cut_is_sent_later() {
    let mut chain = Chain::new(1, Duration::from_millis(5)).await;
    chain.start().await;
    let sent = texts("wait", 300);
    for part in sent.chunks(100) {
        assert_eq!(chain.client().send(100, part).await.len(), 100);
        chain.cut(100);
    }
    chain.stop();
    chain.start().await;
    chain.wait_delivered(300).await;
    assert_eq!(chain.arrived().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_pool_take_turns_also_when_little_is_sent() {
    let mut chain = Chain::new(2, Duration::ZERO).await;
    chain.start().await;
    chain.wait_up(&[100, 101]).await;
    // A busy machine may keep a link's place for a moment, and then the other has two turns: never each time.
    let (mut sent, mut seen) = (0, Vec::new());
    while seen.last() != Some(&[5, 5]) && seen.len() < 5 {
        let before = chain.taken();
        for _ in 0..10 {
            chain.client().send(1000, &[format!("turn-{sent}")]).await;
            sent += 1;
            chain.wait_delivered(sent).await;
        }
        let after = chain.taken();
        seen.push([after[0] - before[0], after[1] - before[1]]);
    }
    assert_eq!(seen.last(), Some(&[5, 5]), "{seen:?}");
}
