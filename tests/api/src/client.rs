//! Clients: a host, a credential, and requests that read as the tests do.

use axum::body::Body;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use crate::app::TestApp;

/// What a client presents.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    None,
    Bearer(String),
    ApiKey(String),
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Client {
    app: TestApp,
    host: String,
    base: String,
    credential: Credential,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(crate) fn new(app: &TestApp, host: &str, base: &str, credential: Credential) -> Self {
        Self {
            app: app.clone(),
            host: host.to_owned(),
            base: base.to_owned(),
            credential,
            headers: Vec::new(),
        }
    }

    /// The same client with another access token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        Self {
            credential: Credential::Bearer(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same client with an API key instead of a token.
    #[must_use]
    pub fn api_key(&self, key: &str) -> Self {
        Self {
            credential: Credential::ApiKey(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same client without a credential.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            credential: Credential::None,
            ..self.clone()
        }
    }

    /// The same client at another host.
    #[must_use]
    pub fn at(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.clone()
        }
    }

    /// The same client, whose relative paths begin with this one.
    #[must_use]
    pub fn base(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// The same client with one more header.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client from another address.
    #[must_use]
    pub fn from(&self, ip: &str) -> Self {
        self.with("cf-connecting-ip", ip)
    }

    /// The same client with an idempotency key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    /// The access token that it presents.
    #[must_use]
    pub fn token(&self) -> &str {
        match &self.credential {
            Credential::Bearer(token) | Credential::ApiKey(token) => token,
            Credential::None => "",
        }
    }

    /// GET.
    #[must_use]
    pub fn get(&self, path: &str) -> Reply {
        self.send(&Method::GET, path, None)
    }

    /// DELETE.
    #[must_use]
    pub fn delete(&self, path: &str) -> Reply {
        self.send(&Method::DELETE, path, None)
    }

    /// POST of a JSON body.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(&Method::POST, path, Some(body))
    }

    /// POST without a body.
    #[must_use]
    pub fn act(&self, path: &str) -> Reply {
        self.send(&Method::POST, path, None)
    }

    /// PUT of a JSON body.
    #[must_use]
    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(&Method::PUT, path, Some(body))
    }

    /// PATCH of a JSON body.
    #[must_use]
    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(&Method::PATCH, path, Some(body))
    }

    /// POST of a CSV file.
    #[must_use]
    pub fn file(&self, path: &str, file: &str) -> Reply {
        self.raw(&Method::POST, path, Some("text/csv"), file.as_bytes())
    }

    /// POST of an HTML form.
    #[must_use]
    pub fn form(&self, path: &str, body: &str) -> Reply {
        self.raw(
            &Method::POST,
            path,
            Some("application/x-www-form-urlencoded"),
            body.as_bytes(),
        )
    }

    /// Any method, with a JSON body or without one.
    #[must_use]
    pub fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Reply {
        self.app.run(self.request(method, path, body))
    }

    /// Any method, content type and body.
    #[must_use]
    pub fn raw(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Reply {
        self.app
            .run(self.raw_request(method, path, content_type, body.to_vec()))
    }

    /// The same request from several places at once.
    #[must_use]
    pub fn together(
        &self,
        count: usize,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Vec<Reply> {
        self.app.run_together(
            (0..count)
                .map(|_| self.request(method, path, body))
                .collect(),
        )
    }

    /// A request that is not sent yet.
    #[must_use]
    pub fn request(&self, method: &Method, path: &str, body: Option<&Value>) -> Request<Body> {
        match body {
            Some(body) => self.raw_request(
                method,
                path,
                Some("application/json"),
                body.to_string().into_bytes(),
            ),
            None => self.raw_request(method, path, None, Vec::new()),
        }
    }

    /// A request of any content type that is not sent yet.
    #[must_use]
    pub fn raw_request(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Request<Body> {
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://host.invalid{path}"));
        request = request.header("host", &self.host);
        match &self.credential {
            Credential::None => {}
            Credential::Bearer(token) => {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Credential::ApiKey(key) => request = request.header("x-api-key", key),
        }
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
            .body(Body::from(body))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
    /// The body as text; empty where it is none.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Value,
    /// The log line.
    pub log: Value,
}

impl Reply {
    pub(crate) async fn read(response: Response<Body>, log: &str) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        let text = String::from_utf8(bytes.clone()).unwrap_or_default();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            bytes,
            log: serde_json::from_str(log).expect("a log line is JSON"),
        }
    }

    pub(crate) fn bare(status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            headers: HeaderMap::new(),
            bytes: Vec::new(),
            text: String::new(),
            json: Value::Null,
            log: Value::Null,
        }
    }

    /// The same answer, whose status must be this one.
    #[track_caller]
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.log, self.text);
        self
    }

    /// As [`Reply::status`], where the answer is of no further interest.
    #[track_caller]
    pub fn expect(self, status: u16) {
        drop(self.status(status));
    }

    /// A header as text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("visible ASCII"))
    }

    /// The stable code of an error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.header("x-error-code")
    }

    /// A text of the JSON body by its pointer without the first slash: `user/id`.
    #[track_caller]
    #[must_use]
    pub fn str(&self, pointer: &str) -> String {
        let value = self.json.pointer(&format!("/{pointer}"));
        value
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer}: {}", self.text))
            .to_owned()
    }

    /// The `id` of the object.
    #[track_caller]
    #[must_use]
    pub fn id(&self) -> String {
        self.str("id")
    }

    /// The rows of a list.
    #[track_caller]
    #[must_use]
    pub fn results(&self) -> &Vec<Value> {
        self.json["results"]
            .as_array()
            .unwrap_or_else(|| panic!("not a list: {}", self.text))
    }

    /// One field of every row of a list.
    #[track_caller]
    #[must_use]
    pub fn column(&self, field: &str) -> Vec<String> {
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        self.results().iter().map(|row| text(&row[field])).collect()
    }

    /// The names of the fields with errors.
    #[track_caller]
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        assert_eq!(
            (self.status, self.code()),
            (400, "invalid"),
            "{}",
            self.text
        );
        let object: &Map<String, Value> = self.json.as_object().expect("an object of fields");
        object.keys().cloned().collect()
    }

    /// Round trips to databases before the answer.
    #[must_use]
    pub fn trips(&self) -> u64 {
        self.log["d1_trips"].as_u64().expect("d1_trips")
    }

    /// The body with what differs between runs replaced: ids, times, tokens, hashes.
    #[must_use]
    pub fn shape(&self) -> Value {
        redacted(&self.json)
    }
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), redact_field(name, value)))
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::String(text) => redact_text(text).into(),
        other => other.clone(),
    }
}

fn redact_field(name: &str, value: &Value) -> Value {
    match (name, value) {
        (
            "access" | "refresh" | "key" | "prefix" | "temporary_password" | "request_id",
            Value::String(_),
        ) => format!("[{name}]").into(),
        _ => redacted(value),
    }
}

fn redact_text(text: &str) -> String {
    let mut text = text.to_owned();
    for id in uuids_in(&text) {
        text = text.replace(&id, "[id]");
    }
    let is_time = text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    if is_time { "[time]".to_owned() } else { text }
}

/// The UUIDs in a text.
#[must_use]
pub fn uuids_in(text: &str) -> Vec<String> {
    let is_uuid = |word: &&[u8]| {
        word.iter().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let words = text.as_bytes().windows(36).filter(is_uuid);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// Status and code of an answer, for tables.
#[must_use]
pub fn error_of(reply: &Reply) -> (u16, String) {
    (reply.status, reply.code().to_owned())
}
