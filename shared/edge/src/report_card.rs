//! What a report card says, as it is answered and as it is frozen.

use homeroom_domain::academics::{
    marks::{self, Coefficient, Hundredths, Mark},
    report::Card,
};
use homeroom_kernel::Timestamp;
use homeroom_store::{StoreError, school::report_cards::OwnCard};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A report card: what it says, and where it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReportCardOut {
    /// The student's registration, in the paths of the staff's routes; under `my/` the card.
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
    /// `live`: worked out now; `published`: frozen, whatever has changed since.
    #[schema(pattern = "^(live|published)$")]
    pub status: &'static str,
    /// The version that was published; null: live.
    pub version: Option<u32>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// Whether its own marks or comments were corrected since it was published. What else would be another now, such as
    /// positions after somebody else's correction or grades after a change of the scale, `compute/` finds.
    pub is_outdated: bool,
    /// Whether only the staff may see it.
    pub is_withheld: bool,
    /// Why it is withheld.
    pub withheld_reason: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub body: CardBody,
}

impl ReportCardOut {
    /// A card as families see it.
    pub fn own(row: OwnCard) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            status: "published",
            version: Some(row.version),
            published_at: Some(Timestamp::from_millis(row.published_at)),
            is_outdated: row.is_outdated != 0,
            is_withheld: false,
            withheld_reason: None,
            body: CardBody::thaw(&row.card)?,
        })
    }
}

/// Everything that a report card says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardBody {
    /// The school.
    pub school_name: String,
    /// The session.
    pub session_name: String,
    /// The term.
    pub term: String,
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    pub exam_session: String,
    /// Its name.
    pub exam_session_name: String,
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// The form.
    #[schema(value_type = uuid::Uuid)]
    pub form: String,
    /// The form's name.
    pub form_name: String,
    /// The form's level.
    pub level: String,
    /// The class teacher's name.
    pub class_teacher_name: Option<String>,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    pub student: String,
    /// The student's registration.
    #[schema(value_type = uuid::Uuid)]
    pub student_session: String,
    /// The school's number of the student.
    pub student_number: String,
    /// The student's name, family name last.
    pub student_name: String,
    /// The exam sessions that the marks are worked out from, in the order of each subject's `parts`; absent where marks are entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, nullable = false)]
    pub parts: Vec<CardPartOut>,
    /// The lines, by subject.
    pub subjects: Vec<CardSubjectOut>,
    /// Sum of mark × coefficient.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = f64)]
    pub total: Hundredths,
    /// Sum of the coefficients of the subjects taken.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = f64)]
    pub coefficients: Hundredths,
    /// Total ÷ coefficients, with the points for attendance where the school gives them; null where nothing was sat.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub average: Option<Hundredths>,
    /// The average before the points for attendance; absent where the school gives none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "marks::as_written"
    )]
    #[schema(value_type = Option<f64>, required = false, nullable = false)]
    pub raw_average: Option<Hundredths>,
    /// The points for attendance; the average shows less of them where it would leave 0 to 100.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "marks::as_written"
    )]
    #[schema(value_type = Option<f64>, required = false, nullable = false)]
    pub attendance_points: Option<Hundredths>,
    /// Subjects with a mark, zero included.
    pub subjects_taken: u32,
    /// Subjects whose mark reaches the pass mark.
    pub subjects_passed: u32,
    /// How many of each grade, the best first.
    pub grade_counts: Vec<GradeCountOut>,
    /// Sum of the points of the grades; null without a scale.
    pub points: Option<u32>,
    /// Whether no mark is missing.
    pub is_complete: bool,
    /// The subjects whose marks are missing.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub missing: Vec<String>,
    /// Among the class; null: incomplete, or nothing was sat.
    pub position_in_class: Option<u32>,
    /// Everybody in the class.
    pub class_size: u32,
    /// Among the form.
    pub position_in_form: Option<u32>,
    /// Everybody in the form.
    pub form_size: u32,
    /// Average of the averages of those in the class who have a position.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_average: Option<Hundredths>,
    /// The highest of these.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_highest: Option<Hundredths>,
    /// The lowest of these.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_lowest: Option<Hundredths>,
    /// Days of the term by attendance.
    pub attendance: CardAttendanceOut,
    /// The class teacher's comment.
    pub class_teacher_comment: CardCommentOut,
    /// The head teacher's comment.
    pub head_teacher_comment: CardCommentOut,
}

