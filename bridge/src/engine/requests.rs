//! What callers ask of the engine: messages in, what became of them, links and counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use homeroom_domain::sms::{cut::Cut, text::TextLength};
use homeroom_sms_contract::submit::{
    Cancelled, Link as LinkState, Links, Outcome, Pool as PoolState, Submission, SwitchedOff,
};

use super::Engine;
use super::plan::{Plan, Route, Running};
use crate::accept::{self, Cutting};
use crate::gateway::{Caller, Gateway, Stats};
use crate::message::NewMessage;
use crate::meters::Meters;
use crate::smpp::pdu::BindMode;
use crate::store::{Accepted, MessageView, QueueLimits, StoreError};
use crate::traffic::Count;

/// How long the bridge is not ready after the store had no room, if nothing was taken since.
const FULL_FOR: Duration = Duration::from_secs(10);

impl Engine {
    /// How texts for a link or pool are cut; of a pool, as its first link does.
    fn cutting(&self, plan: &Plan, route: &Route) -> Cutting {
        let first = route
            .links
            .first()
            .and_then(|number| plan.links.get(number));
        Cutting {
            cut: first.map_or_else(Cut::default, |running| {
                running.settings.cut(self.limits.segments)
            }),
            validity: i64::try_from(self.limits.validity.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn prepare(
        &self,
        plan: &Plan,
        caller: &Caller,
        asked: Submission,
        now: i64,
    ) -> Result<NewMessage, Box<Outcome>> {
        let Some(route) = plan.routes.get(&asked.esme) else {
            let error = format!("unknown esme {}", asked.esme);
            return Err(Box::new(accept::refused(
                asked.message_id,
                "unknown_esme",
                error,
            )));
        };
        let receives = |link: &i64| {
            let running = plan.links.get(link);
            running.is_some_and(|running| running.settings.bind == BindMode::Receiver)
        };
        if route.links.iter().all(receives) {
            let error = format!("link {} only receives", asked.esme);
            return Err(Box::new(accept::refused(
                asked.message_id,
                "unknown_esme",
                error,
            )));
        }
        if let Caller::App { address, .. } = caller {
            // The platform has asked its own records before; what it took until then is taken here too.
            if self.is_off(asked.esme, route) {
                let error = "this link is switched off".to_owned();
                return Err(Box::new(accept::refused(
                    asked.message_id,
                    "link_disabled",
                    error,
                )));
            }
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

impl Engine {
    /// What the platform hands over again it may do so late, when the message's time is over or its link is gone; what is stored stays accepted.
    async fn known(
        &self,
        caller: &Caller,
        app_id: i64,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        let (Caller::Platform, Outcome::Refused { message_id, .. }) = (caller, &outcome) else {
            return Ok(outcome);
        };
        let known = self.store.find(Some(app_id), message_id).await?;
        Ok(known.map_or(outcome, |known| {
            let parts = u16::try_from(known.parts.len()).unwrap_or(u16::MAX);
            accepted(known.message_id, parts)
        }))
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
            let app_id = asked.app_id;
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
                Err(outcome) => outcomes.push(self.known(caller, app_id, *outcome).await?),
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

    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError> {
        self.switch(said).await
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
            .map(|(&number, running)| {
                let sends_by = running.settings.sends_by;
                let state = running.handle.state();
                (number, LinkState { sends_by, ..state })
            })
            .collect();
        let queued: BTreeMap<i64, u64> = self.stats().depths.queued.into_iter().collect();
        let pools = plan.pools.iter().filter_map(|number| {
            let route = plan.routes.get(number)?;
            let sent = |link: &i64| {
                plan.links
                    .get(link)
                    .map_or(0, |running| running.sent.load(Ordering::Relaxed))
            };
            let open = self.open_links(*number, route);
            let links = open.iter().filter_map(|link| states.get(link));
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
