//! Phone numbers that are nobody's: from ranges that regulators keep for fiction.

use crate::random::Random;

/// Numbers are drawn in steps that share no factor with the sizes of ranges, so that each is drawn once.
const STEP: usize = 7_919;

/// What precedes the last digits, and how many these are: France (06 39 98), the United Kingdom (07700 900), Australia
/// (5550 and 7010), the United States (555-01).
const RANGES: [(&str, usize); 15] = [
    ("+3363998", 4),
    ("+447700900", 3),
    ("+6125550", 4),
    ("+6127010", 4),
    ("+6135550", 4),
    ("+6137010", 4),
    ("+6175550", 4),
    ("+6177010", 4),
    ("+6185550", 4),
    ("+6187010", 4),
    ("+120255501", 2),
    ("+130355501", 2),
    ("+131255501", 2),
    ("+150355501", 2),
    ("+180855501", 2),
];

/// Gives each number once.
pub(crate) struct Phones {
    random: Random,
    /// How many have been given of each range.
    given: [usize; RANGES.len()],
}

impl Phones {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "phones"),
            given: [0; RANGES.len()],
        }
    }

    /// Another number; none when all of them are given.
    pub(crate) fn next(&mut self) -> Option<String> {
        let start = self.random.below(RANGES.len());
        let order = (start..RANGES.len()).chain(0..start);
        for n in order {
            let (prefix, digits) = RANGES.get(n).copied().unwrap_or_default();
            let size = 10_usize.pow(u32::try_from(digits).unwrap_or(0));
            if let Some(given) = self.given.get_mut(n).filter(|given| **given < size) {
                *given += 1;
                return Some(format!("{prefix}{:0digits$}", *given * STEP % size));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_is_given_once_and_then_there_are_none() {
        let mut phones = Phones::new(1);
        let given: Vec<String> = std::iter::from_fn(|| phones.next()).collect();
        assert_eq!(given.len(), 9 * 10_000 + 1_000 + 5 * 100);
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), given.len());
        assert!(given.iter().all(|number| (11..=13).contains(&number.len())));
    }
}
