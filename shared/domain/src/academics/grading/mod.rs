//! Grading scales: which band a mark belongs to.

use serde::{Deserialize, Serialize};

use super::marks::{self, Mark};

/// Most that may lie between one band's `max_mark` and the next `min_mark`, in hundredths.
pub(super) const WIDEST_GAP: i64 = 100;

/// A band of a level's scale. Marks are read as they are written, 57.5, so that a scale can be frozen with the cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// What the card shows, such as "A".
    pub grade: String,
    /// 1 is the best grade; unique within a scale.
    pub rank: u32,
    /// The lowest mark of the band.
    #[serde(deserialize_with = "marks::as_written")]
    pub min_mark: Mark,
    /// The highest mark that the school writes to the band; a mark in the gap above still belongs to it.
    #[serde(deserialize_with = "marks::as_written")]
    pub max_mark: Mark,
    /// Such as "Distinction"; may be blank.
    pub description: String,
    /// The comment that fills a card by itself; may be blank.
    pub comment: String,
}

/// What is wrong with the bands of a level; the messages are for the people who enter them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleFault {
    /// No bands at all.
    #[error("A grading scale needs at least one band.")]
    Empty,
    /// A band that ends before it begins.
    #[error("The minimum mark of grade {grade} is above its maximum mark.")]
    Inverted {
        /// Its grade.
        grade: String,
    },
    /// Two bands of one grade.
    #[error("Grade {grade} appears more than once.")]
    DuplicateGrade {
        /// The grade.
        grade: String,
    },
    /// Two bands of one rank.
    #[error("Rank {rank} appears more than once.")]
    DuplicateRank {
        /// The rank.
        rank: u32,
    },
    /// A mark that two bands contain.
    #[error("Grades {lower} and {upper} overlap.")]
    Overlap {
        /// The band that begins lower.
        lower: String,
        /// The band that begins within it.
        upper: String,
    },
    /// More than 1 between two neighbours.
    #[error("The marks between {from} (grade {lower}) and {to} (grade {upper}) have no grade.")]
    Gap {
        /// The band below the gap.
        lower: String,
        /// The band above it.
        upper: String,
        /// Where the lower ends.
        from: Mark,
        /// Where the upper begins.
        to: Mark,
    },
    /// The lowest band begins above 0.
    #[error("The marks below {from} have no grade.")]
    NothingBelow {
        /// Where the lowest band begins.
        from: Mark,
    },
    /// The highest band ends below 100.
    #[error("The marks above {to} have no grade.")]
    NothingAbove {
        /// Where the highest band ends.
        to: Mark,
    },
}

/// The whole scale of a level: every mark from 0 to 100 has exactly one band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    lowest: Band,
    /// By `min_mark`, ascending.
    higher: Vec<Band>,
}

impl Scale {
    /// A scale that covers 0–100 without overlap, with gaps of at most 1; otherwise everything that is wrong with it.
    pub fn new(mut bands: Vec<Band>) -> Result<Self, Vec<ScaleFault>> {
        let mut faults = Self::check_partial(&bands);
        bands.sort_by_key(|band| band.min_mark);
        // Bands that overlap or end before they begin say nothing certain about gaps.
        if faults.is_empty() {
            faults = gaps(&bands);
        }
        let mut bands = bands.into_iter();
        match bands.next() {
            _ if !faults.is_empty() => Err(faults),
            None => Err(vec![ScaleFault::Empty]),
            Some(lowest) => Ok(Self {
                lowest,
                higher: bands.collect(),
            }),
        }
    }

    /// What is wrong with bands, gaps between them left aside.
    fn check_partial(bands: &[Band]) -> Vec<ScaleFault> {
        let inverted = bands
            .iter()
            .filter(|band| band.min_mark > band.max_mark)
            .map(|band| ScaleFault::Inverted {
                grade: band.grade.clone(),
            });
        let grades =
            repeated(bands.iter().map(|band| band.grade.as_str()).collect()).map(|grade| {
                ScaleFault::DuplicateGrade {
                    grade: grade.to_owned(),
                }
            });
        let ranks = repeated(bands.iter().map(|band| band.rank).collect())
            .map(|rank| ScaleFault::DuplicateRank { rank });
        let overlaps = overlapping(bands, |band| (band.min_mark, band.max_mark))
            .into_iter()
            .map(|(lower, upper)| ScaleFault::Overlap {
                lower: lower.grade.clone(),
                upper: upper.grade.clone(),
            });
        inverted
            .chain(grades)
            .chain(ranks)
            .chain(overlaps)
            .collect()
    }

