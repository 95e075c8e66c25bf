//! Chance that is the same for the same start value, on every machine: whole numbers only.

use homeroom_kernel::Timestamp;
use rand_pcg::{
    Pcg64Mcg,
    rand_core::{Rng, SeedableRng},
};
use uuid::Uuid;

/// The spread of the sum of four numbers of 16 bits: the square root of 4 × 65536² ÷ 12.
const SPREAD_OF_FOUR: i64 = 37_837;

/// A source of numbers that belongs to one part of the school.
pub(crate) struct Random(Pcg64Mcg);

impl Random {
    /// Every part has a source of its own, so that a change to one part leaves the others as they were.
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        // FNV-1a: which number it is does not matter, only that each part has another.
        let hash = part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(Pcg64Mcg::seed_from_u64(seed ^ hash))
    }

    /// From 0 to below `bound`; 0 where nothing is below it.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let scaled = (u128::from(self.0.next_u64()) * bound as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let range = usize::try_from(high - low + 1).unwrap_or(0);
        low + i64::try_from(self.below(range)).unwrap_or(0)
    }

    /// True `per_mille` times of a thousand.
    pub(crate) fn chance(&mut self, per_mille: usize) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of the list; the default of an empty one.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        list.get(self.below(list.len()))
            .copied()
            .unwrap_or_default()
    }

    /// Any order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for n in (1..list.len()).rev() {
            list.swap(n, self.below(n + 1));
        }
    }

    /// Near `mean` more often than far from it, as people's abilities are.
    pub(crate) fn bell(&mut self, mean: i64, spread: i64) -> i64 {
        let bits = self.0.next_u64();
        let sum: i64 = [0, 16, 32, 48]
            .map(|shift| i64::try_from((bits >> shift) & 0xffff).unwrap_or(0))
            .iter()
            .sum();
        mean + (sum - 2 * 0xffff) * spread / SPREAD_OF_FOUR
    }

    /// A new id of that moment.
    pub(crate) fn id(&mut self, at: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        self.0.fill_bytes(&mut bytes);
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_and_a_part_never_change() {
        let mut random = Random::new(7, "names");
        let drawn: Vec<usize> = (0..6).map(|_| random.below(1_000)).collect();
        assert_eq!(drawn, [449, 612, 44, 976, 198, 588]);
    }

    #[test]
    fn parts_draw_from_sources_of_their_own() {
        let draw = |seed, part| Random::new(seed, part).below(usize::MAX);
        assert_eq!(draw(7, "names"), draw(7, "names"));
        assert_ne!(draw(7, "names"), draw(7, "marks"));
        assert_ne!(draw(7, "names"), draw(8, "names"));
    }

    #[test]
    fn nothing_is_drawn_from_beyond_the_bounds() {
        let mut random = Random::new(1, "bounds");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.pick::<i64>(&[]), 0);
        for _ in 0..1_000 {
            assert!((-3..=3).contains(&random.between(-3, 3)));
            assert!((-2_000..=12_000).contains(&random.bell(5_000, 2_000)));
        }
    }

    #[test]
    fn a_bell_has_its_mean_and_spread() {
        let mut random = Random::new(1, "bell");
        let values: Vec<i64> = (0..10_000).map(|_| random.bell(5_000, 1_000)).collect();
        let mean = values.iter().sum::<i64>() / 10_000;
        let within = values
            .iter()
            .filter(|value| (**value - 5_000).abs() <= 1_000)
            .count();
        assert!((4_960..=5_040).contains(&mean), "{mean}");
        assert!((6_400..=7_000).contains(&within), "{within}");
    }
}
