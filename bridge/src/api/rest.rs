//! REST, as the source has it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::auth::{self, Account};
use super::body::{parse, read};
use super::errors::ApiError;
use super::messages::{self, Wanted};
use super::serve::Peer;
use super::{Api, accounts, dashboard, metrics, platform};

/// Every route on one screen. Each is there with and without a slash at the end.
pub(super) fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for (path, method) in [
        (accounts::REGISTER, post(hand_on)),
        (accounts::LOGIN, post(hand_on)),
        (accounts::IS_ADMIN, post(hand_on)),
        (accounts::DELETE_USER, post(hand_on)),
        ("/api/v1/sms/send", post(send)),
        ("/api/v1/sms/check-esme", post(check_esme)),
        ("/api/v1/sms/info", post(info)),
        ("/api/v1/sms/check-text", post(check_text)),
        ("/healthy", get(async || Json(json!({ "status": "ok" })))),
        ("/ready", get(ready)),
        ("/metrics", get(metrics::show)),
        ("/dashboard", get(dashboard::page)),
        ("/dashboard/stats", get(dashboard::stats)),
        ("/dashboard/smpp-links", get(dashboard::links)),
        ("/dashboard/load-balancers", get(dashboard::pools)),
        ("/api/v1/dashboard/stats", get(dashboard::stats)),
        ("/api/v1/dashboard/smpp-links", get(dashboard::links)),
        ("/api/v1/dashboard/load-balancers", get(dashboard::pools)),
        ("/v1/submissions", post(platform::submit)),
        ("/v1/cancellations", post(platform::cancel)),
        ("/v1/links", get(platform::links)),
    ] {
        let method: MethodRouter<Arc<Api>> = method;
        router = router
            .route(&format!("{path}/"), method.clone())
            .route(path, method);
    }
    router
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "not found"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        })
        .with_state(api)
}

/// The account behind a request to `/sms/`, within its rate, and what it asks for.
async fn asked<T: DeserializeOwned>(api: &Api, request: Request) -> Result<(Account, T), ApiError> {
    let (head, body) = request.into_parts();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let peer = head
        .extensions
        .get::<Peer>()
        .ok_or_else(ApiError::internal)?;
    let account = auth::account(
        api,
        text("authorization"),
        text("x-app-id"),
        auth::client(&head.headers, peer.0, &api.listen.trusted_proxies),
    )?;
    api.rates.check(account.app_id)?;
    Ok((account, parse(&read(api, body).await?)?))
}

async fn send(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (account, wanted) = asked::<Wanted>(&api, request).await?;
    let mut answers = messages::send(&api, &account, vec![wanted]).await?;
    let sent = answers.pop().ok_or_else(ApiError::internal)??;
    Ok(Json(sent).into_response())
}

#[derive(Deserialize)]
struct EsmeWanted {
    esme: i64,
}

async fn check_esme(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (_, EsmeWanted { esme }) = asked(&api, request).await?;
    Ok(Json(messages::check_esme(&api, esme)?).into_response())
}

#[derive(Deserialize)]
struct InfoWanted {
    message_id: String,
}

async fn info(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (account, InfoWanted { message_id }) = asked(&api, request).await?;
    Ok(Json(messages::info(&api, &account, &message_id).await?).into_response())
}

#[derive(Deserialize)]
struct TextWanted {
    message: String,
    #[serde(default)]
    esme: Option<i64>,
    #[serde(default)]
    transliterate: bool,
}

async fn check_text(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (_, wanted) = asked::<TextWanted>(&api, request).await?;
    let measured = messages::measure(&api, &wanted.message, wanted.esme, wanted.transliterate)?;
    Ok(Json(json!({
        "encoding": measured.encoding.name(),
        "length": measured.length,
        "segments": measured.segments,
        "per_segment": measured.per_segment,
    }))
    .into_response())
}

async fn ready(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    match api.gateway.ready().await {
        Ok(()) => Ok(Json(json!({ "status": "ready" })).into_response()),
        Err(reason) => Err(ApiError::unavailable(reason, 5)),
    }
}

async fn hand_on(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body = read(&api, body).await?;
    let path = head.uri.path().trim_end_matches('/').to_owned();
    let peer = head
        .extensions
        .get::<Peer>()
        .ok_or_else(ApiError::internal)?;
    let client = auth::client(&head.headers, peer.0, &api.listen.trusted_proxies);
    let answer = accounts::call(&api, &path, &head.headers, client, body).await?;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}
