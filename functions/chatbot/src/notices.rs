//! Notices that concern a family.

use homeroom_domain::permissions::chatbot::ViewNotice;
use homeroom_edge::{ApiError, Json, List, Query, SchoolCan};
use homeroom_kernel::Timestamp;
use homeroom_store::school::chatbot::{FamilyNotice, NOTICES, family_notices};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::students;

/// A notice as families read it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FamilyNoticeOut {
    /// The notice.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The headline.
    #[schema(example = "Sports day")]
    title: String,
    /// The text.
    body: String,
    /// Whom it concerns: `everyone`, `students`, `guardians`, `form` or `class`.
    #[schema(example = "everyone")]
    audience: String,
    /// From when on it is shown.
    #[schema(value_type = String, format = DateTime)]
    publish_at: Timestamp,
    /// Until when it is shown; null: for good.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl From<FamilyNotice> for FamilyNoticeOut {
    fn from(notice: FamilyNotice) -> Self {
        Self {
            id: notice.id,
            title: notice.title,
            body: notice.body,
            audience: notice.audience,
            publish_at: notice.publish_at,
            expires_at: notice.expires_at,
        }
    }
}

/// Whom the notices are to concern.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct FamilyNoticeFilters {
    /// Text in headline or text.
    #[param(max_length = 100)]
    search: Option<String>,
    /// A phone number: also those for its guardian and students, and for their forms and classes.
    #[param(max_length = 40)]
    phone: Option<String>,
    /// The school's number of a student: also those for students, and for the form and class.
    #[param(max_length = 100)]
    student_id: Option<String>,
}

/// The notices for a family
///
/// What is shown now for everyone, and for the family of a phone number or the student of a number. What is for the staff is not
/// among them, and a number that nobody has adds nothing.
#[utoipa::path(get, path = "/api/v1/chatbot/notices/", tag = "chatbot", params(FamilyNoticeFilters),
    responses((status = 200, body = List<FamilyNoticeOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_family_notices(
    caller: SchoolCan<ViewNotice>,
    query: Query,
) -> Result<Json<List<FamilyNoticeOut>>, ApiError> {
    let request = query.page(&NOTICES)?;
    // What is no phone number is nobody's.
    let phone = |text: &str| students::phone(&json!(text)).ok();
    let page = family_notices(&caller.db, caller.context.now, &request, phone).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
