//! A batch on its way, and withdrawing what is left of it.

use std::collections::BTreeMap;

use axum::extract::Path;
use homeroom_domain::{SmsBatchId, sms::status::MessageStatus};
use homeroom_edge::{ApiError, Json, sms::AppCaller};
use homeroom_store::{
    StoreError,
    sms::batches::{self, Count, Rejected},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::withdraw::ask;
use crate::outbound;

/// Messages that the bridge is asked about for one request.
const AT_BRIDGE: u16 = 200;

fn unknown() -> ApiError {
    ApiError::gateway(StatusCode::NOT_FOUND, "not_found", "batch not found")
}

fn id(text: &str) -> Result<SmsBatchId, ApiError> {
    SmsBatchId::parse(text).ok_or_else(unknown)
}

fn found<T>(result: Result<T, StoreError>) -> Result<T, ApiError> {
    result.map_err(|error| match error {
        StoreError::NotFound => unknown(),
        other => other.into(),
    })
}

fn total(counts: &[Count]) -> u32 {
    counts.iter().map(|count| count.messages).sum()
}

fn of(counts: &[Count], status: MessageStatus) -> u32 {
    let found = counts.iter().find(|count| count.status == status);
    found.map_or(0, |count| count.messages)
}

/// A receiver that is not written to.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectedOut {
    /// Its place in `recipients`, from 0.
    #[schema(example = 1)]
    index: usize,
    /// As you sent it.
    #[schema(example = "0771234567")]
    destination: String,
    /// Stable, for programs.
    #[schema(example = "invalid_destination")]
    code: String,
    /// Why.
    #[schema(example = "destination: a phone number in international form, such as +263771234567")]
    error: String,
}

impl From<Rejected> for RejectedOut {
    fn from(one: Rejected) -> Self {
        Self {
            index: one.index,
            destination: one.destination,
            code: one.code,
            error: one.error,
        }
    }
}

/// A batch on its way. Times are unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchStateOut {
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    batch_id: String,
    #[schema(example = "term-2")]
    transaction_id: String,
    #[schema(example = "Closing early")]
    name: String,
    /// Messages that were taken.
    #[schema(example = 2)]
    count: u32,
    /// How many have each status.
    #[schema(example = json!({"ACCEPTED": 1, "DELIVERED": 1}))]
    statuses: BTreeMap<&'static str, u32>,
    /// Those whose status is final.
    #[schema(example = 1)]
    finished: u32,
    /// The share of them, 0 to 1.
    #[schema(example = 0.5)]
    progress: f64,
    /// Receivers that were not written to.
    rejected: Vec<RejectedOut>,
    #[schema(example = 1_937_082_918)]
    created_at: i64,
    /// When it was withdrawn; 0 where it was not.
    #[schema(example = 0)]
    cancelled_at: i64,
}

/// Show a batch
///
/// Its messages by status. The messages themselves: `GET /api/v1/sms/messages?batch_id=`.
#[utoipa::path(get, path = "/api/v1/sms/batch/{batch_id}", tag = "messages",
    params(("batch_id" = String, Path, description = "Id of the batch.")),
    responses((status = 200, body = BatchStateOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_batch(
    caller: AppCaller,
    Path(batch_id): Path<String>,
) -> Result<Json<BatchStateOut>, ApiError> {
    let id = id(&batch_id)?;
    let (row, counts) = found(batches::find(&caller.db, caller.sms_app.id, id).await)?;
    let all = total(&counts);
    let finished = counts.iter().filter(|count| count.status.is_final());
    let finished = finished.map(|count| count.messages).sum();
    let progress = if all == 0 {
        1.0
    } else {
        (f64::from(finished) / f64::from(all) * 1_000.0).floor() / 1_000.0
    };
    Ok(Json(BatchStateOut {
        batch_id: row.id.to_string(),
        transaction_id: row.transaction_id.unwrap_or_default(),
        name: row.name,
        count: row.count,
        statuses: counts
            .iter()
            .map(|count| (count.status.name(), count.messages))
            .collect(),
        finished,
        progress,
        rejected: row.rejected.into_iter().map(Into::into).collect(),
        created_at: row.created_at.seconds(),
        cancelled_at: row
            .cancelled_at
            .map_or(0, homeroom_kernel::Timestamp::seconds),
    }))
}

/// What became of the messages of a batch that was withdrawn; together they are all of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchCancelOut {
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    batch_id: String,
    /// Withdrawn: no part of them leaves any more.
    #[schema(example = 980)]
    cancelled: u32,
    /// Too late: they have left, or came to an end before.
    #[schema(example = 20)]
    too_late: u32,
    /// Not known yet: on their way to the bridge, or more than are asked for at once. Withdraw the batch again for these.
    #[schema(example = 0)]
    in_progress: u32,
}

/// Withdraw a batch
///
/// What has not left does not leave any more. Withdrawing it again changes nothing but what was `in_progress`.
#[utoipa::path(delete, path = "/api/v1/sms/batch/{batch_id}", tag = "messages",
    params(("batch_id" = String, Path, description = "Id of the batch.")),
    responses((status = 200, body = BatchCancelOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn cancel_batch(
    caller: AppCaller,
    Path(batch_id): Path<String>,
) -> Result<Json<BatchCancelOut>, ApiError> {
    let id = id(&batch_id)?;
    let (app_id, now) = (caller.sms_app.id, caller.context.now);
    let others = found(batches::withdraw(&caller.db, app_id, id, AT_BRIDGE, now).await)?;
    let asked = ask(&caller.app, others.into_iter().map(|id| (app_id, id))).await;
    let (counts, tells) =
        batches::note_withdrawn(&caller.db, app_id, id, &asked.withdrawn, now).await?;
    outbound::tell(&caller.app, caller.sms_app.tenant, tells).await;
    let cancelled = of(&counts, MessageStatus::Deleted);
    let in_progress = of(&counts, MessageStatus::Accepted).saturating_sub(asked.left);
    Ok(Json(BatchCancelOut {
        batch_id: id.to_string(),
        cancelled,
        too_late: total(&counts).saturating_sub(cancelled + in_progress),
        in_progress,
    }))
}
