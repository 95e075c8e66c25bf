//! How a text would be sent.

use homeroom_domain::sms::{cut::Cuts, segments::TextError};
use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use serde::Serialize;
use utoipa::ToSchema;

use super::{admit, draft::unsendable};
use crate::fields::{MAX_INTEGER, MAX_TEXT};

pub(crate) struct CheckTextIn {
    /// The link or pool that is to send it.
    esme: Option<i64>,
    message: String,
    transliterate: bool,
}

impl Input for CheckTextIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let esme = fields.nullable("esme", rules::integer(1, MAX_INTEGER));
        let message = fields.required("message", rules::verbatim(1, MAX_TEXT));
        let transliterate = fields.optional("transliterate", rules::boolean);
        Some(Self {
            esme: esme?.flatten(),
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
    /// The link or pool that is to send it: some have another alphabet, or less room in a part. As links usually do where it is absent.
    #[schema(example = 100, minimum = 1)]
    esme: Option<i64>,
    #[schema(example = "Hello world", min_length = 1, max_length = 10_000)]
    message: String,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    transliterate: Option<bool>,
}

/// How a text is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckTextOut {
    /// `GSM7` or `UCS2`; by some links `LATIN1` or `ASCII`.
    #[schema(example = "GSM7")]
    encoding: &'static str,
    /// Characters as that alphabet counts them: some count twice.
    #[schema(example = 11)]
    length: usize,
    /// Parts that it is sent in, each with an id in `sms_ids`; more than 10 are not sent.
    #[schema(example = 1)]
    segments: usize,
    /// Characters that a part holds.
    #[schema(example = 160)]
    per_segment: usize,
}

impl CheckTextOut {
    /// Also of a text that is too long; an error where nothing of it is left.
    pub(crate) fn of(message: &str, transliterate: bool, cuts: &Cuts) -> Result<Self, ApiError> {
        if let Err(error @ TextError::Empty) = cuts.admit(message, transliterate) {
            return Err(ApiError::field("message", &unsendable(error)));
        }
        let length = cuts.count(message, transliterate);
        Ok(Self {
            encoding: length.encoding.name(),
            length: length.length,
            segments: length.segments,
            per_segment: length.per_segment,
        })
    }
}

/// Count the parts of a text
///
/// Nothing is sent. With `esme` it is counted as that link does, of a pool as the one that needs most parts; a message is counted so for quotas
/// and `sms_ids`. Where the centre cuts the text, it is one part here, and quotas count those that the centre makes.
#[utoipa::path(post, path = "/api/v1/sms/check-text", tag = "messages", request_body = CheckTextBody,
    responses((status = 200, body = CheckTextOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn check_text(
    caller: AppCaller,
    body: Body<CheckTextIn>,
) -> Result<Json<CheckTextOut>, ApiError> {
    let cuts = match body.input.esme {
        Some(esme) => {
            admit(&caller.app, &caller.context, esme).await?;
            caller.app.cuts(&caller.context, esme).await?
        }
        None => Cuts::default(),
    };
    let CheckTextIn {
        message,
        transliterate,
        ..
    } = &body.input;
    CheckTextOut::of(message, *transliterate, &cuts).map(Json)
}
