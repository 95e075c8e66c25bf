//! Messages of the school that are sent as one.

use std::collections::BTreeMap;

use axum::response::Response;
use homeroom_domain::{
    SmsBatchId, kinds,
    permissions::school::{SendSms, ViewSms},
    sms::school::Template,
};
use homeroom_edge::{
    ApiError, At, Json, List, NoBody, Post, Query, SchoolArea, SchoolCan,
    school_sms::{self, Sender, Wishes},
};
use homeroom_kernel::{Fields, Id, Input, Timestamp, rules};
use homeroom_store::{
    Batch,
    sms::school::{
        audience::{self, Audience},
        batches::{self, BatchRow, LeftOut},
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    app_id,
    audience::{AudienceBody, AudienceIn},
    wishes,
};
use crate::{fields::MAX_TEXT, messages::withdraw::ask};

/// Messages that one request withdraws at the bridge.
const MAX_WITHDRAWN: usize = 200;

/// Who was left out of a batch, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeftOutOut {
    /// The guardian; null: the student has none.
    #[schema(value_type = Option<uuid::Uuid>)]
    guardian: Option<Id<()>>,
    /// The student whom the message would have been about.
    #[schema(value_type = Option<uuid::Uuid>)]
    student: Option<Id<()>>,
    /// The guardian's name, or the student's.
    name: String,
    /// `no_guardian`, `no_student`, `no_number`, `no_consent`, `too_long`, `blank`, `opted_out`, `daily_cp`, `weekly_cp`, `duplicate`.
    #[schema(example = "no_consent")]
    code: String,
    /// Why, for a person.
    #[schema(example = "the guardian did not agree to text messages")]
    error: String,
}

impl From<LeftOut> for LeftOutOut {
    fn from(row: LeftOut) -> Self {
        Self {
            guardian: row.guardian,
            student: row.student,
            name: row.name,
            code: row.code,
            error: row.error,
        }
    }
}

/// Messages that were sent as one.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolBatchOut {
    #[schema(value_type = uuid::Uuid)]
    id: SmsBatchId,
    /// For people.
    #[schema(example = "Sports day")]
    name: String,
    /// Messages.
    #[schema(example = 412)]
    count: u64,
    /// Parts of all messages.
    #[schema(example = 412)]
    segments: u64,
    /// How many messages have which status.
    #[schema(example = json!({"DELIVERED": 410, "ENROUTE": 2}))]
    statuses: BTreeMap<String, u64>,
    /// How many were left out.
    #[schema(example = 3)]
    left_out: u64,
    /// Who was left out, and why; empty in lists.
    rejected: Vec<LeftOutOut>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The user who sent it.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
    /// When it was withdrawn.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled_at: Option<Timestamp>,
}

impl From<BatchRow> for SchoolBatchOut {
    fn from(row: BatchRow) -> Self {
        let statuses = row.statuses.into_iter();
        Self {
            id: row.id,
            name: row.name,
            count: row.count,
            segments: row.segments,
            statuses: statuses.map(|line| (line.status, line.count)).collect(),
            left_out: row.left_out,
            rejected: row.rejected.into_iter().map(Into::into).collect(),
            created_at: row.created_at,
            created_by: row.created_by,
            cancelled_at: row.cancelled_at,
        }
    }
}

/// What would be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmsPreviewOut {
    /// Messages.
    #[schema(example = 412)]
    count: usize,
    /// Parts of all messages.
    #[schema(example = 412)]
    segments: usize,
    /// Who would be left out, and why.
    rejected: Vec<LeftOutOut>,
}

/// One text for the guardians of many students.
#[derive(ToSchema)]
#[schema(as = SchoolBatchIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolBatchIn reads it"
)]
pub(crate) struct SmsBatchBody {
    audience: AudienceBody,
    /// The text. `{student}`, `{class}` and `{school}` stand for names; with one of the first two, a guardian gets a message for each student.
    #[schema(
        example = "{school}: sports day is on Friday.",
        min_length = 1,
        max_length = 10_000
    )]
    message: String,
    /// For people.
    #[schema(example = "Sports day", max_length = 200, nullable = false)]
    name: Option<String>,
    /// Only those guardians who are called first.
    #[schema(example = false, nullable = false)]
    primary_only: Option<bool>,
    /// Not before this; null: at once.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-02-01T06:00:00Z")]
    send_at: Option<String>,
    /// 0 to 3; 3 is sent during quiet hours too.
    #[schema(example = 0, minimum = 0, maximum = 3, nullable = false)]
    priority: Option<u8>,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    #[schema(example = true, nullable = false)]
    transliterate: Option<bool>,
    /// Only say what would be sent.
    #[schema(example = false, nullable = false)]
    dry_run: Option<bool>,
}

pub(crate) struct SchoolBatchIn {
    audience: Audience,
    template: Template,
    name: String,
    primary_only: bool,
    dry_run: bool,
    wishes: Wishes,
}

