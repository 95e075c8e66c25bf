use std::time::Duration;

use super::support::{Answer, Bridge, bridge, bridge_with, message, token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const NOBODY: &str = "http://127.0.0.1:9";

/// Sends bytes and reads what comes until the bridge closes.
async fn talk(bridge: &Bridge, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(bridge.rest).await.unwrap();
    let mut answer = Vec::new();
    let talk = async {
        // It may close before it has taken all, which resets the connection: what it said counts.
        let _ = stream.write_all(bytes).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    timeout(Duration::from_mins(1), talk).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(length: usize) -> String {
    let token = token(7);
    format!(
        "POST /api/v1/sms/send HTTP/1.1\r\nhost: bridge\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         x-app-id: 7\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn over_its_rate_an_app_gets_429_with_the_seconds_to_wait() {
    let bridge = bridge_with(NOBODY, "[limits]\napp_rate = 0.05\napp_burst = 2").await;
    for expected in [200, 200, 429] {
        let answer = bridge.post("/api/v1/sms/send", message()).await;
        assert_eq!(answer.status, expected);
        if expected == 429 {
            assert_eq!(answer.error(), (429, "rate limit exceeded".to_owned()));
            let wait = answer.headers["retry-after"].to_str().unwrap();
            // Of the twenty from the first to the third, what has not passed yet.
            assert!((10..=20).contains(&wait.parse().unwrap()), "{wait}");
        }
    }
}

#[tokio::test]
async fn a_full_queue_is_429_with_the_seconds_to_wait_and_repetitions_still_pass() {
    let bridge = bridge().await;
    *bridge.engine.queue.lock().unwrap() = 1;
    assert_eq!(bridge.post("/api/v1/sms/send", message()).await.status, 200);
    let mut other = message();
    other["transaction_id"] = "tx-002".into();
    let answer = bridge.post("/api/v1/sms/send", other).await;
    assert_eq!(answer.headers["retry-after"], "7");
    assert_eq!(
        answer.error(),
        (429, "too many messages are waiting".to_owned())
    );
    assert_eq!(bridge.post("/api/v1/sms/send", message()).await.status, 200);
}

#[tokio::test]
async fn a_body_over_256_kilobytes_is_refused_and_one_just_below_is_read() {
    let bridge = bridge().await;
    for (bytes, status) in [(1_048_576, "413"), (262_145, "413"), (262_144, "400")] {
        let answer = talk(
            &bridge,
            &[head(bytes).as_bytes(), &vec![b' '; bytes]].concat(),
        )
        .await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{bytes}: {answer}"
        );
        assert!(answer.contains("{\"error\":\""), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_stops_within_its_head_or_body_does_not_stay() {
    let bridge = bridge_with(
        NOBODY,
        "[limits]\nheader_timeout = \"300ms\"\nbody_timeout = \"300ms\"",
    )
    .await;
    let started = Instant::now();
    talk(&bridge, b"POST /api/v1/sms/send HTTP/1.1\r\nhost: bri").await;
    let answer = talk(&bridge, &[head(500).as_bytes(), b"{\"esme\""].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    talk(&bridge, b"").await;
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn with_too_many_requests_at_a_time_others_are_told_to_come_back_and_probes_pass() {
    let bridge = bridge_with(NOBODY, "[limits]\nrequests = 1").await;
    let mut slow = TcpStream::connect(bridge.rest).await.unwrap();
    slow.write_all([head(500).as_bytes(), b"{"].concat().as_slice())
        .await
        .unwrap();
    let answer = sent_until(&bridge, 503).await;
    assert_eq!(answer.error().0, 503);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(bridge.get("/healthy").await.status, 200);
    drop(slow);
    assert_eq!(sent_until(&bridge, 200).await.status, 200);
}

/// Sends a message until it has this answer, which is that of the last try where none has.
async fn sent_until(bridge: &Bridge, status: u16) -> Answer {
    let mut tries = 0;
    loop {
        let answer = bridge.post("/api/v1/sms/send", message()).await;
        tries += 1;
        if answer.status == status || tries == 100 {
            return answer;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_free_place() {
    let bridge = bridge_with(NOBODY, "[limits]\nconnections = 1").await;
    let first = TcpStream::connect(bridge.rest).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let mut second = TcpStream::connect(bridge.rest).await.unwrap();
    second
        .write_all(b"GET /healthy HTTP/1.1\r\nhost: bridge\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0; 1];
    assert!(
        timeout(Duration::from_millis(300), second.read(&mut byte))
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(
        timeout(Duration::from_mins(1), second.read(&mut byte))
            .await
            .unwrap()
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn what_is_not_http_costs_only_its_own_connection() {
    let bridge = bridge().await;
    talk(
        &bridge,
        b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01\r\n\r\n",
    )
    .await;
    talk(
        &bridge,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    )
    .await;
    assert_eq!(bridge.get("/healthy").await.status, 200);
}
