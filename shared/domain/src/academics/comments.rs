//! Comments by bands of marks: what a teacher's template says for an average.

use super::{
    grading::{self, WIDEST_GAP},
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

/// The comment for an average: of the level's bands the one with the highest `min_mark` not above it. As in a scale, an
/// average in the gap above a band (49.5 between 0–49 and 50–59) still belongs to it; unlike there, wider gaps have no comment.
#[must_use]
pub fn pick<'a>(bands: &'a [CommentBand], level: &str, average: Hundredths) -> Option<&'a str> {
    bands
        .iter()
        .filter(|band| {
            grading::same_level(&band.level, level) && Hundredths::from(band.min_mark) <= average
        })
        .max_by_key(|band| band.min_mark)
        .filter(|band| average.0 < Hundredths::from(band.max_mark).0 + WIDEST_GAP)
        .map(|band| band.text.as_str())
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
            band("O Level", 5000, 6800, "Good"),
            band("O Level", 0, 4900, "Work harder"),
            band("A Level", 0, 10_000, "Noted"),
            band("O Level", 7000, 10_000, "Excellent"),
        ];
        for (level, average, text) in [
            ("O Level", 0, Some("Work harder")),
            ("O Level", 4900, Some("Work harder")),
            ("O Level", 4999, Some("Work harder")),
            ("O Level", 6899, Some("Good")),
            ("O Level", 6900, None),
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
    }
}
