//! The school's sessions, and the exam sessions whose results families see.

use homeroom_domain::permissions::chatbot::ViewResult;
use homeroom_edge::{ApiError, Json, List, Query, SchoolCan};
use homeroom_kernel::Timestamp;
use homeroom_store::school::chatbot::{
    self as tables, AcademicSession, RELEASED, ReleasedSession, SESSIONS,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A session of the school.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcademicSessionOut {
    /// The session.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Its name.
    #[schema(example = "2026")]
    name: String,
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    start_date: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    end_date: Timestamp,
    /// Whether it is the present one.
    is_active: bool,
}

impl From<AcademicSession> for AcademicSessionOut {
    fn from(session: AcademicSession) -> Self {
        Self {
            id: session.id,
            name: session.name,
            start_date: session.start_date,
            end_date: session.end_date,
            is_active: session.is_active,
        }
    }
}

/// What sessions can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct AcademicSessionFilters {
    /// Whether it is the present one.
    is_active: Option<bool>,
}

/// The school's sessions
#[utoipa::path(get, path = "/api/v1/chatbot/academic-sessions/", tag = "chatbot", params(AcademicSessionFilters),
    responses((status = 200, body = List<AcademicSessionOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_academic_sessions(
    caller: SchoolCan<ViewResult>,
    query: Query,
) -> Result<Json<List<AcademicSessionOut>>, ApiError> {
    let request = query.page(&SESSIONS)?;
    let page = tables::sessions(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// An exam session whose results families see.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleasedExamSessionOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Its name.
    #[schema(example = "End of term")]
    name: String,
    /// The term: `1`, `2` or `3`.
    #[schema(example = "1")]
    term: String,
    /// The session.
    #[schema(value_type = uuid::Uuid)]
    session: String,
    /// The session's name.
    #[schema(example = "2026")]
    session_name: String,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
}

impl From<ReleasedSession> for ReleasedExamSessionOut {
    fn from(session: ReleasedSession) -> Self {
        Self {
            id: session.id,
            name: session.name,
            term: session.term,
            session: session.session,
            session_name: session.session_name,
            published_at: session.published_at,
        }
    }
}

/// What released exam sessions can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct ReleasedExamSessionFilters {
    /// The session.
    session: Option<uuid::Uuid>,
    /// The term: `1`, `2` or `3`.
    #[param(max_length = 255)]
    term: Option<String>,
}

/// The exam sessions whose results families see
///
/// Published, and released where they have a day for it.
#[utoipa::path(get, path = "/api/v1/chatbot/released-exam-sessions/", tag = "chatbot", params(ReleasedExamSessionFilters),
    responses((status = 200, body = List<ReleasedExamSessionOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_released_exam_sessions(
    caller: SchoolCan<ViewResult>,
    query: Query,
) -> Result<Json<List<ReleasedExamSessionOut>>, ApiError> {
    let request = query.page(&RELEASED)?;
    let page = tables::released_sessions(&caller.db, caller.context.now, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
