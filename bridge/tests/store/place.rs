//! Where a test's store is, and what it is filled with.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use homeroom_bridge::{
    message::{
        Address, Addresses, AttemptResult, Attempted, Claimed, NewMessage, PartBody, PartStatus,
        Receipt,
    },
    store::{
        Accepted, Ambiguity, MessageView, Outgoing, Policy, Provider, QueueLimits, Retention,
        Store,
        sqlite::{Options, SqliteStore},
    },
};
use serde_json::Value;

use crate::cluster::{self, Database};

pub(crate) const NOW: i64 = 1_768_473_000_000;
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const APP: i64 = 1;
pub(crate) const ESME: i64 = 100;
pub(crate) const LINK: i64 = 7;
pub(crate) const TEXT: &[u8] = b"Maths is cancelled today";
pub(crate) const NUMBER: &str = "4915112345678";
pub(crate) const NO_LIMITS: QueueLimits = QueueLimits {
    total: 1_000_000,
    per_app: 1_000_000,
    per_esme: 1_000_000,
};
pub(crate) const RETENTION: Retention = Retention {
    finished: Duration::from_hours(24),
    orphans: Duration::from_hours(24),
    inbound: Duration::from_hours(1),
    dead_letters: Duration::from_hours(720),
};

/// A folder that goes with its value.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("homeroom-store-{}-{n}", std::process::id()));
        // One that was killed had the same number.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An empty store's place.
#[derive(Debug)]
pub(crate) enum Place {
    Sqlite(Folder),
    Postgres(Database),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(Folder::new())
    }

    /// `None` only where PostgreSQL is switched off by hand.
    pub(crate) async fn postgres() -> Option<Self> {
        cluster::database().await.map(Self::Postgres)
    }

    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.0.join("bridge.db"),
            Self::Postgres(_) => panic!("this one has no file"),
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.open_with(Arc::new(|_| Ambiguity::Resend)).await
    }

    pub(crate) async fn open_with(&self, ambiguity: Policy) -> Arc<dyn Store> {
        open(&self.address(), ambiguity).await
    }

    /// What the parts carry, as the tables have it.
    pub(crate) async fn texts(&self) -> Vec<Vec<u8>> {
        let sql = "SELECT short_message FROM parts ORDER BY message, number";
        match self {
            Self::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.file()).unwrap();
                let mut statement = connection.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(database) => {
                let rows = database.client().await.query(sql, &[]).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Time passes for the leases of bridges.
    pub(crate) async fn pass(&self, millis: i64) {
        if let Self::Postgres(database) = self {
            database.pass(millis).await;
        }
    }

    /// A minute passes, in which these bridges sweep as they do. Returns its end.
    pub(crate) async fn minute(&self, stores: &[&Arc<dyn Store>], mut now: i64) -> i64 {
        for _ in 0..3 {
            now += 20_001;
            self.pass(20_001).await;
            for store in stores {
                store.sweep(RETENTION, now).await.unwrap();
            }
        }
        now
    }

    /// What another process needs to open the same store.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(database) => format!("postgres:{}", database.config()),
        }
    }
}

pub(crate) async fn open(address: &str, ambiguity: Policy) -> Arc<dyn Store> {
    match address.split_once(':').unwrap() {
        ("sqlite", file) => {
            let options = Options {
                ambiguity,
                ..Options::default()
            };
            Arc::new(SqliteStore::open(file.as_ref(), options).unwrap())
        }
        (_, config) => cluster::open(config, "one", ambiguity).await,
    }
}

/// A message of so many parts.
pub(crate) fn message(id: &str, parts: usize) -> NewMessage {
    NewMessage {
        message_id: id.to_owned(),
        app_id: APP,
        tenant: Some("greenwood".to_owned()),
        transaction_id: format!("tx-{id}"),
        task_id: Some(12),
        esme: ESME,
        fingerprint: [1; 32],
        addresses: Addresses {
            source: Address {
                ton: 5,
                npi: 0,
                address: "Greenwood".to_owned(),
            },
            destination: Address {
                ton: 1,
                npi: 1,
                address: NUMBER.to_owned(),
            },
        },
        data_coding: 0,
        esm_class: 0x40,
        priority: 0,
        send_at: 0,
        valid_until: NOW + 24 * HOUR,
        parts: (1..=parts)
            .map(|n| PartBody {
                short_message: TEXT.to_vec(),
                payload: None,
                sar: (n % 2 == 0)
                    .then(|| (9, u8::try_from(parts).unwrap(), u8::try_from(n).unwrap())),
            })
            .collect(),
    }
}

pub(crate) async fn accept(store: &Arc<dyn Store>, message: NewMessage, now: i64) {
    let outcome = store.accept(vec![message], NO_LIMITS, now).await.unwrap();
    assert_eq!(outcome, [Accepted::New]);
}

/// Accepts a message and claims its parts.
pub(crate) async fn claimed(
    store: &Arc<dyn Store>,
    id: &str,
    parts: usize,
    now: i64,
) -> Vec<Claimed> {
    accept(store, message(id, parts), now).await;
    let claimed = store.claim(ESME, parts, now).await.unwrap();
    assert_eq!(claimed.len(), parts);
    assert!(claimed.iter().all(|part| part.key.message_id == id));
    claimed
}

pub(crate) fn result(part: &Claimed, result: AttemptResult) -> (Attempted, Provider) {
    let attempted = Attempted {
        key: part.key.clone(),
        attempt: part.attempt,
        link: LINK,
        result,
    };
    (attempted, Provider("main".to_owned()))
}

pub(crate) fn taken(part: &Claimed, id: &str) -> (Attempted, Provider) {
    result(
        part,
        AttemptResult::Submitted {
            provider_id: id.as_bytes().to_vec(),
        },
    )
}

/// Accepts a message of one part that the centre takes under an id.
pub(crate) async fn submitted(store: &Arc<dyn Store>, id: &str, provider_id: &str, now: i64) {
    let parts = claimed(store, id, 1, now).await;
    let results = parts.iter().map(|part| taken(part, provider_id)).collect();
    store.record(results, now).await.unwrap();
}

pub(crate) fn receipt(id: &str, status: PartStatus, at: i64) -> Receipt {
    Receipt {
        provider: "main".to_owned(),
        provider_id: id.as_bytes().to_vec(),
        status,
        error: (status == PartStatus::Undeliverable).then(|| "027".to_owned()),
        received_at: at,
    }
}

pub(crate) async fn view(store: &Arc<dyn Store>, id: &str) -> MessageView {
    store.find(None, id).await.unwrap().unwrap()
}

pub(crate) async fn statuses(store: &Arc<dyn Store>, id: &str) -> Vec<PartStatus> {
    let message = view(store, id).await;
    message.parts.iter().map(|part| part.status).collect()
}

/// Takes all events that are due and marks them delivered.
pub(crate) async fn drain(store: &Arc<dyn Store>, now: i64) -> Vec<Outgoing> {
    let mut all = Vec::new();
    loop {
        let events = store
            .events(100, Duration::from_mins(1), now)
            .await
            .unwrap();
        if events.is_empty() {
            return all;
        }
        let ids = events.iter().map(|event| event.id.clone()).collect();
        store.delivered(ids, now).await.unwrap();
        all.extend(events);
    }
}

pub(crate) fn json(event: &Outgoing) -> Value {
    serde_json::from_str(&event.body).unwrap()
}
