//! Broadsheets: the students of a class against its subjects.

use homeroom_domain::{
    academics::marks::{Hundredths, Mark},
    csv,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{card::ReportCardOut, shown};

/// The students of a class against its subjects.
#[derive(Serialize, ToSchema)]
pub(crate) struct BroadsheetOut {
    /// The session.
    pub(crate) session_name: String,
    /// The term.
    pub(crate) term: String,
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) exam_session: String,
    /// Its name.
    pub(crate) exam_session_name: String,
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) academic_class: String,
    /// Its name.
    pub(crate) class_name: String,
    /// The form's name.
    pub(crate) form_name: String,
    /// `live`: worked out now; `published`: as the newest published cards say; `mixed`: some cards are not published.
    #[schema(pattern = "^(live|published|mixed)$")]
    pub(crate) status: &'static str,
    /// The subjects, by name.
    pub(crate) subjects: Vec<BroadsheetSubjectOut>,
    /// The students, by position; those without one last.
    pub(crate) students: Vec<BroadsheetStudentOut>,
    /// Everybody in the class.
    pub(crate) class_size: u32,
    /// Average of the averages of those who have a position.
    #[schema(value_type = Option<f64>)]
    pub(crate) class_average: Option<Hundredths>,
    /// The highest of these.
    #[schema(value_type = Option<f64>)]
    pub(crate) class_highest: Option<Hundredths>,
    /// The lowest of these.
    #[schema(value_type = Option<f64>)]
    pub(crate) class_lowest: Option<Hundredths>,
}

/// A subject of the class.
#[derive(Serialize, ToSchema)]
pub(crate) struct BroadsheetSubjectOut {
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) subject: String,
    /// Its name.
    pub(crate) name: String,
    /// Average of the class.
    #[schema(value_type = Option<f64>)]
    pub(crate) average: Option<Hundredths>,
    /// Highest of the class.
    #[schema(value_type = Option<f64>)]
    pub(crate) highest: Option<Hundredths>,
    /// Lowest of the class.
    #[schema(value_type = Option<f64>)]
    pub(crate) lowest: Option<Hundredths>,
    /// How many of the class have a mark.
    pub(crate) number_sat: u32,
}

/// A student of the class.
#[derive(Serialize, ToSchema)]
pub(crate) struct BroadsheetStudentOut {
    /// The student's registration.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) student_session: String,
    /// The school's number of the student.
    pub(crate) student_number: String,
    /// The student's name, family name last.
    pub(crate) student_name: String,
    /// What there is in each subject, in the order of `subjects`; null: not taken.
    pub(crate) marks: Vec<Option<CellOut>>,
    /// Sum of mark × coefficient.
    #[schema(value_type = f64)]
    pub(crate) total: Hundredths,
    /// Total ÷ coefficients.
    #[schema(value_type = Option<f64>)]
    pub(crate) average: Option<Hundredths>,
    /// Subjects with a mark.
    pub(crate) subjects_taken: u32,
    /// Subjects passed.
    pub(crate) subjects_passed: u32,
    /// Among the class.
    pub(crate) position_in_class: Option<u32>,
    /// Among the form.
    pub(crate) position_in_form: Option<u32>,
    /// Whether no mark is missing.
    pub(crate) is_complete: bool,
    /// Whether something was corrected since the card was published.
    pub(crate) is_outdated: bool,
}

/// A mark in a broadsheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct CellOut {
    /// `marked`, `absent` or `missing`.
    #[schema(pattern = "^(marked|absent|missing)$")]
    pub(crate) status: String,
    /// The mark.
    #[schema(value_type = Option<f64>)]
    pub(crate) mark: Option<Mark>,
    /// Its grade.
    pub(crate) grade: Option<String>,
    /// Among those of the class who sat.
    pub(crate) position_in_class: Option<u32>,
}

