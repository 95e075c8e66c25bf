//! What all the cards of a student come to.

use super::marks::{self, Hundredths};

/// What one published card says, as far as it counts for all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The average that the card shows; none: nothing was sat.
    pub average: Option<Hundredths>,
    /// The sum of the coefficients of the subjects with a mark.
    pub coefficients: Hundredths,
    /// Subjects with a mark.
    pub subjects_taken: u32,
    /// Subjects whose mark reaches the pass mark.
    pub subjects_passed: u32,
}

/// All cards together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overall {
    /// The cumulative average; none: nothing was ever sat.
    pub average: Option<Hundredths>,
    /// Results in subjects, a subject counted once on each card.
    pub subjects_taken: u32,
    /// Those that passed.
    pub subjects_passed: u32,
}

/// The cumulative average is Σ (average × coefficients) ÷ Σ coefficients over the cards that have an average: each card's
/// average as it is frozen, points for attendance included, weighted by the sum of the coefficients that it was divided by.
///
/// It is how a card's own average is made of its marks, one level up: a subject that is tested in each of two terms weighs twice
/// as much as one tested in one of them. There is no standard for it; whoever has the transcript can work it out again, since all of it is on it.
#[must_use]
pub fn overall(cards: &[Standing]) -> Overall {
    let mut overall = Overall::default();
    let (mut weighted, mut weights) = (0, 0);
    for card in cards {
        overall.subjects_taken += card.subjects_taken;
        overall.subjects_passed += card.subjects_passed;
        if let Some(average) = card.average {
            weighted += average.0 * card.coefficients.0;
            weights += card.coefficients.0;
        }
    }
    overall.average = marks::divide(weighted, weights);
    overall
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn card(average: Option<i64>, coefficients: i64) -> Standing {
        Standing {
            average: average.map(Hundredths),
            coefficients: Hundredths(coefficients),
            subjects_taken: 3,
            subjects_passed: 2,
        }
    }

    #[test]
    fn averages_weigh_by_the_coefficients_behind_them() {
        for (cards, expected) in [
            (vec![], None),
            (vec![card(None, 0)], None),
            (vec![card(Some(6_667), 300)], Some(6_667)),
            (
                vec![card(Some(6_000), 100), card(Some(8_000), 100)],
                Some(7_000),
            ),
            // Three times the weight.
            (
                vec![card(Some(6_000), 300), card(Some(8_000), 100)],
                Some(6_500),
            ),
            // Who sat nothing in a term has no zero for it.
            (vec![card(Some(6_000), 300), card(None, 0)], Some(6_000)),
            // A zero that was written counts.
            (
                vec![card(Some(0), 100), card(Some(5_000), 100)],
                Some(2_500),
            ),
            // 66.665 is rounded once, away from zero.
            (
                vec![card(Some(6_667), 100), card(Some(6_666), 100)],
                Some(6_667),
            ),
        ] {
            let average = overall(&cards).average.map(|average| average.0);
            assert_eq!(average, expected, "{cards:?}");
        }
    }

    #[test]
    fn results_in_subjects_add_up() {
        let overall = overall(&[card(Some(5_000), 100), card(None, 0)]);
        assert_eq!((overall.subjects_taken, overall.subjects_passed), (6, 4));
    }

    fn cards() -> impl Strategy<Value = Vec<Standing>> {
        let one = (prop::option::weighted(0.9, 0..=10_000_i64), 1..=200_000_i64);
        prop::collection::vec(
            one.prop_map(|(average, weight)| card(average, weight)),
            0..130,
        )
    }

    proptest! {
        #[test]
        fn the_average_lies_between_the_lowest_and_the_highest(cards in cards()) {
            let averages = || cards.iter().filter_map(|card| card.average);
            let overall = overall(&cards).average;
            prop_assert_eq!(overall.is_some(), averages().next().is_some());
            prop_assert!(overall >= averages().min() && overall <= averages().max());
        }

        #[test]
        fn the_order_of_the_cards_makes_no_difference(
            (cards, shuffled) in cards().prop_flat_map(|cards| (Just(cards.clone()), Just(cards).prop_shuffle())),
        ) {
            prop_assert_eq!(overall(&cards), overall(&shuffled));
        }

        #[test]
        fn a_card_without_a_mark_changes_no_average(cards in cards(), weight in 0..=200_000_i64) {
            let more: Vec<_> = cards.iter().copied().chain([card(None, weight)]).collect();
            prop_assert_eq!(overall(&more).average, overall(&cards).average);
        }
    }
}
