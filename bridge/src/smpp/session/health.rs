//! Whether the centre is still there, by what came and went, and when.

use std::time::Duration;

use tokio::time::Instant;

use crate::smpp::config::Timers;
use crate::smpp::wire::Wire;

pub(super) struct Health {
    /// When a whole PDU last came.
    heard: Instant,
    /// When a message, a receipt or an answer to one last went either way.
    active: Instant,
    /// When we asked for a sign of life, if nothing came since.
    enquired: Option<Instant>,
    /// Since when bytes wait without any having left, and how many had by then.
    stalled: (Instant, u64),
}

impl Health {
    pub(super) fn new(now: Instant, written: u64) -> Self {
        Self {
            heard: now,
            active: now,
            enquired: None,
            stalled: (now, written),
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.enquired = None;
    }

    pub(super) fn active(&mut self, now: Instant) {
        self.active = now;
    }

    pub(super) fn enquired(&mut self, now: Instant) {
        self.enquired = Some(now);
    }

    /// Fails where bytes have waited this long and none have left.
    pub(super) fn takes(
        &mut self,
        wire: &Wire,
        patience: Duration,
        now: Instant,
    ) -> Result<(), String> {
        let (since, written) = self.stalled;
        if wire.idle() || wire.written() != written {
            self.stalled = (now, wire.written());
        } else if now - since >= patience {
            return Err(format!("the centre takes nothing since {patience:?}"));
        }
        Ok(())
    }

    /// Whether no message has gone either way for this long.
    pub(super) fn rests(&self, limit: Duration, now: Instant) -> bool {
        now - self.active >= limit
    }

    /// Whether to ask for a sign of life; fails where one was asked for and did not come.
    pub(super) fn is_quiet(&self, timers: &Timers, now: Instant) -> Result<bool, String> {
        match self.enquired {
            Some(at) if now - at >= timers.response => {
                Err(format!("the centre is silent since {:?}", now - self.heard))
            }
            Some(_) => Ok(false),
            None => Ok(now - self.heard >= timers.enquire_link),
        }
    }
}
