//! A database that goes away while it is used.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use homeroom_bridge::{
    message::PartStatus,
    store::{Ambiguity, Store, StoreError, postgres::Options, postgres::PostgresStore},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    cluster::{self, Database},
    place::*,
};

async fn database() -> Option<Database> {
    match Place::postgres().await? {
        Place::Postgres(database) => Some(database),
        Place::Sqlite(_) => None,
    }
}

/// Ends every connection to the database.
async fn end_all(database: &Database) {
    let sql = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let client = database.client().await;
    let ended = client.query(sql, &[]).await.unwrap();
    let ended: Vec<i32> = ended.iter().map(|row| row.get(0)).collect();
    let left = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1)";
    while !client.query(left, &[&ended]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The bridge hears of it.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_connections_were_ended_goes_on_and_holds_its_name_again() {
    let Some(database) = database().await else {
        return;
    };
    let config = database.config();
    let store = cluster::open(&config, "one", Arc::new(|_| Ambiguity::Resend)).await;
    accept(&store, message("m1", 1), NOW).await;
    end_all(&database).await;
    assert_eq!(store.claim(ESME, 1, NOW).await.unwrap().len(), 1);
    let second = PostgresStore::open(&config, Options::new("one")).await;
    assert!(matches!(second, Err(StoreError::Failed(_))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_name_another_has_taken_claims_nothing_until_that_one_ends() {
    let Some(database) = database().await else {
        return;
    };
    let config = database.config();
    let resend = || Arc::new(|_| Ambiguity::Resend);
    let first = cluster::open(&config, "one", resend()).await;
    accept(&first, message("m1", 1), NOW).await;
    end_all(&database).await;
    let second = cluster::open(&config, "one", resend()).await;
    assert!(first.claim(ESME, 1, NOW).await.is_err());
    drop(second);
    for _ in 0..600 {
        if first.claim(ESME, 1, NOW).await.is_ok() {
            assert_eq!(statuses(&first, "m1").await, [PartStatus::Sending]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it claims nothing though nobody else has its name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_commit_nobody_heard_of_is_made_again_at_once_and_is_not_ambiguous() {
    let Some(database) = database().await else {
        return;
    };
    let (store, line) = over(&database, Trouble::Deaf).await;
    accept(&store, message("m1", 2), NOW).await;
    line.arm();
    let lost = store.claim(ESME, 2, NOW).await;
    assert!(matches!(lost, Err(StoreError::Away(_))), "{lost:?}");
    assert_eq!(statuses(&store, "m1").await, [PartStatus::Sending; 2]);
    is_claimed_anew(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_still_being_committed_when_its_connection_ends_is_made_again_at_once() {
    let Some(database) = database().await else {
        return;
    };
    let (store, line) = over(&database, Trouble::Late).await;
    accept(&store, message("m1", 2), NOW).await;
    line.arm();
    let lost = store.claim(ESME, 2, NOW).await;
    assert!(matches!(lost, Err(StoreError::Away(_))), "{lost:?}");
    assert_eq!(statuses(&store, "m1").await, [PartStatus::Accepted; 2]);
    is_claimed_anew(&store).await;
}

/// Both parts of a message, after a claim whose commit nobody heard of.
async fn is_claimed_anew(store: &Arc<dyn Store>) {
    let again = store.claim(ESME, 2, NOW).await.unwrap();
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|part| part.attempt == 2));
    let depths = store.depths(NOW).await.unwrap();
    assert_eq!((depths.ambiguous, depths.queued), (0, vec![]));
    let history = store.history("m1").await.unwrap();
    let back = history.iter().filter(|line| line.what.contains("not sent"));
    assert_eq!(back.count(), 2, "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_nobody_heard_of_until_its_message_expired_is_not_sent() {
    // The second: this bridge's clock is behind that of the one that expired it.
    for later in [1_002, 500] {
        let Some(database) = database().await else {
            return;
        };
        let (store, line) = over(&database, Trouble::Deaf).await;
        let mut short = message("m1", 2);
        short.valid_until = NOW + 1_000;
        accept(&store, short, NOW).await;
        line.arm();
        store.claim(ESME, 2, NOW).await.unwrap_err();
        let resend = Arc::new(|_| Ambiguity::Resend);
        let other = cluster::open(&database.config(), "two", resend).await;
        other.sweep(RETENTION, NOW + 1_001).await.unwrap();
        assert_eq!(statuses(&store, "m1").await, [PartStatus::Sending; 2]);
        let again = store.claim(ESME, 2, NOW + later).await.unwrap();
        assert_eq!(again, []);
        assert_eq!(statuses(&store, "m1").await, [PartStatus::Expired; 2]);
        assert_eq!(store.depths(NOW).await.unwrap().queued, []);
        let events = drain(&store, NOW + 1_002).await;
        assert_eq!(json(events.last().unwrap())["status"], "EXPIRED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_stands_still_while_it_accepts_holds_up_the_others_for_seconds_only() {
    let Some(database) = database().await else {
        return;
    };
    let (frozen, line) = over(&database, Trouble::Frozen).await;
    let resend = Arc::new(|_| Ambiguity::Resend);
    let other = cluster::open(&database.config(), "two", resend).await;
    line.arm();
    let call = tokio::spawn({
        let frozen = Arc::clone(&frozen);
        async move { frozen.accept(vec![message("m1", 1)], NO_LIMITS, NOW).await }
    });
    line.wait().await;
    accept(&other, message("m2", 1), NOW).await;
    let refused = call.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Away(_))), "{refused:?}");
    accept(&frozen, message("m1", 1), NOW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_in_time_is_a_database_that_is_away() {
    /// That of acceptances.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(7525353784838418285)";
    let Some(database) = database().await else {
        return;
    };
    let resend = Arc::new(|_| Ambiguity::Resend);
    let store = cluster::open(&database.config(), "one", resend).await;
    let holder = database.client().await;
    holder
        .batch_execute(&format!("BEGIN; {LOCK}"))
        .await
        .unwrap();
    let refused = store.accept(vec![message("m1", 1)], NO_LIMITS, NOW).await;
    assert!(matches!(refused, Err(StoreError::Away(_))), "{refused:?}");
    drop(holder);
    accept(&store, message("m1", 1), NOW).await;
}

/// What happens to a connection between a bridge and its database.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// It ends after the commit of a claim, whose answer never comes.
    Deaf,
    /// It ends before the commit of a claim, which the server gets a moment later.
    Late,
    /// The bridge says no more within an acceptance, and hears what the server says in the end.
    Frozen,
}

/// Once armed, the next connection that comes so far has its trouble.
struct Line {
    port: u16,
    armed: Arc<AtomicBool>,
}

/// A bridge whose connections have trouble.
async fn over(database: &Database, trouble: Trouble) -> (Arc<dyn Store>, Line) {
    let line = Line::before(database.port(), trouble).await;
    let config = database.by_tcp("localhost").replace(
        &format!("port={}", database.port()),
        &format!("port={}", line.port),
    );
    let store = cluster::open(&config, "one", Arc::new(|_| Ambiguity::Resend)).await;
    (store, line)
}

impl Line {
    async fn before(port: u16, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((bridge, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(pass(bridge, server, trouble, Arc::clone(&shared)));
            }
        });
        Self { port: own, armed }
    }

    fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Waits until it had its trouble.
    async fn wait(&self) {
        while self.armed.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn pass(
    mut bridge: TcpStream,
    mut server: TcpStream,
    trouble: Trouble,
    armed: Arc<AtomicBool>,
) {
    let (mut sent, mut answered) = ([0; 16_000], [0; 16_000]);
    let mut claims = false;
    let mut silent = false;
    loop {
        tokio::select! {
            read = bridge.read(&mut sent), if !silent => {
                let Ok(count @ 1..) = read else { return };
                let bytes = &sent[..count];
                let has = |text: &[u8]| bytes.windows(text.len()).any(|one| one == text);
                claims |= has(b"UPDATE parts p SET status = 1");
                let now = match trouble {
                    Trouble::Deaf | Trouble::Late => claims && has(b"COMMIT"),
                    // What comes after the lock.
                    Trouble::Frozen => has(b"AS a (app_id, transaction_id)"),
                };
                let now = now && armed.swap(false, Ordering::SeqCst);
                if now && trouble == Trouble::Frozen {
                    silent = true;
                    continue;
                }
                if now && trouble == Trouble::Late {
                    drop(bridge);
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    server.write_all(bytes).await.unwrap();
                } else {
                    server.write_all(bytes).await.unwrap();
                    if !now {
                        continue;
                    }
                }
                // The server has done it once it answers.
                assert!(server.read(&mut answered).await.unwrap() > 0);
                return;
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                bridge.write_all(&answered[..count]).await.unwrap();
            }
        }
    }
}
