//! From the store to the links: places first, then parts, so that nothing is claimed that cannot leave at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use homeroom_sms_contract::submit::LinkStatus;

use super::Engine;
use super::pace::Grant;
use super::plan::{Plan, Route};
use crate::message::Claimed;
use crate::smpp::link::Slot;

/// Most parts of one claim.
const BATCH: usize = 256;
/// How often a queue is looked at that nobody woke: retries and messages with a time of their own become due.
const TICK: Duration = Duration::from_millis(250);
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends what waits for a link or pool until the engine stops or the configuration has it no more.
pub(super) async fn run(engine: Arc<Engine>, esme: i64) {
    loop {
        let plan = engine.plan();
        let Some(route) = plan.routes.get(&esme) else {
            return;
        };
        let woken = route.wake.notified();
        tokio::select! {
            () = engine.stop.cancelled() => return,
            () = woken => {}
            () = tokio::time::sleep(TICK) => {}
        }
        loop {
            let sent = tokio::select! {
                () = engine.stop.cancelled() => return,
                places = places(&plan, route, engine.open_links(esme, route)) => match places {
                    Some(places) => send(&engine, &plan, esme, places).await,
                    None => false,
                },
            };
            // A plan that was replaced while this waited is not followed any longer.
            if !sent || !Arc::ptr_eq(&plan, &engine.plan()) {
                break;
            }
        }
    }
}

/// Places to send through, at least one.
struct Places {
    /// In the order of the links' turns.
    slots: Vec<(i64, Slot)>,
    /// Links that were up.
    up: BTreeSet<i64>,
    /// What the pool's own rate allows.
    grant: Grant,
}

/// Places on those of the links that are up; none where no link is up.
async fn places(plan: &Plan, route: &Route, links: Vec<i64>) -> Option<Places> {
    let up: BTreeMap<i64, usize> = links
        .into_iter()
        .filter_map(|number| {
            let state = plan.links.get(&number)?.handle.state();
            let free = state.window.saturating_sub(state.in_flight);
            let can_send = matches!(state.status, LinkStatus::Up | LinkStatus::Throttled);
            can_send.then_some((number, usize::try_from(free).unwrap_or(BATCH)))
        })
        .collect();
    if up.is_empty() {
        return None;
    }
    let wanted = up.values().sum::<usize>().clamp(1, BATCH);
    let grant = loop {
        match route.pace.take(wanted) {
            Ok(grant) => break grant,
            Err(wait) => {
                tokio::time::sleep(wait.min(PAUSE)).await;
                // Long enough for another plan.
                if wait > PAUSE {
                    return None;
                }
            }
        }
    };
    let wanted = grant.left();
    // Looked at, not taken: a turn counts once something was sent.
    let mut ahead = route
        .turns
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let turns = ahead.next(wanted, |number| up.contains_key(&number));
    let mut counts = BTreeMap::<i64, u32>::new();
    for number in &turns {
        *counts.entry(*number).or_default() += 1;
    }
    let mut slots = BTreeMap::<i64, Vec<Slot>>::new();
    for (&number, &count) in &counts {
        if let Some(running) = plan.links.get(&number) {
            slots.insert(
                number,
                running
                    .handle
                    .reserve(count)
                    .now_or_never()
                    .unwrap_or_default(),
            );
        }
    }
    if slots.values().all(Vec::is_empty) {
        // All are full: whichever has a place first.
        let waits = up.keys().filter_map(|number| {
            let running = plan.links.get(number)?;
            Some(Box::pin(async move {
                (*number, running.handle.reserve(1).await)
            }))
        });
        let waits: Vec<_> = waits.collect();
        let wait = futures_util::future::select_all(waits);
        let (number, found) = tokio::time::timeout(PAUSE, wait).await.ok()?.0;
        slots.insert(number, found);
    }
    let mut ordered = Vec::new();
    for number in turns {
        ordered.extend(
            slots
                .get_mut(&number)
                .and_then(Vec::pop)
                .map(|slot| (number, slot)),
        );
    }
    for (number, rest) in slots {
        ordered.extend(rest.into_iter().map(|slot| (number, slot)));
    }
    let up = up.into_keys().collect();
    (!ordered.is_empty()).then_some(Places {
        slots: ordered,
        up,
        grant,
    })
}

/// Claims as many parts as there are places and sends them; whether there may be more.
async fn send(engine: &Arc<Engine>, plan: &Plan, esme: i64, places: Places) -> bool {
    let Places {
        slots,
        up,
        mut grant,
    } = places;
    // On a task of its own: a claim that is given up half-way would leave parts marked as being sent.
    let claiming = {
        let (engine, wanted) = (Arc::clone(engine), slots.len());
        tokio::spawn(async move {
            engine
                .store
                .claim(esme, wanted, engine.clock.now().millis())
                .await
        })
    };
    let parts: Vec<Claimed> = match claiming.await {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) => {
            tracing::error!(%error, esme, "nothing can be claimed");
            drop(slots);
            tokio::time::sleep(PAUSE).await;
            return false;
        }
        Err(_) => return false,
    };
    let full = parts.len() == slots.len();
    grant.used(parts.len());
    if let Some(route) = plan.routes.get(&esme) {
        let mut turns = route.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.next(parts.len(), |number| up.contains(&number));
    }
    for (part, (number, slot)) in parts.into_iter().zip(slots) {
        if let Some(running) = plan.links.get(&number) {
            running.sent.fetch_add(1, Ordering::Relaxed);
            engine.meters.handed(esme, number);
        }
        slot.send(part);
    }
    full
}
