//! Report cards: what one says, and what its positions follow.

pub mod attendance;
mod compute;
mod settings;

use serde::{Deserialize, Serialize};

use super::{
    grading::Scale,
    marks::{self, Coefficient, Hundredths, Mark, Score},
};

pub use compute::compute;
pub use settings::{Criterion, ReportSettings, SettingsFault, SettingsInput, priorities};

/// The active, registered students of one form in one exam session: everybody whom a position counts.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// The level of the form, such as "O Level": it chooses the ranking priorities.
    pub level: String,
    /// What positions follow.
    pub settings: ReportSettings,
    /// The level's grading scale; without one a card has marks and positions, but neither grades nor points.
    pub scale: Option<Scale>,
    /// The subjects of the form, in the order of the card's lines.
    pub subjects: Vec<SubjectPlan>,
    /// The students of all classes of the form.
    pub students: Vec<Candidate>,
}

/// How a form counts a subject.
#[derive(Clone, Debug)]
pub struct SubjectPlan {
    /// The subject.
    pub id: String,
    /// As the card names it.
    pub name: String,
    /// Its weight in total and average.
    pub coefficient: Coefficient,
    /// The lowest mark that passes.
    pub pass_mark: Mark,
}

/// A student of the cohort.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The student's registration for the year.
    pub student_session: String,
    /// The class.
    pub academic_class: String,
    /// The student's subjects, each at most once. One that the cohort does not plan has no weight, and is left out.
    pub subjects: Vec<(String, Score)>,
    /// Days of the term on which the student was absent without a justification; `None` where nothing is known of any day.
    pub absences: Option<u32>,
}

/// A subject on a card. "Class" is those of the student's class who sat the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectLine {
    /// The subject.
    pub subject: String,
    /// Its name when the card was computed.
    pub name: String,
    /// The mark, absent or missing.
    pub score: Score,
    /// The grade of the mark.
    pub grade: Option<String>,
    /// The rank of the grade; 1 is the best.
    pub rank: Option<u32>,
    /// Whether the mark reaches the pass mark; `None` without a mark.
    pub passed: Option<bool>,
    /// The weight in total and average.
    #[serde(deserialize_with = "marks::as_written")]
    pub coefficient: Coefficient,
    /// Among those of the class who sat.
    pub position_in_class: Option<u32>,
    /// Average mark of the class.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_average: Option<Hundredths>,
    /// Highest mark of the class.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_highest: Option<Hundredths>,
    /// Lowest mark of the class.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_lowest: Option<Hundredths>,
    /// How many of the class have a mark.
    pub number_sat: u32,
}

/// A report card, as computed and as frozen. Its positions are the ranks of the very figures that it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The student's registration for the year.
    pub student_session: String,
    /// The class.
    pub academic_class: String,
    /// The student's subjects, in the order of the form's plan.
    pub subjects: Vec<SubjectLine>,
    /// Sum of mark × coefficient, rounded once; 0 where nothing was sat.
    #[serde(deserialize_with = "marks::as_written")]
    pub total: Hundredths,
    /// Sum of the coefficients of the subjects taken.
    #[serde(deserialize_with = "marks::as_written")]
    pub coefficients: Hundredths,
    /// The unrounded total ÷ the sum of coefficients, with the points for attendance where the school gives them; `None`
    /// where nothing was sat.
    #[serde(deserialize_with = "marks::as_written")]
    pub average: Option<Hundredths>,
    /// The average before the points for attendance; `None` where the school gives none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "marks::as_written"
    )]
    pub raw_average: Option<Hundredths>,
    /// Those points; the average shows less of them where it would leave the scale.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "marks::as_written"
    )]
    pub attendance_points: Option<Hundredths>,
    /// Subjects with a mark, zero included.
    pub subjects_taken: u32,
    /// Subjects whose mark reaches the pass mark.
    pub subjects_passed: u32,
    /// How many of each grade of the scale, the best grade first, none of a grade included; empty without a scale.
    pub grade_counts: Vec<(String, u32)>,
    /// Sum of the points of the grades; `None` without a scale.
    pub points: Option<u32>,
    /// Whether no mark is missing. Figures of an incomplete card are those so far.
    pub is_complete: bool,
    /// The subjects whose marks are missing.
    pub missing: Vec<String>,
    /// Among the class; `None` for the incomplete, and for those who sat nothing.
    pub position_in_class: Option<u32>,
    /// Everybody in the class, with a position or without.
    pub class_size: u32,
    /// Among the form; `None` as in the class.
    pub position_in_form: Option<u32>,
    /// Everybody in the form, with a position or without.
    pub form_size: u32,
    /// Average of the averages of those in the class who have a position.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_average: Option<Hundredths>,
    /// The highest of these averages.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_highest: Option<Hundredths>,
    /// The lowest of these averages.
    #[serde(deserialize_with = "marks::as_written")]
    pub class_lowest: Option<Hundredths>,
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
