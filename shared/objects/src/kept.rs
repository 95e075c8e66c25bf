//! What the limiter's objects keep: one state each, of one of these kinds.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The Durable Object binding of the limiter.
pub const BINDING: &str = "RATE_LIMITER";

/// A state that an object keeps, and the questions that it answers.
pub trait Kept: Default + Serialize + DeserializeOwned {
    /// The key under which it is stored.
    const NAME: &'static str;
    /// Where requests to it are posted; only the binding gives the address a meaning.
    const URL: &'static str;
    /// The version of the stored form. A change of it needs a new one, and code that reads the old.
    const VERSION: u32;
    /// What it is asked.
    type Request: Serialize + DeserializeOwned;
    /// What it answers.
    type Reply: Serialize + DeserializeOwned;

    /// Answers a request at a time, and changes accordingly.
    fn answer(&mut self, request: &Self::Request, now: i64) -> Self::Reply;

    /// The time from which it decides as a new one would, so that it can be deleted.
    fn expires_at(&self) -> i64;

    /// The form in which it is stored.
    fn to_stored(&self) -> Result<String, StoredError> {
        let state = serde_json::to_string(self).map_err(StoredError::of::<Self>)?;
        Ok(format!(
            r#"{{"version":{},"{}":{state}}}"#,
            Self::VERSION,
            Self::NAME
        ))
    }

    /// Reads what was stored.
    fn from_stored(json: &str) -> Result<Self, StoredError> {
        let stored: Stored = serde_json::from_str(json).map_err(StoredError::of::<Self>)?;
        if stored.version != Self::VERSION {
            return Err(StoredError::Version {
                name: Self::NAME,
                found: stored.version,
                read: Self::VERSION,
            });
        }
        let state = stored.rest.get(Self::NAME).cloned().unwrap_or_default();
        serde_json::from_value(state).map_err(StoredError::of::<Self>)
    }
}

/// A state with the version of its format.
#[derive(Deserialize)]
struct Stored {
    version: u32,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// Something stored that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It is not the JSON that is written.
    #[error("the stored {name} is malformed: {error}")]
    Malformed {
        /// Of what.
        name: &'static str,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// It was written by another version of the format.
    #[error("the stored {name} has version {found}, this code reads version {read}")]
    Version {
        /// Of what.
        name: &'static str,
        /// Its version.
        found: u32,
        /// The one that is known.
        read: u32,
    },
}

impl StoredError {
    fn of<State: Kept>(error: serde_json::Error) -> Self {
        Self::Malformed {
            name: State::NAME,
            error,
        }
    }
}
