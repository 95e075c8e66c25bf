//! Results that are worked out from those of other exam sessions: a year's from its terms'.

use std::ops::RangeInclusive;

use super::marks::{Mark, Score, divide};

/// How many exam sessions the results of another are worked out from.
pub const PARTS: RangeInclusive<usize> = 2..=6;
/// What a part weighs: only how the weights of the parts compare counts.
pub const WEIGHTS: RangeInclusive<i64> = 1..=100;

/// What comes of a student's scores in one subject, each with the weight of its part; `None`: not taken there, and in none not
/// taken at all. The weighted mean of the marks, rounded once. A part in which the student was absent, or did not take the
/// subject, is left out and the others' weights count; what is missing in one part is missing.
#[must_use]
pub fn combine(parts: &[(i64, Option<Score>)]) -> Option<Score> {
    let scores = || parts.iter().filter_map(|(_, score)| *score);
    if scores().any(|score| score == Score::Missing) {
        return Some(Score::Missing);
    }
    let (mut weighted, mut weights) = (0, 0);
    for (weight, score) in parts {
        if let Some(mark) = score.and_then(Score::mark) {
            weighted += mark.hundredths() * weight;
            weights += weight;
        }
    }
    let mean = divide(weighted, weights).and_then(|mean| Mark::new(mean.0));
    mean.map(Score::Marked)
        .or_else(|| scores().next().map(|_| Score::Absent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(hundredths: i64) -> Option<Score> {
        Mark::new(hundredths).map(Score::Marked)
    }

    const ABSENT: Option<Score> = Some(Score::Absent);
    const MISSING: Option<Score> = Some(Score::Missing);

    #[test]
    fn scores_of_parts_make_the_score_of_the_whole() {
        for (parts, whole) in [
            // 20, 30 and 50 %: 12 + 18 + 40 = 70.
            (
                vec![
                    (20, marked(6_000)),
                    (30, marked(6_000)),
                    (50, marked(8_000)),
                ],
                marked(7_000),
            ),
            // Weights need not make a hundred.
            (vec![(1, marked(5_050)), (1, marked(5_051))], marked(5_051)),
            // 66.666… is rounded once.
            (vec![(1, marked(10_000)), (2, marked(5_000))], marked(6_667)),
            (vec![(100, marked(0)), (1, marked(0))], marked(0)),
            // Absent, or not taken: the others' weights count. 30 : 50 of 60 and 80 is 72.5.
            (
                vec![(20, ABSENT), (30, marked(6_000)), (50, marked(8_000))],
                marked(7_250),
            ),
            (vec![(50, marked(6_400)), (50, None)], marked(6_400)),
            (vec![(50, ABSENT), (50, ABSENT)], ABSENT),
            (vec![(50, ABSENT), (50, None)], ABSENT),
            (vec![(50, None), (50, None)], None),
            (vec![(50, marked(6_000)), (50, MISSING)], MISSING),
            (vec![(50, ABSENT), (50, MISSING)], MISSING),
            (vec![(50, None), (50, MISSING)], MISSING),
            (vec![], None),
        ] {
            assert_eq!(combine(&parts), whole, "{parts:?}");
        }
    }

    fn scores() -> impl Strategy<Value = Option<Score>> {
        prop_oneof![
            5 => (0..=10_000_i64).prop_map(marked),
            1 => Just(ABSENT),
            1 => Just(MISSING),
            1 => Just(None),
        ]
    }

    proptest! {
        #[test]
        fn a_mean_lies_between_the_marks_and_nothing_but_them_and_their_weights_makes_it(
            parts in prop::collection::vec((WEIGHTS, scores()), 0..=6), factor in 1..=9_i64,
        ) {
            let whole = combine(&parts);
            let marks: Vec<Mark> = parts.iter().filter_map(|(_, score)| score.and_then(Score::mark)).collect();
            if let Some(mark) = whole.and_then(Score::mark) {
                prop_assert!(marks.iter().min() <= Some(&mark) && Some(&mark) <= marks.iter().max());
            } else {
                prop_assert!(marks.is_empty() || parts.iter().any(|(_, score)| *score == MISSING));
            }
            let mut turned: Vec<_> = parts.iter().map(|(weight, score)| (weight * factor, *score)).collect();
            turned.reverse();
            prop_assert_eq!(combine(&turned), whole);
            turned.push((7, None));
            prop_assert_eq!(combine(&turned), whole);
        }
    }
}
