//! What executions did with each student.

use homeroom_domain::permissions::school::ViewStudentPromotion;
use homeroom_edge::{ApiError, Json, List, Query, SchoolCan};
use homeroom_kernel::Timestamp;
use homeroom_store::school::promotion::{self as store, HistoryRow};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// What an execution did with a student.
#[derive(Serialize, ToSchema)]
pub(crate) struct StudentPromotionHistoryOut {
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The execution.
    #[schema(value_type = uuid::Uuid)]
    execution: String,
    /// The set-up.
    #[schema(value_type = uuid::Uuid)]
    session_setup: String,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: String,
    /// The school's number of the student.
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// The class that was left.
    #[schema(value_type = uuid::Uuid)]
    source_session_class: String,
    /// The class of the new session; null for those who left.
    #[schema(value_type = Option<uuid::Uuid>)]
    destination_session_class: Option<String>,
    /// What was done.
    #[schema(example = "promote")]
    action: String,
    /// The registration that was made; it is gone once the execution is undone.
    #[schema(value_type = Option<uuid::Uuid>)]
    student_session: Option<String>,
    /// The student's enrolment before.
    #[schema(example = "active")]
    old_enrolment: String,
    /// Boarding or day before.
    #[schema(example = "Day")]
    old_boarding: String,
    /// The student's form before.
    #[schema(value_type = Option<uuid::Uuid>)]
    old_form: Option<String>,
    /// The student's enrolment after.
    #[schema(example = "active")]
    new_enrolment: String,
    /// Boarding or day after.
    #[schema(example = "Day")]
    new_boarding: String,
    /// The student's form after.
    #[schema(value_type = Option<uuid::Uuid>)]
    new_form: Option<String>,
    /// When the execution was undone.
    #[schema(value_type = Option<String>, format = DateTime)]
    undone_at: Option<Timestamp>,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<HistoryRow> for StudentPromotionHistoryOut {
    fn from(row: HistoryRow) -> Self {
        Self {
            id: row.id,
            execution: row.execution,
            session_setup: row.session_setup,
            student: row.student,
            student_id: row.student_id,
            student_name: row.student_name,
            source_session_class: row.source_session_class,
            destination_session_class: row.destination_session_class,
            action: row.action,
            student_session: row.student_session,
            old_enrolment: row.old_enrolment,
            old_boarding: row.old_boarding,
            old_form: row.old_form,
            new_enrolment: row.new_enrolment,
            new_boarding: row.new_boarding,
            new_form: row.new_form,
            undone_at: row.undone_at,
            created_at: row.created_at,
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct HistoryFilters {
    /// Looks into number and names of the student.
    search: Option<String>,
    /// Of this student.
    student: Option<uuid::Uuid>,
    /// Of this set-up.
    session_setup: Option<uuid::Uuid>,
    /// Of this execution.
    execution: Option<uuid::Uuid>,
    /// What was done.
    action: Option<String>,
    /// Whether the execution was undone.
    is_undone: Option<bool>,
}

/// What executions did with each student
#[utoipa::path(get, path = "/api/v1/school/student-promotion-history/", tag = "promotion", params(HistoryFilters),
    responses((status = 200, body = List<StudentPromotionHistoryOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_student_promotion_history(
    caller: SchoolCan<ViewStudentPromotion>,
    query: Query,
) -> Result<Json<List<StudentPromotionHistoryOut>>, ApiError> {
    let request = query.page(&store::HISTORY)?;
    let page = store::list_history(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
