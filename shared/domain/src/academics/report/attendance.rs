//! Points that a school gives or takes for attendance: a bonus for who misses nothing, a malus for who stays away.

use homeroom_kernel::rules;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::marks::{self, Hundredths, Mark};

/// Most tiers.
pub const MAX_TIERS: usize = 10;
/// Most absences that a tier can begin with.
const MAX_ABSENCES: i64 = 366;

/// What so many unjustified absences are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttendanceTier {
    /// From how many days of absence on.
    pub absences: u32,
    /// What is added to the average; less than zero: taken from it.
    #[serde(deserialize_with = "marks::as_written")]
    pub points: Hundredths,
}

/// What is worth how much unless a school says otherwise.
#[must_use]
pub fn default_tiers() -> Vec<AttendanceTier> {
    let tier = |(absences, points)| AttendanceTier {
        absences,
        points: Hundredths(points),
    };
    [(0, 13), (1, 0), (2, -13), (3, -39), (5, -50)]
        .map(tier)
        .into()
}

/// The points of so many absences.
#[must_use]
pub fn points(tiers: &[AttendanceTier], absences: u32) -> Hundredths {
    let reached = tiers.iter().filter(|tier| tier.absences <= absences);
    reached
        .max_by_key(|tier| tier.absences)
        .map_or(Hundredths::default(), |tier| tier.points)
}

/// An average with points for attendance: never below zero, nor above the highest mark.
#[must_use]
pub fn apply(average: Hundredths, points: Hundredths) -> Hundredths {
    Hundredths((average.0 + points.0).clamp(0, Mark::MAX.hundredths()))
}

/// The rule of a field that lists tiers.
pub fn tiers(value: &Value) -> Result<Vec<AttendanceTier>, String> {
    let tiers = rules::list(MAX_TIERS, tier)(value)?;
    if tiers.first().is_none_or(|first| first.absences != 0) {
        return Err("The first tier must begin with 0 absences.".into());
    }
    let pairs = tiers.iter().zip(tiers.iter().skip(1));
    for (tier, next) in pairs {
        if next.absences <= tier.absences {
            return Err("Each tier must begin with more absences than the one before it.".into());
        }
    }
    Ok(tiers)
}

fn tier(value: &Value) -> Result<AttendanceTier, String> {
    let shape = "Expected {\"absences\", \"points\"}.";
    let fields = value
        .as_object()
        .filter(|fields| fields.len() == 2)
        .ok_or(shape)?;
    let (absences, points) = fields
        .get("absences")
        .zip(fields.get("points"))
        .ok_or(shape)?;
    let absences = rules::integer(0, MAX_ABSENCES)(absences)?;
    let points = Hundredths::parse(points)?;
    if points.0.abs() > Mark::MAX.hundredths() {
        return Err("The points must lie between -100 and 100.".into());
    }
    Ok(AttendanceTier {
        absences: u32::try_from(absences).unwrap_or_default(),
        points,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tier_holds_from_its_absences_up_to_the_next() {
        let tiers = default_tiers();
        let points = [0, 1, 2, 3, 4, 5, 6, 60].map(|absences| points(&tiers, absences).0);
        assert_eq!(points, [13, 0, -13, -39, -39, -50, -50, -50]);
    }

    #[test]
    fn points_never_lead_out_of_the_scale() {
        for (average, points, expected) in [
            (9_990, 13, 10_000),
            (10_000, 13, 10_000),
            (40, -50, 0),
            (0, -13, 0),
            (5_000, -39, 4_961),
        ] {
            let shown = apply(Hundredths(average), Hundredths(points));
            assert_eq!(shown, Hundredths(expected), "{average} {points}");
        }
    }

    #[test]
    fn tiers_begin_with_nothing_and_rise() {
        let read = tiers(&json!([{"absences": 0, "points": 0.5}, {"absences": 3, "points": "-1"}]));
        let pairs: Vec<_> = read
            .unwrap()
            .iter()
            .map(|tier| (tier.absences, tier.points.0))
            .collect();
        assert_eq!(pairs, [(0, 50), (3, -100)]);
        for (value, fault) in [
            (json!([]), "The first tier must begin with 0 absences."),
            (
                json!([{"absences": 1, "points": 0}]),
                "The first tier must begin with 0 absences.",
            ),
            (
                json!([{"absences": 0, "points": 0}, {"absences": 0, "points": 1}]),
                "Each tier must begin with more absences than the one before it.",
            ),
            (
                json!([{"absences": 0, "points": 0.125}]),
                "Item 1: Ensure that there are no more than 2 decimal places.",
            ),
            (
                json!([{"absences": 0, "points": 101}]),
                "Item 1: The points must lie between -100 and 100.",
            ),
            (
                json!([{"absences": 0}]),
                "Item 1: Expected {\"absences\", \"points\"}.",
            ),
        ] {
            assert_eq!(tiers(&value), Err(fault.to_owned()), "{value}");
        }
    }
}
