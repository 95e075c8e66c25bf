//! Comments by bands of marks: what a teacher's template says for an average.

use super::{
    grading,
    marks::{Hundredths, Mark},
};

/// A template: the comment for averages from `min_mark` to `max_mark`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentBand {
    /// The level, as the school writes it.
    pub level: String,
    /// The lowest average.
    pub min_mark: Mark,
    /// The highest average.
    pub max_mark: Mark,
    /// What the card says.
    pub text: String,
}

/// What is wrong with the templates of a school; the messages are for the people who enter them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommentFault {
    /// A band that ends before it begins.
    #[error("The minimum mark {min_mark} is above the maximum mark {max_mark}.")]
    Inverted {
        /// Where it begins.
        min_mark: Mark,
        /// Where it ends.
        max_mark: Mark,
    },
    /// An average that two bands of one level contain.
    #[error("The marks {lower_min}–{lower_max} and {upper_min}–{upper_max} of {level} overlap.")]
    Overlap {
        /// Their level.
        level: String,
        /// Where the lower band begins.
        lower_min: Mark,
        /// Where the lower band ends.
        lower_max: Mark,
        /// Where the upper band begins.
        upper_min: Mark,
        /// Where the upper band ends.
        upper_max: Mark,
    },
}

/// The comment for an average: of the level's bands the one with the highest `min_mark` not above it, unless it ends
/// below it. Unlike grades, comments may leave averages out.
#[must_use]
pub fn pick<'a>(bands: &'a [CommentBand], level: &str, average: Hundredths) -> Option<&'a str> {
    bands
        .iter()
        .filter(|band| {
            grading::same_level(&band.level, level) && Hundredths::from(band.min_mark) <= average
        })
        .max_by_key(|band| band.min_mark)
        .filter(|band| Hundredths::from(band.max_mark) >= average)
        .map(|band| band.text.as_str())
}

/// What is wrong with the bands, each level by itself.
#[must_use]
pub fn check(bands: &[CommentBand]) -> Vec<CommentFault> {
    let mut faults: Vec<CommentFault> = bands
        .iter()
        .filter(|band| band.min_mark > band.max_mark)
        .map(|band| CommentFault::Inverted {
            min_mark: band.min_mark,
            max_mark: band.max_mark,
        })
        .collect();
    let mut by_level: Vec<&CommentBand> = bands.iter().collect();
    by_level.sort_by_key(|band| band.level.trim().to_ascii_lowercase());
    for level in by_level.chunk_by(|a, b| grading::same_level(&a.level, &b.level)) {
        let pairs = grading::overlapping(level, |band| (band.min_mark, band.max_mark));
        faults.extend(
            pairs
                .into_iter()
                .map(|(lower, upper)| CommentFault::Overlap {
                    level: lower.level.clone(),
                    lower_min: lower.min_mark,
                    lower_max: lower.max_mark,
                    upper_min: upper.min_mark,
                    upper_max: upper.max_mark,
                }),
        );
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(level: &str, min: i64, max: i64, text: &str) -> CommentBand {
        CommentBand {
            level: level.to_owned(),
            min_mark: Mark::new(min).unwrap(),
            max_mark: Mark::new(max).unwrap(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_average_has_the_comment_of_its_band_and_level() {
        let bands = [
            band("O Level", 5000, 6900, "Good"),
            band("O Level", 0, 4900, "Work harder"),
            band("A Level", 0, 10_000, "Noted"),
            band("O Level", 7000, 10_000, "Excellent"),
        ];
        for (level, average, text) in [
            ("O Level", 0, Some("Work harder")),
            ("O Level", 4900, Some("Work harder")),
            ("O Level", 4901, None),
            ("O Level", 5000, Some("Good")),
            ("O Level", 10_000, Some("Excellent")),
            ("A Level", 4950, Some("Noted")),
            ("Primary", 5000, None),
        ] {
            assert_eq!(
                pick(&bands, level, Hundredths(average)),
                text,
                "{level} {average}"
            );
        }
        assert_eq!(check(&bands), []);
    }

    #[test]
    fn bands_overlap_within_a_level_only() {
        let bands = [
            band("O Level", 0, 5000, ""),
            band("A Level", 0, 10_000, ""),
            band("O Level", 5000, 6000, ""),
            band("O Level", 9000, 8000, ""),
        ];
        let messages: Vec<String> = check(&bands).iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "The minimum mark 90 is above the maximum mark 80.",
                "The marks 0–50 and 50–60 of O Level overlap."
            ]
        );
    }
}
