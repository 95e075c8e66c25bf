//! What connects store and links. Messages come in by `requests`, parts go out by `dispatch`, answers and receipts come back by `intake`; here is what
//! starts, follows a changed configuration, keeps house and stops.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::SwitchedOff;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::policy;
use crate::config::{Changes, Config};
use crate::meters::Meters;
use crate::smpp::link::{LinkEvent, LinkHandle};
use crate::store::{Retention, Store, StoreError};
use crate::traffic::{Count, Traffic};

use plan::{Plan, Running};
use references::References;

mod dispatch;
mod intake;
mod pace;
mod plan;
mod questions;
mod references;
mod requests;
mod switches;

/// Events of links that may wait for the store.
const EVENTS: usize = 4_096;
/// How often what waits is counted.
const COUNT_EVERY: Duration = Duration::from_secs(2);
/// How often centres are asked for what they owe a receipt.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How often what is over is swept out, and the lease prolonged.
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// The engine.
pub struct Engine {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Among the bridges on one queue.
    name: String,
    limits: crate::config::Limits,
    retention: Retention,
    plan: RwLock<Arc<Plan>>,
    off: RwLock<Arc<SwitchedOff>>,
    traffic: Traffic,
    meters: Meters,
    references: References,
    /// When the store last had no room, 0 once it has taken something since: a probe is smaller than a message.
    full_at: AtomicI64,
    /// None once it shuts down.
    events: Mutex<Option<mpsc::Sender<LinkEvent>>>,
    intake: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Engine {
    /// Takes up what an earlier run left behind, connects all links, and sends until [`Engine::shut_down`].
    pub async fn start(
        config: &Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        let now = clock.now();
        let left = store.recover(now.millis()).await?;
        if left > 0 {
            tracing::warn!(
                parts = left,
                "parts were being sent when the bridge stopped: whether they arrived is not known"
            );
        }
        let (events, taken) = mpsc::channel(EVENTS);
        let engine = Arc::new(Self {
            store,
            traffic: Traffic::new(now.seconds()),
            meters: Meters::default(),
            clock,
            name: config.store.name.clone(),
            limits: config.limits.clone(),
            retention: Retention {
                finished: config.store.finished,
                orphans: Duration::from_hours(24),
                inbound: Duration::from_hours(1),
                dead_letters: config.store.dead_letters,
            },
            plan: RwLock::default(),
            off: RwLock::default(),
            references: References::default(),
            full_at: AtomicI64::new(0),
            events: Mutex::new(Some(events)),
            intake: Mutex::new(None),
            stop: CancellationToken::new(),
        });
        engine.heed().await?;
        let intake = tokio::spawn(intake::run(Arc::clone(&engine), taken));
        *engine.intake.lock().unwrap_or_else(PoisonError::into_inner) = Some(intake);
        engine
            .change(config, &Changes::between(&nothing(config), config))
            .await;
        tokio::spawn(Arc::clone(&engine).keep_house());
        Ok(engine)
    }

    /// Follows a changed configuration. Links that are the same are left alone.
    pub async fn change(self: &Arc<Self>, config: &Config, changes: &Changes) {
        self.store.follow(policy(config));
        let old = self.plan();
        let mut plan = Plan {
            pools: config.pools.keys().copied().collect(),
            ..Plan::default()
        };
        let mut reloads = Vec::new();
        for (&number, settings) in &config.links {
            let known = old.links.get(&number);
            let running = match known.filter(|_| !changes.changed.contains(&number)) {
                Some(running) => Arc::clone(running),
                // A link that changed keeps its connection where the session is the same: the handle decides.
                None if known.is_some() => {
                    reloads.push((number, settings.settings(number, self.limits.segments)));
                    continue;
                }
                None => match self.connect(number, settings) {
                    Some(running) => running,
                    None => return,
                },
            };
            plan.links.insert(number, running);
        }
        for (number, settings) in reloads {
            if let (Some(running), Some(link)) = (old.links.get(&number), config.links.get(&number))
            {
                running.handle.reload(settings).await;
                plan.links.insert(number, running.with(link.clone()));
            }
        }
        let new = plan.route(config, &old);
        let gone: Vec<_> = old
            .links
            .iter()
            .filter(|(number, _)| !plan.links.contains_key(number))
            .map(|(_, running)| Arc::clone(running))
            .collect();
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        // The old routes' dispatchers wait on what is no longer the plan's.
        for route in old.routes.values() {
            route.wake.notify_waiters();
        }
        for number in new {
            tokio::spawn(dispatch::run(Arc::clone(self), number));
        }
        for running in gone {
            running.handle.shutdown(self.limits.drain).await;
        }
    }

    /// None once the engine shuts down.
    fn connect(&self, number: i64, settings: &crate::config::Link) -> Option<Arc<Running>> {
        let events = self
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let handle = LinkHandle::spawn(
            settings.settings(number, self.limits.segments),
            events,
            Arc::clone(&self.clock),
            self.meters.clone(),
        );
        let running = Running {
            settings: settings.clone(),
            handle: Arc::new(handle),
            sent: AtomicU64::new(0),
            asked: AtomicI64::new(0),
            round: AtomicI64::new(0),
        };
        Some(Arc::new(running))
    }

    /// Sends nothing more, waits for answers, and ends all sessions. What is still out then is ambiguous at the next start.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        let plan = self.plan();
        let mut ends = JoinSet::new();
        for running in plan.links.values().map(Arc::clone) {
            let drain = self.limits.drain;
            ends.spawn(async move { running.handle.shutdown(drain).await });
        }
        while ends.join_next().await.is_some() {}
        // With the last link gone the intake ends, once everything is recorded.
        drop(plan);
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        let (events, intake) = (take(&self.events), take(&self.intake));
        drop(events);
        if let Some(intake) = intake
            && tokio::time::timeout(self.limits.drain, intake)
                .await
                .is_err()
        {
            tracing::warn!("the store did not take everything before the end");
        }
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self, what: Count, amount: usize) {
        self.traffic.add(what, amount, self.clock.now().seconds());
    }

    async fn keep_house(self: Arc<Self>) {
        let mut counting = tokio::time::interval(COUNT_EVERY);
        let mut sweeping = tokio::time::interval(SWEEP_EVERY);
        let mut asking = tokio::time::interval(ASK_EVERY);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = counting.tick() => self.count_what_waits().await,
                _ = asking.tick() => questions::ask(&self).await,
                _ = sweeping.tick() => self.sweep().await,
            }
        }
    }

    async fn count_what_waits(&self) {
        match self.store.depths(self.clock.now().millis()).await {
            Ok(depths) => self.traffic.waits(depths),
            Err(error) => tracing::error!(%error, "what waits cannot be counted"),
        }
        if let Err(error) = self.heed().await {
            tracing::error!(%error, "what is switched off cannot be read");
        }
    }

    async fn sweep(&self) {
        let now = self.clock.now().millis();
        if let Err(error) = self.store.sweep(self.retention, now).await {
            tracing::error!(%error, "the store cannot be swept");
        }
        match self.store.recover(now).await {
            Ok(0) => {}
            Ok(parts) => {
                tracing::warn!(
                    parts,
                    "parts that another bridge was sending are taken over"
                );
            }
            Err(error) => tracing::error!(%error, "what others left behind cannot be taken over"),
        }
    }
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The same configuration without links and pools.
fn nothing(config: &Config) -> Config {
    Config {
        links: BTreeMap::new(),
        pools: BTreeMap::new(),
        ..config.clone()
    }
}
