//! What connects store and links: messages in, parts out, answers and receipts back. See `dispatch` and `intake` for the two directions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use homeroom_domain::sms::text::TextLength;
use homeroom_kernel::Clock;
use homeroom_sms_contract::submit::{
    Cancelled, Link as LinkState, Links, Outcome, Pool as PoolState, Submission,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::accept::{self, Cutting};
use crate::app::policy;
use crate::config::{Changes, Config, Pool};
use crate::gateway::{Caller, Gateway, Stats};
use crate::meters::Meters;
use crate::pools::Turns;
use crate::smpp::link::{LinkEvent, LinkHandle};
use crate::store::{Accepted, MessageView, QueueLimits, Retention, Store, StoreError};
use crate::traffic::{Count, Traffic};

use pace::Pace;
use references::References;

mod dispatch;
mod intake;
mod pace;
mod questions;
mod references;

/// Events of links that may wait for the store.
const EVENTS: usize = 4_096;
/// How often what waits is counted.
const COUNT_EVERY: Duration = Duration::from_secs(2);
/// How often centres are asked for what they owe a receipt.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How often what is over is swept out, and the lease prolonged.
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// How long the bridge is not ready after the store had no room, if nothing was taken since.
const FULL_FOR: Duration = Duration::from_secs(10);

/// A link that runs.
struct Running {
    settings: crate::config::Link,
    handle: Arc<LinkHandle>,
    /// Parts sent since the start.
    sent: AtomicU64,
    /// Parts that the centre took until then were asked for.
    asked: AtomicI64,
    /// When asking last began with the first.
    round: AtomicI64,
}

/// A link or pool as messages name it: the links behind it, with their turns.
struct Route {
    links: Vec<i64>,
    turns: Mutex<Turns>,
    pace: Pace,
    /// Something may be due.
    wake: Notify,
}

/// Links and routes as the configuration has them now. Replaced as a whole by a reload.
#[derive(Default)]
struct Plan {
    links: BTreeMap<i64, Arc<Running>>,
    routes: BTreeMap<i64, Arc<Route>>,
    pools: Vec<i64>,
}

/// The engine.
pub struct Engine {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    limits: crate::config::Limits,
    retention: Retention,
    plan: RwLock<Arc<Plan>>,
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
            limits: config.limits.clone(),
            retention: Retention {
                finished: config.store.finished,
                orphans: Duration::from_hours(24),
                inbound: Duration::from_hours(1),
                dead_letters: config.store.dead_letters,
            },
            plan: RwLock::default(),
            references: References::default(),
            full_at: AtomicI64::new(0),
            events: Mutex::new(Some(events)),
            intake: Mutex::new(None),
            stop: CancellationToken::new(),
        });
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
                    reloads.push((number, settings.settings(number)));
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
        let alone = config
            .links
            .keys()
            .map(|&link| (link, vec![(link, 1)], None));
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
            plan.routes.insert(number, Arc::new(route));
        }
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
            settings.settings(number),
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
                _ = counting.tick() => match self.store.depths(self.clock.now().millis()).await {
                    Ok(depths) => self.traffic.waits(depths),
                    Err(error) => tracing::error!(%error, "what waits cannot be counted"),
                },
                _ = asking.tick() => questions::ask(&self).await,
                _ = sweeping.tick() => self.sweep().await,
            }
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

    /// How texts for a link or pool are cut; of a pool, as its first link does.
    fn cutting(&self, plan: &Plan, route: &Route) -> Cutting {
        let first = route
            .links
            .first()
            .and_then(|number| plan.links.get(number));
        Cutting {
            alphabet: first.map_or_else(Default::default, |running| running.settings.alphabet()),
            header: first.map_or_else(Default::default, |running| running.settings.header()),
            max_segments: self.limits.segments,
            validity: i64::try_from(self.limits.validity.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn prepare(
        &self,
        plan: &Plan,
        caller: &Caller,
        asked: Submission,
        now: i64,
    ) -> Result<crate::message::NewMessage, Box<Outcome>> {
        let Some(route) = plan.routes.get(&asked.esme) else {
            let error = format!("unknown esme {}", asked.esme);
            return Err(Box::new(accept::refused(
                asked.message_id,
                "unknown_esme",
                error,
            )));
        };
        if let Caller::App { address, .. } = caller {
            let address = address.to_canonical();
            let members = route
                .links
                .iter()
                .filter_map(|number| plan.links.get(number));
            let is_open = |running: &Arc<Running>| {
                let allowed = &running.settings.allowed_ips;
                allowed.is_empty() || allowed.iter().any(|network| network.contains(&address))
            };
            // Of a pool every link must allow it: any of them may send the message.
            if !members.into_iter().all(is_open) {
                let error = "IP not in whitelist".to_owned();
                return Err(Box::new(accept::refused(
                    asked.message_id,
                    "ip_not_allowed",
                    error,
                )));
            }
        }
        let reference = self.references.next(&asked.destination);
        accept::prepare(asked, self.cutting(plan, route), reference, now)
    }
}

impl Running {
    fn with(self: &Arc<Self>, settings: crate::config::Link) -> Arc<Self> {
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

#[async_trait]
impl Gateway for Engine {
    async fn submit(
        &self,
        caller: &Caller,
        messages: Vec<Submission>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let now = self.clock.now().millis();
        let plan = self.plan();
        let mut outcomes = Vec::with_capacity(messages.len());
        let mut places = Vec::new();
        let mut prepared = Vec::new();
        for asked in messages {
            match self.prepare(&plan, caller, asked, now) {
                Ok(message) => {
                    let due = message.send_at <= now;
                    let parts = u16::try_from(message.parts.len()).unwrap_or(u16::MAX);
                    places.push((
                        outcomes.len(),
                        message.message_id.clone(),
                        parts,
                        message.esme,
                        message.task_id,
                        due,
                    ));
                    outcomes.push(accepted(message.message_id.clone(), parts));
                    prepared.push(message);
                }
                Err(outcome) => outcomes.push(*outcome),
            }
        }
        let limits = QueueLimits {
            total: self.limits.queue,
            per_app: self.limits.queue_app,
            per_esme: self.limits.queue_esme,
        };
        let stored = if prepared.is_empty() {
            Vec::new()
        } else {
            let stored = self.store.accept(prepared, limits, now).await;
            let full = matches!(stored, Err(StoreError::Full(_)));
            self.full_at
                .store(if full { now } else { 0 }, Ordering::Relaxed);
            stored?
        };
        for ((at, message_id, _, esme, task_id, due), stored) in places.into_iter().zip(stored) {
            let outcome = match stored {
                Accepted::New => {
                    self.count(Count::Accepted, 1);
                    if let Some(task) = task_id {
                        self.traffic.campaign(task);
                    }
                    if let Some(route) = plan.routes.get(&esme).filter(|_| due) {
                        route.wake.notify_one();
                    }
                    continue;
                }
                Accepted::Repeated { message_id, parts } => accepted(message_id, parts),
                Accepted::Conflict => {
                    let error = "transaction_id was used for another message".to_owned();
                    accept::refused(message_id, "conflict", error)
                }
                Accepted::QueueFull => Outcome::Later {
                    message_id,
                    code: "queue_full".to_owned(),
                    retry_after: 5,
                },
            };
            if let Some(place) = outcomes.get_mut(at) {
                *place = outcome;
            }
        }
        let errors = outcomes
            .iter()
            .filter(|outcome| !matches!(outcome, Outcome::Accepted { .. }))
            .count();
        self.count(Count::Errors, errors);
        Ok(outcomes)
    }

    async fn cancel(
        &self,
        _: &Caller,
        message_id: &str,
        app_id: i64,
    ) -> Result<Cancelled, StoreError> {
        self.store
            .cancel(app_id, message_id, self.clock.now().millis())
            .await
    }

    async fn find(
        &self,
        app_id: Option<i64>,
        message_id: &str,
    ) -> Result<Option<MessageView>, StoreError> {
        self.store.find(app_id, message_id).await
    }

    fn links(&self) -> Links {
        let plan = self.plan();
        let states: BTreeMap<i64, LinkState> = plan
            .links
            .iter()
            .map(|(&number, running)| (number, running.handle.state()))
            .collect();
        let queued: BTreeMap<i64, u64> = self.stats().depths.queued.into_iter().collect();
        let pools = plan.pools.iter().filter_map(|number| {
            let route = plan.routes.get(number)?;
            let sent = |link: &i64| {
                plan.links
                    .get(link)
                    .map_or(0, |running| running.sent.load(Ordering::Relaxed))
            };
            let links = route.links.iter().filter_map(|link| states.get(link));
            let rate: f64 = links.map(|link| link.rate).sum();
            Some(PoolState {
                id: *number,
                rate: route.pace.rate().map_or(rate, |own| own.min(rate)),
                links: route.links.clone(),
                distribution: route.links.iter().map(sent).collect(),
                queued: queued.get(number).copied().unwrap_or(0),
            })
        });
        let pools = pools.collect();
        Links {
            links: states.into_values().collect(),
            pools,
        }
    }

    fn stats(&self) -> Stats {
        self.traffic.stats(self.clock.now().seconds())
    }

    fn measure(&self, text: &str, esme: Option<i64>, replaced: bool) -> Option<TextLength> {
        let plan = self.plan();
        let cutting = match esme {
            Some(esme) => self.cutting(&plan, plan.routes.get(&esme)?),
            None => Cutting::default(),
        };
        Some(accept::measure(text, replaced, cutting))
    }

    fn meters(&self) -> Meters {
        self.meters.clone()
    }

    async fn ready(&self) -> Result<(), String> {
        let since = self.clock.now().millis() - self.full_at.load(Ordering::Relaxed);
        if u128::try_from(since).is_ok_and(|since| since < FULL_FOR.as_millis()) {
            return Err("the store has no room".to_owned());
        }
        self.store
            .writable()
            .await
            .map_err(|error| error.to_string())
    }
}

fn accepted(message_id: String, parts: u16) -> Outcome {
    let sms_ids = (1..=parts)
        .map(|number| format!("{message_id}-{number}"))
        .collect();
    Outcome::Accepted {
        message_id,
        sms_ids,
    }
}
