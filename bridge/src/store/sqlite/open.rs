//! Opening the file: its lock, its settings, its migrations.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool, mpsc},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{Readers, SqliteStore, writer};
use crate::store::{Ambiguity, Held, Policy, StoreError};

/// The migrations, in order; only ever appended to.
const MIGRATIONS: &[&str] = &[
    include_str!("../schema/sqlite_0001.sql"),
    include_str!("../schema/sqlite_0002.sql"),
    include_str!("../schema/sqlite_0003.sql"),
    include_str!("../schema/sqlite_0004.sql"),
    include_str!("../schema/sqlite_0005.sql"),
];
/// Pages in the log after which the writer brings them into the file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4_096;
/// The log is cut to this many bytes after a checkpoint.
const MOST_LOG_BYTES: i64 = 64 << 20;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;

/// How the file is used.
#[derive(Clone)]
pub struct Options {
    /// `true`: what was accepted survives a power failure (`synchronous = FULL`). `false`: only the end of the process.
    pub durable: bool,
    /// How long the writer waits for more calls to share a commit, at most; 2 to 5 ms.
    pub linger: Duration,
    /// Connections that are kept for reading.
    pub readers: usize,
    /// Most bytes of the file, beyond which it counts as full; `None`: as the disk allows.
    pub most_bytes: Option<u64>,
    /// What `record` does with attempts whose answer never came, by link.
    pub ambiguity: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durable: true,
            linger: Duration::from_millis(3),
            readers: 4,
            most_bytes: None,
            ambiguity: Arc::new(|_| Ambiguity::Resend),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("durable", &self.durable)
            .field("linger", &self.linger)
            .field("readers", &self.readers)
            .field("most_bytes", &self.most_bytes)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, or makes it. Fails when another bridge has it open, or when it is newer than this program.
    /// Blocks for as long as that takes; with 100,000 messages in it well below a second.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let lock = exclusive(path)?;
        private(path)?;
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        settings(&connection, &options)?;
        migrate(&mut connection)?;
        let waiting = writer::Waiting::load(&connection)?;
        let (orders, received) = mpsc::channel();
        let linger = options.linger;
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer::run(connection, waiting, received, linger))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            orders: Some(orders),
            writer: Some(thread),
            readers: Arc::new(Readers {
                path: path.to_owned(),
                idle: Mutex::new(Vec::new()),
                most: options.readers,
            }),
            policy: Held::new(options.ambiguity),
            recovered: AtomicBool::new(false),
            _lock: lock,
        })
    }
}

/// Takes the lock beside the file; the system lets go of it when the process ends, however it ends.
fn exclusive(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| StoreError::Full(format!("{}: {error}", name.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Failed(format!(
            "another bridge has {} open",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(StoreError::Failed(format!("{}: {error}", name.display())))
        }
    }
}

/// It holds numbers and texts: nobody else may read it. The log beside it gets the same rights from `SQLite`.
fn private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Full(format!("{}: {error}", path.display())))
}

fn settings(connection: &Connection, options: &Options) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(5))?;
    // Without it a statement is compiled again whenever a value changes that might have chosen another index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = if options.durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Negative: in KiB.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", MOST_LOG_BYTES)?;
    if let Some(bytes) = options.most_bytes {
        let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / size.max(1);
        connection.pragma_update(None, "max_page_count", pages.max(1))?;
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let empty: bool = transaction.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'versions')",
        [],
        |row| row.get(0),
    )?;
    let done: i64 = if empty {
        0
    } else {
        transaction.query_row(
            "SELECT coalesce(max(version), 0) FROM versions",
            [],
            |row| row.get(0),
        )?
    };
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(StoreError::Failed(format!(
            "the file has version {done}, this program knows {}",
            MIGRATIONS.len()
        )));
    }
    for (version, sql) in (1_i64..).zip(MIGRATIONS).skip(done) {
        transaction.execute_batch(sql)?;
        transaction.execute(
            "INSERT INTO versions (version, applied_at) VALUES (?1, unixepoch() * 1000)",
            [version],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_survives_a_power_failure_unless_that_is_switched_off() {
        let folder = std::env::temp_dir().join(format!("homeroom-open-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // No test can cut the power, and a killed process does not show the difference.
        for (durable, expected) in [(true, 2), (false, 1)] {
            let connection = Connection::open(folder.join("bridge.db")).unwrap();
            let options = Options {
                durable,
                ..Options::default()
            };
            settings(&connection, &options).unwrap();
            let value = |name| {
                connection
                    .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                    .unwrap()
            };
            assert_eq!(value("synchronous"), i64::from(expected).into());
            assert_eq!(value("journal_mode"), "wal".to_owned().into());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
