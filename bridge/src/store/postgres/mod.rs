//! The common store of several bridges: one `PostgreSQL` database, claims that do not wait for each other, and leases.

mod accept;
mod changes;
mod claim;
mod inbound;
mod lease;
mod open;
mod outgoing;
mod rows;
mod session;
mod views;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};
pub use open::Options;
use session::{Operation, Pool, Session};
use tokio::sync::{mpsc, oneshot};

use super::{
    ABANDONED, Accepted, Depths, Fault, Held, HistoryLine, MessageView, Outgoing, Policy, Provider,
    QueueLimits, Retention, Store, StoreError, Unheard, outbox::NewEvent,
};
use crate::message::{Attempted, Claimed, InboundPart, NewMessage, Receipt};

/// Rows that one transaction of a sweep touches.
const SWEEP_ROWS: i64 = 1_000;
/// Results or receipts of one transaction: each holds a lock, of which the server has some thousands.
const CHUNK: usize = 200;
/// Overdue messages that a claim expires in one go.
const OVERDUE: i64 = 500;

/// The store in a database, as one bridge of a name sees it.
pub struct PostgresStore {
    pool: Arc<Pool>,
    calls: mpsc::UnboundedSender<accept::Call>,
    bridge: i64,
    lease: i64,
    recovered: AtomicBool,
    policy: Held,
    name: String,
    // Its connection holds the name.
    holder: tokio::sync::Mutex<Session>,
    /// What claims took of which nobody heard whether they were committed.
    unheard: tokio::sync::Mutex<Vec<claim::Lost>>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostgresStore")
            .field("bridge", &self.bridge)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Repeats a bounded piece of work until a round finds less than it may.
    async fn rounds(&self, operation: impl Operation<Output = usize>) -> Result<(), StoreError> {
        let full = usize::try_from(SWEEP_ROWS).unwrap_or(usize::MAX);
        while self.pool.run(&operation).await? >= full {}
        Ok(())
    }

    /// Holds the name again where the connection that held it has ended. Without it nothing may be claimed: whoever has
    /// the name would take that for abandoned.
    async fn keep_name(&self) -> Result<(), StoreError> {
        let mut holder = self.holder.lock().await;
        if holder.is_over() {
            let mut next = self.pool.connect().await?;
            if !open::take_name(&mut next, &self.name).await? {
                return Err(open::is_taken(&self.name));
            }
            *holder = next;
        }
        Ok(())
    }

    async fn put_back(&self, now: i64) -> Result<(), StoreError> {
        let mut attempts = self.unheard.lock().await;
        if !attempts.is_empty() {
            let back = claim::PutBack {
                bridge: self.bridge,
                attempts: &attempts,
                now,
            };
            self.pool.run(&back).await?;
            attempts.clear();
        }
        Ok(())
    }

