//! The edge on Workers: requests and answers cross into WebAssembly here, and the ports reach the runtime.

mod sms;

use std::{cell::OnceCell, sync::Arc};

use axum::{Router, body::Body, response::IntoResponse};
use futures_util::future::BoxFuture;
use homeroom_domain::credentials::KeyRing;
use homeroom_kernel::{Clock, Entropy, Timestamp};
use homeroom_objects::{
    documents::{self, DocumentError, DocumentRequest, Printed},
    kept::{self, Kept},
    login_guard::{self, GuardReply, GuardRequest},
    passwords::{self, PasswordReply, PasswordRequest},
    sms_quota::{QuotaReply, QuotaRequest, SmsQuota},
    tries::{self, TriesReply, TriesRequest},
};
use homeroom_store_d1::D1Databases;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::BodyExt;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{
    Env,
    send::{SendFuture, SendWrapper},
};

use crate::{
    app::{
        App, Documents, LoginGuard, Passwords, PortError, Ports, Quotas, Settings, State, Timer,
        Tries,
    },
    body,
    dialect::Dialect,
    error::ApiError,
    panic::guarded,
    serve::{REQUEST_ID, Served, serve},
};

#[wasm_bindgen(module = "/src/edge.js")]
extern "C" {
    #[wasm_bindgen(js_name = readHead)]
    fn read_head(request: &web_sys::Request) -> String;
    #[wasm_bindgen(js_name = readBody)]
    fn read_body(request: &web_sys::Request, cap: u32) -> Promise;
    #[wasm_bindgen(js_name = localTime)]
    fn local_time(millis: f64, zone: &str) -> Option<String>;
    #[wasm_bindgen(js_name = makeResponse)]
    fn make_response(status: u16, headers: &str, body: Option<Uint8Array>) -> web_sys::Response;
    #[wasm_bindgen(js_name = askService)]
    fn ask_service(service: &JsValue, url: &str, body: &str) -> Promise;
    #[wasm_bindgen(js_name = askForBytes)]
    fn ask_for_bytes(service: &JsValue, url: &str, body: &str) -> Promise;
    #[wasm_bindgen(js_name = askObject)]
    fn ask_object(objects: &JsValue, name: &str, url: &str, body: &str) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);
}

/// An area: its state and router, built once per isolate.
pub type Area = OnceCell<Result<(State, Router), String>>;

/// Runs one request through an area.
pub async fn fetch(
    raw: web_sys::Request,
    env: Env,
    context: worker::Context,
    area: &'static std::thread::LocalKey<Area>,
    routes: fn(State) -> Router,
) -> worker::Result<web_sys::Response> {
    let built = area.with(|area| {
        area.get_or_init(|| state(&env).map(|app| (app.clone(), routes(app))))
            .clone()
    });
    let response = guarded(Clone::clone(&raw), async {
        match built {
            Ok((app, router)) => answer(&raw, &app, &router, &context).await,
            Err(reason) => {
                log(&serde_json::json!({"level": "error", "error": reason}).to_string());
                refuse(&raw, ApiError::Unavailable(reason)).await
            }
        }
    })
    .await;
    Ok(response)
}

/// The state of a Worker from its bindings, variables and secrets.
pub fn state(env: &Env) -> Result<State, String> {
    let variable = |name: &str| {
        env.var(name)
            .map(|value| value.to_string())
            .map_err(|_| format!("{name} is not set"))
    };
    let secret = env
        .secret("MASTER_KEYS")
        .map_err(|_| "the secret MASTER_KEYS is not set".to_owned())?;
    let settings = Settings {
        public_domain: variable("PUBLIC_DOMAIN")?,
        environment: variable("ENVIRONMENT")?,
        keys: KeyRing::parse(&secret.to_string()).map_err(|error| error.to_string())?,
        sms: sms::settings(env),
    };
    let ports = Ports {
        databases: Box::new(D1Databases::new(env.clone())),
        passwords: Box::new(Bound(SendWrapper::new(env.clone()))),
        login_guard: Box::new(Bound(SendWrapper::new(env.clone()))),
        quotas: Box::new(Bound(SendWrapper::new(env.clone()))),
        tries: Box::new(Bound(SendWrapper::new(env.clone()))),
        documents: Box::new(Bound(SendWrapper::new(env.clone()))),
        sms_queue: Box::new(Bound(SendWrapper::new(env.clone()))),
        sms_callbacks: Box::new(Bound(SendWrapper::new(env.clone()))),
        bridge: Box::new(Bound(SendWrapper::new(env.clone()))),
        outside: Box::new(Runtime),
        clock: Box::new(Runtime),
        timer: Box::new(Runtime),
        entropy: Box::new(Runtime),
    };
    Ok(App::new(ports, settings))
}

