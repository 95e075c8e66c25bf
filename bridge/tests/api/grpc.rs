//! gRPC by hand, over HTTP/2: what a client's library would do for the bridge, it has to do itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use tokio::time::{Instant, sleep, timeout};

use super::support::{Bridge, bridge, token};

type Body = UnsyncBoxBody<Bytes, io::Error>;

#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(string, tag = "2")]
    transaction_id: String,
    #[prost(int64, tag = "4")]
    esme: i64,
    #[prost(string, tag = "7")]
    saddr: String,
    #[prost(string, tag = "10")]
    daddr: String,
    #[prost(string, tag = "11")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct Answered {
    #[prost(bool, tag = "1")]
    success: bool,
    #[prost(string, tag = "4")]
    transaction_id: String,
    #[prost(string, tag = "5")]
    message_id: String,
}

fn framed(n: usize, text: &str) -> Bytes {
    let asked = Asked {
        transaction_id: format!("g{n}"),
        esme: 1000,
        saddr: "School".to_owned(),
        daddr: "+987654321".to_owned(),
        message: text.to_owned(),
    };
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(asked.encoded_len()).unwrap());
    asked.encode(&mut out).unwrap();
    out.freeze()
}

fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

async fn call(
    client: &Client<HttpConnector, Body>,
    bridge: &Bridge,
    (method, limit): (&str, Option<&str>),
    body: Body,
) -> Response<Incoming> {
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("http://{}/sms.v1.SmsService/{method}", bridge.grpc))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", token(7)))
        .header("app_id", "7");
    if let Some(limit) = limit {
        request = request.header("grpc-timeout", limit);
    }
    let answer = client.request(request.body(body).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

fn one(n: usize, text: &str) -> Body {
    Full::new(framed(n, text))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Unlike a library, this client waits as long as it takes: the one that gives up is the bridge.
#[tokio::test]
async fn a_call_ends_when_its_deadline_has_passed_though_the_client_would_wait() {
    let (bridge, client) = (bridge().await, client());
    let started = Instant::now();
    let late = call(
        &client,
        &bridge,
        ("SendMessage", Some("300m")),
        one(1, "slow"),
    )
    .await;
    assert_eq!(late.headers()["grpc-status"], "4");
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the engine's time"
    );
    for limit in ["30S", "nonsense", "", "99999999H"] {
        let good = call(&client, &bridge, ("SendMessage", Some(limit)), one(2, "Hi")).await;
        assert!(!good.headers().contains_key("grpc-status"), "{limit:?}");
        let body = good.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0", "{limit:?}");
    }
}

#[tokio::test]
async fn of_a_stream_that_is_cancelled_half_way_what_was_answered_is_stored_and_nothing_more_is_read()
 {
    let (bridge, client) = (bridge().await, client());
    // Without an end, and never all at once. An error in a body is what makes this library cancel a stream.
    let cancelled = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&cancelled);
    let messages = stream::iter(0..).then(move |n| {
        let told = Arc::clone(&told);
        async move {
            sleep(Duration::from_millis(2)).await;
            if told.load(Ordering::Relaxed) {
                return Err(io::Error::other("cancelled"));
            }
            Ok(Frame::data(framed(n, "Hi")))
        }
    });
    let body = StreamBody::new(messages).boxed_unsync();
    let mut answer = call(&client, &bridge, ("SendMessageStream", None), body)
        .await
        .into_body();
    let mut buffer = BytesMut::new();
    let mut answered = Vec::new();
    while answered.len() < 50 {
        let frame = timeout(Duration::from_mins(1), answer.frame()).await;
        buffer.extend_from_slice(&frame.unwrap().unwrap().unwrap().into_data().unwrap());
        while buffer.len() >= 5 {
            let length = u32::from_be_bytes(buffer[1..5].try_into().unwrap()) as usize;
            if buffer.len() < 5 + length {
                break;
            }
            let whole = buffer.split_to(5 + length);
            answered.push(Answered::decode(&whole[5..]).unwrap());
        }
    }
    cancelled.store(true, Ordering::Relaxed);
    let end = timeout(Duration::from_mins(1), async {
        while let Some(Ok(_)) = answer.frame().await {}
    });
    end.await.expect("the stream ends");
    // What had come by then is stored, sooner or later.
    let count = || bridge.engine.messages.lock().unwrap().len();
    let (mut before, mut looks) = (0, 0);
    while before != count() {
        before = count();
        looks += 1;
        assert!(looks < 20, "it still reads what nobody sends");
        sleep(Duration::from_millis(300)).await;
    }
    let stored = bridge.engine.messages.lock().unwrap().clone();
    for one in &answered {
        assert!(one.success);
        let kept = stored.get(&(7, one.transaction_id.clone()));
        assert_eq!(kept.unwrap().message_id, one.message_id);
    }
    sleep(Duration::from_millis(300)).await;
    assert_eq!(count(), stored.len(), "it still reads what nobody sends");
    // The same connection serves the next call.
    let next = call(
        &client,
        &bridge,
        ("SendMessage", None),
        one(1_000_000, "Hi"),
    )
    .await;
    assert!(!next.headers().contains_key("grpc-status"));
}
