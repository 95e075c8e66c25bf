//! What a school says of its reports: the criteria that positions follow, in turn, and what promotion asks for.

use std::collections::BTreeSet;

use homeroom_kernel::{Fields, Input, rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{
    grading,
    marks::{self, Mark},
};
use super::attendance::{self, AttendanceTier, default_tiers};

/// The level that has priorities of its own; every other level has those of O Level.
const A_LEVEL: &str = "A Level";

/// A figure that decides positions; the greater is the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Criterion {
    /// The number of subjects passed.
    #[serde(rename = "Subjects Passed")]
    SubjectsPassed,
    /// The number of best grades, then of next best, and so on.
    Grades,
    /// The sum of points.
    Symbol,
    /// The total as the card shows it; with points for attendance, the average.
    #[serde(rename = "Total marks")]
    TotalMarks,
}

/// The ranking priorities of a school, and its rules of promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSettings {
    /// Of O Level, and of every level that is not A Level.
    pub o_level: Vec<Criterion>,
    /// Of A Level.
    pub a_level: Vec<Criterion>,
    /// Fewest subjects passed by who is promoted.
    pub min_subjects_passed: u32,
    /// Lowest average of who is promoted, if the average counts.
    #[serde(deserialize_with = "marks::as_written")]
    pub min_average: Option<Mark>,
    /// Whether attendance adds to averages and takes from them.
    #[serde(default, skip_serializing_if = "is_off")]
    pub attendance_bonus: bool,
    /// What so many absences are worth.
    #[serde(default = "default_tiers", skip_serializing_if = "is_default")]
    pub attendance_tiers: Vec<AttendanceTier>,
}

// What a school never chose is not written down: publications say the same as before there was the choice.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_off(flag: &bool) -> bool {
    !*flag
}

fn is_default(tiers: &[AttendanceTier]) -> bool {
    tiers == default_tiers()
}

impl Default for ReportSettings {
    fn default() -> Self {
        use Criterion::{Grades, SubjectsPassed, Symbol, TotalMarks};
        Self {
            o_level: vec![SubjectsPassed, Grades, TotalMarks],
            a_level: vec![SubjectsPassed, Symbol, TotalMarks],
            min_subjects_passed: 5,
            min_average: None,
            attendance_bonus: false,
            attendance_tiers: default_tiers(),
        }
    }
}

/// What is wrong with a list of priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// Nothing to rank by.
    #[error("Choose at least one criterion.")]
    Empty,
    /// A criterion that was decided before.
    #[error("Each criterion may appear only once.")]
    Repeated,
}

/// What a client says of the settings.
pub struct SettingsInput {
    o_level: Option<Vec<Criterion>>,
    a_level: Option<Vec<Criterion>>,
    min_subjects_passed: Option<i64>,
    min_average: Option<Option<Mark>>,
    attendance_bonus: Option<bool>,
    attendance_tiers: Option<Vec<AttendanceTier>>,
}

impl Input for SettingsInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&["updated_at"]);
        let o_level = fields.settable("o_level", priorities);
        let a_level = fields.settable("a_level", priorities);
        let min_subjects_passed = fields.optional("min_subjects_passed", rules::integer(0, 100));
        let min_average = fields.nullable("min_average", Mark::rule);
        let attendance_bonus = fields.optional("attendance_bonus", rules::boolean);
        let attendance_tiers = fields.optional("attendance_tiers", attendance::tiers);
        Some(Self {
            o_level: o_level?,
            a_level: a_level?,
            min_subjects_passed: min_subjects_passed?,
            min_average: min_average?,
            attendance_bonus: attendance_bonus?,
            attendance_tiers: attendance_tiers?,
        })
    }
}

impl SettingsInput {
    /// The settings with these changes; in a whole body, what is absent has its default.
    #[must_use]
    pub fn apply(self, before: &ReportSettings, partial: bool) -> ReportSettings {
        let default = ReportSettings::default();
        let base = if partial { before } else { &default };
        ReportSettings {
            o_level: self.o_level.unwrap_or_else(|| base.o_level.clone()),
            a_level: self.a_level.unwrap_or_else(|| base.a_level.clone()),
            min_subjects_passed: self
                .min_subjects_passed
                .and_then(|number| number.try_into().ok())
                .unwrap_or(base.min_subjects_passed),
            min_average: self.min_average.unwrap_or(base.min_average),
            attendance_bonus: self.attendance_bonus.unwrap_or(base.attendance_bonus),
            attendance_tiers: self
                .attendance_tiers
                .unwrap_or_else(|| base.attendance_tiers.clone()),
        }
    }
}

