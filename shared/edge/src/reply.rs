//! Answers of the common shapes.

use axum::response::{IntoResponse, Response};
use homeroom_kernel::PageRequest;
use homeroom_store::Page;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{context::Context, error::ApiError, extract::Query};

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// Rows of the whole list.
    #[schema(example = 1)]
    pub count: u64,
    /// Address of the next page.
    #[schema(example = json!(null))]
    pub next: Option<String>,
    /// Address of the page before.
    #[schema(example = json!(null))]
    pub previous: Option<String>,
    /// The rows of this page.
    pub results: Vec<T>,
}

impl<T> List<T> {
    /// A page with the addresses of its neighbours.
    pub fn new<R: Into<T>>(
        context: &Context,
        query: &Query,
        request: &PageRequest,
        page: Page<R>,
    ) -> Json<Self> {
        let address = |number: u32| format!("{}?{}", context.address, query.with_page(number));
        let more = request.offset() + u64::from(request.page_size) < page.count;
        Json(Self {
            count: page.count,
            next: more.then(|| address(request.page + 1)),
            previous: (request.page > 1).then(|| address(request.page - 1)),
            results: page.rows.into_iter().map(Into::into).collect(),
        })
    }
}

/// A JSON answer with status 200.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match Answer::ok(&self.0) {
            Ok(answer) => answer.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// Status 204.
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// An answer as it can be stored and given again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    location: Option<String>,
    body: String,
}

impl Answer {
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, None, body)
    }

    pub(crate) fn created(location: &str, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::CREATED, Some(location.to_owned()), body)
    }

    pub(crate) fn accepted(location: &str, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::ACCEPTED, Some(location.to_owned()), body)
    }

    fn new(
        status: StatusCode,
        location: Option<String>,
        body: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let body =
            serde_json::to_string(body).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(Self {
            status: status.as_u16(),
            location,
            body,
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/json")],
            self.body,
        )
            .into_response();
        if let Some(location) = self
            .location
            .and_then(|location| HeaderValue::try_from(location).ok())
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
