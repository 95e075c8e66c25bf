//! A client of the bridge's REST interface, as an app has it.

use std::net::SocketAddr;

use bytes::Bytes;
use homeroom_bridge::clock::SystemClock;
use homeroom_domain::credentials::sms_token::{self, SmsClaims, SmsKeys};
use homeroom_kernel::Clock;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

pub(crate) const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Calls it as app 7; a GET where there is no body.
pub(crate) async fn call(bridge: SocketAddr, path: &str, body: Option<Value>) -> Answer {
    call_with(bridge, path, body.map(|body| body.to_string())).await
}

/// The same where the bridge may be gone, or end before it has answered.
pub(crate) async fn try_call(bridge: SocketAddr, path: &str, body: Value) -> Option<Answer> {
    attempt(bridge, path, Some(body.to_string())).await.ok()
}

/// The same with a body that may be no JSON.
pub(crate) async fn call_with(bridge: SocketAddr, path: &str, body: Option<String>) -> Answer {
    attempt(bridge, path, body).await.unwrap()
}

async fn attempt(
    bridge: SocketAddr,
    path: &str,
    body: Option<String>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let claims = SmsClaims {
        app_id: 7,
        user_id: 3,
        is_admin: false,
        tenant: Some("hillside".to_owned()),
    };
    let token = sms_token::sign(&SmsKeys::parse(KEYS).unwrap(), &claims, SystemClock.now());
    let request = Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(format!("http://{bridge}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("x-app-id", "7");
    let body = body.unwrap_or_default();
    let answer = client
        .request(request.body(Full::new(body.into())).unwrap())
        .await?;
    let (head, body) = answer.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
    })
}

/// What `/api/v1/sms/send` takes; the text is the transaction's id too.
pub(crate) fn message(esme: i64, text: &str) -> Value {
    json!({
        "esme": esme, "source": "School", "destination": "+263771234567",
        "message": text, "transaction_id": text,
    })
}
