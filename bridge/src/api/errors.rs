//! What went wrong, in the words of the source: `{"error": "…"}` over REST, a status over gRPC.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::store::StoreError;

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Status of the answer.
    pub status: StatusCode,
    /// What is wrong, for a person.
    pub text: String,
    /// Seconds after which another attempt makes sense.
    pub retry_after: Option<u32>,
}

impl ApiError {
    /// An answer with a status and words.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            retry_after: None,
        }
    }

    /// The request cannot be right.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// Nobody has shown who asks.
    pub fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// Something of the bridge's own; what it was is in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    /// Not now.
    pub fn unavailable(text: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).after(seconds)
    }

    /// Too much from one caller.
    pub fn too_many(text: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, text).after(seconds)
    }

    fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store did not take a request");
        match error {
            StoreError::Full(_) => Self::unavailable("nothing can be stored at the moment", 30),
            StoreError::Away(_) => {
                Self::unavailable("the store cannot be reached at the moment", 5)
            }
            StoreError::Failed(_) => Self::internal(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut answer = (self.status, Json(json!({ "error": self.text }))).into_response();
        if let Some(seconds) = self.retry_after {
            let value = HeaderValue::from(seconds);
            answer.headers_mut().insert(header::RETRY_AFTER, value);
        }
        answer
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let code = match error.status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Code::InvalidArgument,
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::PermissionDenied,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::CONFLICT => Code::AlreadyExists,
            StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            _ => Code::Internal,
        };
        let mut status = Self::new(code, error.text);
        if let Some(seconds) = error.retry_after {
            let value = MetadataValue::from(seconds);
            status.metadata_mut().insert("retry-after", value);
        }
        status
    }
}
