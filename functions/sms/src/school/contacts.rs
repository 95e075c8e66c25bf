//! Who wants no messages of the school, and what phones said to it.

use axum::{extract::Path, response::Response};
use homeroom_domain::{
    permissions::school::{SendSms, ViewSms},
    sms::number::Address,
};
use homeroom_edge::{
    ApiError, Json, List, NoContent, Post, Query, SchoolArea, SchoolCan, school_sms,
};
use homeroom_kernel::{Fields, Id, Input, Timestamp};
use homeroom_store::sms::{
    contacts as all,
    school::{
        audience,
        contacts::{self, Heard, OptedOut},
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{app_id, receiver};
use crate::{fields::shown, opt_outs::take_back};

/// A number that gets no text messages of the school.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolOptOutOut {
    #[schema(example = "+263771234567")]
    number: String,
    /// `stop`: it said so itself; `api`: somebody wrote it down.
    #[schema(example = "stop")]
    reason: String,
    /// The guardian whose number it is.
    #[schema(value_type = Option<uuid::Uuid>)]
    guardian: Option<Id<()>>,
    /// The guardian's name.
    guardian_name: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<OptedOut> for SchoolOptOutOut {
    fn from(row: OptedOut) -> Self {
        Self {
            number: shown(&row.number),
            reason: row.reason,
            guardian: row.guardian,
            guardian_name: row.guardian_name,
            created_at: row.created_at,
        }
    }
}

/// What opt-outs can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct SmsOptOutFilters {
    /// Text in the number or the guardian's name.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The number.
    #[param(max_length = 255)]
    number: Option<String>,
    /// `stop` or `api`.
    #[param(max_length = 255)]
    reason: Option<String>,
}

/// Who wants no text messages of the school
#[utoipa::path(get, path = "/api/v1/school/sms/opt-outs/", tag = "school-receivers", params(SmsOptOutFilters),
    responses((status = 200, body = List<SchoolOptOutOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_sms_opt_outs(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<List<SchoolOptOutOut>>, ApiError> {
    let request = query.page(&contacts::OPT_OUTS)?;
    let page = contacts::list_opt_outs(&caller.db, app_id(&caller).await?, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// A number that is to get no text messages.
#[derive(ToSchema)]
#[schema(as = SchoolOptOutIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolOptOutIn reads it"
)]
pub(crate) struct SmsOptOutBody {
    /// In international form.
    #[schema(example = "+263771234567")]
    number: String,
}

pub(crate) struct SchoolOptOutIn {
    number: Address,
}

impl Input for SchoolOptOutIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            number: fields.required("number", receiver)?,
        })
    }
}

/// Opt a number out
///
/// It gets no more text messages of the school, and what has not left for it yet is withdrawn. One that has opted out stays as it is.
#[utoipa::path(post, path = "/api/v1/school/sms/opt-outs/", tag = "school-receivers", request_body = SmsOptOutBody,
    responses((status = 200, body = SchoolOptOutOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn add_sms_opt_out(
    post: Post<SchoolArea, SendSms, SchoolOptOutIn>,
) -> Result<Response, ApiError> {
    let app = school_sms::make_app(&post.app, &post.context, &post.db).await?;
    let number = post.input.number.as_str();
    let known = all::find(&post.db, app.id, number).await?;
    let guardian = audience::find_by_number(&post.db, &post.input.number.display()).await?;
    let (reason, created_at) = match known {
        Some(known) => (known.reason, known.created_at),
        None => ("api".to_owned(), post.context.now),
    };
    let out = SchoolOptOutOut {
        number: shown(number),
        reason,
        guardian: guardian.as_ref().and_then(|pair| pair.guardian),
        guardian_name: guardian.and_then(|pair| pair.guardian_name),
        created_at,
    };
    let batch = all::add(&post.stamp(), app.id, &[number]);
    let answer = post.done(batch, &out).await?;
    let (pair, now) = ((app.id, number), post.context.now);
    take_back(&post.app, app.tenant, &post.db, &[pair], now).await?;
    Ok(answer)
}

/// Opt a number in again
///
/// Only with its consent: a number that sent STOP asks for messages again with START.
#[utoipa::path(delete, path = "/api/v1/school/sms/opt-outs/{number}/", tag = "school-receivers",
    params(("number" = String, Path, description = "The number, in international form.")),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_sms_opt_out(
    caller: SchoolCan<SendSms>,
    Path(number): Path<String>,
) -> Result<NoContent, ApiError> {
    let number = Address::receiver(&number).map_err(|_| ApiError::NotFound)?;
    let app_id = app_id(&caller).await?;
    let known = all::find(&caller.db, app_id, number.as_str()).await?;
    let known = known.ok_or(ApiError::NotFound)?;
    caller
        .commit(all::remove(&caller.stamp(), app_id, &known))
        .await?;
    Ok(NoContent)
}

/// A message from a phone.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolInboundOut {
    #[schema(example = "in-01900000-0000-7000-8000-000000000001")]
    id: String,
    /// The phone.
    #[schema(example = "+263771234567")]
    source: String,
    /// The school's number that it was sent to.
    #[schema(example = "33555")]
    destination: String,
    #[schema(example = "When does school begin?")]
    message: String,
    /// Parts of it that never came.
    #[schema(example = 0)]
    missing_parts: u16,
    /// `stop`, `start`, `help`, or empty.
    #[schema(example = "")]
    keyword: String,
    /// The guardian whose phone it is.
    #[schema(value_type = Option<uuid::Uuid>)]
    guardian: Option<Id<()>>,
    /// The guardian's name.
    guardian_name: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

impl From<Heard> for SchoolInboundOut {
    fn from(row: Heard) -> Self {
        Self {
            id: row.message.id,
            source: shown(&row.message.source),
            destination: shown(&row.message.destination),
            message: row.message.text,
            missing_parts: row.message.missing_parts,
            keyword: row.message.keyword.unwrap_or_default(),
            guardian: row.guardian,
            guardian_name: row.guardian_name,
            received_at: row.message.received_at,
        }
    }
}

/// What messages from phones can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct SmsInboundFilters {
    /// Text in the message, the number or the guardian's name.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The phone's number.
    #[param(max_length = 255)]
    source: Option<String>,
    /// `stop`, `start` or `help`.
    #[param(max_length = 255)]
    keyword: Option<String>,
    /// The guardian whose phone it is.
    guardian: Option<uuid::Uuid>,
}

/// Messages from phones to the school
#[utoipa::path(get, path = "/api/v1/school/sms/inbound/", tag = "school-receivers", params(SmsInboundFilters),
    responses((status = 200, body = List<SchoolInboundOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_sms_inbound(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<List<SchoolInboundOut>>, ApiError> {
    let request = query.page(&contacts::INBOUND)?;
    let page = contacts::list_inbound(&caller.db, app_id(&caller).await?, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
