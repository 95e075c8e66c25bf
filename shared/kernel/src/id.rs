//! Identifiers: UUID version 7, one type per kind of thing.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;

/// The id of a `T`. Two kinds of id never mix: `Id<User>` is not `Id<Role>`.
pub struct Id<T> {
    uuid: Uuid,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Gives a UUID the kind `T`; for ids read from a database or a request.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self {
            uuid,
            kind: PhantomData,
        }
    }

    /// Reads the hyphenated form (others are refused, so that one id has one spelling).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 36 {
            return None;
        }
        Uuid::try_parse(text).ok().map(Self::from_uuid)
    }

    /// The bare UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(formatter)
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(formatter)
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}

/// Randomness: the runtime's generator, or a test's.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// Makes new ids at one moment.
#[derive(Clone, Copy)]
pub struct IdSource<'a> {
    entropy: &'a dyn Entropy,
    now: Timestamp,
}

impl<'a> IdSource<'a> {
    /// Ids that carry the time `now`.
    #[must_use]
    pub fn new(entropy: &'a dyn Entropy, now: Timestamp) -> Self {
        Self { entropy, now }
    }

    /// A new id, later than those of earlier milliseconds.
    #[must_use]
    pub fn next<T>(&self) -> Id<T> {
        let mut random = [0u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.now.millis()).unwrap_or(0);
        Id::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Fresh secret bytes.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn ids_of_later_moments_sort_later() {
        let early: Id<()> = IdSource::new(&Zeros, Timestamp::from_millis(1_000)).next();
        let late: Id<()> = IdSource::new(&Zeros, Timestamp::from_millis(1_001)).next();
        assert!(early < late);
        assert_eq!(early.uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_hyphenated_spelling_is_an_id() {
        let id: Id<()> = IdSource::new(&Zeros, Timestamp::from_millis(1_000)).next();
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::<()>::parse(&id.uuid().simple().to_string()), None);
        assert_eq!(
            Id::<()>::parse("{00000000-0000-7000-8000-000000000000}"),
            None
        );
    }
}
