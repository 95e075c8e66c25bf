//! From the links to the store: what came of attempts, receipts, messages from phones, states. Each kind has a queue and a task of its own, so that
//! they share the store's commits instead of waiting for each other.

use std::sync::Arc;
use std::time::Duration;

use homeroom_sms_contract::events::{LINK_STATE_PATH, LinkChanged};
use homeroom_sms_contract::submit::Link as LinkState;
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use crate::message::{AttemptResult, Attempted, InboundPart, PartStatus, Receipt};
use crate::smpp::link::{Delivery, LinkEvent, Place};
use crate::store::Provider;
use crate::traffic::Count;

/// Most of one kind in one call to the store.
const BATCH: usize = 512;
/// Of one kind that wait.
const WAITING: usize = 4_096;
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// How often the platform hears of a link that does not change: a bridge that is gone says nothing any more.
const ANNOUNCE_EVERY: Duration = Duration::from_mins(1);

type Ack = oneshot::Sender<Result<(), ()>>;

/// Takes events until the last link is gone and all of them are stored.
pub(super) async fn run(engine: Arc<Engine>, mut events: mpsc::Receiver<LinkEvent>) {
    let (attempts, recorded) = mpsc::channel(WAITING);
    let (receipts, received) = mpsc::channel(WAITING);
    let (inbound, messages) = mpsc::channel(WAITING);
    let (states, announced) = mpsc::channel(WAITING);
    let meters = engine.meters.clone();
    let tasks = [
        tokio::spawn(record(Arc::clone(&engine), recorded)),
        tokio::spawn(receive(Arc::clone(&engine), received)),
        tokio::spawn(take_in(Arc::clone(&engine), messages)),
        tokio::spawn(announce(engine, announced)),
    ];
    while let Some(event) = events.recv().await {
        let _ = match event {
            LinkEvent::Attempted(attempted, provider, place) => {
                meters.attempted(&attempted, &provider);
                attempts
                    .send((attempted, provider, Some(place)))
                    .await
                    .is_ok()
            }
            LinkEvent::Late(attempted, provider) => {
                meters.attempted(&attempted, &provider);
                attempts.send((attempted, provider, None)).await.is_ok()
            }
            LinkEvent::Deliver {
                what: Delivery::Receipt(receipt),
                ack,
            } => {
                meters.received(&receipt);
                receipts.send((receipt, ack)).await.is_ok()
            }
            LinkEvent::Deliver {
                what: Delivery::Inbound(part),
                ack,
            } => inbound.send((part, ack)).await.is_ok(),
            LinkEvent::Changed(state) => states.send(state).await.is_ok(),
        };
    }
    drop((attempts, receipts, inbound, states));
    futures_util::future::join_all(tasks).await;
}

/// Records what came of attempts, and tries until the store has it: nothing else knows. Only then may others leave in their places.
async fn record(
    engine: Arc<Engine>,
    mut queue: mpsc::Receiver<(Attempted, Provider, Option<Place>)>,
) {
    let mut outcomes = Vec::new();
    while queue.recv_many(&mut outcomes, BATCH).await > 0 {
        let (mut batch, mut places) = (Vec::new(), Vec::new());
        for (attempted, provider, place) in outcomes.drain(..) {
            batch.push((attempted, provider));
            places.extend(place);
        }
        let count = |wanted: fn(&AttemptResult) -> bool| {
            batch
                .iter()
                .filter(|(attempted, _)| wanted(&attempted.result))
                .count()
        };
        let sent = count(|result| matches!(result, AttemptResult::Submitted { .. }));
        let failed = count(|result| matches!(result, AttemptResult::Rejected { .. }));
        while let Err(error) = engine
            .store
            .record(batch.clone(), engine.clock.now().millis())
            .await
        {
            tracing::error!(%error, "what was sent cannot be recorded; trying again");
            tokio::time::sleep(PAUSE).await;
        }
        Place::free(places);
        engine.count(Count::Sent, sent);
        engine.count(Count::Errors, failed);
    }
}

