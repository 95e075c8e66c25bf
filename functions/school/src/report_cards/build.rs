//! From what was loaded to cards: computed by the one function that every screen follows, and completed with names,
//! comments and attendance; or taken as they were published.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use homeroom_domain::{
    academics::{
        comments::{CommentBand, pick},
        exam_state::ExamState,
        grading::ScaleFault,
        marks::{Hundredths, Score},
        report::{Card, SubjectLine, compute},
    },
    records::{flag, text},
};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    StoreError,
    school::{
        exams::{self, Part},
        report_cards::{Entry, FrozenRow, ListedRow, Loaded, StudentRow},
    },
};

use super::card::{
    CardAttendanceOut, CardBody, CardCommentOut, CardPartOut, CardPartScoreOut, CardSubjectOut,
    ReportCardOut, grade_counts,
};

/// The cards of some forms.
pub(crate) struct Cards {
    /// By class and position.
    pub(crate) cards: Vec<ReportCardOut>,
    /// What is wrong with the scale of each level that has faults.
    pub(crate) faults: BTreeMap<String, Vec<ScaleFault>>,
}

/// Comments by kind.
struct Templates {
    teacher: Vec<CommentBand>,
    grade: Vec<CommentBand>,
    class_teacher: Vec<CommentBand>,
    head_teacher: Vec<CommentBand>,
}

impl Templates {
    fn new(loaded: &Loaded) -> Self {
        let of = |kind: &str| {
            let rows = loaded.templates.iter().filter(|row| row.kind == kind);
            rows.map(|row| CommentBand {
                level: row.level.clone(),
                min_mark: row.min_mark,
                max_mark: row.max_mark,
                text: row.text.clone(),
            })
            .collect()
        };
        Self {
            teacher: of("teacher"),
            grade: of("teacher_grade"),
            class_teacher: of("class_teacher"),
            head_teacher: of("head_teacher"),
        }
    }
}

