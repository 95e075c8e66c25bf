//! How fast a link may send: the agreed rate, and less for a while when the centre says so.

use std::time::Duration;

use tokio::time::Instant;

/// One burst of refusals counts once.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// No sending after a refusal.
const PAUSE: Duration = Duration::from_millis(500);
/// Growth in each second without a refusal.
const RECOVERY: f64 = 1.25;
/// Without an agreed rate, a link that does this many times what was too fast has no limit again.
const FORGIVEN: f64 = 8.0;

pub(crate) struct Pacer {
    agreed: f64,
    burst: f64,
    current: f64,
    tokens: f64,
    refilled: Instant,
    paused_until: Instant,
    throttled_at: Option<Instant>,
    ceiling: f64,
    counted_since: Instant,
    counted: f64,
    measured: f64,
}

impl Pacer {
    pub(crate) fn new(rate: f64, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self {
            agreed: rate,
            burst,
            current: rate,
            tokens: burst,
            refilled: now,
            paused_until: now,
            throttled_at: None,
            ceiling: rate,
            counted_since: now,
            counted: 0.0,
            measured: 0.0,
        }
    }

    /// Other terms; a slow-down goes on.
    pub(crate) fn change(&mut self, rate: f64, burst: u32, now: Instant) {
        self.refill(now);
        if self.throttled_at.is_none() || self.current > rate {
            self.current = rate;
        }
        self.agreed = rate;
        self.ceiling = self.ceiling.min(rate);
        self.burst = f64::from(burst.max(1));
        self.tokens = self.tokens.min(self.burst);
    }

    /// At least one and at most `wanted` sends, or how long to wait for the next.
    pub(crate) fn take(&mut self, wanted: u32, now: Instant) -> Result<u32, Duration> {
        self.refill(now);
        if now < self.paused_until {
            return Err(self.paused_until - now);
        }
        let granted = if self.current.is_finite() {
            if self.tokens < 1.0 {
                let missing = (1.0 - self.tokens) / self.current;
                let wait = Duration::try_from_secs_f64(missing).unwrap_or(DEBOUNCE);
                return Err(wait.max(Duration::from_millis(1)));
            }
            let granted = self.tokens.min(f64::from(wanted)).floor();
            self.tokens -= granted;
            granted
        } else {
            f64::from(wanted)
        };
        self.counted += granted;
        Ok(whole(granted))
    }

    /// Sends that did not happen.
    pub(crate) fn give_back(&mut self, count: u32) {
        self.tokens = (self.tokens + f64::from(count)).min(self.burst);
        self.counted = (self.counted - f64::from(count)).max(0.0);
    }

    /// The centre says "slower".
    pub(crate) fn throttled(&mut self, now: Instant) {
        self.refill(now);
        if self.throttled_at.is_some_and(|at| now - at < DEBOUNCE) {
            return;
        }
        let real = self.measured.max(self.counted);
        // A link that sends less than it may is slowed from what it does.
        let base = if real >= 1.0 {
            self.current.min(real)
        } else if self.current.is_finite() {
            self.current
        } else {
            1.0
        };
        self.ceiling = self.agreed.min(base * FORGIVEN);
        self.current = (base / 2.0).max(self.agreed.min(1.0));
        self.tokens = 0.0;
        self.throttled_at = Some(now);
        self.paused_until = now + PAUSE;
    }

    /// Sends a second that are allowed now.
    pub(crate) fn rate(&mut self, now: Instant) -> f64 {
        self.refill(now);
        self.current
    }

