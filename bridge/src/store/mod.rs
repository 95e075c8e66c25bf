//! What the bridge must not forget: messages, parts, ids at the centres, receipts, inbound messages, events for the platform.

mod outbox;
pub mod postgres;
pub mod sqlite;
mod states;
mod work;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};
use thiserror::Error;

use crate::message::{
    Address, Attempted, Claimed, InboundPart, NewMessage, PartKey, PartStatus, Receipt,
};

/// Why the store could not do something.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// No room on the disk, or it is read-only: nothing more is accepted until that ends.
    #[error("the store cannot write: {0}")]
    Full(String),
    /// The database does not answer: whether what was asked of it is done is not known.
    #[error("the store cannot be reached: {0}")]
    Away(String),
    /// Anything else.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// What became of one accepted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk.
    New,
    /// It was there, with the same content, under this id.
    Repeated {
        /// The first one's id.
        message_id: String,
        /// Its number of parts.
        parts: u16,
    },
    /// The transaction id is taken by other content.
    Conflict,
    /// Too many of the app or the link wait already.
    QueueFull,
}

/// Limits that are held in the transaction of the acceptance.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Most parts that wait, over all.
    pub total: u64,
    /// Most parts of one app that wait.
    pub per_app: u64,
    /// Most parts of one link or pool that wait.
    pub per_esme: u64,
}

/// What to do with parts whose answer never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// Send again: at least once.
    Resend,
    /// Leave as `UNKNOWN`: never twice.
    Hold,
}

/// What to do with an attempt whose answer never came, by its link; by the link or pool that the part waits for where the
/// link is not known any more.
pub type Policy = Arc<dyn Fn(i64) -> Ambiguity + Send + Sync>;

/// The policy in force.
struct Held(RwLock<Policy>);

impl Held {
    fn new(policy: Policy) -> Self {
        Self(RwLock::new(policy))
    }

    fn now(&self) -> Policy {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(&self, policy: Policy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a policy")
    }
}

/// Failed tries that an event keeps when the platform is back: it goes out in a company of ten.
const HASTENED: i64 = 3;

/// An attempt of this age, in milliseconds, has nobody who waits for its answer: the claim was made, and who made it never
/// heard of it.
const ABANDONED: i64 = 3_600_000;

/// A message and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its id.
    pub message_id: String,
    /// The app.
    pub app_id: i64,
    /// The school.
    pub tenant: Option<String>,
    /// The sender's id.
    pub transaction_id: String,
    /// The campaign.
    pub task_id: Option<i64>,
    /// Link or pool.
    pub esme: i64,
    /// Accepted at.
    pub accepted_at: i64,
    /// Changed at.
    pub updated_at: i64,
    /// The parts, from the first.
    pub parts: Vec<PartView>,
}

/// A part as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartView {
    /// What is known.
    pub status: PartStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts whose answer never came.
    pub ambiguous: u32,
    /// The link of the last attempt.
    pub link: Option<i64>,
    /// When the centre took it; where it did not say so, when it was last sent.
    pub left_at: Option<i64>,
    /// Id at the centre.
    pub provider_id: Option<Vec<u8>>,
    /// The centre's error.
    pub error: Option<String>,
}

/// One line of a message's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// When.
    pub at: i64,
    /// The part; 0 for the message.
    pub part: u16,
    /// What happened, without text or full numbers.
    pub what: String,
}

/// An event for the platform that waits for its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its id.
    pub id: String,
    /// Order of events; of one `topic` only the earliest undelivered one is given out.
    pub sequence: i64,
    /// The path at the platform.
    pub path: String,
    /// Events of one topic (a message, a link) are delivered in their order.
    pub topic: String,
    /// The event as JSON.
    pub body: String,
    /// Deliveries tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: i64,
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The platform took nothing then: it was not there, or not well.
    Platform,
    /// The platform calls the event wrong.
    Event,
}

/// A part whose receipt has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheard {
    /// Its id at the centre.
    pub provider_id: Vec<u8>,
    /// Its sender, as the centre knows it.
    pub source: Address,
    /// When the centre took it.
    pub submitted_at: i64,
}

/// How much waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Parts that wait, by link or pool.
    pub queued: Vec<(i64, u64)>,
    /// When the oldest of them was accepted.
    pub oldest: Option<i64>,
    /// Parts whose answer is out.
    pub sending: u64,
    /// Ambiguous attempts, ever.
    pub ambiguous: u64,
    /// Events that wait.
    pub events: u64,
    /// Events given up.
    pub dead_events: u64,
    /// Receipts without a part.
    pub orphans: u64,
}

