//! A server that never answers.

use std::{future::poll_fn, task::Poll};

use homeroom_kernel::Clock;

use crate::world::Ports;

/// How long a server is waited for.
const PATIENCE_MS: i64 = 10_000;
/// Longer than anything else takes that can go on meanwhile: nothing here waits for real.
const POLLS_OF_PATIENCE: u32 = 2_000;

impl Ports {
    /// Waits for a server in vain, by the clock of the tests, while everything that can go on does.
    pub(crate) async fn hang(&self) {
        let end = self.now().millis() + PATIENCE_MS;
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            if polls > POLLS_OF_PATIENCE {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.0.advance((end - self.now().millis()).max(0));
    }
}
