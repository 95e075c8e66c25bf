//! What the platform asks of the bridge, by its signature. A request that is repeated within the tolerance does no harm:
//! a message is stored once, and what is withdrawn stays so.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{
    Cancellation, Cancelled, MAX_SUBMISSIONS, Submissions, Submitted,
};
use serde_json::json;

use super::Api;
use super::body::{parse, read};
use super::errors::ApiError;
use crate::gateway::Caller;

/// The body, once its signature is found right.
async fn signed(api: &Api, request: Request) -> Result<Bytes, ApiError> {
    let (head, body) = request.into_parts();
    let text = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let (id, time, signatures) = (
        text(signature::ID),
        text(signature::TIMESTAMP),
        text(signature::SIGNATURE),
    );
    // Before the body is read, so that strangers cannot make the bridge hold it.
    if id.is_empty() || time.is_empty() || signatures.is_empty() {
        return Err(ApiError::unauthorized("signature required"));
    }
    let body = read(api, body).await?;
    let secrets: Vec<&[u8]> = api
        .secrets
        .iter()
        .map(|one| one.expose().as_bytes())
        .collect();
    let now = api.clock.now().seconds();
    signature::verify(&secrets, id, time, signatures, &body, now).map_err(|error| {
        tracing::warn!(%error, "a request with the platform's headers was refused");
        ApiError::unauthorized("invalid signature")
    })?;
    Ok(body)
}

pub(super) async fn submit(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = signed(&api, request).await?;
    let Submissions {
        messages,
        switched_off,
    } = parse(&body)?;
    let says_nothing = messages.is_empty() && switched_off.is_none();
    if says_nothing || messages.len() > MAX_SUBMISSIONS {
        return Err(ApiError::bad(format!("1 to {MAX_SUBMISSIONS} messages")));
    }
    // Before the messages: none of them leaves by a link that was switched off before they were taken.
    if let Some(said) = switched_off {
        api.gateway.switch_off(said).await?;
    }
    let asked = messages.len();
    let outcomes = api.gateway.submit(&Caller::Platform, messages).await?;
    if outcomes.len() != asked {
        tracing::error!(asked, answered = outcomes.len(), "outcomes are missing");
        return Err(ApiError::internal());
    }
    Ok(Json(Submitted { outcomes }).into_response())
}

pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = signed(&api, request).await?;
    let Cancellation { message_id, app_id } = parse(&body)?;
    let cancelled: Cancelled = api
        .gateway
        .cancel(&Caller::Platform, &message_id, app_id)
        .await?;
    Ok(Json(json!(cancelled)).into_response())
}

pub(super) async fn links(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    signed(&api, request).await?;
    Ok(Json(api.gateway.links()).into_response())
}
