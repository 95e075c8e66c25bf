//! The mark sheet of an exam, and how far the sheets of an exam session are.

use homeroom_domain::{
    academics::marks::{Hundredths, Score},
    permissions::school::ViewMark,
};
use homeroom_edge::{ApiError, Ids, Json, List, Query, SchoolCan};
use homeroom_store::school::mark_sheets::{self, Address, PROGRESS, Progress, SheetRow};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::access;

/// The mark sheet of an exam.
#[derive(Serialize, ToSchema)]
pub(crate) struct MarkSheetOut {
    /// The exam.
    #[schema(format = Uuid)]
    exam: String,
    /// The class.
    #[schema(format = Uuid)]
    academic_class: String,
    /// The name of the class.
    class_name: String,
    /// The subject.
    #[schema(format = Uuid)]
    subject: String,
    /// The name of the subject.
    subject_name: String,
    /// Who enters the marks.
    #[schema(format = Uuid)]
    teacher: String,
    /// The last day for entering them.
    #[schema(format = Date)]
    marks_due: Option<String>,
    /// How far the marks are: `draft`, `review`, `published` or `locked`.
    state: &'static str,
    /// Whether students may go without the subject: then nothing stored is nothing missing.
    is_optional: bool,
    /// Whether you can change the marks now; once they are published, with a reason.
    can_edit: bool,
    counts: MarkCountsOut,
    /// Every active student of the class, by family name.
    rows: Vec<MarkSheetRowOut>,
}

/// What is on a mark sheet.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct MarkCountsOut {
    /// Active students of the class.
    students: usize,
    /// Students with a mark.
    entered: usize,
    /// Students who did not sit.
    absent: usize,
    /// Students who need a mark.
    missing: usize,
    /// Students who go without the subject.
    not_taken: usize,
}

/// A student on a mark sheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct MarkSheetRowOut {
    /// The student in the session.
    #[schema(format = Uuid)]
    student_session: String,
    /// The school's number of the student.
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// The mark as a record; null: nothing is stored.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// `entered`, `absent`, `missing` or `not_taken`.
    #[schema(example = "entered")]
    status: &'static str,
    /// 0 to 100.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    mark: Option<Hundredths>,
    /// Whether the student did not sit.
    is_absent: bool,
    /// For the card.
    comment: String,
    /// To be sent back with a change; 0 where nothing is stored.
    version: i64,
    /// The former class of the student, of the same form, in which the mark was entered: it counts until there is one here;
    /// null: it was entered here, or there is none.
    former_class: Option<String>,
}

fn out(row: SheetRow, is_optional: bool, counts: &mut MarkCountsOut) -> MarkSheetRowOut {
    let score = match row.mark {
        Some(mark) => Score::Marked(mark),
        None if row.is_absent == Some(1) => Score::Absent,
        None => Score::Missing,
    };
    let (status, count) = match score {
        Score::Marked(_) => ("entered", &mut counts.entered),
        Score::Absent => ("absent", &mut counts.absent),
        Score::Missing if is_optional && row.is_absent.is_none() => {
            ("not_taken", &mut counts.not_taken)
        }
        Score::Missing => ("missing", &mut counts.missing),
    };
    *count += 1;
    counts.students += 1;
    MarkSheetRowOut {
        student_session: row.student_session,
        student_id: row.student_id,
        student_name: row.student_name,
        id: row.id,
        status,
        mark: score.mark().map(Hundredths::from),
        is_absent: matches!(score, Score::Absent),
        comment: row.comment.unwrap_or_default(),
        version: row.version,
        former_class: row.former_class,
    }
}

pub(super) fn address(ids: &Ids) -> Result<Address, ApiError> {
    Ok(Address {
        session: ids.get("session")?,
        exam_session: ids.get("exam_session")?,
        exam: ids.get("exam")?,
    })
}

