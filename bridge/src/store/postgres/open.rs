//! Opening the store: migrations, and this bridge's name.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    PostgresStore, accept,
    session::{Pool, Server, Session},
};
use crate::{
    store::{Ambiguity, Held, Policy, StoreError},
    tls::Tls,
};

/// The migrations, in order; only ever appended to.
const MIGRATIONS: &[&str] = &[
    include_str!("../schema/postgres_0001.sql"),
    include_str!("../schema/postgres_0002.sql"),
    include_str!("../schema/postgres_0003.sql"),
    include_str!("../schema/postgres_0004.sql"),
    include_str!("../schema/postgres_0005.sql"),
    include_str!("../schema/postgres_0006.sql"),
    include_str!("../schema/postgres_0007.sql"),
];
/// One bridge at a time brings the tables up to date.
const MIGRATION_LOCK: i64 = 0x6272_6964_6765_7331;
/// A name is waited for this often, 100 ms apart: the server may not know yet that its last holder is gone.
const NAME_TRIES: u32 = 100;

/// How the store is used.
#[derive(Clone)]
pub struct Options {
    /// This bridge's name, the same after a restart, and no other bridge's.
    pub bridge: String,
    /// TLS, and nothing less; plain where absent. The server's name is the `host` of its address.
    pub tls: Option<Tls>,
    /// How long this bridge's parts stay its own without a claim or a sweep; sweeps come more than twice in it.
    pub lease: Duration,
    /// How long an acceptance waits for more to share its commit, at most; 2 to 5 ms.
    pub linger: Duration,
    /// Most connections.
    pub connections: usize,
    /// What `record` does with attempts whose answer never came, by link.
    pub ambiguity: Policy,
}

impl Options {
    /// The usual values for a bridge of this name.
    #[must_use]
    pub fn new(bridge: &str) -> Self {
        Self {
            bridge: bridge.to_owned(),
            tls: None,
            lease: Duration::from_mins(1),
            linger: Duration::from_millis(3),
            connections: 8,
            ambiguity: Arc::new(|_| Ambiguity::Resend),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("bridge", &self.bridge)
            .field("tls", &self.tls)
            .field("lease", &self.lease)
            .field("linger", &self.linger)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects and brings the tables up to date. Fails when another bridge uses the name, or when the tables are newer
    /// than this program.
    pub async fn open(config: &str, options: Options) -> Result<Self, StoreError> {
        let server = Server::new(config, options.tls)?;
        let mut holder = server.connect().await?;
        migrate(&mut holder).await?;
        let mut tries = 1;
        while !take_name(&mut holder, &options.bridge).await? {
            if tries == NAME_TRIES {
                return Err(is_taken(&options.bridge));
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let row = holder
            .one(
                "INSERT INTO bridges (name, lease_until) VALUES ($1, 0)
                 ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING key",
                &[&options.bridge],
            )
            .await?;
        let pool = Arc::new(Pool::new(server, options.connections.max(2)));
        let (calls, received) = mpsc::unbounded_channel();
        tokio::spawn(accept::gather(pool.clone(), received, options.linger));
        Ok(Self {
            pool,
            calls,
            bridge: row.get(0),
            lease: super::millis(options.lease),
            recovered: AtomicBool::new(false),
            policy: Held::new(options.ambiguity),
            name: options.bridge,
            holder: tokio::sync::Mutex::new(holder),
            unheard: tokio::sync::Mutex::default(),
        })
    }
}

async fn migrate(session: &mut Session) -> Result<(), StoreError> {
    session
        .one("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    session
        .batch(
            "CREATE TABLE IF NOT EXISTS versions (
                 version INTEGER NOT NULL,
                 applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),
                 CONSTRAINT versions_pk PRIMARY KEY (version))",
        )
        .await?;
    let done: i32 = session
        .one("SELECT coalesce(max(version), 0) FROM versions", &[])
        .await?
        .get(0);
    let done = usize::try_from(done).unwrap_or_default();
    if done > MIGRATIONS.len() {
        return Err(StoreError::Failed(format!(
            "the tables have version {done}, this program knows {}",
            MIGRATIONS.len()
        )));
    }
    for (version, sql) in (1_i32..).zip(MIGRATIONS).skip(done) {
        session
            .batch(&format!(
                "BEGIN; {sql}; INSERT INTO versions (version) VALUES ({version}); COMMIT"
            ))
            .await?;
    }
    session
        .one("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
        .await?;
    Ok(())
}

/// Holds a name for as long as the connection lasts, if nobody else does. Two bridges of one name would each take the
/// other's parts for abandoned.
pub(super) async fn take_name(session: &mut Session, name: &str) -> Result<bool, StoreError> {
    let row = session
        .one(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 2))",
            &[&name],
        )
        .await?;
    Ok(row.get(0))
}

pub(super) fn is_taken(name: &str) -> StoreError {
    StoreError::Failed(format!("another bridge is connected under the name {name}"))
}
