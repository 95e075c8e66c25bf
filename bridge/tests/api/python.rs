//! Clients that this project did not write: Google's gRPC for Python, and Prometheus' parser. A machine without Python fails here, and says why.

use std::path::Path;
use std::process::Stdio;

use crate::peers::python;

use super::support::{Bridge, bridge, bridge_with, message, token};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bridge/api");

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
    let bridge = bridge().await;
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
    let bridge = bridge_with("http://127.0.0.1:9", &tls).await;
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
