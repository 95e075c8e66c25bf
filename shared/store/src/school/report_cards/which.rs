//! Whose cards are loaded.

use crate::error::StoreError;

/// Whose cards. Marks and names are always those of whole forms, as positions in the form need everybody; remarks,
/// attendance and published texts are only of those whose cards these are.
#[derive(Clone, Debug)]
pub enum Which {
    /// Everybody.
    All,
    /// The form.
    Form(String),
    /// Some classes, among their forms.
    Classes(Vec<String>),
    /// A student, among the form of the student's class; with the published card, in whatever class that was.
    Student(String),
}

/// Which forms, which of their students, and which published cards; all may use the value `?3`.
pub(super) struct Terms {
    pub(super) forms: &'static str,
    pub(super) wanted: &'static str,
    pub(super) frozen: &'static str,
    pub(super) card: &'static str,
    pub(super) about: Option<String>,
}

impl Which {
    pub(super) fn terms(&self) -> Result<Terms, StoreError> {
        // Who changed the class since has a card in the former one.
        let frozen = "(r.academic_class in {classes} or r.student_session in \
             (select s.id from student_sessions s where s.academic_class in {classes}))";
        let all = Terms {
            forms: "?3 is null",
            wanted: "true",
            frozen: "true",
            card: "r.card",
            about: None,
        };
        Ok(match self {
            Self::All => all,
            Self::Form(form) => Terms {
                forms: "c.form = ?3",
                frozen,
                about: Some(form.clone()),
                ..all
            },
            Self::Classes(classes) => Terms {
                forms: "c.form in (select k.form from json_each(?3) j join academic_classes w on w.id = j.value \
                     join classes k on k.id = w.class where w.session = ?2)",
                wanted: "r.academic_class in (select j.value from json_each(?3) j)",
                frozen,
                card: "case when r.academic_class in (select j.value from json_each(?3) j) then r.card end",
                about: Some(serde_json::to_string(classes)?),
            },
            Self::Student(student) => Terms {
                forms: "c.form in (select k.form from student_sessions r join academic_classes w on w.id = r.academic_class \
                     join classes k on k.id = w.class where r.id = ?3 and r.session = ?2 union all \
                     select k.form from report_cards y join academic_classes w on w.id = y.academic_class \
                     join classes k on k.id = w.class where y.student_session = ?3 and y.exam_session = ?1)",
                wanted: "r.id = ?3",
                frozen: "r.student_session = ?3",
                about: Some(student.clone()),
                ..all
            },
        })
    }
}
