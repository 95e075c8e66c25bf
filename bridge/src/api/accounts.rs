//! Accounts are the platform's: these calls are handed on to it, and its answers handed back.

use std::net::IpAddr;

use bytes::Bytes;
use homeroom_sms_contract::signature;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{Api, errors::ApiError};
use crate::platform_client::Answer;

/// What the platform calls them; the bridge's own paths are the same.
pub(super) const REGISTER: &str = "/api/v1/auth/register";
pub(super) const LOGIN: &str = "/api/v1/auth/login";
pub(super) const IS_ADMIN: &str = "/api/v1/auth/is-admin";
pub(super) const DELETE_USER: &str = "/api/v1/auth/delete-user";

const APP_ID: HeaderName = HeaderName::from_static("x-app-id");

/// Hands a call on, with the caller's own credential and address and nothing else of its headers. The platform counts failed attempts by address.
pub(super) async fn call(
    api: &Api,
    path: &str,
    headers: &HeaderMap,
    client: IpAddr,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let mut kept = HeaderMap::new();
    for name in [header::AUTHORIZATION, APP_ID] {
        if let Some(value) = headers.get(&name) {
            kept.insert(name, value.clone());
        }
    }
    sign(api, path, client, &mut kept).ok_or_else(ApiError::internal)?;
    let answer = api.platform.post(path, kept, body).await.map_err(|error| {
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

/// Says for whom the call is made, so that the platform believes it.
fn sign(api: &Api, path: &str, client: IpAddr, headers: &mut HeaderMap) -> Option<()> {
    let (client, id) = (
        client.to_string(),
        format!("account_{}", uuid::Uuid::now_v7()),
    );
    let seconds = api.clock.now().seconds();
    let signed = signature::client(path, &client);
    let secret = api.secrets.first()?.expose().as_bytes();
    let signature = signature::sign(secret, &id, seconds, signed.as_bytes());
    for (name, value) in [
        (signature::CLIENT, client),
        (signature::ID, id),
        (signature::TIMESTAMP, seconds.to_string()),
        (signature::SIGNATURE, signature),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).ok()?,
        );
    }
    Some(())
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
