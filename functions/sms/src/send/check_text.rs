//! How a text would be sent.

use homeroom_domain::sms::text;
use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use serde::Serialize;
use utoipa::ToSchema;

use super::draft::MAX_TEXT;

pub(crate) struct CheckTextIn {
    pub(crate) message: String,
    pub(crate) transliterate: bool,
}

impl Input for CheckTextIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message = fields.required("message", rules::verbatim(1, MAX_TEXT));
        let transliterate = fields.optional("transliterate", rules::boolean);
        Some(Self {
            message: message?,
            transliterate: transliterate?.unwrap_or(false),
        })
    }
}

/// A text.
#[derive(ToSchema)]
#[schema(as = CheckTextIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; CheckTextIn reads it"
)]
pub(crate) struct CheckTextBody {
    #[schema(example = "Hello world", min_length = 1, max_length = 10_000)]
    message: String,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    transliterate: Option<bool>,
}

/// How a text is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckTextOut {
    /// `GSM7` or `UCS2`.
    #[schema(example = "GSM7")]
    encoding: &'static str,
    /// Characters as that alphabet counts them: some count twice.
    #[schema(example = 11)]
    length: usize,
    /// Parts that it is sent in; more than 10 are not sent.
    #[schema(example = 1)]
    segments: usize,
    /// Characters that a part holds.
    #[schema(example = 160)]
    per_segment: usize,
}

impl CheckTextOut {
    pub(crate) fn of(input: &CheckTextIn) -> Self {
        let length = text::check(&input.message, input.transliterate);
        Self {
            encoding: length.encoding.name(),
            length: length.length,
            segments: length.segments,
            per_segment: length.per_segment,
        }
    }
}

/// Count the parts of a text
///
/// Nothing is sent.
#[utoipa::path(post, path = "/api/v1/sms/check-text", tag = "messages", request_body = CheckTextBody,
    responses((status = 200, body = CheckTextOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn check_text(
    _caller: AppCaller,
    body: Body<CheckTextIn>,
) -> Result<Json<CheckTextOut>, ApiError> {
    Ok(Json(CheckTextOut::of(&body.input)))
}
