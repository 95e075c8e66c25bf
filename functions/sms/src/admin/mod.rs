//! For the gateway's administrators.

pub(crate) mod apps;
pub(crate) mod links;
pub(crate) mod numbers;
pub(crate) mod users;
pub(crate) mod waiting;

use homeroom_edge::ApiError;
use homeroom_store::StoreError;
use http::StatusCode;

fn unknown(words: &'static str) -> ApiError {
    ApiError::gateway(StatusCode::NOT_FOUND, "not_found", words)
}

/// A number in a path; what is none is nobody's.
pub(crate) fn number(text: &str, words: &'static str) -> Result<i64, ApiError> {
    let number = text.parse().ok().filter(|number: &i64| *number > 0);
    number.ok_or_else(|| unknown(words))
}

pub(crate) fn found<T>(result: Result<T, StoreError>, words: &'static str) -> Result<T, ApiError> {
    result.map_err(|error| match error {
        StoreError::NotFound => unknown(words),
        other => other.into(),
    })
}

/// The number after which a list goes on.
fn after(text: Option<&str>) -> Result<i64, ApiError> {
    let Some(text) = text else { return Ok(0) };
    text.parse()
        .map_err(|_| ApiError::field("after", "Send what the answer before said in next."))
}
