//! What a webhook was told, and is to be told.

use axum::response::Response;
use homeroom_domain::{
    TenantId, WebhookDeliveryId, kinds,
    permissions::system::{ChangeWebhook, ViewWebhook},
};
use homeroom_edge::{
    ApiError, At, Caller, Conflict, Ids, Json, List, NoBody, Post, Query, SystemArea, SystemCan,
};
use homeroom_kernel::Timestamp;
use homeroom_store::control::webhooks::{self, DeliveryRow, WAITING};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::tell::tell_one;

/// Something that a webhook was told, or is to be told.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDeliveryOut {
    /// Its id, which the receiver sees.
    #[schema(value_type = uuid::Uuid)]
    id: WebhookDeliveryId,
    /// What happened, or `ping`.
    #[schema(example = "results.published")]
    event: String,
    /// The school in which it happened; null: of a ping.
    #[schema(value_type = Option<uuid::Uuid>)]
    client: Option<TenantId>,
    /// The school's slug.
    #[schema(example = "greenwood")]
    schema_name: Option<String>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Ids and figures of it.
    #[schema(value_type = Object)]
    data: Value,
    /// `waiting`, `delivered`, or `dead`: given up.
    #[schema(example = "delivered")]
    state: String,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: u32,
    /// When it was last tried.
    #[schema(value_type = Option<String>, format = DateTime)]
    tried_at: Option<Timestamp>,
    /// When it is tried again; null: at once, or never.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// The status of the last answer; 0: there was none; null: it was not tried.
    #[schema(example = 200)]
    answered: Option<u16>,
}

impl From<DeliveryRow> for WebhookDeliveryOut {
    fn from(row: DeliveryRow) -> Self {
        let next_at = Some(row.due_at).filter(|at| row.state == WAITING && at.millis() > 0);
        Self {
            id: row.id,
            event: row.event,
            client: row.client,
            schema_name: row.schema_name,
            at: row.at,
            data: row.data,
            state: row.state,
            attempts: row.attempts,
            tried_at: row.tried_at,
            next_at,
            answered: row.answered,
        }
    }
}

/// What deliveries can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct WebhookDeliveryFilters {
    /// `waiting`, `delivered` or `dead`.
    #[param(max_length = 255)]
    state: Option<String>,
    /// What happened.
    #[param(max_length = 255)]
    event: Option<String>,
    /// In which school.
    #[param(max_length = 255)]
    schema_name: Option<String>,
}

/// What a webhook was told, and is to be told
///
/// Deliveries are kept for 30 days.
#[utoipa::path(get, path = "/api/v1/system/webhooks/{id}/deliveries/", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), WebhookDeliveryFilters),
    responses((status = 200, body = List<WebhookDeliveryOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_webhook_deliveries(
    caller: SystemCan<ViewWebhook>,
    id: At<kinds::Webhook>,
    query: Query,
) -> Result<Json<List<WebhookDeliveryOut>>, ApiError> {
    let request = query.page(&webhooks::DELIVERY_LISTING)?;
    let page = webhooks::list_deliveries(&caller.db, id.0, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Deliver again
///
/// At once, and for a day, whatever became of it before. A webhook that is not active, or would not be told of it now: 409
/// `not_subscribed`.
#[utoipa::path(post, path = "/api/v1/system/webhooks/{id}/deliveries/{delivery}/retry/", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), ("delivery" = uuid::Uuid, Path, description = "The delivery.")),
    responses((status = 200, body = WebhookDeliveryOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn retry_webhook_delivery(
    ids: Result<Ids, ApiError>,
    post: Post<SystemArea, ChangeWebhook, NoBody>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let (webhook, id) = (ids.get("id")?, ids.get("delivery")?);
    let before = webhooks::find_delivery(&post.db, webhook, id).await?;
    let hook = webhooks::find(&post.db, webhook).await?;
    if !hook.hears(&before) {
        return Err(Conflict::NotSubscribed.into());
    }
    let (row, batch) = webhooks::retry(&post.stamp(), webhook, &before);
    tell_later(&post, id);
    post.done(batch, &WebhookDeliveryOut::from(row)).await
}

/// Test a webhook
///
/// A delivery of its own, the event `ping`, at once; also of a webhook that is not active.
#[utoipa::path(post, path = "/api/v1/system/webhooks/{id}/test/", tag = "webhooks",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = WebhookDeliveryOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn test_webhook(
    id: At<kinds::Webhook>,
    post: Post<SystemArea, ChangeWebhook, NoBody>,
) -> Result<Response, ApiError> {
    webhooks::find(&post.db, id.0).await?;
    let (row, batch) = webhooks::ping(&post.stamp(), id.0);
    tell_later(&post, row.id);
    post.done(batch, &WebhookDeliveryOut::from(row)).await
}

/// Has this told after the answer, and nothing else: the time that there is then is short.
fn tell_later(caller: &Caller<SystemArea>, id: WebhookDeliveryId) {
    let app = caller.app.clone();
    caller.context.defer(Box::pin(async move {
        // What fails here is found within a minute.
        let _ = tell_one(&app, id).await;
    }));
}