/// The mark sheet of an exam
#[utoipa::path(get,
    path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/exams/{exam}/sheet/", tag = "marks",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("exam" = uuid::Uuid, Path)),
    responses((status = 200, body = MarkSheetOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_mark_sheet(
    caller: SchoolCan<ViewMark>,
    ids: Result<Ids, ApiError>,
) -> Result<Json<MarkSheetOut>, ApiError> {
    let (exam, rows) = mark_sheets::find(&caller.db, &address(&ids?)?).await?;
    let users = exam.exam_users.as_deref();
    if !access::manages(&caller) && !access::is_one_of(&caller, users) {
        return Err(ApiError::NotFound);
    }
    let sheet = access::Sheet {
        state: exam.state,
        is_active: exam.is_active,
        marks_due: exam.marks_due.as_deref(),
        exam_users: users,
    };
    let can_edit = access::may_edit(&caller, &sheet, true).is_ok();
    let mut counts = MarkCountsOut::default();
    let rows = rows
        .into_iter()
        .map(|row| out(row, exam.is_optional, &mut counts))
        .collect();
    Ok(Json(MarkSheetOut {
        exam: exam.id,
        academic_class: exam.academic_class,
        class_name: exam.class_name,
        subject: exam.subject,
        subject_name: exam.subject_name,
        teacher: exam.teacher,
        marks_due: exam.marks_due,
        state: exam.state.as_str(),
        is_optional: exam.is_optional,
        can_edit,
        counts,
        rows,
    }))
}

/// How far the marks of an exam are.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingMarksOut {
    /// The exam.
    #[schema(format = Uuid)]
    id: String,
    /// The exam session: a part of the one that was asked for, where that has parts.
    #[schema(format = Uuid)]
    exam_session: String,
    /// The class.
    #[schema(format = Uuid)]
    academic_class: String,
    /// The name of the class.
    class_name: String,
    /// The subject.
    #[schema(format = Uuid)]
    subject: String,
    /// The name of the subject.
    subject_name: String,
    /// Who enters the marks.
    #[schema(format = Uuid)]
    teacher: String,
    /// Who that is.
    teacher_name: String,
    /// The last day for entering them.
    #[schema(format = Date)]
    marks_due: Option<String>,
    /// How many students need a mark.
    expected: i64,
    /// How many have one.
    entered: i64,
    /// How many did not sit.
    absent: i64,
    /// How many have neither.
    missing: i64,
}

impl From<Progress> for MissingMarksOut {
    fn from(row: Progress) -> Self {
        Self {
            id: row.id,
            exam_session: row.exam_session,
            academic_class: row.academic_class,
            class_name: row.class_name,
            subject: row.subject,
            subject_name: row.subject_name,
            teacher: row.teacher,
            teacher_name: row.teacher_name,
            marks_due: row.marks_due,
            expected: row.expected,
            entered: row.entered,
            absent: row.absent,
            missing: row.missing,
        }
    }
}

/// What the progress of exams can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct ProgressFilters {
    /// The exams of one class.
    academic_class: Option<uuid::Uuid>,
    /// The exams of one subject.
    subject: Option<uuid::Uuid>,
    /// The exams whose marks one member of staff enters.
    teacher: Option<uuid::Uuid>,
    /// Whether no mark is missing.
    is_complete: Option<bool>,
}

/// Who has not entered marks yet
///
/// Every exam with what it lacks, most first; of an exam session with parts, the exams of these.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/marks/missing/", tag = "marks",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ProgressFilters),
    responses((status = 200, body = List<MissingMarksOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_missing_marks(
    caller: SchoolCan<ViewMark>,
    ids: Result<Ids, ApiError>,
    query: Query,
) -> Result<Json<List<MissingMarksOut>>, ApiError> {
    let ids = ids?;
    let request = query.page(&PROGRESS)?;
    let user = access::sees_subjects_of(&caller);
    let page = mark_sheets::list_progress(
        &caller.db,
        ids.get("session")?,
        ids.get("exam_session")?,
        user.as_deref(),
        &request,
    );
    Ok(List::new(&caller.context, &query, &request, page.await?))
}
