//! Takes the store's events to the platform: signed, in order of each topic, at least once, until it has them.

mod outages;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use homeroom_kernel::Clock;
use homeroom_sms_contract::events::MAX_EVENTS;
use homeroom_sms_contract::signature;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rand::RngExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Secret;
use crate::platform_client::PlatformClient;
use crate::store::{Fault, Outgoing, Store, StoreError};
use outages::Outages;

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Requests at a time.
    pub concurrency: usize,
    /// Pause when nothing waits.
    pub idle: Duration,
    /// Pause after the first failure; doubled after each further one.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Once the platform is back, what waited for it goes out within this time.
    pub spread: Duration,
    /// How long the platform took nothing, where what waits goes out at once with its first success.
    pub outage: Duration,
    /// Least time from one such rush to the next.
    pub rush_every: Duration,
    /// Age at which an event is given up.
    pub give_up: Duration,
    /// Tries of an event that the platform calls wrong.
    pub tries_when_refused: u32,
    /// How long an event is nobody else's while it is on its way; longer than any answer takes.
    pub lease: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            concurrency: 4,
            idle: Duration::from_millis(200),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_mins(15),
            spread: Duration::from_secs(5),
            outage: Duration::from_secs(5),
            rush_every: Duration::from_mins(1),
            give_up: Duration::from_hours(72),
            tries_when_refused: 5,
            lease: Duration::from_mins(1),
        }
    }
}

/// Takes events to the platform.
pub struct Webhooks {
    store: Arc<dyn Store>,
    platform: PlatformClient,
    secret: Secret,
    clock: Arc<dyn Clock>,
    schedule: Schedule,
    /// The platform asked for silence until then.
    silent_until: AtomicI64,
    outages: Outages,
}

/// What the platform made of a request.
enum Verdict {
    /// It has them.
    Taken,
    /// Not now; not before so many seconds, if it said so.
    Later(String, Option<u32>),
    /// They are wrong, it says.
    Refused(String),
}