    /// Whether the centre slowed it down.
    pub(crate) fn slowed(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.throttled_at.is_some()
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = self.refilled.max(now);
        if now.saturating_duration_since(self.counted_since) >= Duration::from_secs(1) {
            let time = now.saturating_duration_since(self.counted_since);
            self.measured = self.counted / time.as_secs_f64();
            self.counted = 0.0;
            self.counted_since = now;
        }
        if self.throttled_at.is_some_and(|at| now - at >= DEBOUNCE) {
            self.current *= RECOVERY.powf(elapsed.min(60.0));
            if self.current >= self.ceiling {
                self.current = self.agreed;
                self.throttled_at = None;
            }
        }
        if self.current.is_finite() && now > self.paused_until {
            self.tokens = (self.tokens + elapsed * self.current).min(self.burst);
        }
    }
}

/// Grants are whole numbers of at most `u32::MAX`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(granted: f64) -> u32 {
    granted as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes all it gets for a time, in steps of a millisecond.
    fn drive(pacer: &mut Pacer, start: Instant, time: Duration) -> u32 {
        let mut granted = 0;
        for step in 0..u32::try_from(time.as_millis()).unwrap() {
            granted += pacer
                .take(1_000, start + Duration::from_millis(step.into()))
                .unwrap_or_default();
        }
        granted
    }

    #[tokio::test(start_paused = true)]
    async fn the_agreed_rate_is_kept_after_the_first_burst() {
        let now = Instant::now();
        let mut pacer = Pacer::new(50.0, 10, now);
        let granted = drive(&mut pacer, now, 10 * SECOND);
        assert!((509..=510).contains(&granted), "{granted}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_as_long_as_it_says_is_enough() {
        let now = Instant::now();
        let mut pacer = Pacer::new(3.0, 1, now);
        assert_eq!(pacer.take(5, now), Ok(1));
        let wait = pacer.take(5, now).unwrap_err();
        assert!(wait <= Duration::from_millis(334), "{wait:?}");
        let later = now + wait + Duration::from_micros(1);
        assert_eq!(pacer.take(5, later), Ok(1));
        pacer.give_back(1);
        assert_eq!(pacer.take(5, later), Ok(1), "what was given back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_the_rate_once_and_quiet_restores_it() {
        let start = Instant::now();
        let mut pacer = Pacer::new(100.0, 100, start);
        drive(&mut pacer, start, 3 * SECOND);
        let mut now = start + 3 * SECOND;
        for _ in 0..50 {
            pacer.throttled(now);
        }
        let slow = pacer.rate(now);
        assert!((45.0..=55.0).contains(&slow), "{slow}");
        assert!(pacer.slowed(now));
        assert!(pacer.take(1, now).is_err(), "a pause first");
        for _ in 0..60 {
            now += SECOND;
            pacer.rate(now);
        }
        assert!((pacer.rate(now) - 100.0).abs() < f64::EPSILON);
        assert!(!pacer.slowed(now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_without_a_limit_finds_one_and_forgets_it() {
        let start = Instant::now();
        let mut pacer = Pacer::new(f64::INFINITY, 1, start);
        let mut now = start;
        for _ in 0..20 {
            assert_eq!(pacer.take(20, now), Ok(20));
            now += SECOND / 10;
        }
        pacer.throttled(now);
        let slow = pacer.rate(now);
        assert!(
            (50.0..=110.0).contains(&slow),
            "half of 200 a second: {slow}"
        );
        for _ in 0..60 {
            now += SECOND;
            pacer.rate(now);
        }
        assert!(pacer.rate(now).is_infinite());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_without_end_leave_one_a_second() {
        let mut now = Instant::now();
        let mut pacer = Pacer::new(1_000.0, 10, now);
        for _ in 0..100 {
            now += SECOND;
            pacer.throttled(now);
        }
        assert!((1.0..=1.3).contains(&pacer.rate(now)));
        now += SECOND;
        assert!(pacer.take(1, now).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn other_terms_count_at_once() {
        let now = Instant::now();
        let mut pacer = Pacer::new(10.0, 10, now);
        pacer.change(500.0, 5, now);
        assert!((pacer.rate(now) - 500.0).abs() < f64::EPSILON);
        assert_eq!(pacer.take(100, now), Ok(5));
    }
}