impl ReportSettings {
    /// The priorities of a level; its name is read without regard to case.
    #[must_use]
    pub fn priorities(&self, level: &str) -> &[Criterion] {
        if grading::same_level(level, A_LEVEL) {
            &self.a_level
        } else {
            &self.o_level
        }
    }

    /// Whether both lists can rank.
    pub fn validate(&self) -> Result<(), SettingsFault> {
        validate(&self.o_level).and_then(|()| validate(&self.a_level))
    }
}

/// The rule of a field that lists priorities.
pub fn priorities(value: &Value) -> Result<Vec<Criterion>, String> {
    let criteria = rules::list(4, criterion)(value)?;
    validate(&criteria).map_err(|fault| fault.to_string())?;
    Ok(criteria)
}

fn criterion(value: &Value) -> Result<Criterion, String> {
    Criterion::deserialize(value).map_err(|_| {
        "Choose one of \"Subjects Passed\", \"Grades\", \"Symbol\", \"Total marks\".".into()
    })
}

fn validate(criteria: &[Criterion]) -> Result<(), SettingsFault> {
    if criteria.is_empty() {
        Err(SettingsFault::Empty)
    } else if criteria.iter().collect::<BTreeSet<_>>().len() < criteria.len() {
        Err(SettingsFault::Repeated)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Criterion::{Grades, SubjectsPassed, Symbol, TotalMarks};
    use serde_json::json;

    #[test]
    fn criteria_have_the_names_of_the_source() {
        assert_eq!(
            serde_json::to_value([SubjectsPassed, Grades, Symbol, TotalMarks]).unwrap(),
            json!(["Subjects Passed", "Grades", "Symbol", "Total marks"])
        );
    }

    #[test]
    fn what_a_school_never_chose_is_not_written_down() {
        let text = serde_json::to_string(&ReportSettings::default()).unwrap();
        assert!(!text.contains("attendance"), "{text}");
        let read: ReportSettings = serde_json::from_str(&text).unwrap();
        assert_eq!(read, ReportSettings::default());
        let chosen = ReportSettings {
            attendance_bonus: true,
            attendance_tiers: attendance::tiers(&json!([{"absences": 0, "points": -0.5}])).unwrap(),
            ..read
        };
        let text = serde_json::to_string(&chosen).unwrap();
        assert_eq!(
            serde_json::from_str::<ReportSettings>(&text).unwrap(),
            chosen
        );
    }

    #[test]
    fn only_a_level_has_priorities_of_its_own() {
        let settings = ReportSettings::default();
        assert_eq!(settings.validate(), Ok(()));
        assert_eq!(
            settings.priorities("a level"),
            [SubjectsPassed, Symbol, TotalMarks]
        );
        for level in ["O Level", "Primary", ""] {
            assert_eq!(
                settings.priorities(level),
                [SubjectsPassed, Grades, TotalMarks]
            );
        }
    }

    #[test]
    fn a_list_of_priorities_is_neither_empty_nor_repetitive() {
        assert_eq!(
            priorities(&json!(["Total marks", "Symbol"])),
            Ok(vec![TotalMarks, Symbol])
        );
        for (value, fault) in [
            (json!([]), "Choose at least one criterion."),
            (
                json!(["Grades", "Grades"]),
                "Each criterion may appear only once.",
            ),
            (
                json!(["Grades", "grades"]),
                "Item 2: Choose one of \"Subjects Passed\", \"Grades\", \"Symbol\", \"Total marks\".",
            ),
            (json!(5), "Expected a list of items."),
        ] {
            assert_eq!(priorities(&value), Err(fault.to_owned()));
        }
        let settings = ReportSettings {
            a_level: Vec::new(),
            ..ReportSettings::default()
        };
        assert_eq!(settings.validate(), Err(SettingsFault::Empty));
    }
}
