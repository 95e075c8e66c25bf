//! When a path of the platform takes events again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Failures in a row that may be an outage; fewer are one event's that the platform stumbles over.
const LEAST: u32 = 3;

/// When failures are an outage, and how often one may end, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// Without any success: while one school's database is away, the events of others are taken in between.
    pub(super) least: i64,
    /// No sooner after the end of the last one.
    pub(super) every: i64,
}

/// How the platform's paths are.
#[derive(Default)]
pub(super) struct Outages(Mutex<HashMap<String, Path>>);

struct Path {
    /// In a row.
    failed: u32,
    /// When the first of them was.
    since: i64,
    rushed_at: Option<i64>,
}

impl Default for Path {
    /// As after an outage: nobody knows what happened before the start.
    fn default() -> Self {
        Self {
            failed: LEAST,
            since: 0,
            rushed_at: None,
        }
    }
}

impl Outages {
    pub(super) fn failed(&self, path: &str, now: i64) {
        self.with(path, |path| {
            if path.failed == 0 {
                path.since = now;
            }
            path.failed = path.failed.saturating_add(1);
        });
    }

    /// At a success: whether it ends an outage. Events which fail by themselves are not driven from try to try by it; one that ends too soon
    /// after another is remembered until then.
    pub(super) fn is_over(&self, path: &str, now: i64, terms: Terms) -> bool {
        self.with(path, |path| {
            let is_over = path.failed >= LEAST && now - path.since >= terms.least;
            if is_over && path.rushed_at.is_some_and(|at| now - at < terms.every) {
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

    const TERMS: Terms = Terms {
        least: 2,
        every: 10,
    };

    #[test]
    fn the_first_success_after_the_start_and_after_an_outage_ends_it_once() {
        let outages = Outages::default();
        assert!(outages.is_over("/a", 5, TERMS));
        assert!(!outages.is_over("/a", 100, TERMS));
        for _ in 0..LEAST {
            outages.failed("/a", 150);
        }
        assert!(outages.is_over("/b", 200, TERMS), "each path for itself");
        assert!(outages.is_over("/a", 200, TERMS));
        assert!(!outages.is_over("/a", 300, TERMS));
    }

    #[test]
    fn an_event_that_fails_between_others_successes_is_no_outage() {
        let outages = Outages::default();
        outages.is_over("/a", 5, TERMS);
        for time in 1..100 {
            outages.failed("/a", time * 100);
            assert!(!outages.is_over("/a", time * 100 + 50, TERMS));
        }
    }

    #[test]
    fn many_that_fail_at_once_between_others_successes_are_no_outage() {
        let outages = Outages::default();
        outages.is_over("/a", 5, TERMS);
        for time in 1..100 {
            for _ in 0..100 {
                outages.failed("/a", time * 100);
            }
            assert!(!outages.is_over("/a", time * 100 + 1, TERMS));
        }
    }

    #[test]
    fn an_outage_that_ends_too_soon_after_another_is_over_later() {
        let outages = Outages::default();
        outages.is_over("/a", 5, TERMS);
        for _ in 0..LEAST {
            outages.failed("/a", 6);
        }
        assert!(!outages.is_over("/a", 14, TERMS));
        assert!(outages.is_over("/a", 15, TERMS));
    }
}
