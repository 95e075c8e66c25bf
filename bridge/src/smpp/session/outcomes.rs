//! What came of a part, as the store is told: by the centre's answer, or because none came.

use std::time::Duration;

use crate::message::{AttemptResult, Attempted, PartKey};
use crate::smpp::keeper::{Keeper, jittered};
use crate::smpp::pending::Sent;
use crate::smpp::shared::{LinkEvent, Place};
use crate::smpp::status::{self, Class};
use crate::store::Provider;

/// By an answer of this status; without an id where the centre could not read the part.
pub(super) fn answered(
    link: &Keeper,
    sent: Sent,
    code: u32,
    message_id: Option<&[u8]>,
) -> (Attempted, Provider) {
    let code = match code {
        // A nack says that it failed, whatever its status.
        status::OK if message_id.is_none() => status::SYSTEM_ERROR,
        code => code,
    };
    let config = &link.config;
    let result = match status::class(code, &config.exceptions) {
        Class::Taken => AttemptResult::Submitted {
            provider_id: config
                .ids
                .response
                .normalise(message_id.unwrap_or_default()),
        },
        Class::Permanent => AttemptResult::Rejected { status: code },
        Class::Retry if sent.refusals + 1 >= config.max_attempts => {
            AttemptResult::Rejected { status: code }
        }
        Class::Retry => AttemptResult::Again {
            at: again_at(link, sent.refusals),
            status: Some(code),
        },
        Class::Throttled => AttemptResult::Throttled {
            at: throttled_until(link, sent.attempt),
            status: code,
        },
    };
    of(link, sent.key, sent.attempt, result)
}

/// No answer came, or none will: whether the centre has it is not known.
pub(super) fn unanswered(link: &Keeper, key: PartKey, attempt: u32) -> LinkEvent {
    let (attempted, provider) = of(link, key, attempt, AttemptResult::Ambiguous);
    LinkEvent::Attempted(attempted, provider, Place::of(&link.shared))
}

fn of(link: &Keeper, key: PartKey, attempt: u32, result: AttemptResult) -> (Attempted, Provider) {
    let attempted = Attempted {
        key,
        attempt,
        link: link.config.id,
        result,
    };
    (attempted, Provider(link.config.provider.clone()))
}

/// When a part that was refused for now is tried again, after so many refusals before.
fn again_at(link: &Keeper, refusals: u32) -> i64 {
    later(link, refusals, link.config.timers.retry_max)
}

/// When a part that met a busy centre is tried again. The whole link slows down, which is what helps, so the part itself
/// need not wait long.
fn throttled_until(link: &Keeper, attempt: u32) -> i64 {
    link.shared.gate.throttled();
    let timers = &link.config.timers;
    let most = timers.retry_max.min(timers.retry_min.saturating_mul(8));
    later(link, attempt.saturating_sub(1), most)
}

/// Doubles each time, up to `most`.
fn later(link: &Keeper, times: u32, most: Duration) -> i64 {
    let least = link.config.timers.retry_min;
    let doubled = least.saturating_mul(2u32.saturating_pow(times.min(30)));
    let delay = i64::try_from(jittered(doubled.min(most)).as_millis()).unwrap_or(i64::MAX);
    link.shared.clock.now().millis().saturating_add(delay)
}
