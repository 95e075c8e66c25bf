//! Time comes in as a value or through [`Clock`]; nothing below the edge reads a wall clock.

use chrono::{DateTime, Datelike, Timelike};
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. Stored as an integer, shown as RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as JSON Web Tokens count them.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved by `seconds`, which may be negative.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Reads RFC 3339, any offset; `None` when the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(moment.timestamp_millis()))
    }

    /// RFC 3339 in UTC with milliseconds, for example `2026-01-15T10:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let Some(moment) = DateTime::from_timestamp_millis(self.0).filter(|t| t.year() <= 9_999)
        else {
            return String::from("0000-00-00T00:00:00.000Z");
        };
        let mut text = String::with_capacity(24);
        // Lists hold hundreds of times, and the formatting machinery takes microseconds for each.
        for (number, unit, end) in [
            (moment.year().unsigned_abs(), 1_000, '-'),
            (moment.month(), 10, '-'),
            (moment.day(), 10, 'T'),
            (moment.hour(), 10, ':'),
            (moment.minute(), 10, ':'),
            (moment.second(), 10, '.'),
            (moment.timestamp_subsec_millis(), 100, 'Z'),
        ] {
            push_digits(&mut text, number, unit);
            text.push(end);
        }
        text
    }
}

/// `number` with leading zeros, the first digit standing for `unit`.
fn push_digits(text: &mut String, number: u32, mut unit: u32) {
    while unit > 0 {
        text.extend(char::from_digit(number / unit % 10, 10));
        unit /= 10;
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

/// Rows carry milliseconds; stored JSON may carry the RFC 3339 form.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl serde::de::Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("milliseconds or an RFC 3339 time")
    }

    fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Timestamp, E> {
        Ok(Timestamp(millis))
    }

    fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Timestamp, E> {
        i64::try_from(millis).map(Timestamp).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).ok_or_else(|| E::custom("not an RFC 3339 time"))
    }
}

/// Where the current time comes from: the runtime, or a test.
pub trait Clock: Send + Sync {
    /// The current time. On Workers it stands still between two I/O operations.
    fn now(&self) -> Timestamp;

    /// The wall clock of a time zone (`Africa/Harare`) at a moment, `2026-01-31T08:00`; `None` where the zone is unknown.
    fn local(&self, moment: Timestamp, zone: &str) -> Option<String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        assert_eq!(
            Timestamp::from_millis(0).to_rfc3339(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_millis(1_768_473_000_123).to_rfc3339(),
            "2026-01-15T10:30:00.123Z"
        );
        assert_eq!(
            Timestamp::from_millis(-1).to_rfc3339(),
            "1969-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn a_written_time_reads_back_and_other_offsets_are_converted() {
        let moment = Timestamp::from_millis(1_768_473_000_123);
        assert_eq!(Timestamp::parse(&moment.to_rfc3339()), Some(moment));
        assert_eq!(
            Timestamp::parse("2026-01-15T12:30:00.123+02:00"),
            Some(moment)
        );
        for wrong in [
            "yesterday",
            "2026-02-29T00:00:00Z",
            "2026-01-15T24:00:00Z",
            "2026-01-15T10:30:00",
            "2026-01-15T10:30:00.Z",
            "2026-01-15T10:30:00+2:00",
            "2026-1-15T10:30:00Z",
        ] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }
}
