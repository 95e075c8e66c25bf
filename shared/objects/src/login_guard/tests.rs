use proptest::prelude::*;

use super::*;
use crate::kept::StoredError;

const MINUTE: i64 = 60_000;
const NOON: i64 = 1_800_000_000_000;
const HOME: &str = "203.0.113.9";
const AWAY: &str = "198.51.100.7";

fn allowed(remaining: u32) -> GuardReply {
    GuardReply::Allowed { remaining }
}

fn refused_for(retry_after: u32) -> GuardReply {
    GuardReply::Refused { retry_after }
}

fn stranger(number: i64) -> String {
    format!(
        "10.{}.{}.{}",
        number >> 16,
        (number >> 8) & 255,
        number & 255
    )
}

fn locked_at_noon() -> LoginGuard {
    let mut guard = LoginGuard::default();
    for _ in 0..MAX_FAILURES {
        guard.begin(HOME, NOON);
    }
    guard
}

fn with_the_ceiling_reached_at_noon() -> LoginGuard {
    let mut guard = LoginGuard::default();
    for number in 0..CEILING_BURST {
        assert_eq!(guard.begin(&stranger(number), NOON), allowed(2));
    }
    guard
}

#[test]
fn the_first_two_failures_say_how_many_attempts_remain_and_the_third_locks() {
    let mut guard = LoginGuard::default();
    for (at, reply) in [
        (0, allowed(2)),
        (10, allowed(1)),
        (20, allowed(0)),
        (20, refused_for(900)),
        (21, refused_for(900)),
        (20 + 1_000, refused_for(899)),
        (20 + WINDOW_MS / 2, refused_for(450)),
        (20 + WINDOW_MS - 1, refused_for(1)),
        (20 + WINDOW_MS, allowed(2)),
    ] {
        assert_eq!(guard.begin(HOME, NOON + at), reply, "{at} ms");
    }
}

#[test]
fn failures_older_than_the_window_do_not_count() {
    let mut guard = LoginGuard::default();
    for (minute, reply) in [
        (0, allowed(2)),
        (10, allowed(1)),
        (15, allowed(1)),
        (24, allowed(0)),
        (38, refused_for(60)),
        (39, allowed(2)),
    ] {
        assert_eq!(guard.begin(HOME, NOON + minute * MINUTE), reply, "{minute}");
    }
}

#[test]
fn of_fifty_parallel_tries_exactly_three_get_through() {
    let mut guard = LoginGuard::default();
    let replies: Vec<_> = (0..50).map(|_| guard.begin(HOME, NOON)).collect();
    assert_eq!(replies[..3], [allowed(2), allowed(1), allowed(0)]);
    assert!(replies[3..].iter().all(|reply| *reply == refused_for(900)));
}

#[test]
fn tries_while_locked_do_not_extend_the_lock() {
    let mut guard = locked_at_noon();
    for second in 1..900 {
        guard.begin(HOME, NOON + second * 1_000);
    }
    assert_eq!(guard.begin(HOME, NOON + WINDOW_MS), allowed(2));
}

#[test]
fn a_success_resets_the_count_of_its_address_only() {
    let mut guard = locked_at_noon();
    guard.begin(AWAY, NOON);
    assert_eq!(guard.succeed(HOME, NOON), GuardReply::Cleared);
    assert_eq!(guard.begin(HOME, NOON), allowed(2));
    assert_eq!(guard.begin(AWAY, NOON), allowed(1));
}

#[test]
fn a_lock_on_one_address_leaves_others_alone() {
    let mut guard = locked_at_noon();
    assert_eq!(guard.begin(AWAY, NOON), allowed(2));
}

#[test]
fn addresses_of_one_ipv6_network_share_a_count() {
    let mut guard = LoginGuard::default();
    assert_eq!(guard.begin("2001:db8::1", NOON), allowed(2));
    assert_eq!(guard.begin("2001:db8::dead:beef", NOON), allowed(1));
    assert_eq!(guard.begin("2001:db8:0:1::1", NOON), allowed(2));
}

