//! Bodies: JSON or form-encoded, at most 1 MB, always an object; and files, at most 4 MB.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use homeroom_domain::files::multipart;
use homeroom_kernel::{Fields, Input};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Largest body in bytes, the same as at the gateway.
const MAX_BYTES: u32 = 1_048_576;
/// Largest body of a route that takes a file, the same as at the gateway.
const MAX_FILE_BYTES: u32 = 4 * 1_048_576;
/// What the paths begin with that take a file.
const FILES: &str = "/api/v1/school/imports/";
/// Most fields in a form.
const MAX_FORM_FIELDS: usize = 1_000;

/// The largest body of a path, in bytes.
pub(crate) fn cap(path: &str) -> u32 {
    if path.starts_with(FILES) {
        MAX_FILE_BYTES
    } else {
        MAX_BYTES
    }
}

pub(crate) async fn read(path: &str, body: Body) -> Result<Vec<u8>, ApiError> {
    match Limited::new(body, cap(path) as usize).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge),
        Err(_) => Err(ApiError::Malformed("The body ended early.")),
    }
}

/// Reads a body as `T`; with `partial`, required fields may be absent.
pub(crate) fn parse<T: Input>(
    headers: &HeaderMap,
    bytes: &[u8],
    partial: bool,
) -> Result<T, ApiError> {
    Ok(Fields::parse(fields(headers, bytes)?, partial)?)
}

/// The same, where a bare list stands for the field of this name.
pub(crate) fn fields_or_list(
    headers: &HeaderMap,
    bytes: &[u8],
    name: &str,
) -> Result<Map<String, Value>, ApiError> {
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return fields(headers, bytes);
    }
    let mut map = fields(headers, b"{}")?;
    let list: Vec<Value> = serde_json::from_slice(bytes)
        .map_err(|_| ApiError::Malformed("The body is not valid JSON."))?;
    map.insert(name.to_owned(), list.into());
    Ok(map)
}

/// Reads a body as the fields that it names.
pub(crate) fn fields(headers: &HeaderMap, bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match media_type(content_type).as_str() {
        _ if bytes.is_empty() => Ok(Map::new()),
        "application/json" => json(bytes),
        "application/x-www-form-urlencoded" => form(bytes),
        _ => Err(ApiError::UnsupportedMediaType),
    }
}

/// The media type without its parameters.
fn media_type(content_type: &str) -> String {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// A kind of file that a route takes.
pub(crate) struct FileKind {
    types: &'static [&'static str],
    /// What to send instead of something else.
    advice: &'static str,
}

/// Tables.
pub(crate) const CSV: FileKind = FileKind {
    types: &["text/csv"],
    advice: "Send the file as text/csv, or in the field \"file\" of multipart/form-data.",
};
/// Pictures.
pub(crate) const PICTURE: FileKind = FileKind {
    types: &["image/png", "image/jpeg"],
    advice: "Send the picture as image/png or image/jpeg, or in the field \"file\" of multipart/form-data.",
};

/// Takes the file out of a body: the body itself, or the part `file` of a form.
pub(crate) fn file<'a>(
    kind: &FileKind,
    headers: &HeaderMap,
    bytes: &'a [u8],
) -> Result<&'a [u8], ApiError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match media_type(content_type).as_str() {
        given if kind.types.contains(&given) => Ok(bytes),
        "multipart/form-data" => multipart::part(content_type, bytes, "file")
            .map_err(|message| ApiError::field("file", message)),
        _ => Err(ApiError::NotAFile(kind.advice)),
    }
}

/// A body without an idempotency key that may be a table instead.
pub enum TableOr<T> {
    /// What was read.
    Input(T),
    /// A file of `text/csv`, as it came.
    Table(Vec<u8>),
}

impl<S: Send + Sync, T: Input> FromRequest<S> for TableOr<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(parts.uri.path(), body).await?;
        match file(&CSV, &parts.headers, &bytes) {
            Ok(file) => Ok(Self::Table(file.to_vec())),
            Err(ApiError::NotAFile(_)) => Ok(Self::Input(parse(&parts.headers, &bytes, false)?)),
            Err(error) => Err(error),
        }
    }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(ApiError::Malformed("The body is not UTF-8."));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ApiError::Malformed("The body must be a JSON object.")),
        Err(_) => Err(ApiError::Malformed("The body is not valid JSON.")),
    }
}

/// A repeated name makes a list; `outer.inner` makes an object.
fn form(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut map = Map::new();
    for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
        if count >= MAX_FORM_FIELDS {
            return Err(ApiError::Malformed("The form has too many fields."));
        }
        match name.split_once('.') {
            Some((outer, inner)) => {
                let nested = map
                    .entry(outer)
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(nested) = nested {
                    put(nested, inner, &value);
                }
            }
            None => put(&mut map, &name, &value),
        }
    }
    Ok(map)
}

fn put(map: &mut Map<String, Value>, name: &str, value: &str) {
    let value = Value::from(value);
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_carries_lists_and_one_level_of_objects() {
        let map = form(b"name=A+B&role_ids=1&role_ids=2&admin.email=a%40b.example").unwrap();
        let expected =
            json!({"name": "A B", "role_ids": ["1", "2"], "admin": {"email": "a@b.example"}});
        assert_eq!(Value::Object(map), expected);
    }

    #[test]
    fn what_is_not_an_object_is_refused_with_a_reason() {
        for bad in [
            &b"[1]"[..],
            b"\"x\"",
            b"{",
            b"{\"a\": \xff}",
            b"null",
            b"1e999",
        ] {
            assert!(matches!(json(bad), Err(ApiError::Malformed(_))));
        }
        let deep = "[".repeat(100_000);
        assert!(json(deep.as_bytes()).is_err());
    }
}
