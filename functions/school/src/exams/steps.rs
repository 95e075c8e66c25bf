//! The steps of an exam session from a draft to locked marks and back. Publishing and withdrawing make and withdraw cards
//! and are theirs.

use axum::response::Response;
use homeroom_domain::{
    academics::exam_state::{Step, StepFault},
    permissions::school::PublishReportCard,
};
use homeroom_edge::{ApiError, Conflict, Ids, NoBody, Post, Posted, SchoolArea};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    records,
    school::exams::{self, EXAM_SESSIONS},
};
use utoipa::ToSchema;

use crate::records::Owned;

/// Most characters of a reason.
pub(crate) const REASON_LENGTH: usize = 500;

/// Why marks go back to the teachers.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; OptionalReason reads it"
)]
pub(crate) struct ReturnBody {
    /// For the audit log.
    #[schema(
        max_length = 500,
        example = "Two classes have no marks in Mathematics."
    )]
    reason: Option<String>,
}

/// Why locked marks are opened again.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RequiredReason reads it"
)]
pub(crate) struct UnlockBody {
    /// For the audit log.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "A paper was marked twice."
    )]
    reason: String,
}

pub(crate) struct OptionalReason(pub(crate) Option<String>);

impl Input for OptionalReason {
    fn read(fields: &mut Fields) -> Option<Self> {
        let reason = fields.nullable("reason", rules::text(0, REASON_LENGTH));
        Some(Self(reason?.flatten().filter(|reason| !reason.is_empty())))
    }
}

pub(crate) struct RequiredReason(String);

impl Input for RequiredReason {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(
            fields.required("reason", rules::text(1, REASON_LENGTH))?,
        ))
    }
}

/// Takes a step that changes nothing but the state.
async fn take<T>(
    post: &Posted<SchoolArea, T>,
    ids: Result<Ids, ApiError>,
    step: Step,
    reason: Option<&str>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let scope = EXAM_SESSIONS.within(|name| ids.get(name))?;
    let before = records::find(&post.db, &EXAM_SESSIONS, &scope, ids.get("id")?).await?;
    let state = exams::state(&before)
        .ok_or_else(|| ApiError::Internal("an exam session without a state".into()))?;
    let to = state
        .after(step, reason.is_some())
        .map_err(|fault| match fault {
            StepFault::NotFromHere => Conflict::NotFromHere.into(),
            StepFault::ReasonRequired => ApiError::field("reason", "This field is required."),
        })?;
    let (batch, after) = exams::step(&post.stamp(), &before, to, reason);
    post.done(batch, &Owned(&EXAM_SESSIONS, after)).await
}

/// Submit marks for review
///
/// From then on only who may correct every subject's marks changes them.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/submit/", tag = "exams",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ref("#/components/schemas/ExamSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn submit_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, NoBody>,
) -> Result<Response, ApiError> {
    take(&post, ids, Step::Submit, None).await
}

/// Return marks to the teachers
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/return/", tag = "exams",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)), request_body = ReturnBody,
    responses((status = 200, body = ref("#/components/schemas/ExamSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn return_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, OptionalReason>,
) -> Result<Response, ApiError> {
    take(&post, ids, Step::Return, post.input.0.as_deref()).await
}

/// Lock published marks
///
/// Corrections stay possible, with a reason.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/lock/", tag = "exams",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ref("#/components/schemas/ExamSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn lock_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, NoBody>,
) -> Result<Response, ApiError> {
    take(&post, ids, Step::Lock, None).await
}

/// Unlock marks
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/unlock/", tag = "exams",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)), request_body = UnlockBody,
    responses((status = 200, body = ref("#/components/schemas/ExamSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn unlock_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, RequiredReason>,
) -> Result<Response, ApiError> {
    take(&post, ids, Step::Unlock, Some(&post.input.0)).await
}
