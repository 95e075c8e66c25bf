//! The picture in the letterhead of what a school prints.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    credentials::digest, files::picture, permissions::school::ChangeReportSetting,
};
use homeroom_edge::{ApiError, Caller, Json, NoContent, Picture, SchoolArea, SchoolCan};
use homeroom_objects::documents::{DocumentError, DocumentRequest, Letterhead, Sheet};
use homeroom_store::{
    StoreError,
    school::logo::{self, LogoNote},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// Kept by the client alone, which asks each time whether it is still the one.
const CACHING: &str = "private, no-cache";

/// A PNG or JPEG of at most 200 KiB and 1,024 pixels a side.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct LogoFile(Vec<u8>);

/// The same picture in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct LogoForm {
    /// The picture.
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// A logo that was accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogoOut {
    /// `image/png` or `image/jpeg`.
    #[schema(pattern = "^image/(png|jpeg)$")]
    content_type: &'static str,
    /// Its bytes.
    #[schema(minimum = 1, maximum = 204_800)]
    size: usize,
    /// What the `etag` says between its quotation marks, and the audit log.
    digest: String,
}

/// The school's logo
///
/// For everybody who is signed in. Send the `etag` back as `if-none-match`, and the picture is not sent again.
#[utoipa::path(get, path = "/api/v1/school/logo/", tag = "grading",
    params(("if-none-match" = Option<String>, Header, description = "The `etag` of the picture that the client has.")),
    responses((status = 200, description = "The picture.", content((LogoFile = "image/png"), (LogoFile = "image/jpeg")),
    headers(("etag" = String, description = "Another one for every picture."))),
    (status = 304, description = "The client has it.")),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_logo(
    caller: Caller<SchoolArea>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok());
    let found = logo::find(&caller.db, known.unwrap_or_default()).await?;
    let common = [
        (header::ETAG, format!("\"{}\"", found.digest)),
        (header::CACHE_CONTROL, CACHING.to_owned()),
    ];
    let Some(data) = found.data else {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    };
    let bytes = picture::decode(&data)
        .ok_or_else(|| StoreError::Broken("the logo is not base64".to_owned()))?;
    let content_type = HeaderValue::from_static(picture::content_type(&data));
    Ok((common, [(header::CONTENT_TYPE, content_type)], bytes).into_response())
}

/// Replace the school's logo
///
/// It is in the letterhead of report cards and broadsheets from now on, of those that were published before as well.
#[utoipa::path(put, path = "/api/v1/school/logo/", tag = "grading",
    request_body(content((LogoFile = "image/png"), (LogoFile = "image/jpeg"), (LogoForm = "multipart/form-data"))),
    responses((status = 200, body = LogoOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_logo(
    caller: SchoolCan<ChangeReportSetting>,
    Picture(bytes): Picture,
) -> Result<Json<LogoOut>, ApiError> {
    let data = picture::encode(&bytes);
    try_out(&caller, data.clone()).await?;
    let content_type = picture::content_type(&data);
    let after = LogoNote {
        digest: digest(&data),
    };
    let before = logo::find_note(&caller.db).await?;
    let batch = logo::save(&caller.stamp(), before.as_ref(), data, &after);
    caller.commit(batch).await?;
    Ok(Json(LogoOut {
        content_type,
        size: bytes.len(),
        digest: after.digest,
    }))
}

/// Prints an empty sheet with it: what the printer takes is a logo, and no card fails for it later.
async fn try_out(caller: &Caller<SchoolArea>, data: String) -> Result<(), ApiError> {
    let request = DocumentRequest {
        letterhead: Letterhead {
            logo: Some(data),
            ..Letterhead::default()
        },
        sheets: vec![Sheet::default()],
        ..DocumentRequest::default()
    };
    match caller.app.ports.documents.print(request).await {
        Ok(_) => Ok(()),
        Err(DocumentError::Logo(why)) => {
            Err(ApiError::field("file", &format!("The picture {why}.")))
        }
        Err(other) => Err(other.into()),
    }
}

/// Remove the school's logo
#[utoipa::path(delete, path = "/api/v1/school/logo/", tag = "grading",
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_logo(
    caller: SchoolCan<ChangeReportSetting>,
) -> Result<NoContent, ApiError> {
    let before = logo::find_note(&caller.db).await?;
    let before = before.ok_or(ApiError::NotFound)?;
    caller
        .commit(logo::delete(&caller.stamp(), &before))
        .await?;
    Ok(NoContent)
}
