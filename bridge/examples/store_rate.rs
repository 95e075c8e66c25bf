//! Rows a second of each step of the store, and of all of them at once: `store_rate [sqlite:FILE | postgres:CONFIG] [MESSAGES]`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement reads the clock and may stop at the first error"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use homeroom_bridge::{
    message::{
        Address, Addresses, AttemptResult, Attempted, Claimed, NewMessage, PartBody, PartStatus,
        Receipt,
    },
    store::{
        Provider, QueueLimits, Store,
        postgres::{self, PostgresStore},
        sqlite::{self, SqliteStore},
    },
};

const LIMITS: QueueLimits = QueueLimits {
    total: 10_000_000,
    per_app: 10_000_000,
    per_esme: 10_000_000,
};
const ESME: i64 = 100;
const CALLERS: usize = 50;
const LEASE: Duration = Duration::from_mins(1);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or("sqlite:bridge-rate.db".into());
    let count: usize = arguments.next().map_or(20_000, |n| n.parse().unwrap());
    let store = open(&place).await;

    let begin = Instant::now();
    accept(&store, "a", count).await;
    report("accept, 50 callers", count, begin);

    let begin = Instant::now();
    let mut sent = Vec::new();
    loop {
        let claimed = store.claim(ESME, 200, now()).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        store
            .record(claimed.iter().map(submitted).collect(), now())
            .await
            .unwrap();
        sent.extend(claimed);
    }
    report("claim and record, 200 at a time", sent.len(), begin);

    let begin = Instant::now();
    for some in sent.chunks(200) {
        let receipts = some.iter().map(receipt).collect();
        store.receipts(receipts, now()).await.unwrap();
    }
    report("receipts, 200 at a time", sent.len(), begin);

    let begin = Instant::now();
    let mut delivered = 0;
    while let Some(n) = deliver(&store).await {
        delivered += n;
    }
    report("events given out and marked", delivered, begin);

    let begin = Instant::now();
    whole(&store, count).await;
    report("all of it at once, a message", count, begin);
}

async fn open(place: &str) -> Arc<dyn Store> {
    match place.split_once(':').unwrap() {
        ("sqlite", file) => {
            Arc::new(SqliteStore::open(Path::new(file), sqlite::Options::default()).unwrap())
        }
        (_, config) => {
            let options = postgres::Options::new("rate");
            Arc::new(PostgresStore::open(config, options).await.unwrap())
        }
    }
}

/// Accepts, sends, gets receipts and delivers events at the same time, until every message is through.
async fn whole(store: &Arc<dyn Store>, count: usize) {
    let (to_receipts, mut sent) = tokio::sync::mpsc::channel::<Vec<Claimed>>(8);
    let events = Arc::new(AtomicUsize::new(0));
    let done = Arc::new(tokio::sync::Notify::new());
    let sender = tokio::spawn({
        let store = store.clone();
        async move {
            let mut left = count;
            while left > 0 {
                let claimed = store.claim(ESME, 200, now()).await.unwrap();
                if claimed.is_empty() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                left -= claimed.len();
                let (store, to_receipts) = (store.clone(), to_receipts.clone());
                // The next are claimed while these are recorded, as a window does it.
                tokio::spawn(async move {
                    let results = claimed.iter().map(submitted).collect();
                    store.record(results, now()).await.unwrap();
                    let _ = to_receipts.send(claimed).await;
                });
            }
        }
    });
    let receiver = tokio::spawn({
        let store = store.clone();
        async move {
            while let Some(some) = sent.recv().await {
                let receipts = some.iter().map(receipt).collect();
                store.receipts(receipts, now()).await.unwrap();
            }
        }
    });
    let platform = tokio::spawn({
        let (store, events, done) = (store.clone(), events.clone(), done.clone());
        async move {
            loop {
                let stop = tokio::select! {
                    () = done.notified() => true,
                    () = tokio::time::sleep(Duration::from_millis(1)) => false,
                };
                while let Some(n) = deliver(&store).await {
                    events.fetch_add(n, Ordering::Relaxed);
                }
                if stop {
                    break;
                }
            }
        }
    });
    accept(store, "w", count).await;
    sender.await.unwrap();
    receiver.await.unwrap();
    done.notify_one();
    platform.await.unwrap();
    println!("  with {} events", events.load(Ordering::Relaxed));
}

async fn accept(store: &Arc<dyn Store>, prefix: &'static str, count: usize) {
    let callers = (0..CALLERS).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in (caller..count).step_by(CALLERS) {
                let messages = vec![message(&format!("{prefix}{n}"))];
                store.accept(messages, LIMITS, now()).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

async fn deliver(store: &Arc<dyn Store>) -> Option<usize> {
    let events = store.events(200, LEASE, now()).await.unwrap();
    let count = events.len();
    if count == 0 {
        return None;
    }
    let ids = events.into_iter().map(|event| event.id).collect();
    store.delivered(ids, now()).await.unwrap();
    Some(count)
}

fn report(what: &str, count: usize, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {:.0}/s", count as f64 / seconds);
}

fn now() -> i64 {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(time.as_millis()).unwrap()
}

fn message(id: &str) -> NewMessage {
    let address = |ton, address: &str| Address {
        ton,
        npi: 1,
        address: address.to_owned(),
    };
    NewMessage {
        message_id: uuid::Uuid::now_v7().to_string(),
        app_id: 1,
        tenant: Some("greenwood".to_owned()),
        transaction_id: format!("{id}-{}", uuid::Uuid::now_v7()),
        task_id: None,
        esme: ESME,
        fingerprint: [7; 32],
        addresses: Addresses {
            source: address(5, "Greenwood"),
            destination: address(1, "4915112345678"),
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        send_at: 0,
        valid_until: now() + 86_400_000,
        parts: vec![PartBody {
            short_message: vec![b'x'; 120],
            payload: None,
            sar: None,
        }],
    }
}

fn submitted(part: &Claimed) -> (Attempted, Provider) {
    let attempted = Attempted {
        key: part.key.clone(),
        attempt: part.attempt,
        link: ESME,
        result: AttemptResult::Submitted {
            provider_id: part.key.message_id.clone().into_bytes(),
        },
    };
    (attempted, Provider("main".to_owned()))
}

fn receipt(part: &Claimed) -> Receipt {
    Receipt {
        provider: "main".to_owned(),
        provider_id: part.key.message_id.clone().into_bytes(),
        status: PartStatus::Delivered,
        error: None,
        received_at: now(),
    }
}