    /// Says whether what others left behind may be taken over.
    async fn prolong(&self) -> Result<bool, StoreError> {
        let (bridge, lease) = (self.bridge, self.lease);
        self.pool.run(&lease::Prolong { bridge, lease }).await
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for PostgresStore {
    async fn accept(
        &self,
        messages: Vec<NewMessage>,
        limits: QueueLimits,
        now: i64,
    ) -> Result<Vec<Accepted>, StoreError> {
        let gone = || StoreError::Failed("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.calls
            .send(accept::Call {
                messages,
                limits,
                now,
                reply,
            })
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn claim(&self, esme: i64, most: usize, now: i64) -> Result<Vec<Claimed>, StoreError> {
        self.keep_name().await?;
        self.put_back(now).await?;
        let expire = changes::Expire {
            limit: OVERDUE,
            now,
        };
        while limit(self.pool.run(&expire).await?) >= OVERDUE {}
        let claim = claim::Claim {
            bridge: self.bridge,
            esme,
            limit: limit(most),
            now,
            lease: self.lease,
            taken: Mutex::default(),
        };
        let claimed = self.pool.run(&claim).await;
        if claimed.is_err() {
            let taken = claim.taken.into_inner();
            let taken = taken.unwrap_or_else(PoisonError::into_inner);
            self.unheard.lock().await.extend(taken);
        }
        claimed
    }

    async fn record(
        &self,
        attempts: Vec<(Attempted, Provider)>,
        now: i64,
    ) -> Result<(), StoreError> {
        for attempts in attempts.chunks(CHUNK) {
            self.pool
                .run(&changes::Record {
                    attempts,
                    policy: &self.policy.now(),
                    now,
                })
                .await?;
        }
        Ok(())
    }

    async fn receipts(&self, receipts: Vec<Receipt>, now: i64) -> Result<usize, StoreError> {
        let mut news = 0;
        for receipts in receipts.chunks(CHUNK) {
            news += self.pool.run(&changes::Receipts { receipts, now }).await?;
        }
        Ok(news)
    }

    async fn inbound(&self, part: InboundPart, now: i64) -> Result<(), StoreError> {
        self.pool.run(&inbound::Receive { part: &part, now }).await
    }

    fn follow(&self, policy: Policy) {
        self.policy.follow(policy);
    }

    async fn recover(&self, now: i64) -> Result<u64, StoreError> {
        let others = self.prolong().await?;
        let own_before = if self.recovered.load(Ordering::Relaxed) {
            // After a time without the database its own results are still to be recorded.
            if others { now - ABANDONED } else { i64::MIN }
        } else {
            let bridge = self.bridge;
            self.pool.run(&outgoing::Release { bridge, now }).await?;
            i64::MAX
        };
        let policy = self.policy.now();
        let mut count = 0;
        for esme in self.pool.run(&views::Sending).await? {
            count += self
                .pool
                .run(&changes::Recover {
                    esme,
                    ambiguity: policy(esme),
                    bridge: self.bridge,
                    others,
                    own_before,
                    now,
                })
                .await?;
        }
        self.recovered.store(true, Ordering::Relaxed);
        Ok(count)
    }

    async fn sweep(&self, retention: Retention, now: i64) -> Result<(), StoreError> {
        self.prolong().await?;
        self.rounds(changes::Expire {
            limit: SWEEP_ROWS,
            now,
        })
        .await?;
        self.rounds(changes::Forget {
            limit: SWEEP_ROWS,
            before: now - millis(retention.finished),
        })
        .await?;
        self.rounds(changes::Drop {
            sql: "DELETE FROM orphans WHERE (provider, provider_id, status) IN (
                      SELECT provider, provider_id, status FROM orphans WHERE received_at < $1
                      LIMIT $2 FOR UPDATE SKIP LOCKED)",
            limit: SWEEP_ROWS,
            before: now - millis(retention.orphans),
        })
        .await?;
        self.rounds(inbound::Sweep {
            limit: SWEEP_ROWS,
            before: now - millis(retention.inbound),
            now,
        })
        .await?;
        self.rounds(changes::Drop {
            sql: "DELETE FROM events WHERE sequence IN (
                      SELECT sequence FROM events WHERE state = 2 AND due_at < $1
                      LIMIT $2 FOR UPDATE SKIP LOCKED)",
            limit: SWEEP_ROWS,
            before: now - millis(retention.dead_letters),
        })
        .await
    }

    async fn cancel(
        &self,
        app_id: i64,
        message_id: &str,
        now: i64,
    ) -> Result<Cancelled, StoreError> {
        self.pool
            .run(&changes::Cancel {
                app_id,
                message_id,
                now,
            })
            .await
    }

    async fn find(
        &self,
        app_id: Option<i64>,
        message_id: &str,
    ) -> Result<Option<MessageView>, StoreError> {
        self.pool.run(&views::Find { app_id, message_id }).await
    }

    async fn history(&self, message_id: &str) -> Result<Vec<HistoryLine>, StoreError> {
        self.pool.run(&views::History(message_id)).await
    }

    async fn announce(
        &self,
        path: &str,
        topic: &str,
        body: String,
        now: i64,
    ) -> Result<(), StoreError> {
        let event = NewEvent::announced(path, topic, &body, now)?;
        self.pool.run(&outgoing::Announce { event, now }).await
    }

    async fn events(
        &self,
        most: usize,
        lease: Duration,
        now: i64,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.pool
            .run(&outgoing::Due {
                bridge: self.bridge,
                limit: limit(most),
                lease: millis(lease),
                now,
            })
            .await
    }

    async fn delivered(&self, ids: Vec<String>, _now: i64) -> Result<(), StoreError> {
        self.pool.run(&outgoing::Delivered(&ids)).await
    }

    async fn undelivered(
        &self,
        ids: Vec<(String, Option<i64>)>,
        fault: Fault,
        error: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        self.pool
            .run(&outgoing::Undelivered {
                ids: &ids,
                fault,
                error,
                now,
            })
            .await
    }

    async fn hasten(&self, path: &str, spread: Duration, now: i64) -> Result<(), StoreError> {
        self.rounds(outgoing::Hasten {
            path,
            spread: millis(spread),
            limit: SWEEP_ROWS,
            now,
        })
        .await
    }

    async fn replay(&self, id: Option<&str>, now: i64) -> Result<u64, StoreError> {
        self.pool.run(&outgoing::Replay { id, now }).await
    }

    async fn unheard(
        &self,
        link: i64,
        after: i64,
        before: i64,
        most: usize,
    ) -> Result<Vec<Unheard>, StoreError> {
        self.pool
            .run(&views::Silent {
                link,
                after,
                before,
                limit: limit(most),
            })
            .await
    }

    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError> {
        self.pool.run(&changes::SwitchOff(&said)).await
    }

    async fn switched_off(&self) -> Result<SwitchedOff, StoreError> {
        self.pool.run(&views::SwitchedOffNow).await
    }

    async fn depths(&self, _now: i64) -> Result<Depths, StoreError> {
        self.pool.run(&views::Count).await
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.pool.run(&views::Probe).await
    }
}
