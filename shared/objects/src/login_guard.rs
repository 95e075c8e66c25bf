//! Login protection of one identifier: a strict count per network address, and a slower ceiling
//! over all addresses.
//!
//! An attempt is counted as a failure when it begins and given back when it succeeds, so that
//! parallel tries cannot outrun the count. The ceiling never refuses an address from which the
//! owner has signed in before, so that nobody can lock the owner out by failing on purpose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{address, kept::Kept};

/// Failures from one address after which it is locked.
pub const MAX_FAILURES: usize = 3;
/// How long a failure counts, and how long the lock lasts from the last one.
pub const WINDOW_MS: i64 = 15 * 60 * 1_000;
/// Attempts over all unknown addresses that the ceiling lets through at once.
pub const CEILING_BURST: i64 = 30;
/// How often the ceiling lets one more through.
pub const CEILING_INTERVAL_MS: i64 = 60 * 1_000;
/// How long an address stays known after a sign-in from it.
pub const KNOWN_FOR_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// How many addresses stay known; a newer one displaces the oldest.
pub const MAX_KNOWN: usize = 16;
/// How many addresses are remembered for any reason. The ceiling admits at most 45 unknown ones
/// within a window, so that with the known ones this is never reached in ordinary use.
pub const MAX_ADDRESSES: usize = 64;

/// The name of the object that guards one identifier. `scope` is the platform's plane or the
/// school's id; `identifier_mac` the keyed hash of the normalised email or phone number.
#[must_use]
pub fn object_name(scope: &str, identifier_mac: &str) -> String {
    format!("{scope}/login/{identifier_mac}")
}

/// What a guard is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum GuardRequest {
    /// Reserve one attempt; to be asked before the password is looked at.
    Begin {
        /// The client's address.
        ip: String,
    },
    /// The attempt succeeded.
    Succeed {
        /// The client's address.
        ip: String,
    },
    /// The attempt came to nothing through no fault of the client.
    Release {
        /// The client's address.
        ip: String,
    },
}

/// What a guard answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum GuardReply {
    /// The attempt may go on.
    Allowed {
        /// How many attempts remain if this one fails.
        remaining: u32,
    },
    /// The attempt may not go on.
    Refused {
        /// Seconds after which to try again.
        retry_after: u32,
    },
    /// The success is recorded.
    Cleared,
}

/// What is known about one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    /// When its attempts began that have not succeeded, oldest first, at most [`MAX_FAILURES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<i64>,
    /// When somebody last signed in from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known_since: Option<i64>,
}

impl Address {
    /// The end of the lock, when the failures amount to one.
    fn locked_until(&self) -> Option<i64> {
        (self.failures.len() >= MAX_FAILURES)
            .then(|| self.failures.last().map(|last| after(*last, WINDOW_MS)))
            .flatten()
    }

    fn forget_what_is_over(&mut self, now: i64) {
        match self.locked_until() {
            Some(end) if now >= end => self.failures.clear(),
            Some(_) => {}
            None => self.failures.retain(|at| now < after(*at, WINDOW_MS)),
        }
        self.known_since = self
            .known_since
            .filter(|since| now < after(*since, KNOWN_FOR_MS));
    }

    fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.known_since.is_none()
    }

    fn expires_at(&self) -> Option<i64> {
        let failures = self.failures.last().map(|last| after(*last, WINDOW_MS));
        let known = self.known_since.map(|since| after(since, KNOWN_FOR_MS));
        failures.max(known)
    }
}

/// The guard of one identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginGuard {
    /// When the ceiling is back at its full burst: every attempt moves it one interval on.
    ceiling_full_at: i64,
    addresses: BTreeMap<String, Address>,
}

impl Kept for LoginGuard {
    const NAME: &'static str = "guard";
    const URL: &'static str = "https://limits/";
    const VERSION: u32 = 1;
    type Request = GuardRequest;
    type Reply = GuardReply;

    fn answer(&mut self, request: &GuardRequest, now: i64) -> GuardReply {
        match request {
            GuardRequest::Begin { ip } => self.begin(ip, now),
            GuardRequest::Succeed { ip } => self.succeed(ip, now),
            GuardRequest::Release { ip } => self.release(ip, now),
        }
    }

