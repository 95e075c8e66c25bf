//! The body of a request.

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::Api;
use super::errors::ApiError;

/// The body, within its size and time.
pub(super) async fn read(api: &Api, body: Body) -> Result<Bytes, ApiError> {
    let most = api.limits.body;
    let whole = Limited::new(body, most).collect();
    match tokio::time::timeout(api.limits.body_timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the request body has more than {most} bytes"),
        )),
        Ok(Err(_)) => Err(ApiError::bad("the request body broke off")),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "the request body took too long",
        )),
    }
}

/// The body as JSON, whatever its content type says.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let mut text = format!("invalid request body: {error}");
        // The words of the parser may hold as much as the client sent.
        if let Some((end, _)) = text.char_indices().nth(300) {
            text.truncate(end);
        }
        ApiError::bad(text)
    })
}