impl Webhooks {
    /// With the secret that signs.
    pub fn new(
        store: Arc<dyn Store>,
        platform: PlatformClient,
        secret: Secret,
        clock: Arc<dyn Clock>,
        schedule: Schedule,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            platform,
            secret,
            clock,
            schedule,
            silent_until: AtomicI64::new(0),
            outages: Outages::default(),
        })
    }

    /// Delivers until it is told to stop; then waits for the requests that are on their way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(self.schedule.concurrency));
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            let round = self.round(&room, &tasks);
            let pause = tokio::select! {
                () = stop.cancelled() => break,
                round = round => match round {
                    Ok(0) => self.schedule.idle,
                    Ok(_) => continue,
                    Err(error) => {
                        tracing::error!(%error, "events cannot be read");
                        Duration::from_secs(1)
                    }
                },
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Starts requests for what is due; returns how many events that were.
    async fn round(
        self: &Arc<Self>,
        room: &Arc<Semaphore>,
        tasks: &TaskTracker,
    ) -> Result<usize, StoreError> {
        // A place first, so that nobody's lease runs while it waits for one.
        let Ok(mut place) = room.clone().acquire_owned().await.map(Some) else {
            return Ok(0);
        };
        let now = self.clock.now().millis();
        if now < self.silent_until.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let events = self
            .store
            .events(MAX_EVENTS, self.schedule.lease, now)
            .await?;
        let found = events.len();
        for batch in batches(events) {
            let permit = match place.take() {
                Some(place) => place,
                None => match room.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return Ok(found),
                },
            };
            let webhooks = self.clone();
            tasks.spawn(async move {
                webhooks.deliver(batch).await;
                drop(permit);
            });
        }
        Ok(found)
    }

    async fn deliver(&self, batch: Vec<Outgoing>) {
        match self.post(&batch).await {
            Verdict::Refused(error) if batch.len() > 1 => {
                // One of them may be at fault: the others must not pay for it.
                tracing::warn!(%error, events = batch.len(), "the platform refused events; each is tried alone");
                for event in batch {
                    let alone = vec![event];
                    let verdict = self.post(&alone).await;
                    self.settle(alone, verdict).await;
                }
            }
            verdict => self.settle(batch, verdict).await,
        }
    }

    async fn settle(&self, batch: Vec<Outgoing>, verdict: Verdict) {
        let now = self.clock.now().millis();
        let path = batch.first().map(|event| event.path.clone());
        let path = path.unwrap_or_default();
        let settled = match verdict {
            Verdict::Taken => {
                let ids = batch.into_iter().map(|event| event.id).collect();
                let settled = self.store.delivered(ids, now).await;
                self.rush(&path, now).await;
                settled
            }
            Verdict::Later(error, wait) => {
                self.outages.failed(&path, now);
                if let Some(wait) = wait {
                    let silence = Duration::from_secs(wait.into()).min(self.schedule.longest_pause);
                    let until = now.saturating_add(millis(silence));
                    self.silent_until.fetch_max(until, Ordering::Relaxed);
                }
                let again = batch.into_iter().map(|event| {
                    let at = self.again(&event, wait, now, None);
                    (event.id, at)
                });
                self.failed(again.collect(), Fault::Platform, &error, now)
                    .await
            }
            Verdict::Refused(error) => {
                let tries = Some(self.schedule.tries_when_refused);
                let again = batch.into_iter().map(|event| {
                    let at = self.again(&event, None, now, tries);
                    (event.id, at)
                });
                self.failed(again.collect(), Fault::Event, &error, now)
                    .await
            }
        };
        if let Err(error) = settled {
            // Their lease ends and they go out again; the platform knows them by their ids.
            tracing::error!(%error, "what became of events was not stored");
        }
    }

    /// What waited through an outage goes out soon, where this was the first success after one.
    async fn rush(&self, path: &str, now: i64) {
        let terms = outages::Terms {
            least: millis(self.schedule.outage),
            every: millis(self.schedule.rush_every),
        };
        if self.outages.is_over(path, now, terms)
            && let Err(error) = self.store.hasten(path, self.schedule.spread, now).await
        {
            // Each is tried again at its own time.
            tracing::error!(%error, path, "events that wait cannot be hastened");
        }
    }

    async fn failed(
        &self,
        ids: Vec<(String, Option<i64>)>,
        fault: Fault,
        error: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let dead = ids.iter().filter(|(_, at)| at.is_none()).count();
        tracing::warn!(
            error,
            events = ids.len(),
            given_up = dead,
            "the platform did not take events"
        );
        self.store.undelivered(ids, fault, error, now).await
    }

    /// When an event is tried again; `None`: never.
    fn again(
        &self,
        event: &Outgoing,
        wait: Option<u32>,
        now: i64,
        tries: Option<u32>,
    ) -> Option<i64> {
        let done = event.attempts.saturating_add(1);
        let given_up = millis(self.schedule.give_up);
        if tries.is_some_and(|tries| done >= tries) || now - event.created_at >= given_up {
            return None;
        }
        let doubled = self
            .schedule
            .first_pause
            .saturating_mul(1 << event.attempts.min(20));
        let pause = doubled.min(self.schedule.longest_pause);
        // Between three quarters and five quarters, so that a crowd does not come back at once.
        let pause = pause.mul_f64(rand::rng().random_range(0.75..1.25));
        let asked = Duration::from_secs(wait.unwrap_or(0).into());
        Some(now.saturating_add(millis(pause.max(asked))))
    }

    async fn post(&self, batch: &[Outgoing]) -> Verdict {
        let Some(path) = batch.first().map(|event| event.path.as_str()) else {
            return Verdict::Taken;
        };
        let events: Vec<Value> = batch.iter().map(event).collect();
        let body = Bytes::from(json!({ "events": events }).to_string());
        let Some(headers) = self.sign(batch, &body) else {
            return Verdict::Later("the request cannot be signed".to_owned(), None);
        };
        match self.platform.post(path, headers, body).await {
            Err(error) => Verdict::Later(error.to_string(), None),
            Ok(answer) => judge(answer.status, answer.retry_after),
        }
    }

    fn sign(&self, batch: &[Outgoing], body: &[u8]) -> Option<HeaderMap> {
        // The same events have the same id in every try.
        let mut hash = Sha256::new();
        for event in batch {
            hash.update(event.id.as_bytes());
            hash.update([0]);
        }
        let hash = hash.finalize();
        let hex = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
        let id = format!("evt_{}", hex.collect::<String>());
        let seconds = self.clock.now().seconds();
        let signature = signature::sign(self.secret.expose().as_bytes(), &id, seconds, body);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (signature::ID, id),
            (signature::TIMESTAMP, seconds.to_string()),
            (signature::SIGNATURE, signature),
        ] {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
        Some(headers)
    }
}

/// Requests: one path each, a topic once, and events that failed before in ever smaller company.
fn batches(events: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut open: BTreeMap<(String, usize), Vec<Outgoing>> = BTreeMap::new();
    let mut full = Vec::new();
    let mut topics = HashSet::new();
    for event in events {
        // Never two of a topic on their way at a time, whatever the store gives out: the other's lease ends by itself.
        if !topics.insert(event.topic.clone()) {
            continue;
        }
        let size = match event.attempts {
            0..=2 => MAX_EVENTS,
            3..=5 => 10,
            _ => 1,
        };
        let batch = open.entry((event.path.clone(), size)).or_default();
        batch.push(event);
        if batch.len() >= size {
            full.push(std::mem::take(batch));
        }
    }
    full.extend(open.into_values().filter(|batch| !batch.is_empty()));
    full
}

/// The event as it goes out: the store's body, with id and time where it has none.
fn event(event: &Outgoing) -> Value {
    let mut body: Map<String, Value> = serde_json::from_str(&event.body).unwrap_or_default();
    body.entry("id").or_insert_with(|| event.id.as_str().into());
    body.entry("at").or_insert_with(|| event.created_at.into());
    Value::Object(body)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn judge(status: StatusCode, retry_after: Option<u32>) -> Verdict {
    let text = format!("the platform answered {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Verdict::Taken,
        400 | 413 | 422 => Verdict::Refused(text),
        429 => Verdict::Later(text, retry_after),
        // Of the request or the platform and not of its events: a clock, a secret, a route or a host that somebody has to put right. Only a
        // rate is asked of all: another path, or another school's events, may well be taken now.
        _ => Verdict::Later(text, None),
    }
}

#[cfg(test)]
mod tests;
