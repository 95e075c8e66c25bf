//! How much one app, or one school, may send: messages a second, and parts a day and a month.
//!
//! Taken before a message is stored and given back when it was not stored after all, so that parallel requests cannot outrun the count. What
//! is allowed comes with every request, so that a changed limit holds at once and is kept in one place only. Days and months are those of UTC,
//! as the usage that is billed.

use serde::{Deserialize, Serialize};

use crate::kept::Kept;

/// Most messages of one request.
pub const MAX_MESSAGES: u32 = 1_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The end of the year 9999: later times are none.
const LATEST_MS: i64 = 253_402_300_799_999;

/// The name of the object that counts one app.
#[must_use]
pub fn object_name(app_id: i64) -> String {
    format!("sms/quota/{app_id}")
}

/// The name of the object that counts all that is sent at one school.
#[must_use]
pub fn object_name_of_school(tenant: &str) -> String {
    format!("sms/quota/school/{tenant}")
}

/// The name of the object that counts what one address asks of new passwords at one school. `address_mac` is a keyed hash.
#[must_use]
pub fn object_name_of_resets(tenant: &str, address_mac: &str) -> String {
    format!("{tenant}/password-reset/{address_mac}")
}

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Messages a second, on average; 0 counts as 1.
    pub rate_per_second: u32,
    /// Messages at once after a pause; 0 counts as 1.
    pub burst: u32,
    /// Parts a day; 0: none at all.
    pub daily_parts: u64,
    /// Parts a month; 0: none at all.
    pub monthly_parts: u64,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum QuotaRequest {
    /// Take all of this or nothing.
    Take {
        /// Messages, at most [`MAX_MESSAGES`].
        messages: u32,
        /// Their parts.
        parts: u32,
        /// What is allowed.
        limits: Limits,
    },
    /// These parts were not sent after all. Of the rate nothing is given back: the attempt was made.
    Release {
        /// Parts.
        parts: u32,
        /// When they were taken, so that nothing is added to another day.
        taken_at: i64,
    },
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum QuotaReply {
    /// It is counted, and may be sent.
    Granted {
        /// When: to be named where it is given back.
        taken_at: i64,
    },
    /// Nothing was counted.
    Refused {
        /// Of what there is too much.
        limit: Limit,
        /// Seconds after which there is enough, if nobody else comes first.
        retry_after: u32,
    },
    /// It is given back.
    Released,
}

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Messages a second.
    Rate,
    /// Parts a day.
    Day,
    /// Parts a month.
    Month,
}

/// What one app has sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsQuota {
    /// When the whole burst is there again, in microseconds: every message moves it on by what it takes at the average rate.
    burst_full_at: i64,
    day: Period,
    month: Period,
}

/// Parts of a day or month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    /// Which, counted from 1970.
    number: i64,
    parts: u64,
}

impl Period {
    /// Begins a new one when its time has come. A clock that steps back into the one before does not give that a second time.
    fn advance(&mut self, number: i64) {
        if self.number != number && self.number != number + 1 {
            *self = Self { number, parts: 0 };
        }
    }
}

impl Kept for SmsQuota {
    const NAME: &'static str = "quota";
    const URL: &'static str = "https://limits/quota";
    const VERSION: u32 = 1;
    type Request = QuotaRequest;
    type Reply = QuotaReply;

    fn answer(&mut self, request: &QuotaRequest, now: i64) -> QuotaReply {
        match request {
            QuotaRequest::Take {
                messages,
                parts,
                limits,
            } => self.take(*messages, *parts, limits, now),
            QuotaRequest::Release { parts, taken_at } => self.release(*parts, *taken_at, now),
        }
    }

    fn expires_at(&self) -> i64 {
        let end_of = |period: Period, end: fn(i64) -> i64| match period.parts {
            0 => 0,
            _ => end(period.number),
        };
        let burst = self.burst_full_at.saturating_add(999) / 1_000;
        burst
            .max(end_of(self.day, end_of_day))
            .max(end_of(self.month, end_of_month))
    }
}

impl SmsQuota {
    /// Counts messages and their parts, unless that would be more than is allowed.
    pub fn take(&mut self, messages: u32, parts: u32, limits: &Limits, now: i64) -> QuotaReply {
        let now = now.clamp(0, LATEST_MS);
        self.advance(now);
        let refused = |limit: Limit, until: i64| QuotaReply::Refused {
            limit,
            retry_after: seconds(until.saturating_sub(now.saturating_mul(1_000))),
        };
        let parts = u64::from(parts);
        let is_over = |period: Period, limit: u64| period.parts.saturating_add(parts) > limit;
        // The longest wait is the one to tell.
        if is_over(self.month, limits.monthly_parts) {
            return refused(Limit::Month, end_of_month(self.month.number) * 1_000);
        }
        if is_over(self.day, limits.daily_parts) {
            return refused(Limit::Day, end_of_day(self.day.number) * 1_000);
        }
        let interval = 1_000_000 / i64::from(limits.rate_per_second.clamp(1, 1_000_000));
        let burst = i64::from(limits.burst.max(1));
        let messages = i64::from(messages.min(MAX_MESSAGES));
        let start = now.saturating_mul(1_000);
        // A clock that ran ahead and came back, or a rate that was raised, must not leave more to wait for than the largest request.
        let latest = start.saturating_add((burst + i64::from(MAX_MESSAGES)) * interval);
        self.burst_full_at = self.burst_full_at.min(latest);
        let full_at = self.burst_full_at.max(start);
        // More than the burst at once needs the whole of it, and is paid for afterwards.
        let free_at = full_at.saturating_sub((burst - messages.min(burst)) * interval);
        if free_at > start {
            return refused(Limit::Rate, free_at);
        }
        self.burst_full_at = full_at.saturating_add(messages * interval);
        self.day.parts = self.day.parts.saturating_add(parts);
        self.month.parts = self.month.parts.saturating_add(parts);
        QuotaReply::Granted { taken_at: now }
    }

    /// Gives parts back to the day and month that they were taken of, where it is still that.
    pub fn release(&mut self, parts: u32, taken_at: i64, now: i64) -> QuotaReply {
        self.advance(now.clamp(0, LATEST_MS));
        let taken_on = taken_at.clamp(0, LATEST_MS).div_euclid(DAY_MS);
        for (period, number) in [
            (&mut self.day, taken_on),
            (&mut self.month, month_of(taken_on)),
        ] {
            if period.number == number {
                period.parts = period.parts.saturating_sub(parts.into());
            }
        }
        QuotaReply::Released
    }

    fn advance(&mut self, now: i64) {
        let today = now.div_euclid(DAY_MS);
        self.day.advance(today);
        self.month.advance(month_of(today));
    }
}

/// Whole seconds of microseconds, at least one.
fn seconds(micros: i64) -> u32 {
    let seconds = micros.max(1).saturating_add(999_999) / 1_000_000;
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn end_of_day(day: i64) -> i64 {
    day.saturating_add(1).saturating_mul(DAY_MS)
}

fn end_of_month(month: i64) -> i64 {
    first_day_of(month.saturating_add(1)).saturating_mul(DAY_MS)
}

/// The month of a day, both counted from 1970.
///
/// Years begin in March here, so that a leap day is the last one: the months before it have 153 days in five, wherever one begins.
fn month_of(day: i64) -> i64 {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    (era * 400 + year) * 12 + from_march + 2 - 1_970 * 12
}

/// The first day of a month.
fn first_day_of(month: i64) -> i64 {
    let from_march = month.saturating_add(1_970 * 12 - 2);
    let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5;
    era.saturating_mul(146_097) + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests;
