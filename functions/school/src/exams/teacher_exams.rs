//! Exams made from who teaches what.

use axum::response::Response;
use homeroom_domain::permissions::school::AddExam;
use homeroom_edge::{ApiError, Conflict, Ids, NoBody, Post, SchoolArea};
use homeroom_store::school::teacher_exams::{self, Assignment, Assignments, NewExam};
use serde::Serialize;
use utoipa::ToSchema;

use super::manages_exams;

/// How often the exams are read anew because somebody else created some meanwhile.
const ATTEMPTS: usize = 5;

/// What was created, and what there was.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeacherExamsOut {
    /// Always true.
    success: bool,
    /// For people.
    #[schema(example = "3 exams created, 5 there already.")]
    message: String,
    summary: TeacherExamsSummaryOut,
    details: TeacherExamsDetailsOut,
    /// The caller's staff record; null: everybody's assignments were looked at.
    #[schema(format = Uuid)]
    teacher: Option<String>,
    /// The exam session.
    #[schema(format = Uuid)]
    exam_session: String,
}

/// The counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeacherExamsSummaryOut {
    /// Subjects of classes that were looked at.
    total_assignments: usize,
    /// Exams that were created now.
    newly_created: usize,
    /// Exams that there were already.
    already_existed: usize,
    /// Of those there were, how many you created.
    created_by_you: usize,
    /// Of those there were, how many others created.
    created_by_others: usize,
}

/// The exams.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeacherExamsDetailsOut {
    /// Those created now.
    created_exams: Vec<TeacherExamOut>,
    /// Those there were already.
    existing_exams: Vec<TeacherExamOut>,
}

/// An exam of an assignment.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeacherExamOut {
    /// The exam.
    #[schema(format = Uuid)]
    id: String,
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
    /// Who teaches it.
    #[schema(format = Uuid)]
    teacher: String,
}

impl TeacherExamOut {
    fn new(id: String, row: Assignment) -> Self {
        Self {
            id,
            academic_class: row.academic_class,
            class_name: row.class_name,
            subject: row.subject,
            subject_name: row.subject_name,
            teacher: row.teacher,
        }
    }
}

/// Create the missing exams of who teaches what
///
/// A teacher's own assignments; everybody's for who may correct every subject's marks or change exams. Repeating it
/// creates nothing twice.
#[utoipa::path(post,
    path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/exams/auto-create-teacher-exams/",
    tag = "exams", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path)),
    responses((status = 200, body = TeacherExamsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn auto_create_teacher_exams(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, AddExam, NoBody>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let (session, exam_session) = (ids.get("session")?, ids.get::<()>("exam_session")?);
    let user = post.actor.user.map(|user| user.to_string());
    let all = manages_exams(&post);
    let mut attempt = 1;
    loop {
        let found =
            teacher_exams::find(&post.db, session, exam_session, user.as_deref(), all).await?;
        if found.staff.is_none() && !all {
            return Err(Conflict::NoStaffRecord.into());
        }
        let stamp = post.stamp();
        let exam_session = exam_session.to_string();
        let (new, answer) = settle(found, &exam_session, all, || {
            stamp.ids.next::<()>().to_string()
        });
        let batch = if new.is_empty() {
            homeroom_store::Batch::default()
        } else {
            teacher_exams::insert(&stamp, &exam_session, &new)
        };
        match post.done(batch, &answer).await {
            Err(ApiError::Conflict(Conflict::ChangedMeanwhile)) if attempt < ATTEMPTS => {
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// What is created, and what is said of it.
fn settle(
    found: Assignments,
    exam_session: &str,
    all: bool,
    mut id: impl FnMut() -> String,
) -> (Vec<NewExam>, TeacherExamsOut) {
    let (mut new, mut created_exams, mut existing_exams) = (Vec::new(), Vec::new(), Vec::new());
    let (total_assignments, mut created_by_you) = (found.rows.len(), 0);
    for row in found.rows {
        if let Some(exam) = row.exam.clone() {
            created_by_you += usize::from(row.is_own_exam);
            existing_exams.push(TeacherExamOut::new(exam, row));
            continue;
        }
        let exam = TeacherExamOut::new(id(), row);
        new.push(NewExam {
            id: exam.id.clone(),
            academic_class: exam.academic_class.clone(),
            subject: exam.subject.clone(),
            teacher: exam.teacher.clone(),
        });
        created_exams.push(exam);
    }
    let (newly_created, already_existed) = (created_exams.len(), existing_exams.len());
    let answer = TeacherExamsOut {
        success: true,
        message: format!("{newly_created} exams created, {already_existed} there already."),
        summary: TeacherExamsSummaryOut {
            total_assignments,
            newly_created,
            already_existed,
            created_by_you,
            created_by_others: already_existed - created_by_you,
        },
        details: TeacherExamsDetailsOut {
            created_exams,
            existing_exams,
        },
        teacher: found.staff.filter(|_| !all),
        exam_session: exam_session.to_owned(),
    };
    (new, answer)
}