/// A subject on a card.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardSubjectOut {
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    pub subject: String,
    /// Its name.
    pub name: String,
    /// Who teaches it.
    pub teacher_name: Option<String>,
    /// `marked`, `absent` (out of the average) or `missing` (not entered yet).
    #[schema(pattern = "^(marked|absent|missing)$")]
    pub status: String,
    /// The mark.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub mark: Option<Mark>,
    /// Its grade.
    pub grade: Option<String>,
    /// The rank of the grade; 1 is the best.
    pub rank: Option<u32>,
    /// Whether it reaches the pass mark.
    pub passed: Option<bool>,
    /// The weight.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = f64)]
    pub coefficient: Coefficient,
    /// Among those of the class who sat.
    pub position_in_class: Option<u32>,
    /// Average of the class.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_average: Option<Hundredths>,
    /// Highest of the class.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_highest: Option<Hundredths>,
    /// Lowest of the class.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub class_lowest: Option<Hundredths>,
    /// How many of the class have a mark.
    pub number_sat: u32,
    /// The remark.
    pub comment: String,
    /// Whether it was `written` with the mark or comes from a `template`; null: there is none.
    pub comment_source: Option<String>,
    /// What there is in each of the card's `parts`; absent where marks are entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, nullable = false)]
    pub parts: Vec<CardPartScoreOut>,
}

/// An exam session that marks are worked out from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardPartOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    pub exam_session: String,
    /// Its name.
    pub name: String,
    /// Its term.
    pub term: String,
    /// Its weight among the parts.
    pub weight: i64,
}

/// What there is of a subject in a part.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardPartScoreOut {
    /// `marked`; `absent` or `not_taken` (left out, and the other parts count); `missing`.
    #[schema(pattern = "^(marked|absent|missing|not_taken)$")]
    pub status: String,
    /// The mark.
    #[serde(deserialize_with = "marks::as_written")]
    #[schema(value_type = Option<f64>)]
    pub mark: Option<Mark>,
}

/// How many of a grade a card has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GradeCountOut {
    /// The grade.
    pub grade: String,
    /// How many.
    pub count: u32,
}

/// Days of the term by attendance.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CardAttendanceOut {
    /// Days present.
    pub present: u32,
    /// Days absent.
    pub absent: u32,
    /// Days late.
    pub late: u32,
    /// Days excused.
    pub excused: u32,
}

/// A comment on a whole card.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CardCommentOut {
    /// The comment; blank: none.
    pub text: String,
    /// Whether it was `written` by hand or comes from a `template`; null: there is none.
    pub source: Option<String>,
}

impl CardCommentOut {
    /// The written comment, or else the template's.
    pub fn choose(written: Option<&str>, template: Option<&str>) -> Self {
        let (text, source) = match (written, template) {
            (Some(text), _) => (text, Some("written")),
            (None, Some(text)) => (text, Some("template")),
            (None, None) => ("", None),
        };
        Self {
            text: text.to_owned(),
            source: source.map(str::to_owned),
        }
    }
}

impl CardBody {
    /// A frozen card.
    pub fn thaw(text: &str) -> Result<Self, StoreError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The place of a card among those of its class: positions first, then those who have none, the incomplete last.
    #[must_use]
    pub fn place(&self) -> (bool, bool, Option<u32>) {
        (
            self.position_in_class.is_none(),
            !self.is_complete,
            self.position_in_class,
        )
    }
}

/// The figures of a computed card, by the names of the answer.
#[must_use]
pub fn grade_counts(card: &Card) -> Vec<GradeCountOut> {
    card.grade_counts
        .iter()
        .map(|(grade, count)| GradeCountOut {
            grade: grade.clone(),
            count: *count,
        })
        .collect()
}
