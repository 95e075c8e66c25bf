//! The embedded store: one `SQLite` file, one thread that writes, and a few connections that read.

mod changes;
mod inbound;
mod open;
mod outgoing;
mod rows;
mod views;
mod writer;

use std::{
    fs::File,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};
pub use open::Options;
use rusqlite::Connection;
use tokio::sync::oneshot;
use writer::{Call, Order, Tx};

use super::{
    ABANDONED, Accepted, Depths, Fault, Held, HistoryLine, MessageView, Outgoing, Policy, Provider,
    QueueLimits, Retention, Store, StoreError, Unheard,
};
use crate::message::{Attempted, Claimed, InboundPart, NewMessage, Receipt};

/// Rows that one transaction of a sweep touches, so that acceptances never wait long behind it.
const SWEEP_ROWS: i64 = 1_000;

/// The store in one file. Dropping it writes what was asked for and closes the file.
#[derive(Debug)]
pub struct SqliteStore {
    orders: Option<mpsc::Sender<Order>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    policy: Held,
    recovered: AtomicBool,
    // Held until the writer has ended: another bridge on the same file would take this one's parts for abandoned.
    _lock: File,
}

#[derive(Debug)]
struct Readers {
    path: std::path::PathBuf,
    idle: Mutex<Vec<Connection>>,
    most: usize,
}

