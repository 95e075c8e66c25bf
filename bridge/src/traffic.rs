//! Counts of what the bridge does, for the dashboard and the metrics.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::gateway::{Campaign, Second, Stats};
use crate::store::Depths;

/// Seconds that are shown.
const SHOWN: i64 = 60;
/// Campaigns that are counted; later ones are not, so that nobody fills the memory with numbers.
const CAMPAIGNS: usize = 10_000;
/// Campaigns that are shown.
const TOP: usize = 10;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Accepted,
    Sent,
    Delivered,
    Errors,
}

#[derive(Default)]
struct Counts {
    seconds: VecDeque<Second>,
    totals: Second,
    campaigns: HashMap<i64, u64>,
    depths: Depths,
}

/// The counts since the start.
pub(crate) struct Traffic(Mutex<Counts>);

impl Traffic {
    /// Nothing was counted before `now`, in unix seconds.
    pub(crate) fn new(now: i64) -> Self {
        let totals = Second {
            time: now,
            ..Second::default()
        };
        Self(Mutex::new(Counts {
            totals,
            ..Counts::default()
        }))
    }

    /// Adds to the second of `now`.
    pub(crate) fn add(&self, what: Count, amount: usize, now: i64) {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        if amount == 0 {
            return;
        }
        let counts = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forward(now);
        for second in counts
            .seconds
            .back_mut()
            .into_iter()
            .chain([&mut counts.totals])
        {
            let field = match what {
                Count::Accepted => &mut second.accepted,
                Count::Sent => &mut second.sent,
                Count::Delivered => &mut second.delivered,
                Count::Errors => &mut second.errors,
            };
            *field += amount;
        }
    }

    /// Counts a message of a campaign.
    pub(crate) fn campaign(&self, task_id: i64) {
        let counts = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.campaigns.len() < CAMPAIGNS || counts.campaigns.contains_key(&task_id) {
            *counts.campaigns.entry(task_id).or_default() += 1;
        }
    }

    /// What waits now.
    pub(crate) fn waits(&self, depths: Depths) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).depths = depths;
    }

    /// All of it, without the second that runs.
    pub(crate) fn stats(&self, now: i64) -> Stats {
        let counts = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forward(now);
        let mut campaigns: Vec<Campaign> = counts
            .campaigns
            .iter()
            .map(|(&task_id, &messages)| Campaign { task_id, messages })
            .collect();
        campaigns.sort_by_key(|campaign| (std::cmp::Reverse(campaign.messages), campaign.task_id));
        campaigns.truncate(TOP);
        Stats {
            seconds: counts
                .seconds
                .iter()
                .filter(|second| second.time < now)
                .copied()
                .collect(),
            totals: counts.totals,
            campaigns,
            depths: counts.depths.clone(),
        }
    }
}

impl Counts {
    /// Makes `now` the last second, with zeros for those in between.
    fn forward(&mut self, now: i64) {
        let first = now - SHOWN;
        let mut next = self
            .seconds
            .back()
            .map_or(first, |last| last.time + 1)
            .max(first);
        while next <= now {
            self.seconds.push_back(Second {
                time: next,
                ..Second::default()
            });
            next += 1;
        }
        while self
            .seconds
            .front()
            .is_some_and(|second| second.time < first)
        {
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_shown_and_the_sums_stay() {
        let traffic = Traffic::new(1_000);
        traffic.add(Count::Accepted, 3, 1_000);
        traffic.add(Count::Errors, 1, 1_000);
        traffic.add(Count::Accepted, 2, 1_001);
        let stats = traffic.stats(1_001);
        assert_eq!(stats.seconds.len(), 60);
        let last = Second {
            time: 1_000,
            accepted: 3,
            errors: 1,
            ..Second::default()
        };
        assert_eq!(
            stats.seconds.last(),
            Some(&last),
            "the second that runs is not shown"
        );
        let later = traffic.stats(9_999);
        assert!(later.seconds.iter().all(|second| second.accepted == 0));
        assert_eq!(
            (
                later.seconds.len(),
                later.totals.accepted,
                later.totals.time
            ),
            (60, 5, 1_000)
        );
    }

    #[test]
    fn a_clock_that_goes_back_loses_no_count() {
        let traffic = Traffic::new(1_000);
        traffic.add(Count::Sent, 1, 1_010);
        traffic.add(Count::Sent, 1, 900);
        assert_eq!(traffic.stats(1_020).totals.sent, 2);
    }

    #[test]
    fn the_largest_campaigns_come_first() {
        let traffic = Traffic::new(0);
        for task in (1..=12).chain([7, 7, 3]) {
            traffic.campaign(task);
        }
        let shown = traffic.stats(0).campaigns;
        assert_eq!(shown.len(), 10);
        assert_eq!(
            (
                shown[0].task_id,
                shown[0].messages,
                shown[1].task_id,
                shown[2].task_id
            ),
            (7, 3, 3, 1)
        );
    }
}
