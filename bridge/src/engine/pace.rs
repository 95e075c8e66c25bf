//! How fast a pool may send, over all its links together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Pool;
use crate::smpp::pacer::Pacer;

/// The rate of a pool; a pool without one is as fast as its links.
#[derive(Clone, Default)]
pub(super) struct Pace(Option<Arc<Mutex<Pacer>>>);

impl Pace {
    pub(super) fn of(pool: &Pool) -> Self {
        let pacer = |rate| Pacer::new(rate, pool.burst(rate), Instant::now());
        Self(pool.rate.map(|rate| Arc::new(Mutex::new(pacer(rate)))))
    }

    /// The terms of another configuration. What was used of the old rate stays used.
    pub(super) fn with(&self, pool: &Pool) -> Self {
        let (Some(pacer), Some(rate)) = (&self.0, pool.rate) else {
            return Self::of(pool);
        };
        pacer.lock().unwrap_or_else(PoisonError::into_inner).change(
            rate,
            pool.burst(rate),
            Instant::now(),
        );
        self.clone()
    }

    /// Permission for at least one part and at most `wanted`, or how long to wait for it.
    pub(super) fn take(&self, wanted: usize) -> Result<Grant, Duration> {
        let Some(pacer) = &self.0 else {
            return Ok(Grant {
                pace: None,
                left: wanted,
            });
        };
        let asked = u32::try_from(wanted).unwrap_or(u32::MAX);
        let granted = pacer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(asked, Instant::now())?;
        Ok(Grant {
            pace: Some(Arc::clone(pacer)),
            left: usize::try_from(granted).unwrap_or(wanted),
        })
    }

    /// Parts a second; `None` for as many as the links may.
    pub(super) fn rate(&self) -> Option<f64> {
        let pacer = self.0.as_ref()?;
        let mut pacer = pacer.lock().unwrap_or_else(PoisonError::into_inner);
        Some(pacer.rate(Instant::now()))
    }
}

/// Permission to send some parts. What is not used is given back where it is dropped.
pub(super) struct Grant {
    pace: Option<Arc<Mutex<Pacer>>>,
    left: usize,
}

impl Grant {
    /// Parts that may still be sent.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    pub(super) const fn used(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(pace) = &self.pace {
            let left = u32::try_from(self.left).unwrap_or(u32::MAX);
            pace.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .give_back(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pool(rate: Option<f64>, burst: Option<u32>) -> Pool {
        Pool {
            links: BTreeMap::new(),
            rate,
            burst,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_can_be_used_by_the_next() {
        let pace = Pace::of(&pool(Some(1.0), Some(5)));
        let mut grant = pace.take(100).unwrap();
        assert_eq!(grant.left(), 5);
        grant.used(3);
        drop(grant);
        assert_eq!(pace.take(100).unwrap().left(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_changes_the_terms_and_gives_no_second_burst() {
        let pace = Pace::of(&pool(Some(1.0), Some(5)));
        let mut grant = pace.take(5).unwrap();
        grant.used(5);
        drop(grant);
        let faster = pace.with(&pool(Some(100.0), Some(5)));
        assert_eq!(faster.rate(), Some(100.0));
        let wait = faster.take(1).err().unwrap();
        assert!(wait <= Duration::from_millis(10), "{wait:?}");
        let free = faster.with(&pool(None, None));
        assert_eq!((free.rate(), free.take(256).unwrap().left()), (None, 256));
    }
}
