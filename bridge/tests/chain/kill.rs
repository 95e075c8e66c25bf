//! kill -9 at random moments under load. The centre is node-smpp's, so that who counts is not who is counted.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    // The rounds in which each text came.
    let arrived = Arc::new(Mutex::new(HashMap::<String, Vec<usize>>::new()));
    let now = Arc::new(AtomicUsize::new(0));
    let (counting, current) = (Arc::clone(&arrived), Arc::clone(&now));
    let (mut lines, _input, _child) = centre.parts();
    tokio::spawn(async move {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            let text = line["text"].as_str().unwrap().to_owned();
            let round = current.load(Ordering::SeqCst);
            let mut counting = counting.lock().unwrap();
            counting.entry(text).or_default().push(round);
        }
    });
    let mut accepted = Vec::new();
    let answered = Arc::new(AtomicUsize::new(0));
    let mut seen = [0; MOMENTS.len()];
    for round in 0..kills {
        chain.start().await;
        let mut load = JoinSet::new();
        for sender in 0..4 {
            let client = chain.client();
            let count = Arc::clone(&answered);
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
                    count.fetch_add(answered.len(), Ordering::SeqCst);
                    stored.extend(answered);
                }
                stored
            });
        }
        let moment = u64::from(uuid::Uuid::now_v7().as_bytes()[15]) * 3;
        tokio::time::sleep(Duration::from_millis(50 + moment)).await;
        reach(&answered, 10 * (round + 1) + 1).await;
        chain.kill();
        for (seen, (_, sql)) in seen.iter_mut().zip(MOMENTS) {
            *seen += usize::from(chain.count(sql) > 0);
        }
        while let Some(stored) = load.join_next().await {
            accepted.extend(stored.unwrap());
        }
        settle(&arrived).await;
        now.store(round + 1, Ordering::SeqCst);
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
    let twice: usize = arrived.values().map(|rounds| rounds.len() - 1).sum();
    // A text comes again for the kill that ended the round in which it came before, and maybe only after the next kill.
    let mut again = vec![0; kills];
    for pair in arrived.values().flat_map(|rounds| rounds.windows(2)) {
        assert!(pair[0] < pair[1], "sent twice without a kill");
        again[pair[0]] += 1;
    }
    let unsure = chain
        .wait_metric("bridge_attempts_ambiguous_total", |_| true)
        .await;
    println!("sent again for each kill: {again:?}");
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
    let window = usize::try_from(WINDOW).unwrap();
    assert!(again.iter().all(|one| *one <= window), "{again:?}");
    assert!(
        twice as u64 <= unsure,
        "{twice} sent twice, and {unsure} known of"
    );
    each_says_so(&chain, &arrived);
    chain.stop();
}

/// Of every message that came again, its history says it, once for every time.
fn each_says_so(chain: &Chain, arrived: &HashMap<String, Vec<usize>>) {
    let again = arrived.iter().filter(|(_, rounds)| rounds.len() > 1);
    for (n, (id, rounds)) in again.enumerate() {
        let history = chain.inspect(id);
        let unanswered = history.matches(": no answer").count();
        assert!(
            unanswered >= rounds.len() - 1,
            "came in {rounds:?}: {history}"
        );
        if n == 0 {
            println!("{history}");
        }
    }
}

/// Waits for as much as can be counted, which on a slow machine is not there at once.
async fn reach(answered: &AtomicUsize, wanted: usize) {
    for _ in 0..6_000 {
        if answered.load(Ordering::SeqCst) >= wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until nothing more comes of what was on its way when the bridge ended.
async fn settle(arrived: &Mutex<HashMap<String, Vec<usize>>>) {
    let count = || {
        arrived
            .lock()
            .unwrap()
            .values()
            .map(Vec::len)
            .sum::<usize>()
    };
    let (mut before, mut quiet) = (count(), 0);
    while quiet < 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        quiet = if count() == before { quiet + 1 } else { 0 };
        before = count();
    }
}
