//! kill -9 at random moments under load. The centre is node-smpp's, so that who counts is not who is counted.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::node::PeerCentre;
use crate::support::{Chain, WINDOW};

/// What the store of a killed bridge may show, and how to find it there.
const MOMENTS: [(&str, &str); 5] = [
    (
        "parts waited",
        "SELECT count(*) FROM parts WHERE status = 0",
    ),
    (
        "parts were being sent",
        "SELECT count(*) FROM parts WHERE status = 1",
    ),
    (
        "parts were sent and had no receipt",
        "SELECT count(*) FROM parts WHERE status IN (3, 4)",
    ),
    (
        "receipts waited for their part",
        "SELECT count(*) FROM orphans",
    ),
    ("events waited or were out", "SELECT count(*) FROM events"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_and_at_most_a_window_is_sent_twice_when_the_bridge_is_killed() {
    let kills = if std::env::var_os("HOMEROOM_LONG").is_some() {
        200
    } else {
        10
    };
    let centre = PeerCentre::node(&["-", "-", "5"].map(OsStr::new)).await;
    let mut chain = Chain::over(&[(centre.port, "")], "").await;
    let arrived = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let counting = Arc::clone(&arrived);
    let (mut lines, _input, _child) = centre.parts();
    tokio::spawn(async move {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            let text = line["text"].as_str().unwrap().to_owned();
            *counting.lock().unwrap().entry(text).or_default() += 1;
        }
    });
    let mut accepted = Vec::new();
    let mut seen = [0; MOMENTS.len()];
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
        for (seen, (_, sql)) in seen.iter_mut().zip(MOMENTS) {
            *seen += usize::from(chain.count(sql) > 0);
        }
        while let Some(stored) = load.join_next().await {
            accepted.extend(stored.unwrap());
        }
    }
    chain.start().await;
    let unheard = chain.undelivered(&accepted).await;
    assert!(unheard.is_empty(), "never delivered: {unheard:?}");
    // What nobody was told of may have been stored all the same, and is sent too.
    chain
        .wait_metric("bridge_parts_in_flight", |value| value == 0)
        .await;
    let arrived = arrived.lock().unwrap().clone();
    let lost: Vec<_> = accepted
        .iter()
        .filter(|id| !arrived.contains_key(*id))
        .collect();
    let twice: usize = arrived.values().map(|count| count - 1).sum();
    let unsure = chain
        .wait_metric("bridge_attempts_ambiguous_total", |_| true)
        .await;
    println!(
        "{kills} kills: {} accepted, {} lost, {twice} sent twice (a window is {WINDOW}), {unsure} attempts counted as ambiguous",
        accepted.len(),
        lost.len()
    );
    for (seen, (what, _)) in seen.iter().zip(MOMENTS) {
        println!("after {seen} of the kills {what}");
    }
    assert!(accepted.len() > kills * 10, "too few to count");
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(
        twice <= kills * usize::try_from(WINDOW).unwrap(),
        "{twice} sent twice"
    );
    assert!(
        twice as u64 <= unsure,
        "{twice} sent twice, and {unsure} known of"
    );
    // Each of them says so itself.
    for (id, _) in arrived.iter().filter(|(_, count)| **count > 1).take(20) {
        let history = chain.inspect(id);
        assert!(
            history.contains("not known") || history.contains("ambiguous"),
            "{history}"
        );
        if twice > 0 {
            println!("{history}");
            break;
        }
    }
    chain.stop();
}
