//! Asking centres for parts whose receipt does not come.

use std::sync::atomic::Ordering;

use homeroom_sms_contract::submit::LinkStatus;

use super::Engine;

/// Most of one link at a time; more than one answer of the store records at once, which share a time.
const BATCH: usize = 1_000;

/// Asks every link that is up for the next of what it owes; from the first again when that time is over once more.
pub(super) async fn ask(engine: &Engine) {
    let now = engine.clock.now().millis();
    for (&number, running) in &engine.plan().links {
        let Some(wait) = running.settings.query_after else {
            continue;
        };
        if running.handle.state().status != LinkStatus::Up {
            continue;
        }
        let before = now.saturating_sub(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        if running.round.load(Ordering::Relaxed) <= before {
            running.round.store(now, Ordering::Relaxed);
            running.asked.store(0, Ordering::Relaxed);
        }
        let after = running.asked.load(Ordering::Relaxed);
        let found = match engine.store.unheard(number, after, before, BATCH).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, link = number, "what has no receipt cannot be found");
                continue;
            }
        };
        let full = found.len() == BATCH;
        let mut reached = after;
        for part in found {
            if !running.handle.query(part.provider_id, part.source) {
                reached = reached.max(part.submitted_at - 1);
                break;
            }
            reached = part.submitted_at;
        }
        // Others of the same time may be left.
        if full && reached - 1 > after {
            reached -= 1;
        }
        running.asked.store(reached, Ordering::Relaxed);
    }
}