/// What the cards of a form are completed from.
struct Builder<'a> {
    school_name: &'a str,
    loaded: &'a Loaded,
    templates: Templates,
    students: BTreeMap<&'a str, &'a StudentRow>,
    teachers: BTreeMap<(&'a str, &'a str), Option<&'a str>>,
    written: BTreeMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Builder<'a> {
    fn new(school_name: &'a str, loaded: &'a Loaded) -> Self {
        let students = loaded.students.iter();
        let exams = loaded.exams.iter();
        let written = loaded.written.iter();
        Self {
            school_name,
            loaded,
            templates: Templates::new(loaded),
            students: students
                .map(|row| (row.student_session.as_str(), row))
                .collect(),
            teachers: exams
                .map(|row| {
                    let key = (row.academic_class.as_str(), row.subject.as_str());
                    (key, row.teacher_name.as_deref())
                })
                .collect(),
            written: written
                .map(|row| {
                    let key = (row.student_session.as_str(), row.kind.as_str());
                    (key, row.text.as_str())
                })
                .collect(),
        }
    }

    fn body(&self, card: Card) -> Option<CardBody> {
        let student = self.students.get(card.student_session.as_str())?;
        let class = self.loaded.class(&card.academic_class)?;
        let bands = self.loaded.bands_of(&class.level);
        let remark = |line: &SubjectLine, entry: Option<&Entry>| {
            let written = entry
                .map(|entry| entry.comment.as_str())
                .filter(|text| !text.is_empty());
            let template = line.score.mark().and_then(|mark| {
                let mark = Hundredths::from(mark);
                let scale = || {
                    let band = bands
                        .iter()
                        .find(|band| Some(&band.grade) == line.grade.as_ref());
                    band.map(|band| band.comment.as_str())
                        .filter(|text| !text.is_empty())
                };
                pick(&self.templates.grade, &class.level, mark)
                    .or_else(|| pick(&self.templates.teacher, &class.level, mark))
                    .or_else(scale)
            });
            CardCommentOut::choose(written, template)
        };
        let subject = |line: &SubjectLine| {
            let entry = self.loaded.entry(&card.student_session, &line.subject);
            let comment = remark(line, entry);
            let key = (card.academic_class.as_str(), line.subject.as_str());
            CardSubjectOut {
                subject: line.subject.clone(),
                name: line.name.clone(),
                teacher_name: self
                    .teachers
                    .get(&key)
                    .copied()
                    .flatten()
                    .map(str::to_owned),
                status: status(Some(line.score)).to_owned(),
                mark: line.score.mark(),
                grade: line.grade.clone(),
                rank: line.rank,
                passed: line.passed,
                coefficient: line.coefficient,
                position_in_class: line.position_in_class,
                class_average: line.class_average,
                class_highest: line.class_highest,
                class_lowest: line.class_lowest,
                number_sat: line.number_sat,
                comment: comment.text,
                comment_source: comment.source,
                parts: entry.map(part_scores).unwrap_or_default(),
            }
        };
        let on_the_whole = |kind: &str, templates: &[CommentBand]| {
            let key = (card.student_session.as_str(), kind);
            let template = card
                .average
                .filter(|_| card.is_complete)
                .and_then(|average| pick(templates, &class.level, average));
            CardCommentOut::choose(self.written.get(&key).copied(), template)
        };
        let exam_session = &self.loaded.exam_session;
        Some(CardBody {
            school_name: self.school_name.to_owned(),
            session_name: self.loaded.facts.session_name.clone(),
            term: text(exam_session, "term").to_owned(),
            exam_session: text(exam_session, "id").to_owned(),
            exam_session_name: text(exam_session, "name").to_owned(),
            academic_class: class.id.clone(),
            class_name: class.name.clone(),
            form: class.form.clone(),
            form_name: class.form_name.clone(),
            level: class.level.clone(),
            class_teacher_name: class.class_teacher_name.clone(),
            student: student.student.clone(),
            student_session: student.student_session.clone(),
            student_number: student.student_number.clone(),
            student_name: format!("{} {}", student.given_names, student.last_name),
            parts: self.loaded.parts.iter().map(part).collect(),
            subjects: card.subjects.iter().map(subject).collect(),
            total: card.total,
            coefficients: card.coefficients,
            average: card.average,
            raw_average: card.raw_average,
            attendance_points: card.attendance_points,
            subjects_taken: card.subjects_taken,
            subjects_passed: card.subjects_passed,
            grade_counts: grade_counts(&card),
            points: card.points,
            is_complete: card.is_complete,
            position_in_class: card.position_in_class,
            class_size: card.class_size,
            position_in_form: card.position_in_form,
            form_size: card.form_size,
            class_average: card.class_average,
            class_highest: card.class_highest,
            class_lowest: card.class_lowest,
            attendance: attendance(student),
            class_teacher_comment: on_the_whole("class_teacher", &self.templates.class_teacher),
            head_teacher_comment: on_the_whole("head_teacher", &self.templates.head_teacher),
            missing: card.missing,
        })
    }
}

fn status(score: Option<Score>) -> &'static str {
    match score {
        Some(Score::Marked(_)) => "marked",
        Some(Score::Absent) => "absent",
        Some(Score::Missing) => "missing",
        None => "not_taken",
    }
}

fn part(part: &Part) -> CardPartOut {
    CardPartOut {
        exam_session: part.exam_session.clone(),
        name: part.name.clone(),
        term: part.term.clone(),
        weight: part.weight,
    }
}

fn part_scores(entry: &Entry) -> Vec<CardPartScoreOut> {
    let scores = entry.parts.iter();
    scores
        .map(|score| CardPartScoreOut {
            status: status(*score).to_owned(),
            mark: score.and_then(Score::mark),
        })
        .collect()
}

fn attendance(student: &StudentRow) -> CardAttendanceOut {
    let [present, absent, late, excused] = student.days();
    CardAttendanceOut {
        present,
        absent,
        late,
        excused,
    }
}

/// Whose cards are asked for, by registration and class: positions need the whole form, its cards do not all have to be
/// written out.
pub(crate) type Wanted<'a> = &'a dyn Fn(&str, &str) -> bool;

/// The cards of everybody who was loaded.
pub(crate) const EVERYBODY: Wanted<'static> = &|_, _| true;

/// The cards that are wanted of those who were loaded, worked out now.
pub(crate) fn live(school_name: &str, loaded: &Loaded, wanted: Wanted<'_>) -> Cards {
    let mut cards = Vec::new();
    let take = &mut |card| {
        cards.push(card);
        Ok(())
    };
    let Ok(faults) = each::<Infallible>(school_name, loaded, wanted, take);
    Cards { cards, faults }
}

