//! What happens around every router: the head is read, the answer gets its headers, and one line is logged.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use homeroom_kernel::Timestamp;
use homeroom_sms_contract::signature;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use secrecy::ExposeSecret;
use serde::Serialize;
use tower::ServiceExt;

use crate::{
    app::App,
    body,
    context::{Context, Deferred, Head, SharedContext},
    dialect::Dialect,
    error::{ApiError, CODE_HEADER, LogNote},
    tenancy,
};

/// The header with the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const BOOKMARK: &str = "x-d1-bookmark";
const EXPOSED: &str = "x-request-id, x-error-code, x-d1-bookmark, location, retry-after, idempotent-replayed, content-disposition";
const ALLOWED_HEADERS: &str = "authorization, content-type, x-api-key, x-schema-name, x-request-id, x-d1-bookmark, idempotency-key";

/// A finished request.
pub struct Served {
    /// The answer.
    pub response: Response,
    /// Work for after the answer.
    pub deferred: Vec<Deferred>,
    /// The log line, as JSON.
    pub log: String,
}

/// Runs one request through a router.
pub async fn serve(app: &Arc<App>, router: &Router, request: Request<Body>) -> Served {
    let started = app.ports.clock.now();
    let (mut parts, content) = request.into_parts();
    let method = parts.method.clone();
    let cross_origin = CrossOrigin::read(&parts.headers);
    let context: SharedContext = Arc::new(Context::new(
        read_head(app, &parts.headers, &parts.uri),
        started,
    ));
    let (cap, dialect) = (body::cap(parts.uri.path()), Dialect::of(parts.uri.path()));
    let mut response =
        if declared_length(&parts.headers).is_some_and(|length| length > u64::from(cap)) {
            ApiError::TooLarge.into_response()
        } else if method == Method::OPTIONS {
            preflight(app, &context).await
        } else {
            if let Some(uri) = with_slash(&parts.uri) {
                parts.uri = uri;
            }
            parts.extensions.insert(context.clone());
            match router
                .clone()
                .oneshot(Request::from_parts(parts, content))
                .await
            {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
    if response.headers().get(CODE_HEADER).is_none() {
        response = name_bare_errors(response);
    }
    response = dialect.render(response);
    if cross_origin.is_some() && context.cors_origins.get().is_none() {
        // A page of an allowed origin can read what went wrong before the school was looked up, too.
        let _ = tenancy::arrive(app, &context).await;
    }
    add_headers(&context, cross_origin.as_ref(), response.headers_mut());
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    let log = log_line(&context, &method, &response, app.ports.clock.now());
    Served {
        response,
        deferred: context.take_deferred(),
        log,
    }
}

/// Paths are registered with a final slash; the other form is the same route.
fn with_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if path.ends_with('/') {
        return None;
    }
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let text = format!("{path}/{query}");
    text.parse().ok()
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn read_head(app: &App, headers: &HeaderMap, uri: &Uri) -> Head {
    let host = text(headers, "host")
        .or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or("https");
    let sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let request_id = text(headers, "x-request-id").filter(sane).map_or_else(
        || {
            let mut random = [0u8; 12];
            app.ports.entropy.fill(&mut random);
            homeroom_domain::credentials::encoding::hex(&random)
        },
        str::to_owned,
    );
    Head {
        request_id,
        host: host.to_owned(),
        address: format!("{scheme}://{host}{}", uri.path()),
        ip: told_by_bridge(app, headers, uri.path())
            .or_else(|| text(headers, "cf-connecting-ip"))
            .and_then(|ip| ip.parse::<IpAddr>().ok())
            .map(|ip| ip.to_canonical()),
        user_agent: text(headers, "user-agent").map(|agent| agent.chars().take(200).collect()),
        bookmark: headers
            .get(BOOKMARK)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
    }
}

/// The address of the client for whom the bridge asks: its clients would share one otherwise, and lock each other's accounts.
fn told_by_bridge<'a>(app: &App, headers: &'a HeaderMap, path: &str) -> Option<&'a str> {
    let address = text(headers, signature::CLIENT)?;
    let header = |name| text(headers, name).unwrap_or_default();
    let secrets = &app.settings.sms.bridge_secrets;
    let secrets: Vec<&[u8]> = secrets
        .iter()
        .map(|secret| secret.expose_secret().as_bytes())
        .collect();
    signature::verify(
        &secrets,
        header(signature::ID),
        header(signature::TIMESTAMP),
        header(signature::SIGNATURE),
        signature::client(path, address).as_bytes(),
        app.ports.clock.now().seconds(),
    )
    .ok()
    .map(|()| address)
}

/// Preflights are answered for every path of a school that allows the origin; the routes themselves decide the rest.
async fn preflight(app: &App, context: &Context) -> Response {
    match tenancy::arrive(app, context).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

/// The router's own bare 404 and 405 get a body.
fn name_bare_errors(response: Response) -> Response {
    let error = match response.status() {
        StatusCode::NOT_FOUND => ApiError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed,
        status if status.is_client_error() => ApiError::Malformed("The request cannot be read."),
        _ => return response,
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut named = error.into_response();
    if let Some(allow) = allow {
        named.headers_mut().insert(header::ALLOW, allow);
    }
    named
}

/// A request from a page of another origin.
struct CrossOrigin {
    origin: String,
    asks_first: bool,
}

impl CrossOrigin {
    fn read(headers: &HeaderMap) -> Option<Self> {
        Some(Self {
            origin: text(headers, "origin")?.to_owned(),
            asks_first: headers.contains_key("access-control-request-method"),
        })
    }
}

fn add_headers(context: &Context, from: Option<&CrossOrigin>, headers: &mut HeaderMap) {
    // A page for browsers says itself what it may load, and a picture that it may be kept.
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-request-id", &context.request_id);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("vary", "Origin");
    if context.address.starts_with("https:") {
        set(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        );
    }
    if let Some(bookmark) = context.trace.bookmark() {
        set(BOOKMARK, &bookmark);
    }
    let allowed = context.cors_origins.get();
    if let Some(CrossOrigin { origin, asks_first }) = from
        && allowed.is_some_and(|allowed| allowed.contains(origin))
    {
        set("access-control-allow-origin", origin);
        set("access-control-expose-headers", EXPOSED);
        if *asks_first {
            set(
                "access-control-allow-methods",
                "GET, POST, PUT, PATCH, DELETE",
            );
            set("access-control-allow-headers", ALLOWED_HEADERS);
            set("access-control-max-age", "600");
        }
    }
}

#[derive(Serialize)]
struct LogLine<'a> {
    level: &'static str,
    request_id: &'a str,
    school: Option<&'a String>,
    method: &'a str,
    route: Option<&'a String>,
    status: u16,
    millis: i64,
    d1_trips: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn log_line(context: &Context, method: &Method, response: &Response, ended: Timestamp) -> String {
    let code = response.headers().get(CODE_HEADER);
    let note = response.extensions().get::<LogNote>();
    let line = LogLine {
        level: if response.status().is_server_error() {
            "error"
        } else {
            "info"
        },
        request_id: &context.request_id,
        school: context.school.get(),
        method: method.as_str(),
        route: context.route.get(),
        status: response.status().as_u16(),
        millis: ended.millis() - context.now.millis(),
        d1_trips: context.trace.trips(),
        code: code.and_then(|code| code.to_str().ok()),
        error: note
            .filter(|_| code.is_some())
            .map(|LogNote(note)| note.as_str()),
    };
    serde_json::to_string(&line).unwrap_or_default()
}
