//! What a text takes, and what the school has sent.

use axum::response::Response;
use homeroom_domain::{
    permissions::school::{SendSms, ViewSms},
    sms::cut::Cuts,
};
use homeroom_edge::{ApiError, Json, Post, Query, SchoolArea, SchoolCan, school_sms::defaults};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    Batch,
    control::sms_apps::{OF_A_SCHOOL, SmsApp},
    sms::{school::settings, usage::parts_of_all},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::NOBODY;
use crate::{
    fields::MAX_TEXT,
    send::check_text::CheckTextOut,
    usage::{self, UsageIn, UsageOut, day},
};

/// A text as a school's message has it: trimmed, without control characters.
pub(crate) struct SchoolTextIn {
    message: String,
    transliterate: bool,
}

/// A text.
#[derive(ToSchema)]
#[schema(as = SchoolTextIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolTextIn reads it"
)]
pub(crate) struct SchoolTextBody {
    #[schema(example = "Hello world", min_length = 1, max_length = 10_000)]
    message: String,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    transliterate: Option<bool>,
}

impl Input for SchoolTextIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message = fields.required("message", rules::text(1, MAX_TEXT));
        let transliterate = fields.optional("transliterate", rules::boolean);
        Some(Self {
            message: message?,
            transliterate: transliterate?.unwrap_or(false),
        })
    }
}

/// Count the parts of a text
///
/// Nothing is sent. It is counted as the school's link does.
#[utoipa::path(post, path = "/api/v1/school/sms/check-text/", tag = "school", request_body = SchoolTextBody,
    responses((status = 200, body = CheckTextOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn check_sms_text(
    post: Post<SchoolArea, SendSms, SchoolTextIn>,
) -> Result<Response, ApiError> {
    let saved = settings::find(&post.db).await?;
    let chosen = saved.map(|row| row.esme);
    let cuts = match chosen.or_else(|| defaults(&post.app, &post.db).0) {
        Some(esme) => post.app.cuts(&post.context, esme).await?,
        None => Cuts::default(),
    };
    let SchoolTextIn {
        message,
        transliterate,
    } = &post.input;
    let out = CheckTextOut::of(message, *transliterate, &cuts)?;
    post.done(Batch::default(), &out).await
}

/// What the school itself has sent, and what is left for it and for the apps at its address.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolUsageOut {
    #[serde(flatten)]
    own: UsageOut,
    limits: SchoolLimitsOut,
}

/// What the school and all apps at its address may send together, and have sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolLimitsOut {
    /// Parts a day, in UTC.
    #[schema(example = 20_000)]
    daily_parts: u64,
    /// Parts of today.
    #[schema(example = 120)]
    parts_today: u64,
    /// Parts a month.
    #[schema(example = 200_000)]
    monthly_parts: u64,
    /// Parts of this month.
    #[schema(example = 2_400)]
    parts_this_month: u64,
}

/// What the school has sent
///
/// By the day on which messages were accepted, in UTC; at most 366 days. The last 31 where the query names none.
/// `limits` is about the apps at the school's address as well: the platform's administrators set them.
#[utoipa::path(get, path = "/api/v1/school/sms/usage/", tag = "school",
    params(
        ("from" = Option<String>, Query, description = "First day, `2026-01-01`."),
        ("to" = Option<String>, Query, description = "Last day; today where absent."),
    ),
    responses((status = 200, body = SchoolUsageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_sms_usage(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<SchoolUsageOut>, ApiError> {
    let wanted: UsageIn = query.read()?;
    let known = caller
        .app
        .school_sms_app(&caller.context, &caller.db)
        .await?;
    let terms = |app: &SmsApp| (app.id, app.daily_parts, app.monthly_parts);
    let [_, _, daily, monthly] = OF_A_SCHOOL;
    let (app_id, daily_parts, monthly_parts) =
        known.as_ref().map_or((NOBODY, daily, monthly), terms);
    let own = usage::report(&caller.db, app_id, wanted, caller.context.now).await?;
    let all = parts_of_all(&caller.db, &day(caller.context.now)).await?;
    Ok(Json(SchoolUsageOut {
        own,
        limits: SchoolLimitsOut {
            daily_parts,
            parts_today: all.today,
            monthly_parts,
            parts_this_month: all.this_month,
        },
    }))
}
