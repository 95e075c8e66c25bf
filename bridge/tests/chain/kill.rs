//! kill -9 at random moments under load.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::{Chain, WINDOW};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_and_at_most_a_window_is_sent_twice_when_the_bridge_is_killed() {
    let kills = if std::env::var_os("HOMEROOM_LONG").is_some() {
        200
    } else {
        10
    };
    let mut chain = Chain::new(1, Duration::from_millis(5)).await;
    let mut accepted = Vec::new();
    for round in 0..kills {
        chain.start().await;
        let mut load = JoinSet::new();
        for sender in 0..4 {
            let client = chain.client();
            load.spawn(async move {
                let mut stored = Vec::new();
                for batch in 0.. {
                    let texts: Vec<String> = (0..10)
                        .map(|n| format!("{round}-{sender}-{batch}-{n}"))
                        .collect();
                    let answered = client.send(100, &texts).await;
                    if answered.is_empty() {
                        break;
                    }
                    stored.extend(answered);
                }
                stored
            });
        }
        let moment = u64::from(uuid::Uuid::now_v7().as_bytes()[15]) * 3;
        tokio::time::sleep(Duration::from_millis(50 + moment)).await;
        chain.kill();
        while let Some(stored) = load.join_next().await {
            accepted.extend(stored.unwrap());
        }
    }
    chain.start().await;
    // What nobody was told of may have been stored all the same, so at least these.
    chain.wait_delivered(accepted.len()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let arrived: HashMap<String, usize> = chain.arrived();
    let lost: Vec<_> = accepted
        .iter()
        .filter(|id| !arrived.contains_key(*id))
        .collect();
    let twice: usize = arrived.values().map(|count| count - 1).sum();
    println!(
        "{kills} kills, {} accepted, {} lost, {twice} sent twice",
        accepted.len(),
        lost.len()
    );
    assert!(accepted.len() > kills * 10, "too few to count");
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(
        twice <= kills * usize::try_from(WINDOW).unwrap(),
        "{twice} sent twice"
    );
    chain.stop();
}