/// The store. Every method returns once its effect is on disk, unless it says otherwise; concurrent calls share a commit.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores messages, one outcome each, in their order.
    async fn accept(
        &self,
        messages: Vec<NewMessage>,
        limits: QueueLimits,
        now: i64,
    ) -> Result<Vec<Accepted>, StoreError>;

    /// Marks up to `limit` due parts of a link or pool as being sent, highest priority and oldest first, and gives them out.
    /// Parts past their validity become `EXPIRED` instead, with an event. Oldest is what was due first.
    /// A caller that drops this future half-way may leave parts as being sent until the next `recover`.
    async fn claim(&self, esme: i64, limit: usize, now: i64) -> Result<Vec<Claimed>, StoreError>;

    /// Records what came of attempts: states, ids at the centre (joined with receipts that came before), events, history.
    async fn record(
        &self,
        attempts: Vec<(Attempted, Provider)>,
        now: i64,
    ) -> Result<(), StoreError>;

    /// Records receipts: forward-only status of the part, or an orphan until its id is known. Returns how many were news.
    async fn receipts(&self, receipts: Vec<Receipt>, now: i64) -> Result<usize, StoreError>;

    /// Records a part of a message from a phone; the event is made once all parts are there, or by `sweep` after an hour.
    async fn inbound(&self, part: InboundPart, now: i64) -> Result<(), StoreError>;

    /// Decides from now on about attempts whose answer never came.
    fn follow(&self, policy: Policy);

    /// At start: parts that this bridge (or one whose lease has ended) was sending. Counts them as ambiguous and resends or holds them.
    /// To be called again from time to time: it takes what others left behind since, and what this bridge itself lost sight of an hour ago.
    /// Neither before this bridge was in reach of the database for the time of a lease: others may have lost it too.
    async fn recover(&self, now: i64) -> Result<u64, StoreError>;

    /// Expires what is due, drops orphans and finished messages past their retention, prolongs this bridge's lease.
    async fn sweep(&self, retention: Retention, now: i64) -> Result<(), StoreError>;

    /// Withdraws a message no part of which has left.
    async fn cancel(
        &self,
        app_id: i64,
        message_id: &str,
        now: i64,
    ) -> Result<Cancelled, StoreError>;

    /// A message of an app; of any app where `app_id` is `None` (the operator's view).
    async fn find(
        &self,
        app_id: Option<i64>,
        message_id: &str,
    ) -> Result<Option<MessageView>, StoreError>;

    /// What happened to a message, oldest first.
    async fn history(&self, message_id: &str) -> Result<Vec<HistoryLine>, StoreError>;

    /// An event that belongs to no message, such as a link's state; only the newest of a topic is kept.
    async fn announce(
        &self,
        path: &str,
        topic: &str,
        body: String,
        now: i64,
    ) -> Result<(), StoreError>;

    /// Events that are due, earliest first, one for each topic; given out again after `lease` unless they are marked.
    async fn events(
        &self,
        limit: usize,
        lease: Duration,
        now: i64,
    ) -> Result<Vec<Outgoing>, StoreError>;

    /// The platform has these.
    async fn delivered(&self, ids: Vec<String>, now: i64) -> Result<(), StoreError>;

    /// The platform did not take these: again at the time given, or never (`None`: a dead letter).
    async fn undelivered(
        &self,
        ids: Vec<(String, Option<i64>)>,
        fault: Fault,
        error: &str,
        now: i64,
    ) -> Result<(), StoreError>;

    /// The platform is back: what it did not take of a path for its own sake is due within `spread`, with few failed tries to
    /// its name, so that it goes out in company. What is on its way, and what the platform calls wrong, keeps its time.
    async fn hasten(&self, path: &str, spread: Duration, now: i64) -> Result<(), StoreError>;

    /// Makes dead letters due again; all of them, or one. Returns how many.
    async fn replay(&self, id: Option<&str>, now: i64) -> Result<u64, StoreError>;

    /// Parts that a link's centre took after `after` and up to `before`, oldest first, of which nothing final was heard.
    async fn unheard(
        &self,
        link: i64,
        after: i64,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Unheard>, StoreError>;

    /// Keeps what is switched off, unless something later is kept.
    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError>;

    /// What is switched off, in the order of the numbers.
    async fn switched_off(&self) -> Result<SwitchedOff, StoreError>;

    /// How much waits.
    async fn depths(&self, now: i64) -> Result<Depths, StoreError>;

    /// Whether a write would succeed now, for readiness.
    async fn writable(&self) -> Result<(), StoreError>;
}

/// The group whose ids an attempt's link shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider(pub String);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Finished messages (default 24 h, as the source's `message state TTL` of 86,400 s).
    pub finished: Duration,
    /// Receipts whose id nobody knows (default 24 h).
    pub orphans: Duration,
    /// Incomplete inbound messages (default 1 h).
    pub inbound: Duration,
    /// Dead letters (default 30 days).
    pub dead_letters: Duration,
}

/// Ids of the parts, as clients see them.
#[must_use]
pub fn sms_id(key: &PartKey) -> String {
    format!("{}-{}", key.message_id, key.number)
}
