//! The one thread that writes: calls that come together share a transaction, and so one wait for the disk.

use std::{collections::HashMap, sync::mpsc::Receiver, time::Duration};

use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::oneshot;

use crate::store::StoreError;

/// Most calls in one transaction.
const MOST_CALLS: usize = 500;
/// The linger is waited for in this many steps; it ends with the first in which nothing came.
const STEPS: u32 = 8;

/// What a call works with.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    /// Parts that wait, kept beside the tables because a count of 100,000 rows is too slow for each acceptance.
    pub(super) waiting: &'a mut Waiting,
}

/// Parts that wait, over all, by app, and by link or pool.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) total: i64,
    pub(super) apps: HashMap<i64, i64>,
    pub(super) esmes: HashMap<i64, i64>,
}

impl Waiting {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut waiting = Self::default();
        let mut statement = connection.prepare(
            "SELECT m.app_id, p.esme, count(*) FROM parts p JOIN messages m ON m.key = p.message
             WHERE p.status < 2 AND p.status = 0 GROUP BY m.app_id, p.esme",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            waiting.add(row.get(0)?, row.get(1)?, row.get(2)?);
        }
        Ok(waiting)
    }

    pub(super) fn add(&mut self, app: i64, esme: i64, count: i64) {
        if count != 0 {
            self.total += count;
            *self.apps.entry(app).or_default() += count;
            *self.esmes.entry(esme).or_default() += count;
        }
    }
}

/// A call on its way to the disk.
pub(super) trait Job: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// What the thread is sent.
pub(super) enum Order {
    Write(Box<dyn Job>),
    /// Brings the log into the file and shortens it.
    Checkpoint,
}

/// A call, its value and who waits for it.
pub(super) struct Call<W, T> {
    pub(super) work: W,
    pub(super) value: Option<T>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T> Job for Call<W, T>
where
    W: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        // Where nobody waits any more, what is written stays written.
        let _ = reply.send(outcome.and_then(|()| value.ok_or_else(gone)));
    }
}

pub(super) fn gone() -> StoreError {
    StoreError::Failed("the writer has ended".to_owned())
}

/// A call with what became of it.
type Outcome = (Box<dyn Job>, Result<(), StoreError>);

/// Writes until the store is dropped.
pub(super) fn run(
    mut connection: Connection,
    mut waiting: Waiting,
    orders: Receiver<Order>,
    linger: Duration,
) {
    let mut queued: Vec<Order> = Vec::new();
    let mut expected = 0;
    loop {
        if queued.is_empty() {
            match orders.recv() {
                Ok(order) => queued.push(order),
                Err(_) => return,
            }
        }
        gather(&orders, &mut queued, expected, linger / STEPS);
        let mut jobs = Vec::new();
        let mut checkpoint = false;
        let count = queued.len().min(MOST_CALLS);
        for order in queued.drain(..count) {
            match order {
                Order::Write(job) => jobs.push(job),
                Order::Checkpoint => checkpoint = true,
            }
        }
        let outcomes = commit(&mut connection, &mut waiting, jobs);
        // Those that came meanwhile, and those that are answered now, make up the next transaction.
        queued.extend(orders.try_iter());
        expected = queued.len() + outcomes.len();
        for (job, outcome) in outcomes {
            job.answer(outcome);
        }
        if checkpoint {
            // A reader in the way only puts it off.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

/// Waits for the calls that are likely to come, until there is a step in which none does.
fn gather(orders: &Receiver<Order>, queued: &mut Vec<Order>, expected: usize, step: Duration) {
    let mut steps = 0;
    while queued.len() < expected.min(MOST_CALLS) && steps < STEPS {
        match orders.try_recv() {
            Ok(order) => queued.push(order),
            Err(_) => {
                steps += 1;
                match orders.recv_timeout(step) {
                    Ok(order) => queued.push(order),
                    Err(_) => return,
                }
            }
        }
    }
}

fn commit(
    connection: &mut Connection,
    waiting: &mut Waiting,
    mut jobs: Vec<Box<dyn Job>>,
) -> Vec<Outcome> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let Err(error) = transaction(connection, waiting, &mut jobs) else {
        return jobs.into_iter().map(|job| (job, Ok(()))).collect();
    };
    undo(connection, waiting);
    // One of them may have failed for a reason of its own: the others get a transaction of their own.
    let alone = jobs.len() > 1 && matches!(error, StoreError::Failed(_));
    let mut outcomes = Vec::new();
    for mut job in jobs {
        let outcome = if alone {
            let outcome = transaction(connection, waiting, std::slice::from_mut(&mut job));
            if outcome.is_err() {
                undo(connection, waiting);
            }
            outcome
        } else {
            Err(error.clone())
        };
        outcomes.push((job, outcome));
    }
    outcomes
}

fn transaction(
    connection: &Connection,
    waiting: &mut Waiting,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), StoreError> {
    let execute = |sql: &str| -> Result<(), StoreError> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    };
    execute("BEGIN IMMEDIATE")?;
    for job in jobs {
        job.run(&mut Tx {
            connection,
            waiting,
        })?;
    }
    execute("COMMIT")
}

fn undo(connection: &Connection, waiting: &mut Waiting) {
    // A full disk has ended the transaction already.
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    match Waiting::load(connection) {
        Ok(fresh) => *waiting = fresh,
        Err(error) => tracing::error!(%error, "the queue cannot be counted"),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::SqliteFailure(failure, _) = &error {
            let cannot_write = matches!(
                failure.code,
                ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::CannotOpen
            ) || matches!(
                failure.extended_code,
                ffi::SQLITE_IOERR_WRITE
                    | ffi::SQLITE_IOERR_FSYNC
                    | ffi::SQLITE_IOERR_DIR_FSYNC
                    | ffi::SQLITE_IOERR_TRUNCATE
                    | ffi::SQLITE_IOERR_SHMSIZE
            );
            if cannot_write {
                return Self::Full(error.to_string());
            }
        }
        Self::Failed(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
