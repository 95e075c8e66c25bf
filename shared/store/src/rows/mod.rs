//! Reading columns: SQLite has neither truth values nor lists.

mod read;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};

use crate::error::StoreError;

pub(crate) use read::read;

/// A column that holds a day.
pub(crate) fn date(text: &str) -> Result<NaiveDate, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Broken(format!("not a day: {text}")))
}

/// 0 or 1.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    i64::deserialize(deserializer).map(|number| number != 0)
}

/// A column that holds JSON text.
pub(crate) fn json<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    serde_json::from_str(&text).map_err(D::Error::custom)
}

/// A column that holds JSON text or null.
pub(crate) fn optional_json<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)? {
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(D::Error::custom),
        None => Ok(None),
    }
}