    fn expires_at(&self) -> i64 {
        self.addresses
            .values()
            .filter_map(Address::expires_at)
            .fold(self.ceiling_full_at, i64::max)
    }
}

impl LoginGuard {
    /// Reserves an attempt from an address, unless the address is locked or the ceiling reached.
    pub fn begin(&mut self, ip: &str, now: i64) -> GuardReply {
        self.forget_what_is_over(now);
        let key = address::counted_as(ip);
        let known_address = self.addresses.get(&key);

        if let Some(end) = known_address.and_then(Address::locked_until) {
            return refused(end, now, WINDOW_MS);
        }
        if known_address.is_none_or(|address| address.known_since.is_none()) {
            let full_at = after(self.ceiling_full_at.max(now), CEILING_INTERVAL_MS);
            let free_at = full_at.saturating_sub(CEILING_BURST * CEILING_INTERVAL_MS);
            if free_at > now {
                return refused(free_at, now, CEILING_INTERVAL_MS);
            }
            if !self.has_room_for(&key) {
                return refused(i64::MAX, now, CEILING_INTERVAL_MS);
            }
            self.ceiling_full_at = full_at;
        }

        let failures = &mut self.addresses.entry(key).or_default().failures;
        failures.push(now);
        let remaining = MAX_FAILURES.saturating_sub(failures.len());
        GuardReply::Allowed {
            remaining: u32::try_from(remaining).unwrap_or(0),
        }
    }

    /// Records that an attempt from an address succeeded: its count is cleared, and the address is
    /// known from now on.
    pub fn succeed(&mut self, ip: &str, now: i64) -> GuardReply {
        self.forget_what_is_over(now);
        let key = address::counted_as(ip);
        if self.has_room_for(&key) {
            let address = self.addresses.entry(key).or_default();
            address.failures.clear();
            address.known_since = Some(now);
        }
        if self.known().count() > MAX_KNOWN {
            self.displace_oldest_known();
        }
        GuardReply::Cleared
    }

    /// Takes back the last reservation of an address: the password was never compared.
    pub fn release(&mut self, ip: &str, now: i64) -> GuardReply {
        self.forget_what_is_over(now);
        let key = address::counted_as(ip);
        let taken_back = self
            .addresses
            .get_mut(&key)
            .and_then(|address| address.failures.pop());
        if taken_back.is_some() {
            self.ceiling_full_at = self.ceiling_full_at.saturating_sub(CEILING_INTERVAL_MS);
        }
        GuardReply::Cleared
    }

    fn forget_what_is_over(&mut self, now: i64) {
        // A clock that ran ahead and came back must not leave more than one full burst to wait for.
        let latest = after(now, CEILING_BURST * CEILING_INTERVAL_MS);
        self.ceiling_full_at = self.ceiling_full_at.min(latest);
        self.addresses.retain(|_, address| {
            address.forget_what_is_over(now);
            !address.is_empty()
        });
    }

    /// Whether an address may be remembered. Nothing is evicted for a new one: a forgotten failure
    /// would be a new attempt, and a forgotten known address could be locked out by strangers.
    fn has_room_for(&self, key: &str) -> bool {
        self.addresses.len() < MAX_ADDRESSES || self.addresses.contains_key(key)
    }

    fn displace_oldest_known(&mut self) {
        let oldest = self.known().min().map(|(_, key)| key.clone());
        if let Some(address) = oldest.and_then(|key| self.addresses.get_mut(&key)) {
            address.known_since = None;
        }
    }

    fn known(&self) -> impl Iterator<Item = (i64, &String)> {
        self.addresses
            .iter()
            .filter_map(|(key, address)| Some((address.known_since?, key)))
    }
}

fn after(time: i64, duration: i64) -> i64 {
    time.saturating_add(duration)
}

/// A refusal until a time, in whole seconds, at least one and at most the given duration.
fn refused(until: i64, now: i64, at_most: i64) -> GuardReply {
    let wait = until.saturating_sub(now).clamp(1, at_most);
    GuardReply::Refused {
        retry_after: u32::try_from((wait + 999) / 1_000).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests;
