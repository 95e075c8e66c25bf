//! Webhooks: servers that are told what happens in schools.

pub(crate) mod deliveries;
mod tell;
mod wire;

use axum::response::Response;
use homeroom_domain::{
    WebhookId,
    credentials::Plane,
    kinds,
    permissions::system::{AddWebhook, ChangeWebhook, DeleteWebhook, ViewWebhook},
    webhooks::BOTH_SECONDS,
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Json, List, NoBody, NoContent, Post, Query, SystemArea, SystemCan,
    telling,
};
use homeroom_store::control::webhooks::{self, WebhookRow};
use wire::{
    NewWebhookOut, WebhookBody, WebhookFilters, WebhookIn, WebhookOut, WebhookPatch,
    WebhookSecretOut,
};

use crate::schools::refuse_missing;

pub use tell::tell_webhooks;

/// Where a webhook's secret is sealed.
fn place(id: WebhookId) -> String {
    format!("webhooks/{id}")
}

/// A new secret of a webhook, as it is shown and as it is stored.
fn new_secret(caller: &Caller<SystemArea>, id: WebhookId) -> (String, String) {
    telling::new_secret(&caller.app, Plane::System, &place(id), caller.context.now)
}

/// Webhooks
#[utoipa::path(get, path = "/api/v1/system/webhooks/", tag = "webhooks", params(WebhookFilters),
    responses((status = 200, body = List<WebhookOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_webhooks(
    caller: SystemCan<ViewWebhook>,
    query: Query,
) -> Result<Json<List<WebhookOut>>, ApiError> {
    let request = query.page(&webhooks::LISTING)?;
    let page = webhooks::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create a webhook
///
/// The answer shows what deliveries are signed with, this once.
#[utoipa::path(post, path = "/api/v1/system/webhooks/", tag = "webhooks", request_body = WebhookBody,
    responses((status = 201, body = NewWebhookOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_webhook(
    post: Post<SystemArea, AddWebhook, WebhookIn>,
) -> Result<Response, ApiError> {
    let input = &post.input;
    let stamp = post.stamp();
    let row = WebhookRow {
        id: stamp.ids.next(),
        url: input.url.clone().unwrap_or_default(),
        description: input.description.clone().unwrap_or_default(),
        events: input.events.clone().unwrap_or_default(),
        client: input.client.flatten(),
        is_active: input.is_active.unwrap_or(true),
        secret_at: stamp.now,
        created_at: stamp.now,
        updated_at: stamp.now,
        created_by: stamp.created_by(),
    };
    check(&post, None, &row).await?;
    let (secret, sealed) = new_secret(&post, row.id);
    let batch = webhooks::insert(&stamp, &row, &sealed);
    let location = format!("/api/v1/system/webhooks/{}/", row.id);
    let record = row.into();
    post.create(batch, &location, &NewWebhookOut { record, secret })
        .await
}

/// Refuses what cannot be told: an address that is none, and a school that is not there.
async fn check(
    caller: &Caller<SystemArea>,
    before: Option<&WebhookRow>,
    row: &WebhookRow,
) -> Result<(), ApiError> {
    telling::check_url(&caller.app, "url", &row.url)?;
    let known = before.and_then(|before| before.client);
    match row.client {
        Some(client) if known != Some(client) => refuse_missing(caller, client).await,
        _ => Ok(()),
    }
}

/// One webhook
#[utoipa::path(get, path = "/api/v1/system/webhooks/{id}/", tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = WebhookOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_webhook(
    caller: SystemCan<ViewWebhook>,
    id: At<kinds::Webhook>,
) -> Result<Json<WebhookOut>, ApiError> {
    Ok(Json(webhooks::find(&caller.db, id.0).await?.into()))
}

/// Change a webhook
///
/// What waits goes to the address that is set by then.
#[utoipa::path(patch, path = "/api/v1/system/webhooks/{id}/", tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    request_body = WebhookPatch, responses((status = 200, body = WebhookOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_webhook(
    caller: SystemCan<ChangeWebhook>,
    id: At<kinds::Webhook>,
    body: Body<WebhookIn>,
) -> Result<Json<WebhookOut>, ApiError> {
    let input = body.input;
    let before = webhooks::find(&caller.db, id.0).await?;
    let after = WebhookRow {
        url: input.url.unwrap_or_else(|| before.url.clone()),
        description: input
            .description
            .unwrap_or_else(|| before.description.clone()),
        events: input.events.unwrap_or_else(|| before.events.clone()),
        client: input.client.unwrap_or(before.client),
        is_active: input.is_active.unwrap_or(before.is_active),
        updated_at: caller.context.now,
        ..before.clone()
    };
    check(&caller, Some(&before), &after).await?;
    let batch = webhooks::update(&caller.stamp(), &before, &after);
    caller.commit(batch).await?;
    Ok(Json(after.into()))
}

/// Delete a webhook
///
/// What it was told and was to be told goes with it.
#[utoipa::path(delete, path = "/api/v1/system/webhooks/{id}/", tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_webhook(
    caller: SystemCan<DeleteWebhook>,
    id: At<kinds::Webhook>,
) -> Result<NoContent, ApiError> {
    let before = webhooks::find(&caller.db, id.0).await?;
    let batch = webhooks::delete(&caller.stamp(), &before);
    caller.commit(batch).await?;
    Ok(NoContent)
}

/// Give a webhook a new secret
///
/// The one before signs beside it for a day more; the answer shows the new one, this once.
#[utoipa::path(post, path = "/api/v1/system/webhooks/{id}/secret/", tag = "webhooks",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = WebhookSecretOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn rotate_webhook_secret(
    id: At<kinds::Webhook>,
    post: Post<SystemArea, ChangeWebhook, NoBody>,
) -> Result<Response, ApiError> {
    let before = webhooks::find(&post.db, id.0).await?;
    let (secret, sealed) = new_secret(&post, id.0);
    let both_since = post.context.now.plus_seconds(-BOTH_SECONDS);
    let batch = webhooks::replace_secret(&post.stamp(), &before, &sealed, both_since);
    post.done(batch, &WebhookSecretOut { secret }).await
}
