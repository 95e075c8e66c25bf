//! Time comes in as a value or through [`Clock`]; nothing below the edge reads a wall clock.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

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
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000))
            .ok()
            .map(Self)
    }

    /// RFC 3339 in UTC with milliseconds, for example `2026-01-15T10:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(self.seconds()) else {
            return String::from("0000-00-00T00:00:00.000Z");
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            self.0.rem_euclid(1000)
        )
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
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Millis(i64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Millis(millis) => Ok(Self(millis)),
            Form::Text(text) => {
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
            }
        }
    }
}

/// Where the current time comes from: the runtime, or a test.
pub trait Clock: Send + Sync {
    /// The current time. On Workers it stands still between two I/O operations.
    fn now(&self) -> Timestamp;
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
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
