//! Who may send: the window, the rate, and whether the link is up, under one lock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pacer::Pacer;

pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    open: bool,
    over: bool,
    window: u32,
    used: u32,
    pacer: Pacer,
}

/// What a request for places got.
enum Answer {
    Granted(u32),
    Wait(Option<Duration>),
    Over,
}

impl Gate {
    pub(super) fn new(window: u32, rate: f64, burst: u32) -> Self {
        Self {
            state: Mutex::new(State {
                open: false,
                over: false,
                window: window.max(1),
                used: 0,
                pacer: Pacer::new(rate, burst, Instant::now()),
            }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At least one place and at most `wanted`; 0 once the link is shut down. Waits for the link to be up.
    pub(super) async fn reserve(&self, wanted: u32) -> u32 {
        loop {
            // Made before the look, so that no change falls between the two.
            let changed = self.changed.notified();
            match self.take(wanted.max(1)) {
                Answer::Granted(count) => return count,
                Answer::Over => return 0,
                Answer::Wait(None) => changed.await,
                Answer::Wait(Some(time)) => {
                    let _ = tokio::time::timeout(time, changed).await;
                }
            }
        }
    }

    fn take(&self, wanted: u32) -> Answer {
        let mut state = self.lock();
        if state.over {
            return Answer::Over;
        }
        let free = state.window.saturating_sub(state.used);
        if !state.open || free == 0 {
            return Answer::Wait(None);
        }
        match state.pacer.take(wanted.min(free), Instant::now()) {
            Err(time) => Answer::Wait(Some(time)),
            Ok(count) => {
                state.used += count;
                if state.used < state.window {
                    // There may be something for the next who waits.
                    self.changed.notify_one();
                }
                Answer::Granted(count)
            }
        }
    }

    /// Places whose part has its outcome.
    pub(super) fn release(&self, count: u32) {
        if count > 0 {
            let mut state = self.lock();
            state.used = state.used.saturating_sub(count);
            self.changed.notify_one();
        }
    }

    /// A place that was not used.
    pub(super) fn give_back(&self) {
        self.lock().pacer.give_back(1);
        self.release(1);
    }

    /// The link is up, or not.
    pub(super) fn set_open(&self, open: bool) {
        self.lock().open = open;
        self.changed.notify_waiters();
    }

    /// No more, ever.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.changed.notify_waiters();
    }

    pub(super) fn change(&self, window: u32, rate: f64, burst: u32) {
        let mut state = self.lock();
        state.window = window.max(1);
        state.pacer.change(rate, burst, Instant::now());
        self.changed.notify_waiters();
    }

    pub(super) fn throttled(&self) {
        self.lock().pacer.throttled(Instant::now());
    }

    /// Whether the centre slowed the link down, and the rate that it has; 0 while it is not up.
    pub(super) fn pace(&self) -> (bool, f64) {
        let mut state = self.lock();
        let now = Instant::now();
        let rate = if state.open {
            state.pacer.rate(now)
        } else {
            0.0
        };
        (state.pacer.slowed(now), rate)
    }

    pub(super) fn window(&self) -> u32 {
        self.lock().window
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn open(window: u32) -> Arc<Gate> {
        let gate = Arc::new(Gate::new(window, f64::INFINITY, 1));
        gate.set_open(true);
        gate
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_out_than_the_window_has() {
        let gate = open(3);
        assert_eq!(gate.reserve(10).await, 3);
        let waiting = tokio::time::timeout(Duration::from_secs(5), gate.reserve(1));
        assert!(waiting.await.is_err());
        gate.release(2);
        assert_eq!(gate.reserve(10).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_waits_is_forgotten() {
        let gate = open(1);
        assert_eq!(gate.reserve(1).await, 1);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    assert_eq!(gate.reserve(1).await, 1);
                    tokio::task::yield_now().await;
                    gate.release(1);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.release(1);
        for task in waiting {
            tokio::time::timeout(Duration::from_secs(1), task)
                .await
                .unwrap()
                .unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_opens_and_an_ended_one_lets_everyone_go() {
        let gate = Arc::new(Gate::new(5, 10.0, 5));
        let waiting = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.reserve(1).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(gate.pace(), (false, 0.0));
        gate.set_open(true);
        assert_eq!(waiting.await.unwrap(), 1);
        gate.set_open(false);
        let waiting = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.reserve(1).await })
        };
        tokio::task::yield_now().await;
        gate.end();
        assert_eq!(waiting.await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_smaller_window_counts_once_places_come_back() {
        let gate = open(4);
        assert_eq!(gate.reserve(4).await, 4);
        gate.change(2, f64::INFINITY, 1);
        gate.release(2);
        let waiting = tokio::time::timeout(Duration::from_secs(1), gate.reserve(1));
        assert!(waiting.await.is_err());
        gate.release(1);
        assert_eq!(gate.reserve(4).await, 1);
    }
}
