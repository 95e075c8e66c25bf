//! Positions. The one function that ranks: in classes, in forms, in subjects; cards never show positions from elsewhere.

/// The position of each figure among the others, the greatest first: 1, 1, 3 where two are equal. `None`, no data, has
/// no position and moves nobody. The answer is in the order of the figures; which order that is makes no difference.
#[must_use]
pub fn positions<K: Ord>(figures: &[Option<K>]) -> Vec<Option<u32>> {
    let mut ranked: Vec<(&K, &mut Option<u32>)> = Vec::with_capacity(figures.len());
    let mut positions = vec![None; figures.len()];
    for (figure, position) in figures.iter().zip(&mut positions) {
        if let Some(figure) = figure {
            ranked.push((figure, position));
        }
    }
    ranked.sort_by(|(a, _), (b, _)| b.cmp(a));
    let mut ahead = 0;
    for equals in ranked.chunk_by_mut(|(a, _), (b, _)| a == b) {
        let mut count = 0;
        for (_, position) in equals {
            **position = Some(ahead + 1);
            count += 1;
        }
        ahead += count;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_figures_share_a_position_and_leave_a_gap() {
        assert_eq!(
            positions(&[Some(70), Some(50), Some(70), None, Some(60)]),
            [Some(1), Some(4), Some(1), None, Some(3)]
        );
    }

    #[test]
    fn nobody_and_nothing_have_no_position() {
        assert_eq!(positions::<u8>(&[]), []);
        assert_eq!(positions::<u8>(&[None, None]), [None, None]);
    }

    #[test]
    fn zero_is_a_figure() {
        assert_eq!(positions(&[None, Some(0)]), [None, Some(1)]);
    }

    proptest! {
        #[test]
        fn a_position_is_one_more_than_those_who_are_better(
            figures in prop::collection::vec(prop::option::of(0..12_u8), 0..60),
        ) {
            for (figure, position) in figures.iter().zip(positions(&figures)) {
                let better = figures.iter().filter(|other| *other > figure).count();
                prop_assert_eq!(
                    position,
                    figure.map(|_| u32::try_from(better).unwrap() + 1)
                );
            }
        }

        #[test]
        fn the_order_of_the_input_makes_no_difference(
            (figures, order) in prop::collection::vec(prop::option::of(0..12_u8), 0..40)
                .prop_flat_map(|figures| {
                    let order: Vec<usize> = (0..figures.len()).collect();
                    (Just(figures), Just(order).prop_shuffle())
                }),
        ) {
            let shuffled: Vec<Option<u8>> = order.iter().map(|&n| figures[n]).collect();
            let straight = positions(&figures);
            let expected: Vec<Option<u32>> = order.iter().map(|&n| straight[n]).collect();
            prop_assert_eq!(positions(&shuffled), expected);
        }

        #[test]
        fn those_without_data_move_nobody(figures in prop::collection::vec(0..12_u8, 0..40)) {
            let alone: Vec<Option<u8>> = figures.iter().copied().map(Some).collect();
            let mut among = alone.clone();
            among.insert(among.len() / 2, None);
            let mut answer = positions(&among);
            prop_assert_eq!(answer.remove(alone.len() / 2), None);
            prop_assert_eq!(answer, positions(&alone));
        }
    }
}
