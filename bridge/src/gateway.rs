//! What the public faces of the bridge ask of what is behind them.

use std::net::IpAddr;

use async_trait::async_trait;
use homeroom_domain::sms::text::TextLength;
use homeroom_sms_contract::submit::{Cancelled, Links, Outcome, Submission, SwitchedOff};

use crate::meters::Meters;
use crate::store::{Depths, MessageView, StoreError};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The platform, by its signature.
    Platform,
    /// An account, by its token. A link's list of addresses applies to it.
    App {
        /// Its app.
        app_id: i64,
        /// The account.
        user_id: i64,
        /// Where the request came from.
        address: IpAddr,
    },
}

/// One second of traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Unix seconds.
    pub time: i64,
    /// Messages accepted.
    pub accepted: u64,
    /// Parts that a centre took.
    pub sent: u64,
    /// Parts that became `DELIVERED`.
    pub delivered: u64,
    /// Messages refused, and parts that failed for good.
    pub errors: u64,
}

/// A campaign and how much it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// The sender's number of it.
    pub task_id: i64,
    /// Messages accepted since the start.
    pub messages: u64,
}

/// What the bridge did since its start, and what waits. Names no school, number or credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last 60 seconds that are over, oldest first.
    pub seconds: Vec<Second>,
    /// Sums since the start; `time` is when that was.
    pub totals: Second,
    /// At most ten, the largest first.
    pub campaigns: Vec<Campaign>,
    /// What waits, at most a few seconds old.
    pub depths: Depths,
}

/// The engine, as the API sees it.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Validates and stores messages: one outcome each, in their order. `Accepted` means on disk.
    async fn submit(
        &self,
        caller: &Caller,
        messages: Vec<Submission>,
    ) -> Result<Vec<Outcome>, StoreError>;

    /// The platform says which links and pools are switched off.
    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError>;

    /// Withdraws a message no part of which has left.
    async fn cancel(
        &self,
        caller: &Caller,
        message_id: &str,
        app_id: i64,
    ) -> Result<Cancelled, StoreError>;

    /// A message of an app, or of any where `app_id` is `None`.
    async fn find(
        &self,
        app_id: Option<i64>,
        message_id: &str,
    ) -> Result<Option<MessageView>, StoreError>;

    /// Links and pools as they are now.
    fn links(&self) -> Links;

    /// Traffic and depths.
    fn stats(&self) -> Stats;

    /// How a text would be sent, by the usual way or by a link or pool; `None` where that is unknown. `replaced`: similar characters may stand in it.
    fn measure(&self, text: &str, esme: Option<i64>, replaced: bool) -> Option<TextLength>;

    /// What is timed and counted besides.
    fn meters(&self) -> Meters;

    /// Whether a message would be accepted now; otherwise why not.
    async fn ready(&self) -> Result<(), String>;
}