async fn answer(
    raw: &web_sys::Request,
    app: &State,
    router: &Router,
    context: &worker::Context,
) -> web_sys::Response {
    let request = match read(raw).await {
        Ok(request) => request,
        Err(error) => return refuse(raw, error).await,
    };
    let Served {
        response,
        deferred,
        log: line,
    } = serve(app, router, request).await;
    log(&line);
    for work in deferred {
        context.wait_until(guarded(Clone::clone(raw), work));
    }
    render(response).await
}

/// Reads a request. Header values that cannot be represented are left out rather than failing the request; the body is
/// read before anything is refused, since a connection with an unread body is not used again.
async fn read(raw: &web_sys::Request) -> Result<Request<Body>, ApiError> {
    let unreadable = || ApiError::Malformed("The request cannot be read.");
    let (method, url, headers): (String, String, Vec<(String, String)>) =
        serde_json::from_str(&read_head(raw)).map_err(|_| unreadable())?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| unreadable())?;
    let uri: Uri = url.parse().map_err(|_| unreadable())?;
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty())
        .map_err(|_| unreadable())?;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let cap = body::cap(request.uri().path());
    let too_large = declared.is_some_and(|length: u64| length > u64::from(cap));
    if raw.body().is_some() && !too_large {
        let body = JsFuture::from(read_body(raw, cap))
            .await
            .map_err(|_| unreadable())?;
        if body.is_null() {
            // As if it had been declared: `serve` refuses it.
            request
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(cap + 1));
        } else {
            *request.body_mut() = Body::from(Uint8Array::new(&body).to_vec());
        }
    }
    Ok(request)
}

/// An error where `serve` was not reached.
async fn refuse(raw: &web_sys::Request, error: ApiError) -> web_sys::Response {
    render(dialect_of(raw).render(error.into_response())).await
}

fn dialect_of(raw: &web_sys::Request) -> Dialect {
    let uri: Option<Uri> = raw.url().parse().ok();
    Dialect::of(uri.as_ref().map_or("/", Uri::path))
}

async fn render(response: axum::response::Response) -> web_sys::Response {
    let (parts, body) = response.into_parts();
    let headers: Vec<(&str, &str)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let headers = serde_json::to_string(&headers).unwrap_or_default();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let body = (!bytes.is_empty()).then(|| Uint8Array::from(bytes.as_ref()));
    make_response(parts.status.as_u16(), &headers, body)
}

/// The answer to a request that panicked: the entry script asks a fresh instance for it.
#[wasm_bindgen]
pub fn panic_response(request: &web_sys::Request) -> web_sys::Response {
    let id = request
        .headers()
        .get(REQUEST_ID.as_str())
        .ok()
        .flatten()
        .unwrap_or_default();
    let headers = serde_json::json!([
        ["content-type", "application/json"],
        ["x-error-code", "internal_error"],
        ["x-request-id", id],
    ]);
    let error = ApiError::Internal(String::new());
    let body = dialect_of(request).body(&error.detail(), error.code());
    make_response(
        500,
        &headers.to_string(),
        Some(Uint8Array::from(body.to_string().as_bytes())),
    )
}

struct Runtime;

impl Clock for Runtime {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds fit into 53 bits for 285,000 years"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(js_sys::Date::now() as i64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds fit into 53 bits for 285,000 years"
    )]
    fn local(&self, moment: Timestamp, zone: &str) -> Option<String> {
        local_time(moment.millis() as f64, zone)
    }
}

impl Timer for Runtime {
    fn sleep(&self, millis: u32) -> BoxFuture<'_, ()> {
        let delay = worker::Delay::from(std::time::Duration::from_millis(millis.into()));
        Box::pin(SendFuture::new(delay))
    }
}

