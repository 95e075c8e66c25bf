//! Links and routes as the configuration has them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::pace::Pace;
use crate::config::{Config, Link, Pool};
use crate::pools::Turns;
use crate::smpp::link::LinkHandle;

/// A link that runs.
pub(super) struct Running {
    pub(super) settings: Link,
    pub(super) handle: Arc<LinkHandle>,
    /// Parts sent since the start.
    pub(super) sent: AtomicU64,
    /// Parts that the centre took until then were asked for.
    pub(super) asked: AtomicI64,
    /// When asking last began with the first.
    pub(super) round: AtomicI64,
}

/// A link or pool as messages name it: the links behind it, with their turns.
pub(super) struct Route {
    pub(super) links: Vec<i64>,
    pub(super) turns: Mutex<Turns>,
    pub(super) pace: Pace,
    /// Something may be due.
    pub(super) wake: Notify,
}

/// Links and routes as the configuration has them now. Replaced as a whole by a reload.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) links: BTreeMap<i64, Arc<Running>>,
    pub(super) routes: BTreeMap<i64, Arc<Route>>,
    pub(super) pools: Vec<i64>,
}

impl Plan {
    /// A route for each link and pool, going on with those of `old`; returns the numbers that are new.
    pub(super) fn route(&mut self, config: &Config, old: &Self) -> Vec<i64> {
        let alone = config.links.iter().map(|(&link, settings)| {
            let sends_by = settings.sends_by.unwrap_or(link);
            (link, vec![(sends_by, 1)], None)
        });
        let pools = config.pools.iter().map(|(&number, pool)| {
            let members = pool.links.iter().map(|(&link, weight)| (link, weight.0));
            (number, members.collect::<Vec<_>>(), Some(pool))
        });
        let mut new = Vec::new();
        for (number, members, pool) in alone.chain(pools) {
            let known = old.routes.get(&number);
            if known.is_none() {
                new.push(number);
            }
            let route = Route::of(&members, pool, known.map(AsRef::as_ref));
            self.routes.insert(number, Arc::new(route));
        }
        new
    }
}

impl Running {
    pub(super) fn with(self: &Arc<Self>, settings: Link) -> Arc<Self> {
        Arc::new(Self {
            settings,
            handle: Arc::clone(&self.handle),
            sent: AtomicU64::new(self.sent.load(Ordering::Relaxed)),
            asked: AtomicI64::new(0),
            round: AtomicI64::new(0),
        })
    }
}

impl Route {
    /// Goes on with the turns and the pace of `before`, where there was one.
    fn of(members: &[(i64, u32)], pool: Option<&Pool>, before: Option<&Self>) -> Self {
        let turns = before.map(|route| route.turns.lock().unwrap_or_else(PoisonError::into_inner));
        let mut turns = turns.map_or_else(Turns::default, |turns| turns.clone());
        turns.set(members);
        let pace = match (pool, before) {
            (None, _) => Pace::default(),
            (Some(pool), None) => Pace::of(pool),
            (Some(pool), Some(before)) => before.pace.with(pool),
        };
        Self {
            links: members.iter().map(|(link, _)| *link).collect(),
            turns: Mutex::new(turns),
            pace,
            wake: Notify::new(),
        }
    }
}
