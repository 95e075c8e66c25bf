//! Events on their way to the engine. What it cannot take at once waits here, so that a session never waits for it.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::shared::LinkEvent;

pub(super) struct Outbox {
    events: mpsc::Sender<LinkEvent>,
    waiting: VecDeque<LinkEvent>,
}

impl Outbox {
    pub(super) const fn new(events: mpsc::Sender<LinkEvent>) -> Self {
        Self {
            events,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn put(&mut self, event: LinkEvent) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
        } else if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
            self.waiting.push_back(event);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands over what waits, once the engine takes some of it. May be dropped at any time.
    pub(super) async fn hand_over(&mut self) {
        match self.events.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.pop_front() {
                    permit.send(event);
                }
            }
            // Without an engine nobody minds.
            Err(_) => self.waiting.clear(),
        }
        while let Some(event) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
                self.waiting.push_front(event);
                break;
            }
        }
    }

    /// Hands over all.
    pub(super) async fn empty(&mut self) {
        while !self.is_empty() {
            self.hand_over().await;
        }
    }
}
