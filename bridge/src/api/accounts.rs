//! Accounts are the platform's: these calls are handed on to it, and its answers handed back.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde::Deserialize;

use super::errors::ApiError;
use crate::platform_client::{Answer, PlatformClient};

/// What the platform calls them; the bridge's own paths are the same.
pub(super) const REGISTER: &str = "/api/v1/auth/register";
pub(super) const LOGIN: &str = "/api/v1/auth/login";
pub(super) const IS_ADMIN: &str = "/api/v1/auth/is-admin";
pub(super) const DELETE_USER: &str = "/api/v1/auth/delete-user";

const APP_ID: HeaderName = HeaderName::from_static("x-app-id");

/// Hands a call on, with the caller's own credential and nothing else of its headers.
pub(super) async fn call(
    platform: &PlatformClient,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let mut kept = HeaderMap::new();
    for name in [header::AUTHORIZATION, APP_ID] {
        if let Some(value) = headers.get(&name) {
            kept.insert(name, value.clone());
        }
    }
    let answer = platform.post(path, kept, body).await.map_err(|error| {
        tracing::warn!(%error, path, "the platform did not answer a call about accounts");
        ApiError::unavailable("accounts are not available at the moment", 5)
    })?;
    // A redirect, or anything that is not the platform's JSON, is not an answer that a client could use.
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok();
    if answer.status.is_redirection() || !json {
        tracing::warn!(status = %answer.status, path, "the platform's answer about accounts is not JSON");
        return Err(ApiError::unavailable(
            "accounts are not available at the moment",
            5,
        ));
    }
    Ok(answer)
}

#[derive(Deserialize)]
struct Words {
    error: String,
}

/// The answer where it is a success; otherwise the platform's words as an error.
pub(super) fn success(answer: Answer) -> Result<Bytes, ApiError> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let words = serde_json::from_slice::<Words>(&answer.body);
    let text = words.map_or_else(|_| "the platform refused".to_owned(), |words| words.error);
    let status = match answer.status {
        status if status.is_client_error() => status,
        StatusCode::SERVICE_UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut error = ApiError::new(status, text);
    error.retry_after = answer.retry_after;
    Err(error)
}
