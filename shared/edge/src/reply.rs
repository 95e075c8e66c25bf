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

/// A file of a finished length, to be saved under a name.
pub struct File {
    /// What it is.
    pub content_type: &'static str,
    /// The name with its ending, in any script.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type.to_owned()),
            (header::CONTENT_LENGTH, self.bytes.len().to_string()),
            (header::CONTENT_DISPOSITION, disposition(&self.name)),
        ];
        (headers, self.bytes).into_response()
    }
}

/// RFC 6266: an approximation in ASCII for old clients, and the name itself.
fn disposition(name: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_.()".contains(byte);
    let plain: String = name
        .chars()
        .filter(|character| !character.is_control())
        .map(|character| match u8::try_from(character) {
            Ok(byte) if is_plain(&byte) => character,
            _ => '_',
        })
        .collect();
    let exact: String = name
        .bytes()
        .filter(|byte| !byte.is_ascii_control())
        .map(|byte| match byte {
            b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_length_and_its_name_in_any_script() {
        for (name, disposition) in [
            (
                "cards.pdf",
                "attachment; filename=\"cards.pdf\"; filename*=UTF-8''cards.pdf",
            ),
            (
                "4A \"best\".zip",
                "attachment; filename=\"4A _best_.zip\"; filename*=UTF-8''4A%20%22best%22.zip",
            ),
            (
                "ሀ\r\n.pdf",
                "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E1%88%80.pdf",
            ),
        ] {
            let file = File {
                content_type: "application/pdf",
                name: name.into(),
                bytes: vec![1, 2, 3],
            };
            let headers = file.into_response().headers().clone();
            assert_eq!(headers[header::CONTENT_DISPOSITION], disposition);
            assert_eq!(headers[header::CONTENT_LENGTH], "3");
            assert_eq!(headers[header::CONTENT_TYPE], "application/pdf");
        }
    }
}
