//! Clients that this project did not write: Google's gRPC for Python, and Prometheus' parser. A machine without Python fails here, and says why.

use std::path::Path;
use std::process::Stdio;

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Json, Router, routing::post};
use homeroom_domain::credentials::sms_token::{self, SmsKeys};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::support::{Bridge, KEYS, bridge, bridge_with, message, now, token};
use crate::peers::python;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bridge/api");

/// What the platform answers to a call about accounts. It knows the fields by the names that its contract has.
fn account(path: &str, caller: Option<&str>, asked: &Value) -> (u16, Value) {
    let said = |field: &str| asked[field].as_str().unwrap_or_default();
    let refusal = |status, words| (status, json!({ "error": words }));
    match (path, caller) {
        ("register", None) if said("email") == "taken@b.example" => refusal(409, "email is taken"),
        ("register", None) => {
            assert_eq!(
                *asked,
                json!({ "email": "a@b.example", "password": "secret", "app_name": "Library" })
            );
            let ids = json!({ "user_id": 1_i64 << 40, "app_id": 12, "app_secret": "shown once" });
            (200, ids)
        }
        ("login", None) if said("email") == "often@b.example" => refusal(429, "too many attempts"),
        ("login", None) if said("email") == "page@b.example" => (302, json!({})),
        ("login", None) => {
            assert_eq!(
                (said("email"), &asked["app_id"]),
                ("a@b.example", &json!(12))
            );
            match said("password") {
                "secret" => (200, json!({ "token": "a token" })),
                _ => refusal(401, "invalid credentials"),
            }
        }
        ("is-admin" | "delete-user", None) => refusal(401, "authorization required"),
        ("is-admin", Some("7")) => (200, json!({ "is_admin": asked["user_id"] == 3 })),
        ("delete-user", Some("7")) if asked["user_id"] == 4 => (200, json!({ "result": true })),
        ("delete-user", Some("7")) => refusal(403, "not your user"),
        other => panic!("{other:?}: {asked}"),
    }
}

/// The address of a platform that has accounts.
async fn platform() -> String {
    let answer = async |uri: Uri, headers: HeaderMap, Json(asked): Json<Value>| {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let keys = SmsKeys::parse(KEYS).unwrap();
        let claims = bearer.and_then(|token| sms_token::verify(&keys, token, now()));
        let known = claims.is_some_and(|claims| claims.app_id == 7);
        let path = uri.path().strip_prefix("/api/v1/auth/").unwrap();
        let (status, body) = account(path, text("x-app-id").filter(|_| known), &asked);
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("retry-after", "900")], Json(body))
    };
    let router = Router::new().fallback(post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn grpc_client(bridge: &Bridge, more: &[&str]) {
    let mut client = Command::new(python().await);
    client
        .arg(format!("{FOLDER}/grpc_client.py"))
        .arg(bridge.grpc.to_string())
        .arg(token(7))
        .args(more);
    let done = client.output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && done.stdout.ends_with(b"ok\n"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_for_python_calls_every_method() {
    let bridge = bridge_with(&platform().await, "").await;
    grpc_client(&bridge, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_for_python_calls_every_method_over_tls() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api-tls");
    std::fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let tls = format!("[tls]\ncert = \"{cert}\"\nkey = \"{key}\"");
    let bridge = bridge_with(&platform().await, &tls).await;
    grpc_client(&bridge, &[cert]).await;
    let mut curl = Command::new(python().await);
    let script = format!(
        "import ssl, urllib.request as r; c = ssl.create_default_context(cafile='{cert}'); \
         print(r.urlopen('https://localhost:{}/healthy', context=c).read().decode())",
        bridge.rest.port()
    );
    let done = curl.args(["-c", &script]).output().await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "{\"status\":\"ok\"}\n",
        "{done:?}"
    );
}

#[tokio::test]
async fn the_parser_of_prometheus_reads_the_metrics() {
    let bridge = bridge().await;
    assert_eq!(
        bridge.post("/api/v1/sms/send/", message()).await.status,
        200
    );
    bridge.get("/no/such/place").await;
    let answer = bridge.get("/metrics").await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let mut parser = Command::new(python().await)
        .arg(format!("{FOLDER}/metrics_client.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    parser
        .stdin
        .take()
        .unwrap()
        .write_all(&answer.body)
        .await
        .unwrap();
    let done = parser.wait_with_output().await.unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let samples = String::from_utf8(done.stdout).unwrap();
    for expected in [
        "counter bridge_requests_total{route=/api/v1/sms/send,status=200} 1",
        "counter bridge_requests_total{route=,status=404} 1",
        "histogram bridge_request_seconds_count{route=/api/v1/sms/send} 1",
        "counter bridge_messages_accepted_total{} 1234567",
        "gauge bridge_parts_queued{esme=1000} 8",
        "gauge bridge_link_up{link=101} 0",
        "gauge bridge_link_rate{link=100} 50.0",
        "gauge bridge_oldest_queued_seconds{} 0.0",
        "gauge bridge_pool_rate{pool=1000} 50.0",
        "counter bridge_parts_handed_total{esme=1000,link=100} 3",
        "counter bridge_link_answers_total{link=100,status=ESME_ROK} 1",
        "counter bridge_link_answers_total{link=100,status=0x0452} 1",
        "counter bridge_link_answers_total{link=100,status=none} 1",
        "histogram bridge_link_answer_seconds_count{link=100} 1",
        "histogram bridge_link_answer_seconds_bucket{le=0.025,link=100} 1",
        "counter bridge_receipts_total{provider=operator,status=DELIVERED} 1",
        "histogram bridge_receipt_seconds_count{link=100} 1",
    ] {
        assert!(
            samples.lines().any(|line| line == expected),
            "{expected} is not in\n{samples}"
        );
    }
    for secret in ["987654321", "hillside", "school100"] {
        assert!(!samples.contains(secret), "{secret}");
    }
}