#[test]
fn the_ceiling_lets_a_burst_through_and_then_one_a_minute() {
    let mut guard = with_the_ceiling_reached_at_noon();
    for (second, reply) in [
        (0, refused_for(60)),
        (30, refused_for(30)),
        (59, refused_for(1)),
        (60, allowed(2)),
        (60, refused_for(60)),
    ] {
        assert_eq!(guard.begin(AWAY, NOON + second * 1_000), reply, "{second}");
        guard.addresses.remove(AWAY);
    }
}

#[test]
fn a_known_address_is_exempt_from_the_ceiling() {
    let mut guard = LoginGuard::default();
    guard.begin(HOME, NOON - MINUTE);
    guard.succeed(HOME, NOON - MINUTE);
    for number in 0..1_000 {
        guard.begin(&stranger(number), NOON);
    }
    assert_eq!(guard.begin(AWAY, NOON), refused_for(60));
    assert_eq!(guard.begin(HOME, NOON), allowed(2));
    assert_eq!(guard.begin(HOME, NOON), allowed(1));
    assert_eq!(guard.begin(HOME, NOON), allowed(0));
    assert_eq!(guard.begin(HOME, NOON), refused_for(900));
}

#[test]
fn an_address_is_known_for_thirty_days_after_the_latest_success() {
    for (age, reply) in [
        (KNOWN_FOR_MS - 1, allowed(2)),
        (KNOWN_FOR_MS, refused_for(60)),
    ] {
        let mut guard = LoginGuard::default();
        guard.succeed(HOME, NOON - age - MINUTE);
        guard.succeed(HOME, NOON - age);
        for number in 0..CEILING_BURST {
            guard.begin(&stranger(number), NOON);
        }
        assert_eq!(guard.begin(HOME, NOON), reply, "{age}");
    }
}

#[test]
fn the_oldest_known_address_makes_place_for_a_new_one_and_keeps_its_lock() {
    let mut guard = LoginGuard::default();
    guard.succeed(HOME, NOON);
    for _ in 0..MAX_FAILURES {
        guard.begin(HOME, NOON);
    }
    for number in 1..=17 {
        guard.succeed(&stranger(number), NOON + number);
    }
    assert_eq!(guard.known().count(), MAX_KNOWN);
    assert!(guard.known().all(|(since, _)| since > NOON + 1));
    assert_eq!(guard.begin(HOME, NOON), refused_for(900));
}

#[test]
fn a_clock_that_jumps_back_leaves_at_most_the_ordinary_wait() {
    let mut guard = locked_at_noon();
    for number in 0..CEILING_BURST {
        guard.begin(&stranger(number), NOON);
    }
    let earlier = NOON - KNOWN_FOR_MS;
    assert_eq!(guard.begin(HOME, earlier), refused_for(900));
    assert_eq!(guard.begin(AWAY, earlier), refused_for(60));
    assert_eq!(guard.begin(AWAY, earlier + MINUTE), allowed(2));
}

#[test]
fn a_guard_expires_with_the_last_thing_it_knows() {
    assert_eq!(LoginGuard::default().expires_at(), 0);
    assert_eq!(locked_at_noon().expires_at(), NOON + WINDOW_MS);
    assert_eq!(
        with_the_ceiling_reached_at_noon().expires_at(),
        NOON + CEILING_BURST * MINUTE
    );
    let mut guard = locked_at_noon();
    guard.succeed(HOME, NOON);
    assert_eq!(guard.expires_at(), NOON + KNOWN_FOR_MS);
}

