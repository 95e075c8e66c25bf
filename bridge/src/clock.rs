//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use homeroom_kernel::{Clock, Timestamp};

/// The machine's clock. Knows no time zones: the bridge shows none.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn local(&self, _: Timestamp, _: &str) -> Option<String> {
        None
    }
}
