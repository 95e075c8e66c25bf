//! A link: keeps a session with its centre, and hands out places to send through it.

use std::sync::Arc;
use std::time::Duration;

use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::Link as LinkState;
use tokio::sync::{mpsc, oneshot};

use crate::message::Address;
use crate::meters::Meters;

pub use super::config::{LinkConfig, Timers};
use super::keeper::Keeper;
pub use super::shared::{Delivery, LinkEvent, Place, Slot};
use super::shared::{Question, Request, Shared};

/// Questions that wait for a session.
const QUESTIONS: usize = 1_000;

/// A link that runs. Dropping the handle ends it at once; [`LinkHandle::shutdown`] does so gently.
pub struct LinkHandle {
    shared: Arc<Shared>,
    requests: mpsc::Sender<(Request, oneshot::Sender<()>)>,
    questions: mpsc::Sender<Question>,
}

impl LinkHandle {
    /// Starts it on the current runtime. Events must be taken: a link whose events nobody takes comes to a stop once its window is full.
    #[must_use]
    pub fn spawn(
        config: LinkConfig,
        events: mpsc::Sender<LinkEvent>,
        clock: Arc<dyn Clock>,
        meters: Meters,
    ) -> Self {
        let (sends, claimed) = mpsc::unbounded_channel();
        let (requests, asked) = mpsc::channel(4);
        let shared = Shared::new(&config, sends, events.clone(), clock, meters);
        let (questions, open) = mpsc::channel(QUESTIONS);
        let keeper = Keeper::new(config, Arc::clone(&shared), claimed, (asked, open), events);
        tokio::spawn(keeper.run());
        Self {
            shared,
            requests,
            questions,
        }
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.shared.state()
    }

    /// Why it is not up, for the operator; names no credential.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.shared.problem()
    }

    /// At least one place to send through and at most `wanted`, as window and rate allow. Waits for the link to be up.
    /// None once it is shut down.
    pub async fn reserve(&self, wanted: u32) -> Vec<Slot> {
        let count = self.shared.gate.reserve(wanted).await;
        (0..count).map(|_| Slot::of(&self.shared)).collect()
    }

    /// Asks the centre what became of a part (`query_sm`). What it answers comes as a receipt does; false where too many are asked for already.
    #[must_use]
    pub fn query(&self, provider_id: Vec<u8>, source: Address) -> bool {
        self.questions.try_send((provider_id, source)).is_ok()
    }

    /// Takes over a changed configuration; one that says something else of the session ends it gently first. Returns once it is taken over.
    pub async fn reload(&self, config: LinkConfig) {
        self.ask(Request::Reload(Box::new(config))).await;
    }

    /// Gives out no more places, waits for at most `drain` for answers, unbinds and closes. What is still out then is ambiguous.
    pub async fn shutdown(&self, drain: Duration) {
        self.shared.gate.end();
        self.ask(Request::Shutdown(drain)).await;
    }

    async fn ask(&self, request: Request) {
        let (done, wait) = oneshot::channel();
        if self.requests.send((request, done)).await.is_ok() {
            // An error means that the task has ended, and with it what was asked for.
            let _ = wait.await;
        }
    }
}

impl Drop for LinkHandle {
    fn drop(&mut self) {
        self.shared.gate.end();
    }
}
