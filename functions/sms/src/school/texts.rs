//! What a text takes, and what the school has sent.

use axum::response::Response;
use homeroom_domain::permissions::school::{SendSms, ViewSms};
use homeroom_edge::{ApiError, Json, Post, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::Batch;

use super::app_id;
use crate::{
    send::{
        check_text::{CheckTextBody, CheckTextIn, CheckTextOut},
        draft::MAX_TEXT,
    },
    usage::{self, UsageIn, UsageOut},
};

/// A text as a school's message has it: trimmed, without control characters.
pub(crate) struct SchoolTextIn(CheckTextIn);

impl Input for SchoolTextIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message = fields.required("message", rules::text(1, MAX_TEXT));
        let transliterate = fields.optional("transliterate", rules::boolean);
        Some(Self(CheckTextIn {
            message: message?,
            transliterate: transliterate?.unwrap_or(false),
        }))
    }
}

/// Count the parts of a text
///
/// Nothing is sent.
#[utoipa::path(post, path = "/api/v1/school/sms/check-text/", tag = "school", request_body = CheckTextBody,
    responses((status = 200, body = CheckTextOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn check_sms_text(
    post: Post<SchoolArea, SendSms, SchoolTextIn>,
) -> Result<Response, ApiError> {
    post.done(Batch::default(), &CheckTextOut::of(&post.input.0))
        .await
}

/// What the school has sent
///
/// By the day on which messages were accepted, in UTC; at most 366 days. The last 31 where the query names none.
#[utoipa::path(get, path = "/api/v1/school/sms/usage/", tag = "school",
    params(
        ("from" = Option<String>, Query, description = "First day, `2026-01-01`."),
        ("to" = Option<String>, Query, description = "Last day; today where absent."),
    ),
    responses((status = 200, body = UsageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_sms_usage(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<UsageOut>, ApiError> {
    let wanted: UsageIn = query.read()?;
    let app_id = app_id(&caller).await?;
    Ok(Json(
        usage::report(&caller.db, app_id, wanted, caller.context.now).await?,
    ))
}