/// The same one by one, by class and position, so that not all of a school have to be kept; with what is wrong with the scale
/// of each level that has faults.
pub(crate) fn each<E>(
    school_name: &str,
    loaded: &Loaded,
    wanted: Wanted<'_>,
    take: &mut dyn FnMut(ReportCardOut) -> Result<(), E>,
) -> Result<BTreeMap<String, Vec<ScaleFault>>, E> {
    let builder = Builder::new(school_name, loaded);
    let mut faults = BTreeMap::new();
    for (form, level) in loaded.forms() {
        let (cohort, wrong) = loaded.cohort(form, level);
        if !wrong.is_empty() {
            faults.insert(level.to_owned(), wrong);
        }
        let mut cards = compute(&cohort);
        cards.retain(|card| wanted(&card.student_session, &card.academic_class));
        let place = |card: &Card| {
            let mut classes = loaded.classes.iter();
            classes.position(|class| class.id == card.academic_class)
        };
        // Within a class they are in order already.
        cards.sort_by_cached_key(place);
        for body in cards.into_iter().filter_map(|card| builder.body(card)) {
            let hold = hold_of(loaded, &body);
            take(with_state(hold, body, None))?;
        }
    }
    Ok(faults)
}

/// The cards as a reader sees them: frozen where they are published, worked out now elsewhere.
pub(crate) fn present(
    school_name: &str,
    loaded: &Loaded,
    wanted: Wanted<'_>,
) -> Result<Cards, StoreError> {
    if !is_published(loaded) {
        return Ok(live(school_name, loaded, wanted));
    }
    let frozen: BTreeSet<&str> = loaded
        .frozen
        .iter()
        .map(|row| row.student_session.as_str())
        .collect();
    let others: Wanted<'_> = &|student, class| !frozen.contains(student) && wanted(student, class);
    let mut all = live(school_name, loaded, others);
    all.cards.append(&mut published(loaded, wanted)?);
    sort(loaded, &mut all.cards);
    Ok(all)
}

/// The cards that are wanted of those that were published, as they were.
pub(crate) fn published(
    loaded: &Loaded,
    wanted: Wanted<'_>,
) -> Result<Vec<ReportCardOut>, StoreError> {
    let mut cards = Vec::new();
    let rows = loaded.frozen.iter();
    for row in rows.filter(|row| wanted(&row.student_session, &row.academic_class)) {
        let body = CardBody::thaw(row.card.as_deref().unwrap_or_default())?;
        let hold = hold_of(loaded, &body);
        cards.push(with_state(hold, body, Some(row)));
    }
    sort(loaded, &mut cards);
    Ok(cards)
}

/// Whether students may see the cards, as far as the exam session is concerned.
pub(crate) fn is_published(loaded: &Loaded) -> bool {
    matches!(
        exams::state(&loaded.exam_session),
        Some(ExamState::Published | ExamState::Locked)
    ) && flag(&loaded.exam_session, "is_published")
}

fn sort(loaded: &Loaded, cards: &mut [ReportCardOut]) {
    let classes: BTreeMap<&str, usize> = loaded
        .classes
        .iter()
        .enumerate()
        .map(|(n, class)| (class.id.as_str(), n))
        .collect();
    cards.sort_by_key(|card| {
        (
            classes.get(card.body.academic_class.as_str()).copied(),
            card.body.place(),
            card.id.clone(),
        )
    });
}

/// A published card of a list.
pub(crate) fn listed(row: &ListedRow) -> Result<ReportCardOut, StoreError> {
    let body = CardBody::thaw(row.card.card.as_deref().unwrap_or_default())?;
    Ok(with_state(row.withheld.as_deref(), body, Some(&row.card)))
}

/// Why only the staff may see a card; none: others may.
fn hold_of<'a>(loaded: &'a Loaded, body: &CardBody) -> Option<&'a str> {
    let mut holds = loaded.holds.iter();
    let hold = holds.find(|hold| hold.student_session == body.student_session);
    hold.map(|hold| hold.reason.as_str())
}

fn with_state(hold: Option<&str>, body: CardBody, row: Option<&FrozenRow>) -> ReportCardOut {
    ReportCardOut {
        id: body.student_session.clone(),
        status: if row.is_some() { "published" } else { "live" },
        version: row.map(|row| row.version),
        published_at: row.map(|row| Timestamp::from_millis(row.published_at)),
        is_outdated: row.is_some_and(|row| row.is_outdated != 0),
        is_withheld: hold.is_some(),
        withheld_reason: hold.map(str::to_owned),
        body,
    }
}
