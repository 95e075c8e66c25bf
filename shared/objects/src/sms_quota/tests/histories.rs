//! What holds whatever came before.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike};
use proptest::prelude::*;

use super::*;

/// A request: the time since the one before, messages, parts, and whether they are given back at once.
#[derive(Debug, Clone)]
struct Step {
    pause: i64,
    messages: u32,
    parts: u32,
    gives_back: bool,
}

fn history(pause: i64) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..pause, 1..40_u32, 0..300_u32, prop::bool::weighted(0.2)).prop_map(
        |(pause, messages, parts, gives_back)| Step {
            pause,
            messages,
            parts,
            gives_back,
        },
    );
    prop::collection::vec(step, 0..100)
}

/// Runs a history, and tells of everything that was granted.
fn run(quota: &mut SmsQuota, steps: &[Step], mut each: impl FnMut(&SmsQuota, &Step, i64)) {
    let mut now = MORNING;
    for step in steps {
        now += step.pause;
        let reply = quota.take(step.messages, step.parts, &LIMITS, now);
        if let QuotaReply::Granted { taken_at } = reply {
            if step.gives_back {
                quota.release(step.parts, taken_at, now);
            }
            each(quota, step, now);
        }
    }
}

proptest! {
    #[test]
    fn no_day_and_no_month_gets_more_than_its_parts(steps in history(10 * HOUR)) {
        let (mut days, mut months) = (BTreeMap::new(), BTreeMap::new());
        run(&mut SmsQuota::default(), &steps, |_, step, now| {
            let parts = if step.gives_back { 0 } else { step.parts };
            let date = DateTime::from_timestamp_millis(now).unwrap().date_naive();
            *days.entry(date).or_insert(0) += parts;
            *months.entry((date.year(), date.month())).or_insert(0) += parts;
        });
        prop_assert!(days.values().all(|parts| *parts <= 1_000));
        prop_assert!(months.values().all(|parts| *parts <= 10_000));
    }

    #[test]
    fn no_second_gets_more_than_burst_and_rate_and_what_a_single_request_is_above_it(
        steps in history(400)
    ) {
        let unlimited = Limits { daily_parts: u64::MAX, monthly_parts: u64::MAX, ..LIMITS };
        let mut quota = SmsQuota::default();
        let mut granted: Vec<(i64, i64)> = Vec::new();
        let mut now = MORNING;
        for step in &steps {
            now += step.pause;
            let reply = quota.take(step.messages, step.parts, &unlimited, now);
            if matches!(reply, QuotaReply::Granted { .. }) {
                granted.push((now, step.messages.into()));
            }
        }
        for (start, _) in &granted {
            for (end, _) in granted.iter().filter(|(at, _)| at >= start) {
                let within: i64 = granted
                    .iter()
                    .filter(|(at, _)| (start..=end).contains(&at))
                    .map(|(_, messages)| messages)
                    .sum();
                let largest = 39;
                prop_assert!(within <= 20 + (end - start) / 100 + 1 + (largest - 20));
            }
        }
    }

    #[test]
    fn who_waits_as_long_as_told_gets_through(steps in history(2_000), messages in 1..60_u32) {
        let mut quota = SmsQuota::default();
        run(&mut quota, &steps, |_, _, _| {});
        let mut now = MORNING + steps.iter().map(|step| step.pause).sum::<i64>();
        // One refusal of each kind may follow another.
        for _ in 0..3 {
            if let QuotaReply::Refused { retry_after, .. } = quota.clone().take(messages, 1, &LIMITS, now) {
                now += i64::from(retry_after) * 1_000;
            }
        }
        prop_assert_eq!(quota.take(messages, 1, &LIMITS, now), granted(now));
    }

    #[test]
    fn the_state_is_small_and_survives_storage(steps in history(HOUR)) {
        let mut quota = SmsQuota::default();
        run(&mut quota, &steps, |_, _, _| {});
        let stored = quota.to_stored().unwrap();
        prop_assert!(stored.len() < 256);
        prop_assert_eq!(SmsQuota::from_stored(&stored).unwrap(), quota);
    }

    #[test]
    fn an_expired_quota_decides_as_a_new_one(steps in history(HOUR), later in 0..400 * DAY_MS) {
        let mut quota = SmsQuota::default();
        run(&mut quota, &steps, |_, _, _| {});
        let now = quota.expires_at().max(MORNING) + later;
        let mut fresh = SmsQuota::default();
        prop_assert_eq!(quota.take(5, 5, &LIMITS, now), fresh.take(5, 5, &LIMITS, now));
        prop_assert_eq!(quota, fresh);
    }

    #[test]
    fn no_time_and_no_limit_breaks_a_quota(
        steps in prop::collection::vec((any::<i64>(), any::<u32>(), any::<u32>(), any::<[u32; 4]>(), any::<i64>()), 0..50)
    ) {
        let mut quota = SmsQuota::default();
        for (now, messages, parts, [rate_per_second, burst, daily, monthly], taken_at) in steps {
            let limits = Limits {
                rate_per_second,
                burst,
                daily_parts: daily.into(),
                monthly_parts: monthly.into(),
            };
            if let QuotaReply::Refused { retry_after, .. } = quota.take(messages, parts, &limits, now) {
                prop_assert!(retry_after >= 1);
            }
            quota.release(parts, taken_at, now);
            let _ = quota.expires_at();
        }
    }
}