impl Entropy for Runtime {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Web Crypto has no failure for so few bytes; a predictable secret would be worse than an ended isolate.
            wasm_bindgen::throw_str("no randomness");
        }
    }
}

/// Other Workers and objects, through this Worker's bindings.
struct Bound(SendWrapper<Env>);

impl Passwords for Bound {
    fn work(&self, request: PasswordRequest) -> BoxFuture<'_, Result<PasswordReply, PortError>> {
        Box::pin(SendFuture::new(async move {
            let service = self.binding(passwords::BINDING)?;
            reply(ask_service(&service, passwords::URL, &text(&request)?)).await
        }))
    }
}

impl LoginGuard for Bound {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: GuardRequest,
    ) -> BoxFuture<'a, Result<GuardReply, PortError>> {
        self.ask_kept::<login_guard::LoginGuard>(name, request)
    }
}

impl Quotas for Bound {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: QuotaRequest,
    ) -> BoxFuture<'a, Result<QuotaReply, PortError>> {
        self.ask_kept::<SmsQuota>(name, request)
    }
}

impl Tries for Bound {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: TriesRequest,
    ) -> BoxFuture<'a, Result<TriesReply, PortError>> {
        self.ask_kept::<tries::Tries>(name, request)
    }
}

impl Documents for Bound {
    fn print(&self, request: DocumentRequest) -> BoxFuture<'_, Result<Printed, DocumentError>> {
        Box::pin(SendFuture::new(async move {
            let away = |error: PortError| DocumentError::Unavailable(error.0);
            request.check()?;
            let service = self.binding(documents::BINDING).map_err(away)?;
            let body = text(&request).map_err(away)?;
            let answer = JsFuture::from(ask_for_bytes(&service, documents::URL, &body))
                .await
                .map_err(|error| away(failure(&error)))?;
            let answer = Array::from(&answer);
            let bytes = Uint8Array::new(&answer.get(1)).to_vec();
            if answer.get(0).as_f64() == Some(200.0) {
                let content_type = request.packaging.content_type();
                return Ok(Printed {
                    content_type,
                    bytes,
                });
            }
            Err(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                DocumentError::Unavailable("the documents Worker gave no answer".to_owned())
            }))
        }))
    }
}

impl Bound {
    /// Asks an object of the limits Worker.
    fn ask_kept<'a, T: Kept>(
        &'a self,
        name: &'a str,
        request: T::Request,
    ) -> BoxFuture<'a, Result<T::Reply, PortError>>
    where
        T::Request: 'a,
    {
        Box::pin(SendFuture::new(async move {
            let objects = self.binding(kept::BINDING)?;
            reply(ask_object(&objects, name, T::URL, &text(&request)?)).await
        }))
    }

    fn binding(&self, name: &str) -> Result<JsValue, PortError> {
        let binding = Reflect::get(self.0.as_ref(), &name.into()).unwrap_or(JsValue::UNDEFINED);
        if binding.is_undefined() {
            return Err(PortError(format!("there is no binding {name}")));
        }
        Ok(binding)
    }
}

fn text(request: &impl Serialize) -> Result<String, PortError> {
    serde_json::to_string(request).map_err(|error| PortError(error.to_string()))
}

async fn reply<T: DeserializeOwned>(answer: Promise) -> Result<T, PortError> {
    let answer = JsFuture::from(answer)
        .await
        .map_err(|error| failure(&error))?;
    let answer = answer.as_string().unwrap_or_default();
    serde_json::from_str(&answer).map_err(|error| PortError(error.to_string()))
}

fn failure(error: &JsValue) -> PortError {
    let message = Reflect::get(error, &"message".into()).ok();
    PortError(
        message
            .and_then(|message| message.as_string())
            .unwrap_or_default(),
    )
}

/// Work for a scheduled event: the area's state, built as for a request.
pub async fn scheduled(env: Env, work: impl AsyncFnOnce(Arc<App>)) {
    match state(&env) {
        Ok(app) => work(app).await,
        Err(reason) => log(&serde_json::json!({"level": "error", "error": reason}).to_string()),
    }
}

/// Writes a line to the log.
pub fn log_line(line: &serde_json::Value) {
    log(&line.to_string());
}
