//! Events on their way to the engine. What it cannot take at once waits here, so that a session never waits for it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::link::{LinkEvent, Shared};

pub(super) struct Outbox {
    events: mpsc::Sender<LinkEvent>,
    waiting: VecDeque<LinkEvent>,
    shared: Arc<Shared>,
    /// Places whose outcome the engine has: a slow engine thereby slows the link down.
    freed: u32,
}

impl Outbox {
    pub(super) fn new(events: mpsc::Sender<LinkEvent>, shared: Arc<Shared>) -> Self {
        Self {
            events,
            waiting: VecDeque::new(),
            shared,
            freed: 0,
        }
    }

    pub(super) fn put(&mut self, event: LinkEvent) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
            return;
        }
        let outcome = matches!(event, LinkEvent::Attempted(..));
        match self.events.try_send(event) {
            Err(mpsc::error::TrySendError::Full(event)) => self.waiting.push_back(event),
            // Without an engine nobody minds.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => self.freed += u32::from(outcome),
        }
    }

    /// Lets others send in the places that became free.
    pub(super) fn settle(&mut self) {
        self.shared.gate.release(std::mem::take(&mut self.freed));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands over what waits, once the engine takes some of it. May be dropped at any time.
    pub(super) async fn hand_over(&mut self) {
        match self.events.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.pop_front() {
                    self.freed += u32::from(matches!(event, LinkEvent::Attempted(..)));
                    permit.send(event);
                }
            }
            Err(_) => {
                let outcomes = self
                    .waiting
                    .drain(..)
                    .map(|event| matches!(event, LinkEvent::Attempted(..)));
                self.freed += outcomes.map(u32::from).sum::<u32>();
            }
        }
        while let Some(event) = self.waiting.pop_front() {
            let outcome = matches!(event, LinkEvent::Attempted(..));
            if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
                self.waiting.push_front(event);
                break;
            }
            self.freed += u32::from(outcome);
        }
        self.settle();
    }

    /// Hands over all.
    pub(super) async fn empty(&mut self) {
        while !self.is_empty() {
            self.hand_over().await;
        }
        self.settle();
    }
}
