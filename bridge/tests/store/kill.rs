//! A bridge that is killed at random moments, and what is left of what it answered.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use homeroom_bridge::{
    message::PartStatus,
    store::{Accepted, Ambiguity, Store},
};

use crate::place::*;

const ADDRESS: &str = "HOMEROOM_STORE_CHILD";
const CALLERS: usize = 8;

pub(crate) async fn nothing_that_was_answered_is_lost_when_the_bridge_is_killed(place: Place) {
    let rounds = if std::env::var_os("HOMEROOM_LONG").is_some() {
        200
    } else {
        10
    };
    let mut answered = Vec::new();
    for round in 0..rounds {
        let address = place.address();
        let ids = tokio::task::spawn_blocking(move || one_life(&address, round))
            .await
            .unwrap();
        answered.extend(ids);
    }
    assert!(answered.len() > rounds, "too few were accepted to count");
    let store = place.open().await;
    store.recover(NOW).await.unwrap();
    let mut lost = Vec::new();
    for id in &answered {
        match store.find(None, id).await.unwrap() {
            Some(message) if message.parts.len() == 2 => {
                let sending = message
                    .parts
                    .iter()
                    .any(|p| p.status == PartStatus::Sending);
                assert!(!sending, "{id} was not recovered");
            }
            _ => lost.push(id),
        }
    }
    println!(
        "{rounds} kills, {} answered, {} lost",
        answered.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "lost: {lost:?}");
}

/// Starts this program as a bridge, kills it after a moment, and returns the ids that it had answered.
fn one_life(address: &str, round: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "kill::a_bridge_to_be_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(ADDRESS, format!("{round}|{address}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Its first answer; the moment counts from there, so that a slow start is not all that is killed.
    let mut ids: Vec<String> = lines
        .by_ref()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("stored ").map(str::to_owned))
        .take(1)
        .collect();
    // The last byte of such an id is random.
    let random = uuid::Uuid::now_v7().as_bytes()[15];
    std::thread::sleep(Duration::from_millis(u64::from(random)));
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was cut by the end is not an answer.
    ids.extend(lines.map_while(Result::ok).filter_map(|line| {
        let id = line.strip_prefix("stored ")?;
        id.ends_with('.').then(|| id.to_owned())
    }));
    ids
}

/// Not a test: the bridge that `one_life` starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by another test"]
async fn a_bridge_to_be_killed() {
    let Ok(given) = std::env::var(ADDRESS) else {
        return;
    };
    let (round, address) = given.split_once('|').unwrap();
    let store = open(address, Arc::new(|_| Ambiguity::Resend)).await;
    store.recover(NOW).await.unwrap();
    for caller in 0..CALLERS {
        let (store, round) = (store.clone(), round.to_owned());
        tokio::spawn(async move {
            for n in 0.. {
                let id = format!("{round}-{caller}-{n}.");
                let outcome = store
                    .accept(vec![message(&id, 2)], NO_LIMITS, NOW)
                    .await
                    .unwrap();
                assert_eq!(outcome, [Accepted::New]);
                let mut out = std::io::stdout().lock();
                out.write_all(format!("stored {id}\n").as_bytes()).unwrap();
                out.flush().unwrap();
            }
        });
    }
    send(&store, round).await;
}

/// Claims, records and gets receipts for as long as it lives.
async fn send(store: &Arc<dyn Store>, round: &str) {
    for n in 0.. {
        let parts = store.claim(ESME, 20, NOW).await.unwrap();
        let name = |number: usize| format!("{round}-{n}-{number}");
        let results = parts
            .iter()
            .enumerate()
            .map(|(number, part)| taken(part, &name(number)))
            .collect();
        store.record(results, NOW).await.unwrap();
        let receipts = (0..parts.len())
            .map(|number| receipt(&name(number), PartStatus::Delivered, NOW))
            .collect();
        store.receipts(receipts, NOW).await.unwrap();
        drain(store, NOW).await;
    }
}
