//! When a path of the platform takes events again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Failures in a row that are an outage; fewer are one event's that the platform stumbles over.
const LEAST: u32 = 3;

/// How the platform's paths are.
#[derive(Default)]
pub(super) struct Outages(Mutex<HashMap<String, Path>>);

struct Path {
    /// In a row.
    failed: u32,
    rushed_at: Option<i64>,
}

impl Default for Path {
    /// As after an outage: nobody knows what happened before the start.
    fn default() -> Self {
        Self {
            failed: LEAST,
            rushed_at: None,
        }
    }
}

impl Outages {
    pub(super) fn failed(&self, path: &str) {
        self.with(path, |path| path.failed = path.failed.saturating_add(1));
    }

    /// At a success: whether it ends an outage. No sooner than `every` after the last one's end, so that events which fail by
    /// themselves are not driven from try to try; until then the outage is remembered.
    pub(super) fn is_over(&self, path: &str, now: i64, every: i64) -> bool {
        self.with(path, |path| {
            let is_over = path.failed >= LEAST;
            if is_over && path.rushed_at.is_some_and(|at| now - at < every) {
                return false;
            }
            path.failed = 0;
            if is_over {
                path.rushed_at = Some(now);
            }
            is_over
        })
    }

    fn with<T>(&self, path: &str, work: impl FnOnce(&mut Path) -> T) -> T {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(paths.entry(path.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_success_after_the_start_and_after_an_outage_ends_it_once() {
        let outages = Outages::default();
        assert!(outages.is_over("/a", 0, 10));
        assert!(!outages.is_over("/a", 100, 10));
        for _ in 0..LEAST {
            outages.failed("/a");
        }
        assert!(outages.is_over("/b", 200, 10), "each path for itself");
        assert!(outages.is_over("/a", 200, 10));
        assert!(!outages.is_over("/a", 300, 10));
    }

    #[test]
    fn an_event_that_fails_between_others_successes_is_no_outage() {
        let outages = Outages::default();
        outages.is_over("/a", 0, 10);
        for time in 1..100 {
            outages.failed("/a");
            assert!(!outages.is_over("/a", time * 100, 10));
        }
    }

    #[test]
    fn an_outage_that_ends_too_soon_after_another_is_over_later() {
        let outages = Outages::default();
        outages.is_over("/a", 0, 10);
        for _ in 0..LEAST {
            outages.failed("/a");
        }
        assert!(!outages.is_over("/a", 9, 10));
        assert!(outages.is_over("/a", 10, 10));
    }
}