#[test]
fn requests_and_replies_have_the_agreed_form() {
    for (request, json) in [
        (
            GuardRequest::Begin { ip: HOME.into() },
            r#"{"op":"begin","ip":"203.0.113.9"}"#,
        ),
        (
            GuardRequest::Succeed { ip: HOME.into() },
            r#"{"op":"succeed","ip":"203.0.113.9"}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<GuardRequest>(json).unwrap(), request);
    }
    for (reply, json) in [
        (allowed(2), r#"{"outcome":"allowed","remaining":2}"#),
        (
            refused_for(900),
            r#"{"outcome":"refused","retry_after":900}"#,
        ),
        (GuardReply::Cleared, r#"{"outcome":"cleared"}"#),
    ] {
        assert_eq!(serde_json::to_string(&reply).unwrap(), json);
        assert_eq!(serde_json::from_str::<GuardReply>(json).unwrap(), reply);
    }
}

#[test]
fn the_stored_form_is_pinned() {
    let mut guard = LoginGuard::default();
    guard.begin(HOME, NOON);
    guard.begin(HOME, NOON + 1);
    guard.succeed(AWAY, NOON + 2);
    guard.begin(AWAY, NOON + 3);
    guard.succeed("2001:db8::1", NOON + 4);
    let json = concat!(
        r#"{"version":1,"guard":{"ceiling_full_at":1800000120000,"addresses":{"#,
        r#""198.51.100.7":{"failures":[1800000000003],"known_since":1800000000002},"#,
        r#""2001:db8::/64":{"known_since":1800000000004},"#,
        r#""203.0.113.9":{"failures":[1800000000000,1800000000001]}}}}"#,
    );
    assert_eq!(guard.to_stored().unwrap(), json);
    assert_eq!(LoginGuard::from_stored(json).unwrap(), guard);
}

#[test]
fn a_stored_guard_of_another_version_or_form_is_refused() {
    for json in [
        "",
        "{}",
        r#"{"version":1}"#,
        r#"{"version":1,"guard":{"addresses":{}}}"#,
        r#"{"version":1,"guard":{"ceiling_full_at":0,"addresses":{},"more":1}}"#,
    ] {
        let error = LoginGuard::from_stored(json).unwrap_err();
        assert!(matches!(error, StoredError::Malformed { .. }), "{json}");
    }
    let error = LoginGuard::from_stored(r#"{"version":2,"guard":"new"}"#).unwrap_err();
    assert!(matches!(error, StoredError::Version { found: 2, .. }));
}

#[test]
fn every_guard_has_its_own_name() {
    assert_eq!(object_name("system", "a1b2"), "system/login/a1b2");
}

/// A step of a history: the time since the step before, an address, and what it does.
#[derive(Debug, Clone)]
struct Step {
    pause: i64,
    address: i64,
    succeeds: bool,
}

fn history(addresses: i64, pause: i64) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..pause, 0..addresses, prop::bool::weighted(0.1)).prop_map(
        |(pause, address, succeeds)| Step {
            pause,
            address,
            succeeds,
        },
    );
    prop::collection::vec(step, 0..400)
}

/// Runs a history in which an attempt that succeeds was allowed first, as areas ask it.
fn run(
    guard: &mut LoginGuard,
    steps: &[Step],
    mut each: impl FnMut(&LoginGuard, &Step, i64, GuardReply),
) {
    let mut now = NOON;
    for step in steps {
        now += step.pause;
        let ip = stranger(step.address);
        let reply = guard.begin(&ip, now);
        each(guard, step, now, reply);
        if step.succeeds && matches!(reply, GuardReply::Allowed { .. }) {
            guard.succeed(&ip, now);
        }
    }
}

proptest! {
    #[test]
    fn an_address_never_gets_more_than_three_failures_in_any_window(
        steps in history(6, 5 * MINUTE)
    ) {
        let mut failures: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        run(&mut LoginGuard::default(), &steps, |_, step, now, reply| {
            let of_address = failures.entry(step.address).or_default();
            if matches!(reply, GuardReply::Allowed { .. }) {
                // A success gives back what was counted before it.
                if step.succeeds { of_address.clear() } else { of_address.push(now) }
            }
            let recent = of_address.iter().filter(|at| now - **at < WINDOW_MS).count();
            assert!(recent <= MAX_FAILURES);
        });
    }

    #[test]
    fn strangers_never_get_more_than_the_ceiling_in_any_window(
        steps in history(500, MINUTE / 4)
    ) {
        let mut times: Vec<i64> = Vec::new();
        let steps: Vec<Step> = steps.into_iter().map(|step| Step { succeeds: false, ..step }).collect();
        run(&mut LoginGuard::default(), &steps, |_, _, now, reply| {
            if matches!(reply, GuardReply::Allowed { .. }) {
                times.push(now);
            }
            let recent = times.iter().filter(|at| now - **at < WINDOW_MS).count();
            assert!(recent <= 30 + 15);
        });
    }

    #[test]
    fn a_known_address_gets_in_unless_it_is_locked_itself(
        steps in history(300, MINUTE / 4)
    ) {
        let mut guard = LoginGuard::default();
        guard.succeed(HOME, NOON);
        run(&mut guard, &steps, |guard, _, now, _| {
            let is_known = guard.known().any(|(_, key)| key == HOME);
            if is_known {
                assert_eq!(guard.clone().begin(HOME, now), allowed(2));
            }
        });
    }

    #[test]
    fn the_state_is_bounded_and_survives_storage(steps in history(1_000, MINUTE)) {
        let mut guard = LoginGuard::default();
        run(&mut guard, &steps, |guard, _, _, _| {
            assert!(guard.addresses.len() < MAX_ADDRESSES);
            assert!(guard.known().count() <= MAX_KNOWN);
            assert!(guard.addresses.values().all(|address| address.failures.len() <= MAX_FAILURES));
        });
        let stored = guard.to_stored().unwrap();
        prop_assert!(stored.len() < 8_192);
        prop_assert_eq!(LoginGuard::from_stored(&stored).unwrap(), guard);
    }

    #[test]
    fn even_reports_of_success_without_an_attempt_leave_the_state_bounded_and_locks_in_place(
        successes in prop::collection::vec(0..300_i64, 0..300)
    ) {
        let mut guard = locked_at_noon();
        for number in &successes {
            guard.succeed(&stranger(*number), NOON);
            guard.begin(&stranger(*number), NOON);
        }
        prop_assert!(guard.addresses.len() <= MAX_ADDRESSES);
        prop_assert!(guard.known().count() <= MAX_KNOWN);
        prop_assert_eq!(guard.begin(HOME, NOON), refused_for(900));
    }

    #[test]
    fn the_order_of_simultaneous_attempts_below_the_ceiling_does_not_matter(
        attempts in prop::collection::vec(0..8_i64, 0..30),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut shuffled = attempts.clone();
        shuffled.rotate_left(if attempts.is_empty() { 0 } else { seed.index(attempts.len()) });
        let outcome = |order: &[i64]| {
            let mut guard = LoginGuard::default();
            let mut got_in: BTreeMap<i64, usize> = BTreeMap::new();
            for address in order {
                if matches!(guard.begin(&stranger(*address), NOON), GuardReply::Allowed { .. }) {
                    *got_in.entry(*address).or_default() += 1;
                }
            }
            (got_in, guard)
        };
        prop_assert_eq!(outcome(&attempts), outcome(&shuffled));
    }

    #[test]
    fn an_expired_guard_decides_as_a_new_one(
        steps in history(40, MINUTE),
        later in 0..KNOWN_FOR_MS,
    ) {
        let mut guard = LoginGuard::default();
        run(&mut guard, &steps, |_, _, _, _| {});
        let now = guard.expires_at().max(NOON) + later;
        let mut fresh = LoginGuard::default();
        prop_assert_eq!(guard.begin(HOME, now), fresh.begin(HOME, now));
        prop_assert_eq!(guard, fresh);
    }

    #[test]
    fn no_time_breaks_a_guard_and_every_wait_is_between_one_second_and_fifteen_minutes(
        steps in prop::collection::vec((any::<i64>(), 0..5_i64, any::<bool>()), 0..100)
    ) {
        let mut guard = LoginGuard::default();
        for (now, address, succeeds) in steps {
            let ip = stranger(address);
            if let GuardReply::Refused { retry_after } = guard.begin(&ip, now) {
                prop_assert!((1..=900).contains(&retry_after));
            }
            if succeeds {
                guard.succeed(&ip, now);
            }
            let _ = guard.expires_at();
        }
    }
}

#[test]
fn an_attempt_that_was_never_compared_is_given_back() {
    let mut guard = LoginGuard::default();
    for _ in 0..10 {
        assert!(matches!(
            guard.begin("203.0.113.9", 0),
            GuardReply::Allowed { remaining: 2 }
        ));
        assert_eq!(guard.release("203.0.113.9", 0), GuardReply::Cleared);
    }
    assert_eq!(guard.release("203.0.113.10", 0), GuardReply::Cleared);
    assert_eq!(guard.expires_at(), LoginGuard::default().expires_at());
}