impl BroadsheetOut {
    /// Of the cards of one class; none where there are no cards.
    pub(crate) fn new(cards: &[ReportCardOut]) -> Option<Self> {
        let first = &cards.first()?.body;
        let mut subjects: Vec<BroadsheetSubjectOut> = Vec::new();
        for line in cards.iter().flat_map(|card| &card.body.subjects) {
            if !subjects.iter().any(|known| known.subject == line.subject) {
                subjects.push(BroadsheetSubjectOut {
                    subject: line.subject.clone(),
                    name: line.name.clone(),
                    average: line.class_average,
                    highest: line.class_highest,
                    lowest: line.class_lowest,
                    number_sat: line.number_sat,
                });
            }
        }
        subjects.sort_by_key(|subject| subject.name.to_lowercase());
        let students = cards.iter().map(|card| student(card, &subjects)).collect();
        let live = cards.iter().filter(|card| card.status == "live").count();
        let status = match live {
            0 => "published",
            live if live == cards.len() => "live",
            _ => "mixed",
        };
        Some(Self {
            session_name: first.session_name.clone(),
            term: first.term.clone(),
            exam_session: first.exam_session.clone(),
            exam_session_name: first.exam_session_name.clone(),
            academic_class: first.academic_class.clone(),
            class_name: first.class_name.clone(),
            form_name: first.form_name.clone(),
            status,
            subjects,
            students,
            class_size: first.class_size,
            class_average: first.class_average,
            class_highest: first.class_highest,
            class_lowest: first.class_lowest,
        })
    }

    /// For people.
    pub(crate) fn state_text(&self) -> &'static str {
        match self.status {
            "published" => "As published",
            "mixed" => "Partly published",
            _ => "Not published",
        }
    }

    /// A line per student, and the figures of the subjects below.
    pub(crate) fn csv(&self) -> String {
        let mut file = csv::BYTE_ORDER_MARK.to_owned();
        let head = ["position_in_class", "student_number", "student_name"];
        let tail = [
            "total",
            "average",
            "subjects_taken",
            "subjects_passed",
            "position_in_form",
            "is_complete",
        ];
        let names = self.subjects.iter().map(|subject| subject.name.as_str());
        csv::write_row(&mut file, head.into_iter().chain(names).chain(tail));
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        for student in &self.students {
            let mut row = vec![
                number(student.position_in_class),
                student.student_number.clone(),
                student.student_name.clone(),
            ];
            row.extend(student.marks.iter().map(|cell| cell_text(cell.as_ref())));
            row.extend([
                student.total.to_string(),
                student
                    .average
                    .map(|average| average.to_string())
                    .unwrap_or_default(),
                student.subjects_taken.to_string(),
                student.subjects_passed.to_string(),
                number(student.position_in_form),
                student.is_complete.to_string(),
            ]);
            csv::write_row(&mut file, row.iter().map(String::as_str));
        }
        let averages = self.subjects.iter().map(|subject| shown(subject.average));
        let mut row = vec![String::new(), String::new(), "Average".to_owned()];
        row.extend(averages);
        row.extend([String::new(), shown(self.class_average)]);
        row.extend(std::iter::repeat_n(String::new(), 4));
        csv::write_row(&mut file, row.iter().map(String::as_str));
        file
    }
}

fn student(card: &ReportCardOut, subjects: &[BroadsheetSubjectOut]) -> BroadsheetStudentOut {
    let body = &card.body;
    let cell = |subject: &BroadsheetSubjectOut| {
        let line = body
            .subjects
            .iter()
            .find(|line| line.subject == subject.subject)?;
        Some(CellOut {
            status: line.status.clone(),
            mark: line.mark,
            grade: line.grade.clone(),
            position_in_class: line.position_in_class,
        })
    };
    BroadsheetStudentOut {
        student_session: body.student_session.clone(),
        student_number: body.student_number.clone(),
        student_name: body.student_name.clone(),
        marks: subjects.iter().map(cell).collect(),
        total: body.total,
        average: body.average,
        subjects_taken: body.subjects_taken,
        subjects_passed: body.subjects_passed,
        position_in_class: body.position_in_class,
        position_in_form: body.position_in_form,
        is_complete: body.is_complete,
        is_outdated: card.is_outdated,
    }
}

/// A mark in a broadsheet; blank where the student does not take the subject.
pub(crate) fn cell_text(cell: Option<&CellOut>) -> String {
    match cell {
        None => String::new(),
        Some(CellOut {
            mark: Some(mark), ..
        }) => mark.to_string(),
        Some(cell) if cell.status == "absent" => "Absent".to_owned(),
        Some(_) => "Missing".to_owned(),
    }
}
