//! What there is of every student in every subject, out of the marks of all exams.

use std::collections::HashMap;

use homeroom_domain::academics::{
    marks::{Mark, Score},
    parts::combine,
};

use super::Loaded;
use crate::{error::StoreError, school::exams::Part};

/// A mark with what belongs to it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The mark, absent or missing.
    pub score: Score,
    /// The remark written with the mark.
    pub comment: String,
    /// What there is in each part of the exam session; none: not taken there.
    pub parts: Vec<Option<Score>>,
    /// Whether it is from the student's present class.
    is_own_class: bool,
}

/// What there is of each student in each subject. Both are numbered: thousands of marks would compare ids for longer than
/// everything else takes.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    students: HashMap<String, usize>,
    pub(super) subjects: HashMap<String, usize>,
    /// By student; each with the number of its subject.
    entries: Vec<Vec<(usize, Entry)>>,
}

impl Sheet {
    pub(super) fn of(&self, student_session: &str) -> &[(usize, Entry)] {
        let number = self.students.get(student_session);
        let entries = number.and_then(|&number| self.entries.get(number));
        entries.map_or(&[], Vec::as_slice)
    }
}

pub(super) fn in_subject(entries: &[(usize, Entry)], subject: Option<usize>) -> Option<&Entry> {
    let mut entries = entries.iter();
    entries
        .find(|(number, _)| Some(*number) == subject)
        .map(|(_, entry)| entry)
}

impl Loaded {
    /// What there is of a student in a subject.
    #[must_use]
    pub fn entry(&self, student_session: &str, subject: &str) -> Option<&Entry> {
        let subject = self.sheet.subjects.get(subject).copied();
        in_subject(self.sheet.of(student_session), subject)
    }

    pub(super) fn read_marks(&self) -> Result<Sheet, StoreError> {
        let mut sheet = Sheet {
            entries: self.students.iter().map(|_| Vec::new()).collect(),
            ..Sheet::default()
        };
        let forms: HashMap<&str, &str> = self
            .classes
            .iter()
            .map(|class| (class.id.as_str(), class.form.as_str()))
            .collect();
        let form_of = |class: &str| forms.get(class).copied();
        let mut form_of_students = Vec::new();
        for (number, student) in self.students.iter().enumerate() {
            let id = student.student_session.clone();
            sheet.students.insert(id, number);
            form_of_students.push(form_of(&student.academic_class));
        }
        for exam in &self.exams {
            let next = sheet.subjects.len();
            let subject = *sheet.subjects.entry(exam.subject.clone()).or_insert(next);
            let place = self.first_part(subject) + exam.place.saturating_sub(1);
            let form = form_of(&exam.academic_class);
            let (marks, remarks): (&str, Vec<(&str, String)>) = serde_json::from_str(&exam.marks)?;
            let mut remarks: HashMap<&str, String> = remarks.into_iter().collect();
            for line in marks.split_terminator(';') {
                let (student, mark) = line
                    .split_once(' ')
                    .ok_or_else(|| StoreError::Broken(format!("not a mark: {line}")))?;
                // Who is not active any more has no card.
                let Some(&number) = sheet.students.get(student) else {
                    continue;
                };
                let (Some(row), Some(entries)) =
                    (self.students.get(number), sheet.entries.get_mut(number))
                else {
                    continue;
                };
                // The marks of a form that the student has left belong to no card of the present one.
                if form_of_students.get(number) != Some(&form) {
                    continue;
                }
                let score = match (mark, mark.parse().ok().and_then(Mark::new)) {
                    ("a", _) => Score::Absent,
                    (_, Some(mark)) => Score::Marked(mark),
                    (_, None) => Score::Missing,
                };
                let entry = Entry {
                    score,
                    comment: remarks.remove(student).unwrap_or_default(),
                    parts: Vec::new(),
                    is_own_class: row.academic_class == exam.academic_class,
                };
                // Who changed the class within the form keeps the marks of the former one, those of the newest exam.
                match entries.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, known)) if known.is_own_class => {}
                    Some((_, known)) => *known = entry,
                    None => entries.push((place, entry)),
                }
            }
        }
        if !self.parts.is_empty() {
            self.combine_parts(&mut sheet, &form_of_students);
        }
        Ok(sheet)
    }

    /// The number of a subject's first part: until the parts are combined, each part of a subject has one of its own.
    fn first_part(&self, subject: usize) -> usize {
        subject * self.parts.len().max(1)
    }

    /// Makes one entry of those that a student has in the parts of a subject.
    fn combine_parts(&self, sheet: &mut Sheet, forms: &[Option<&str>]) {
        for plan in &self.plans {
            let next = sheet.subjects.len();
            sheet.subjects.entry(plan.subject.clone()).or_insert(next);
        }
        for (entries, form) in sheet.entries.iter_mut().zip(forms) {
            let plans = self.plans.iter();
            let plans = plans.filter(|plan| *form == Some(plan.form.as_str()));
            let combined = plans.filter_map(|plan| {
                let subject = *sheet.subjects.get(&plan.subject)?;
                let untaken = (plan.is_compulsory != 0).then_some(Score::Missing);
                let score = |(part, number): (&Part, usize)| {
                    let entry = in_subject(entries, Some(number));
                    (part.weight, entry.map(|entry| entry.score).or(untaken))
                };
                let parts = self.parts.iter().zip(self.first_part(subject)..);
                let parts: Vec<(i64, Option<Score>)> = parts.map(score).collect();
                let entry = Entry {
                    score: combine(&parts)?,
                    comment: String::new(),
                    parts: parts.into_iter().map(|(_, score)| score).collect(),
                    is_own_class: true,
                };
                Some((subject, entry))
            });
            *entries = combined.collect();
        }
    }
}