impl Input for SchoolBatchIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let audience: Option<Option<AudienceIn>> = fields.nested("audience");
        if matches!(audience, Some(None)) {
            fields.fail("audience", "This field is required.");
        }
        let template = fields.required("message", |value| {
            Template::parse(&rules::text(1, MAX_TEXT)(value)?)
        });
        let name = fields.optional("name", rules::text(0, 200));
        let primary_only = fields.optional("primary_only", rules::boolean);
        let dry_run = fields.optional("dry_run", rules::boolean);
        let wishes = wishes(fields);
        Some(Self {
            audience: audience??.0,
            template: template?,
            name: name?.unwrap_or_default(),
            primary_only: primary_only?.unwrap_or(false),
            dry_run: dry_run?.unwrap_or(false),
            wishes: wishes?,
        })
    }
}

/// Send a text to many guardians
///
/// One message for each guardian and student where the text names the student or the class, otherwise one for each guardian; at most 2,000.
/// Who did not agree to text messages, has no number, has opted out or has had enough is left out, with the reason. All messages are stored
/// before the answer, or none. With `dry_run` nothing is sent.
#[utoipa::path(post, path = "/api/v1/school/sms/batches/", tag = "school", request_body = SmsBatchBody,
    responses((status = 201, body = SchoolBatchOut), (status = 200, description = "What would be sent.", body = SmsPreviewOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_sms_batch(
    post: Post<SchoolArea, SendSms, SchoolBatchIn>,
) -> Result<Response, ApiError> {
    let input = &post.input;
    let sender = Sender::of(&post).await?;
    let found = audience::find(&post.db, &input.audience, input.primary_only).await?;
    school_sms::all_exist(&found, &input.audience)?;
    let school = &post.db.school().school().name;
    let texts = school_sms::texts(&found, &input.template, school)?;
    let weighed = sender.weigh(&post, texts, &input.wishes).await?;
    if input.dry_run {
        let out = SmsPreviewOut {
            count: weighed.fit.len(),
            segments: weighed.segments(),
            rejected: weighed.rejected().into_iter().map(Into::into).collect(),
        };
        return post.done(Batch::default(), &out).await;
    }
    let ready = sender
        .prepare_batch(&post, &input.name, weighed, &input.wishes)
        .await?;
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let count = number(ready.new.count);
    let rejected = ready.new.rejected.iter().cloned();
    let out = SchoolBatchOut {
        id: ready.new.id,
        name: ready.new.name.clone(),
        count,
        segments: number(ready.segments()),
        statuses: BTreeMap::from([("ACCEPTED".to_owned(), count)]),
        left_out: number(ready.new.rejected.len()),
        rejected: rejected.map(Into::into).collect(),
        created_at: post.context.now,
        created_by: post.stamp().created_by(),
        cancelled_at: None,
    };
    let location = format!("/api/v1/school/sms/batches/{}/", out.id);
    let outcome = post.create(ready.batch(), &location, &out).await;
    ready.prepared.settle(outcome).await
}

/// What batches can be searched by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct SmsBatchFilters {
    /// Text in the name.
    #[param(max_length = 100)]
    search: Option<String>,
}

/// Texts that were sent to many guardians
#[utoipa::path(get, path = "/api/v1/school/sms/batches/", tag = "school", params(SmsBatchFilters),
    responses((status = 200, body = List<SchoolBatchOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_sms_batches(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<List<SchoolBatchOut>>, ApiError> {
    let request = query.page(&batches::LISTING)?;
    let page = batches::list(&caller.db, app_id(&caller).await?, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// What became of a text to many guardians
#[utoipa::path(get, path = "/api/v1/school/sms/batches/{id}/", tag = "school", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SchoolBatchOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_sms_batch(
    caller: SchoolCan<ViewSms>,
    id: At<kinds::SmsBatch>,
) -> Result<Json<SchoolBatchOut>, ApiError> {
    let row = batches::find(&caller.db, app_id(&caller).await?, id.0).await?;
    Ok(Json(row.into()))
}

/// A batch that was withdrawn.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmsBatchCancelledOut {
    #[schema(value_type = uuid::Uuid)]
    id: SmsBatchId,
    #[schema(value_type = String, format = DateTime)]
    cancelled_at: Timestamp,
    /// Messages that the bridge has and that were not withdrawn now: they have left, the bridge does not answer, or they are more than 200.
    /// Another request tries them again.
    #[schema(example = 0)]
    remaining: usize,
}

/// Withdraw a text to many guardians
///
/// Those of its messages that have not left do so no more. The batch tells what became of each.
#[utoipa::path(post, path = "/api/v1/school/sms/batches/{id}/cancel/", tag = "school",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SmsBatchCancelledOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn cancel_sms_batch(
    id: At<kinds::SmsBatch>,
    post: Post<SchoolArea, SendSms, NoBody>,
) -> Result<Response, ApiError> {
    let app_id = app_id(&post).await?;
    let row = batches::find(&post.db, app_id, id.0).await?;
    let handed = batches::list_handed(&post.db, id.0, u16::MAX).await?;
    let some = handed.iter().take(MAX_WITHDRAWN);
    let asked = ask(&post.app, some.map(|id| (app_id, *id))).await;
    let batch = batches::withdraw(&post.stamp(), &row, &asked.withdrawn);
    let out = SmsBatchCancelledOut {
        id: row.id,
        cancelled_at: row.cancelled_at.unwrap_or(post.context.now),
        remaining: handed.len() - asked.withdrawn.len(),
    };
    post.done(batch, &out).await
}
