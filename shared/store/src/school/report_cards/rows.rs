//! What cards are computed from, row by row.

use homeroom_domain::{
    academics::marks::{Coefficient, Mark},
    credentials,
};
use serde::{Deserialize, Serialize};

/// What an exam session lies in.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionFacts {
    /// The session's name.
    pub session_name: String,
    /// The first day of the term; none: the term has no dates yet.
    pub term_start: Option<String>,
    /// The last day of the term.
    pub term_end: Option<String>,
    /// The report settings as JSON; none: the defaults.
    pub settings: Option<String>,
    /// The school's logo in base64, for who prints.
    pub logo: Option<String>,
    /// The newest version that was published; 0: none.
    pub version: u32,
    /// What tells whether anything that cards are worked out from was changed; blank where it is not asked for.
    pub sources: String,
}

/// A class.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassRow {
    /// The class of the session.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its form.
    pub form: String,
    /// The form's name.
    pub form_name: String,
    /// The form's level.
    pub level: String,
    /// The class teacher.
    pub class_teacher: Option<String>,
    /// The class teacher's name.
    pub class_teacher_name: Option<String>,
    /// Whether the reader is the class teacher.
    pub is_led: i64,
}

/// A subject of a form.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanRow {
    /// The form.
    pub form: String,
    /// The subject.
    pub subject: String,
    /// Its name.
    pub name: String,
    /// Its weight.
    pub coefficient: Coefficient,
    /// Whether every student takes it.
    pub is_compulsory: i64,
    /// The mark that passes: the subject's, or the form's, or 50.
    pub pass_mark: Mark,
}

/// An active, registered student.
#[derive(Clone, Debug, Deserialize)]
pub struct StudentRow {
    /// The registration.
    pub student_session: String,
    /// The class.
    pub academic_class: String,
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub student_number: String,
    /// First and middle names.
    pub given_names: String,
    /// Family name.
    pub last_name: String,
    /// Days present, absent, late and excused in the term; none: not asked for.
    pub attendance: Option<String>,
}

impl StudentRow {
    /// Days present, absent, late and excused; all zero where they were not asked for.
    #[must_use]
    pub fn days(&self) -> [u32; 4] {
        let days = self.attendance.as_deref().unwrap_or_default();
        serde_json::from_str(days).unwrap_or_default()
    }

    /// Days absent without a justification; none where nothing was entered, or the term has no dates.
    #[must_use]
    pub fn absences(&self) -> Option<u32> {
        let days @ [_, absent, ..] = self.days();
        (days != [0; 4]).then_some(absent)
    }
}

/// An exam with its marks.
#[derive(Clone, Debug, Deserialize)]
pub struct ExamRow {
    /// The class.
    pub academic_class: String,
    /// The subject.
    pub subject: String,
    /// Who enters its marks.
    pub teacher: String,
    /// The teacher's name.
    pub teacher_name: Option<String>,
    /// Which part of the exam session it is of, from 1; 1 where that has none.
    pub place: usize,
    /// `["student_session mark;…", [[student_session, remark], …]]`: hundredths, `a` for absent, nothing for missing.
    pub marks: String,
}

/// A comment for a band of marks.
#[derive(Clone, Debug, Deserialize)]
pub struct TemplateRow {
    /// `teacher`, `teacher_grade`, `class_teacher`, `head_teacher`.
    pub kind: String,
    /// The level.
    pub level: String,
    /// The lowest mark.
    pub min_mark: Mark,
    /// The highest mark.
    pub max_mark: Mark,
    /// The comment.
    pub text: String,
}

/// A comment that was written by hand.
#[derive(Clone, Debug, Deserialize)]
pub struct WrittenRow {
    /// Whose card.
    pub student_session: String,
    /// `class_teacher`, `head_teacher`.
    pub kind: String,
    /// The comment.
    pub text: String,
}

/// A published card.
#[derive(Clone, Debug, Deserialize)]
pub struct FrozenRow {
    /// Whose card.
    pub student_session: String,
    /// The class in which it was published.
    pub academic_class: String,
    /// Its version.
    pub version: u32,
    /// Whether a mark was corrected since.
    pub is_outdated: i64,
    /// Whether it is the one that is shown; 0: an earlier version, or withdrawn.
    pub is_current: i64,
    /// When it was published.
    pub published_at: i64,
    /// The card as JSON; none where only the state is asked for.
    pub card: Option<String>,
    /// The digest of that; none of cards from before there were any.
    pub digest: Option<String>,
}

impl FrozenRow {
    /// Whether the card says the same as this text of a card.
    #[must_use]
    pub fn says(&self, card: &str) -> bool {
        self.digest.as_ref() == Some(&credentials::digest(card))
    }
}

/// A card that only the staff may see.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HoldRow {
    /// Whose card.
    pub student_session: String,
    /// Why.
    pub reason: String,
}
