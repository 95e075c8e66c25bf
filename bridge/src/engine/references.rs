//! Numbers that the parts of a long message share. A phone joins parts by sender and number, and most headers have one octet for it: counted over
//! all receivers, a list of 256 would get the same numbers again with the next message.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU16, Ordering};

/// Receivers that share a counter are told apart by their phones.
const COUNTERS: usize = 4_096;

pub(super) struct References {
    counters: Vec<AtomicU16>,
    hasher: RandomState,
}

impl Default for References {
    fn default() -> Self {
        // Another start than the last run's, so that old and new parts are not joined.
        let start = || AtomicU16::new(u16::from_be_bytes(rand::random()));
        Self {
            counters: std::iter::repeat_with(start).take(COUNTERS).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl References {
    /// The number of the next message to a receiver.
    pub(super) fn next(&self, destination: &str) -> u16 {
        let digits = destination.bytes().filter(u8::is_ascii_digit);
        let hash = self.hasher.hash_one(digits.collect::<Vec<_>>());
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % COUNTERS;
        self.counters
            .get(place)
            .map_or(0, |counter| counter.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn a_list_of_any_length_gets_new_numbers_with_every_message() {
        let references = References::default();
        for length in [1, 64, 256, 512] {
            let mut seen = HashMap::<usize, HashSet<u8>>::new();
            for _ in 0..20 {
                for receiver in 0..length {
                    let number = references.next(&format!("+26377{receiver:07}"));
                    let [_, low] = number.to_be_bytes();
                    assert!(seen.entry(receiver).or_default().insert(low), "{length}");
                }
            }
        }
    }

    #[test]
    fn a_number_counts_however_it_is_written_and_the_count_wraps() {
        let references = References::default();
        let first = references.next("+263 77 123 4567");
        assert_eq!(references.next("+263771234567"), first.wrapping_add(1));
        for _ in 0..65_534 {
            references.next("263771234567");
        }
        assert_eq!(references.next("263771234567"), first);
    }
}
