//! What became of messages, and withdrawing them.

pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod info;
pub(crate) mod search;
pub(crate) mod withdraw;

use homeroom_domain::SmsMessageId;
use homeroom_edge::ApiError;
use http::StatusCode;

/// No such message of this app: another app's, another school's and none are one.
pub(crate) fn unknown() -> ApiError {
    ApiError::gateway(StatusCode::NOT_FOUND, "not_found", "message not found")
}

/// The id of a message; what is none is nobody's.
pub(crate) fn id(text: &str) -> Result<SmsMessageId, ApiError> {
    SmsMessageId::parse(text).ok_or_else(unknown)
}

/// The message, or the words for none.
pub(crate) fn found<T>(result: Result<T, homeroom_store::StoreError>) -> Result<T, ApiError> {
    result.map_err(|error| match error {
        homeroom_store::StoreError::NotFound => unknown(),
        other => other.into(),
    })
}