impl Readers {
    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        let result = work(&connection);
        let mut idle = self.lock();
        if idle.len() < self.most {
            idle.push(connection);
        }
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteStore {
    /// Runs something on the writing thread; returns once it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Write(Box::new(Call {
            work,
            value: None,
            reply,
        })))?;
        answer.await.map_err(|_| writer::gone())?
    }

    fn order(&self, order: Order) -> Result<(), StoreError> {
        self.orders
            .as_ref()
            .and_then(|orders| orders.send(order).ok())
            .ok_or_else(writer::gone)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || readers.with(work))
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))?
    }

    /// Repeats a bounded piece of work until a round finds less than it may.
    async fn rounds(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<usize, StoreError> + Clone + Send + 'static,
    ) -> Result<(), StoreError> {
        let full = usize::try_from(SWEEP_ROWS).unwrap_or(usize::MAX);
        while self.write(work.clone()).await? >= full {}
        Ok(())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for SqliteStore {
    async fn accept(
        &self,
        messages: Vec<NewMessage>,
        limits: QueueLimits,
        now: i64,
    ) -> Result<Vec<Accepted>, StoreError> {
        self.write(move |tx| {
            messages
                .iter()
                .map(|message| changes::accept(tx, message, limits, now))
                .collect()
        })
        .await
    }

    async fn claim(&self, esme: i64, limit: usize, now: i64) -> Result<Vec<Claimed>, StoreError> {
        self.write(move |tx| changes::claim(tx, esme, limit, now))
            .await
    }

    async fn record(
        &self,
        attempts: Vec<(Attempted, Provider)>,
        now: i64,
    ) -> Result<(), StoreError> {
        let policy = self.policy.now();
        self.write(move |tx| changes::record(tx, &attempts, &policy, now))
            .await
    }

    async fn receipts(&self, receipts: Vec<Receipt>, now: i64) -> Result<usize, StoreError> {
        self.write(move |tx| changes::receipts(tx, &receipts, now))
            .await
    }

    async fn inbound(&self, part: InboundPart, now: i64) -> Result<(), StoreError> {
        self.write(move |tx| inbound::store(tx, &part, now)).await
    }

    fn follow(&self, policy: Policy) {
        self.policy.follow(policy);
    }

    async fn recover(&self, now: i64) -> Result<u64, StoreError> {
        // After the start, what is being sent is in good hands.
        let before = if self.recovered.load(Ordering::Relaxed) {
            now - ABANDONED
        } else {
            self.write(move |tx| outgoing::release(tx, now)).await?;
            i64::MAX
        };
        let policy = self.policy.now();
        let mut count = 0;
        for esme in self.read(views::sending).await? {
            let ambiguity = policy(esme);
            count += self
                .write(move |tx| changes::recover(tx, esme, before, ambiguity, now))
                .await?;
        }
        self.recovered.store(true, Ordering::Relaxed);
        Ok(count)
    }

    async fn sweep(&self, retention: Retention, now: i64) -> Result<(), StoreError> {
        self.rounds(move |tx| changes::expire(tx, SWEEP_ROWS, now))
            .await?;
        let before = now - millis(retention.finished);
        self.rounds(move |tx| changes::forget(tx, SWEEP_ROWS, before))
            .await?;
        let before = now - millis(retention.orphans);
        self.rounds(move |tx| changes::forget_orphans(tx, SWEEP_ROWS, before))
            .await?;
        let before = now - millis(retention.inbound);
        self.rounds(move |tx| inbound::sweep(tx, SWEEP_ROWS, before, now))
            .await?;
        let before = now - millis(retention.dead_letters);
        self.rounds(move |tx| outgoing::forget(tx, SWEEP_ROWS, before))
            .await?;
        self.order(Order::Checkpoint)
    }

    async fn cancel(
        &self,
        app_id: i64,
        message_id: &str,
        now: i64,
    ) -> Result<Cancelled, StoreError> {
        let message_id = message_id.to_owned();
        self.write(move |tx| changes::cancel(tx, app_id, &message_id, now))
            .await
    }

    async fn find(
        &self,
        app_id: Option<i64>,
        message_id: &str,
    ) -> Result<Option<MessageView>, StoreError> {
        let message_id = message_id.to_owned();
        self.read(move |connection| views::find(connection, app_id, &message_id))
            .await
    }

    async fn history(&self, message_id: &str) -> Result<Vec<HistoryLine>, StoreError> {
        let message_id = message_id.to_owned();
        self.read(move |connection| views::history(connection, &message_id))
            .await
    }

    async fn announce(
        &self,
        path: &str,
        topic: &str,
        body: String,
        now: i64,
    ) -> Result<(), StoreError> {
        let event = super::outbox::NewEvent::announced(path, topic, &body, now)?;
        self.write(move |tx| rows::push(tx.connection, &event, now))
            .await
    }

    async fn events(
        &self,
        limit: usize,
        lease: Duration,
        now: i64,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.write(move |tx| outgoing::events(tx, limit, millis(lease), now))
            .await
    }

    async fn delivered(&self, ids: Vec<String>, _now: i64) -> Result<(), StoreError> {
        self.write(move |tx| outgoing::delivered(tx, &ids)).await
    }

    async fn undelivered(
        &self,
        ids: Vec<(String, Option<i64>)>,
        fault: Fault,
        error: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.write(move |tx| outgoing::undelivered(tx, &ids, fault, &error, now))
            .await
    }

    async fn hasten(&self, path: &str, spread: Duration, now: i64) -> Result<(), StoreError> {
        let (path, spread) = (path.to_owned(), millis(spread));
        self.rounds(move |tx| outgoing::hasten(tx, &path, spread, SWEEP_ROWS, now))
            .await
    }

    async fn replay(&self, id: Option<&str>, now: i64) -> Result<u64, StoreError> {
        let id = id.map(str::to_owned);
        self.write(move |tx| outgoing::replay(tx, id.as_deref(), now))
            .await
    }

    async fn unheard(
        &self,
        link: i64,
        after: i64,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Unheard>, StoreError> {
        self.read(move |connection| views::unheard(connection, (link, after, before), limit))
            .await
    }

    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError> {
        self.write(move |tx| changes::switch_off(tx, &said)).await
    }

    async fn switched_off(&self) -> Result<SwitchedOff, StoreError> {
        self.read(views::switched_off).await
    }

    async fn depths(&self, _now: i64) -> Result<Depths, StoreError> {
        self.read(views::depths).await
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.connection
                .prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'probe'")?
                .execute([])?;
            Ok(())
        })
        .await
    }
}