/// Records receipts; the centre hears that they arrived once they are on disk.
async fn receive(engine: Arc<Engine>, mut queue: mpsc::Receiver<(Receipt, Ack)>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let (receipts, acks): (Vec<Receipt>, Vec<Ack>) = batch.drain(..).unzip();
        let delivered = receipts
            .iter()
            .filter(|receipt| receipt.status == PartStatus::Delivered)
            .count();
        let failed = receipts
            .iter()
            .filter(|receipt| receipt.status.is_final())
            .count()
            - delivered;
        let stored = engine
            .store
            .receipts(receipts, engine.clock.now().millis())
            .await;
        match &stored {
            // Repetitions are no news: at most as many as were.
            Ok(news) => {
                engine.count(Count::Delivered, delivered.min(*news));
                engine.count(Count::Errors, failed.min(*news));
            }
            Err(error) => {
                tracing::error!(%error, "receipts cannot be stored: the centre will repeat them");
            }
        }
        answer(acks, stored.is_ok());
    }
}

async fn take_in(engine: Arc<Engine>, mut queue: mpsc::Receiver<(InboundPart, Ack)>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let now = engine.clock.now().millis();
        // All at once, so that they share a commit.
        let stores = batch.drain(..).map(|(part, ack): (InboundPart, Ack)| {
            let engine = Arc::clone(&engine);
            async move {
                let stored = engine.store.inbound(part, now).await;
                if let Err(error) = &stored {
                    tracing::error!(%error, "a message cannot be stored: the centre will repeat it");
                }
                answer(vec![ack], stored.is_ok());
            }
        });
        futures_util::future::join_all(stores).await;
    }
}

fn answer(acks: Vec<Ack>, good: bool) {
    for ack in acks {
        // The link may be gone; then the centre repeats what it said.
        let _ = ack.send(if good { Ok(()) } else { Err(()) });
    }
}

/// Tells the platform of links that went up or down, and again while nothing changes.
async fn announce(engine: Arc<Engine>, mut queue: mpsc::Receiver<LinkState>) {
    let mut again = tokio::time::interval(ANNOUNCE_EVERY);
    again.reset();
    loop {
        tokio::select! {
            changed = queue.recv() => {
                let Some(link) = changed else { return };
                tracing::info!(link = link.id, status = ?link.status, "link");
                tell(&engine, link).await;
                // A link that came up may have work.
                for route in engine.plan().routes.values() {
                    route.wake.notify_one();
                }
            }
            _ = again.tick() => {
                for running in engine.plan().links.values() {
                    tell(&engine, running.handle.state()).await;
                }
            }
        }
    }
}

async fn tell(engine: &Engine, link: LinkState) {
    // Each bridge on the queue has its own session.
    let bridge = engine.name.clone();
    let topic = format!("link-{}-{bridge}", link.id);
    let now = engine.clock.now().millis();
    let Ok(body) = serde_json::to_string(&LinkChanged { bridge, link }) else {
        return;
    };
    let kept = engine.store.announce(LINK_STATE_PATH, &topic, body, now);
    if let Err(error) = kept.await {
        tracing::error!(%error, "the state of a link cannot be kept for the platform");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::clock::SystemClock;
    use crate::config::Config;
    use crate::store::Store;
    use crate::store::sqlite::{Options, SqliteStore};

    #[tokio::test(start_paused = true)]
    async fn the_state_of_a_link_is_told_every_minute_though_nothing_changes() {
        let folder = std::env::temp_dir().join(format!("bridge-intake-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = include_str!("../../bridge.example.toml")
            .replace("# disabled = false", "disabled = true");
        let mut config = Config::parse(&text, Path::new("/tmp")).unwrap();
        config.links.remove(&101);
        config.pools.clear();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&folder.join("store"), Options::default()).unwrap());
        let engine = Engine::start(&config, Arc::clone(&store), Arc::new(SystemClock))
            .await
            .unwrap();
        for minute in 0..3 {
            tokio::time::sleep(Duration::from_secs(if minute == 0 { 1 } else { 61 })).await;
            let later = engine.clock.now().millis() + 1_000;
            let told = store
                .events(10, Duration::from_secs(1), later)
                .await
                .unwrap();
            assert_eq!(told.len(), 1, "minute {minute}");
            let one = (
                &*told[0].topic,
                told[0].body.contains(r#""bridge":"bridge""#),
            );
            assert_eq!(one, ("link-100-bridge", true));
            assert!(told[0].body.contains("disabled"));
            let ids = told.into_iter().map(|one| one.id).collect();
            store.delivered(ids, later).await.unwrap();
        }
        engine.shut_down().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
