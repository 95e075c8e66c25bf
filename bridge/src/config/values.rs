//! How single values are written.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error};
use toml::Value;

/// A password or key. Shown nowhere, compared when the configuration is read again.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// The text of it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `String::deserialize`: its error would show the value.
        match Value::deserialize(deserializer)? {
            Value::String(text) if !text.is_empty() => Ok(Self(text.into())),
            _ => Err(D::Error::custom(
                "write this as text in quotes, and not empty",
            )),
        }
    }
}

/// A whole number from `MIN` to `MAX`.
pub(super) fn within<'de, const MIN: i64, const MAX: i64, T, D>(
    deserializer: D,
) -> Result<T, D::Error>
where
    T: TryFrom<i64>,
    D: Deserializer<'de>,
{
    let wrong = || D::Error::custom(format!("write a whole number from {MIN} to {MAX}"));
    match Value::deserialize(deserializer)? {
        Value::Integer(number) if (MIN..=MAX).contains(&number) => {
            T::try_from(number).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

/// Something a second: more than 0, at most a million.
pub(super) fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Integer(number) => i32::try_from(number).map_or(0.0, f64::from),
        Value::Float(number) => number,
        _ => 0.0,
    };
    if number > 0.0 && number <= 1_000_000.0 {
        Ok(number)
    } else {
        Err(D::Error::custom(
            "write a number above 0, at most 1000000: how many a second",
        ))
    }
}

/// `"500ms"`, `"30s"`, `"5m"`, `"24h"`, `"30d"`.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let read = match Value::deserialize(deserializer)? {
        Value::String(text) => parse_time(&text),
        _ => None,
    };
    read.ok_or_else(|| {
        D::Error::custom("write a time in quotes: \"500ms\", \"30s\", \"5m\", \"24h\" or \"30d\"")
    })
}

fn parse_time(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let time = Duration::from_millis(number.checked_mul(millis)?);
    (time <= Duration::from_hours(24 * 366)).then_some(time)
}

/// Addresses and networks: `["203.0.113.9", "10.0.0.0/8"]`.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let wrong = || {
        D::Error::custom(
            "write a list of addresses and networks: [\"203.0.113.9\", \"10.0.0.0/8\"]",
        )
    };
    let Value::Array(list) = Value::deserialize(deserializer)? else {
        return Err(wrong());
    };
    let network = |one: &Value| {
        let text = one.as_str()?;
        let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(alone)
    };
    list.iter()
        .map(|one| network(one).ok_or_else(wrong))
        .collect()
}

/// A link's or pool's number: 1 to 2,147,483,647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<i32>()
            .ok()
            .filter(|number| *number > 0)
            .map(|number| Self(number.into()))
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is not a number of a link or pool: write a whole number such as 100"
                ))
            })
    }
}

/// A table whose keys are such numbers.
pub(super) fn numbered<'de, T, D>(
    deserializer: D,
) -> Result<std::collections::BTreeMap<i64, T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let table = std::collections::BTreeMap::<Number, T>::deserialize(deserializer)?;
    Ok(table.into_iter().map(|(Number(n), one)| (n, one)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(
                parse_time(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for wrong in [
            "",
            "30",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "1w",
            "99999999999999999999s",
            "9999d",
        ] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_shows_in_no_debug_text() {
        let secret = Secret::from("hunter2".to_owned());
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret, Secret::from("hunter2".to_owned()));
        assert_ne!(secret, Secret::from("hunter3".to_owned()));
    }
}
