//! The figures of a student's year: those of the published card, or of the marks where no card is published.

use std::collections::HashMap;

use homeroom_domain::academics::{
    marks::{Coefficient, Hundredths, Mark, Score},
    parts::combine,
    report::{self, Cohort, ReportSettings, SubjectPlan},
};
use homeroom_edge::ApiError;
use homeroom_store::{
    TenantDb,
    school::{
        exams::Part,
        promotion::{self as store, Preview, Scores, Subject},
    },
};

/// A student's figures, and where they are from.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) average: Option<Hundredths>,
    pub(super) subjects_passed: u32,
    pub(super) is_complete: bool,
    pub(super) is_outdated: bool,
    /// The names of the subjects that must be passed and were not.
    pub(super) not_passed: Vec<String>,
    pub(super) source: &'static str,
}

/// The figures of every student of a preview who has any, by registration.
pub(super) async fn figures(
    db: &TenantDb,
    preview: &Preview,
) -> Result<HashMap<String, Figures>, ApiError> {
    let mut known = HashMap::new();
    for candidate in &preview.candidates {
        if let Some(card) = &candidate.card {
            let figures = Figures {
                average: card.average.map(Hundredths),
                subjects_passed: card.subjects_passed,
                is_complete: card.is_complete != 0,
                is_outdated: card.is_outdated != 0,
                not_passed: card.not_passed.clone(),
                source: "report_card",
            };
            known.insert(candidate.student_session.clone(), figures);
        }
    }
    if let Some(exams) = &preview.exam_session
        && known.len() < preview.candidates.len()
    {
        let (subjects, scores) = store::scores(db, exams).await?;
        known.extend(of_marks(&subjects, scores, &preview.parts));
    }
    Ok(known)
}

/// Figures as a card would show them. Positions are of no interest here, so neither is who else is in the form.
fn of_marks(
    subjects: &[Subject],
    scores: Vec<Scores>,
    parts: &[Part],
) -> impl Iterator<Item = (String, Figures)> + use<> {
    let mut forms: HashMap<String, Vec<Scores>> = HashMap::new();
    for student in scores {
        forms.entry(student.form.clone()).or_default().push(student);
    }
    let mut cards = Vec::new();
    for (form, students) in forms {
        let own: Vec<&Subject> = subjects
            .iter()
            .filter(|subject| subject.form == form)
            .collect();
        let computed = report::compute(&Cohort {
            level: String::new(),
            settings: ReportSettings::default(),
            scale: None,
            subjects: own.iter().copied().map(plan).collect(),
            students: students
                .iter()
                .map(|student| candidate(student, &own, parts))
                .collect(),
        });
        cards.extend(computed.into_iter().map(|card| {
            let not_passed = not_passed(&card, &own);
            (card, not_passed)
        }));
    }
    cards.into_iter().map(|(card, not_passed)| {
        let figures = Figures {
            average: card.average,
            subjects_passed: card.subjects_passed,
            is_complete: card.is_complete,
            is_outdated: false,
            not_passed,
            source: "marks",
        };
        (card.student_session, figures)
    })
}

/// The names of the subjects that must be passed and were not.
fn not_passed(card: &report::Card, subjects: &[&Subject]) -> Vec<String> {
    let passed = |subject: &Subject| {
        let mut lines = card.subjects.iter();
        lines.any(|line| line.subject == subject.subject && line.passed == Some(true))
    };
    subjects
        .iter()
        .filter(|subject| subject.must_pass != 0 && !passed(subject))
        .map(|subject| subject.name.clone())
        .collect()
}

/// A student's subjects: those with an entry, and the compulsory ones. Who changed the class keeps the marks of the
/// former one.
fn candidate(student: &Scores, subjects: &[&Subject], parts: &[Part]) -> report::Candidate {
    let in_part = |subject: &Subject, part: Option<&Part>| {
        let own = student.entries.iter().filter(|(id, _, _, exams, _)| {
            *id == subject.subject && part.is_none_or(|part| part.exam_session == *exams)
        });
        match own.max_by_key(|(.., is_own_class)| *is_own_class) {
            Some((_, _, 1, ..)) => Some(Score::Absent),
            Some((_, Some(mark), ..)) => Mark::new(*mark).map(Score::Marked),
            Some(_) => Some(Score::Missing),
            None => (subject.is_compulsory != 0).then_some(Score::Missing),
        }
    };
    let score = |subject: &&Subject| {
        let score = if parts.is_empty() {
            in_part(subject, None)
        } else {
            let scores = parts.iter();
            let scores = scores.map(|part| (part.weight, in_part(subject, Some(part))));
            combine(&scores.collect::<Vec<_>>())
        };
        score.map(|score| (subject.subject.clone(), score))
    };
    report::Candidate {
        student_session: student.student_session.clone(),
        academic_class: student.academic_class.clone(),
        subjects: subjects.iter().filter_map(score).collect(),
        // Points for attendance are what a card gives.
        absences: None,
    }
}

fn plan(subject: &Subject) -> SubjectPlan {
    SubjectPlan {
        id: subject.subject.clone(),
        name: subject.name.clone(),
        coefficient: Coefficient::new(subject.coefficient).unwrap_or(Coefficient::ONE),
        pass_mark: Mark::new(subject.pass_mark).unwrap_or(Mark::MAX),
    }
}