    /// The band of a mark: the one with the highest `min_mark` not above it.
    #[must_use]
    pub fn band(&self, mark: Mark) -> &Band {
        self.higher
            .partition_point(|band| band.min_mark <= mark)
            .checked_sub(1)
            .and_then(|n| self.higher.get(n))
            .unwrap_or(&self.lowest)
    }

    /// The points of a band: the worst rank of the scale minus the band's, so that more is better and the worst has none.
    #[must_use]
    pub fn points(&self, band: &Band) -> u32 {
        let worst = self.bands().map(|band| band.rank).max().unwrap_or(0);
        worst.saturating_sub(band.rank)
    }

    /// The bands, from the lowest marks to the highest.
    pub fn bands(&self) -> impl Iterator<Item = &Band> {
        std::iter::once(&self.lowest).chain(&self.higher)
    }
}

/// What bands in ascending order leave out of 0–100.
fn gaps(bands: &[Band]) -> Vec<ScaleFault> {
    let below = bands
        .first()
        .filter(|band| band.min_mark > Mark::MIN)
        .map(|band| ScaleFault::NothingBelow {
            from: band.min_mark,
        });
    let between = bands
        .iter()
        .zip(bands.iter().skip(1))
        .filter(|(lower, upper)| {
            upper.min_mark.hundredths() - lower.max_mark.hundredths() > WIDEST_GAP
        })
        .map(|(lower, upper)| ScaleFault::Gap {
            lower: lower.grade.clone(),
            upper: upper.grade.clone(),
            from: lower.max_mark,
            to: upper.min_mark,
        });
    let above = bands
        .last()
        .filter(|band| band.max_mark < Mark::MAX)
        .map(|band| ScaleFault::NothingAbove { to: band.max_mark });
    below.into_iter().chain(between).chain(above).collect()
}

/// Each value that occurs more than once, once.
fn repeated<T: Ord + Copy>(mut values: Vec<T>) -> impl Iterator<Item = T> {
    values.sort_unstable();
    let mut repeated: Vec<T> = values
        .iter()
        .zip(values.iter().skip(1))
        .filter(|(a, b)| a == b)
        .map(|(a, _)| *a)
        .collect();
    repeated.dedup();
    repeated.into_iter()
}

/// Pairs of bands with a mark in common: for each band the one before it that reaches furthest, where that reaches it.
/// Bands that end before they begin are passed over.
fn overlapping<T>(bands: &[T], range: impl Fn(&T) -> (Mark, Mark)) -> Vec<(&T, &T)> {
    let mut sorted: Vec<(Mark, Mark, &T)> = bands
        .iter()
        .map(|band| (range(band), band))
        .filter(|((min, max), _)| min <= max)
        .map(|((min, max), band)| (min, max, band))
        .collect();
    sorted.sort_by_key(|(min, max, _)| (*min, *max));
    let mut furthest: Option<(Mark, &T)> = None;
    let mut pairs = Vec::new();
    for (min, max, band) in sorted {
        match furthest {
            Some((end, lower)) if end >= min => {
                pairs.push((lower, band));
                if max > end {
                    furthest = Some((max, band));
                }
            }
            _ => furthest = Some((max, band)),
        }
    }
    pairs
}

/// Whether two names of levels mean the same one.
#[must_use]
pub fn same_level(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// Whether bands of one level are those of another; none is that of all levels without bands of their own.
#[must_use]
pub fn is_of_level(own: Option<&str>, level: Option<&str>) -> bool {
    match (own, level) {
        (Some(own), Some(level)) => same_level(own, level),
        (own, level) => own == level,
    }
}

#[cfg(test)]
mod tests;
