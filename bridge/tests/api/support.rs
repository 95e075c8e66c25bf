//! A bridge on free ports, an engine in memory, and a client.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use homeroom_bridge::api::{self, Api, Sockets};
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::config::Config;
use homeroom_bridge::gateway::{Caller, Campaign, Gateway, Second, Stats};
use homeroom_bridge::message::{AttemptResult, Attempted, PartKey, PartStatus, Receipt};
use homeroom_bridge::meters::Meters;
use homeroom_bridge::platform_client::PlatformClient;
use homeroom_bridge::store::{Depths, MessageView, PartView, Provider, StoreError};
use homeroom_domain::credentials::sms_token::{self, SmsClaims, SmsKeys};
use homeroom_domain::sms::cut::Cut;
use homeroom_domain::sms::text::{self, Alphabet, Header, TextLength};
use homeroom_kernel::{Clock, Timestamp};
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{
    Cancelled, Link, LinkStatus, Links, Outcome, Pool, Submission, SwitchedOff,
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) const SECRET: &str = "replace-me-replace-me-replace-me";
pub(crate) const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How the store behind the engine is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Good,
    Full,
    Broken,
}

/// Link 100 is up, 101 is down, 102 lets only 203.0.113.0/24 in; pool 1000 has the first two.
pub(crate) struct Memory {
    pub(crate) messages: Mutex<HashMap<(i64, String), Submission>>,
    pub(crate) disk: Mutex<Disk>,
    pub(crate) queue: Mutex<usize>,
    pub(crate) off: Mutex<SwitchedOff>,
}

impl Memory {
    fn outcome(&self, caller: &Caller, message: Submission) -> Outcome {
        let refused = |code: &str, error: &str| Outcome::Refused {
            message_id: message.message_id.clone(),
            code: code.to_owned(),
            error: error.to_owned(),
        };
        if ![100, 101, 102, 1000].contains(&message.esme) {
            return refused("unknown_esme", &format!("unknown esme {}", message.esme));
        }
        if let (
            Caller::App {
                address: IpAddr::V4(ip),
                ..
            },
            102,
        ) = (caller, message.esme)
            && ip.octets()[0] != 203
        {
            return refused("ip_not_allowed", "IP not in whitelist for esme 102");
        }
        if message.text.is_empty() {
            return refused("invalid_text", "the text is empty");
        }
        let mut messages = self.messages.lock().unwrap();
        let key = (message.app_id, message.transaction_id.clone());
        let stored = match messages.get(&key) {
            Some(before) if before.text != message.text => {
                return refused("conflict", "transaction_id was used for another message");
            }
            Some(before) => before.clone(),
            None if messages.len() >= *self.queue.lock().unwrap() => {
                return Outcome::Later {
                    message_id: message.message_id,
                    code: "queue_full".to_owned(),
                    retry_after: 7,
                };
            }
            None => {
                messages.insert(key, message.clone());
                message
            }
        };
        let parts = text::measure(&stored.text).segments;
        let sms_ids = (1..=parts).map(|n| format!("{}-{n}", stored.message_id));
        Outcome::Accepted {
            sms_ids: sms_ids.collect(),
            message_id: stored.message_id,
        }
    }

    fn disk(&self) -> Result<(), StoreError> {
        match *self.disk.lock().unwrap() {
            Disk::Good => Ok(()),
            Disk::Full => Err(StoreError::Full("database or disk is full".to_owned())),
            Disk::Broken => Err(StoreError::Failed("malformed".to_owned())),
        }
    }
}

#[async_trait]
impl Gateway for Memory {
    async fn submit(
        &self,
        caller: &Caller,
        messages: Vec<Submission>,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.disk()?;
        if messages.iter().any(|one| one.text == "slow") {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
        Ok(messages
            .into_iter()
            .map(|one| self.outcome(caller, one))
            .collect())
    }

    async fn switch_off(&self, said: SwitchedOff) -> Result<(), StoreError> {
        *self.off.lock().unwrap() = said;
        Ok(())
    }

    async fn cancel(&self, _: &Caller, id: &str, app_id: i64) -> Result<Cancelled, StoreError> {
        let mut messages = self.messages.lock().unwrap();
        let before = messages.len();
        messages.retain(|_, one| one.message_id != id || one.app_id != app_id);
        Ok(if messages.len() < before {
            Cancelled::Cancelled
        } else {
            Cancelled::Unknown
        })
    }

    async fn find(&self, app_id: Option<i64>, id: &str) -> Result<Option<MessageView>, StoreError> {
        self.disk()?;
        let messages = self.messages.lock().unwrap();
        let found = messages
            .values()
            .find(|one| one.message_id == id && app_id.is_none_or(|app| app == one.app_id));
        let part = |status| PartView {
            status,
            attempts: 1,
            ambiguous: 0,
            link: Some(100),
            left_at: (status != PartStatus::Sending).then_some(1_937_082_920_100),
            provider_id: Some(b"1".to_vec()),
            error: None,
        };
        Ok(found.map(|one| MessageView {
            message_id: one.message_id.clone(),
            app_id: one.app_id,
            tenant: one.tenant.clone(),
            transaction_id: one.transaction_id.clone(),
            task_id: one.task_id,
            esme: one.esme,
            accepted_at: 1_937_082_918_999,
            updated_at: 1_937_082_925_001,
            parts: match text::measure(&one.text).segments {
                1 => vec![part(PartStatus::Delivered)],
                _ => vec![part(PartStatus::Delivered), part(PartStatus::Sending)],
            },
        }))
    }

    fn links(&self) -> Links {
        let link = |id, status, rate| Link {
            id,
            sends_by: None,
            system_id: format!("school{id}"),
            status,
            rate,
            in_flight: 3,
            window: 10,
            last_check: 1_937_082_918_999,
            cut: Cut::default(),
        };
        Links {
            links: vec![
                link(100, LinkStatus::Up, 50.0),
                link(101, LinkStatus::Down, 0.0),
                link(102, LinkStatus::Disabled, 0.0),
            ],
            pools: vec![Pool {
                id: 1000,
                rate: 50.0,
                links: vec![100, 101],
                distribution: vec![20, 10],
                queued: 4,
            }],
        }
    }

    fn stats(&self) -> Stats {
        let second = |n: u32| Second {
            time: 1_937_082_858 + i64::from(n),
            accepted: u64::from(n % 20) * 5,
            sent: u64::from(n % 20) * 5,
            delivered: u64::from((n + 18) % 20) * 4,
            errors: u64::from(n.is_multiple_of(30)),
        };
        Stats {
            seconds: (1..=60).map(second).collect(),
            totals: Second {
                time: 1_937_000_000,
                accepted: 1_234_567,
                sent: 1_400_000,
                delivered: 1_390_000,
                errors: 12,
            },
            campaigns: vec![
                Campaign {
                    task_id: 12_345,
                    messages: 900,
                },
                Campaign {
                    task_id: 8,
                    messages: 20,
                },
            ],
            depths: Depths {
                queued: vec![(100, 4), (1000, 8)],
                events: 2,
                ..Depths::default()
            },
        }
    }

    fn measure(&self, text: &str, esme: Option<i64>, replaced: bool) -> Option<TextLength> {
        match esme {
            None | Some(100 | 101 | 1000) => Some(Cut::default().count(text, replaced)),
            Some(102) => Some(text::measure_for(text, Alphabet::Latin1, Header::Udh16)),
            Some(_) => None,
        }
    }

    fn meters(&self) -> Meters {
        let (meters, provider) = (Meters::default(), Provider("operator".to_owned()));
        let attempted = |result| Attempted {
            key: PartKey {
                message_id: "m".to_owned(),
                number: 1,
            },
            attempt: 1,
            link: 100,
            result,
        };
        for result in [
            AttemptResult::Submitted {
                provider_id: b"987654321".to_vec(),
            },
            AttemptResult::Rejected { status: 0x0452 },
            AttemptResult::Ambiguous,
        ] {
            meters.handed(1000, 100);
            meters.attempted(&attempted(result), &provider);
        }
        meters.answered(100, std::time::Duration::from_millis(20));
        meters.received(&Receipt {
            provider: provider.0,
            provider_id: b"987654321".to_vec(),
            status: PartStatus::Delivered,
            error: None,
            received_at: 0,
        });
        meters
    }

    async fn ready(&self) -> Result<(), String> {
        self.disk().map_err(|error| error.to_string())
    }
}

/// A running bridge. Stops when dropped.
pub(crate) struct Bridge {
    pub(crate) engine: Arc<Memory>,
    pub(crate) rest: SocketAddr,
    pub(crate) grpc: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn token(app_id: i64) -> String {
    token_at(app_id, KEYS, now())
}

pub(crate) fn token_at(app_id: i64, keys: &str, at: Timestamp) -> String {
    let claims = SmsClaims {
        app_id,
        user_id: 3,
        is_admin: false,
        tenant: Some("hillside".to_owned()),
    };
    sms_token::sign(&SmsKeys::parse(keys).unwrap(), &claims, at)
}

/// A bridge whose configuration has more lines.
pub(crate) async fn bridge_with(platform: &str, more: &str) -> Bridge {
    let (listen, more) = match more.strip_prefix("[listen]") {
        Some(listen) => (listen, ""),
        None => ("", more),
    };
    let text = format!(
        "[listen]\nrest = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]{listen}\n\
         [platform]\nurl = \"{platform}\"\nsecret = \"{SECRET}\"\n[keys]\nsms = \"{KEYS}\"\n{more}"
    );
    let config = Config::parse(&text, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let engine = Arc::new(Memory {
        messages: Mutex::default(),
        disk: Mutex::new(Disk::Good),
        queue: Mutex::new(usize::MAX),
        off: Mutex::default(),
    });
    let client = PlatformClient::new(&config.platform.url, None).unwrap();
    let api = Api::new(&config, engine.clone(), client, Arc::new(SystemClock)).unwrap();
    let sockets = Sockets::bind(&config.listen).await.unwrap();
    let (rest, grpc) = (
        sockets.rest.local_addr().unwrap(),
        sockets.grpc.local_addr().unwrap(),
    );
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        api::run(Arc::new(api), sockets, &config, stopped)
            .await
            .unwrap();
    });
    Bridge {
        engine,
        rest,
        grpc,
        stop,
    }
}

pub(crate) async fn bridge() -> Bridge {
    bridge_with("http://127.0.0.1:9", "").await
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    /// Status and words of an error, which has nothing else.
    pub(crate) fn error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        (
            self.status.as_u16(),
            body["error"].as_str().unwrap().to_owned(),
        )
    }
}

impl Bridge {
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.rest));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = client
            .request(request.body(Full::new(body.into())).unwrap())
            .await
            .unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], "").await
    }

    /// As app 7.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", token(7));
        self.post_with(
            path,
            &[("authorization", &bearer), ("x-app-id", "7")],
            body.to_string(),
        )
        .await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.call(Method::POST, path, headers, body).await
    }

    pub(crate) async fn signed(
        &self,
        method: Method,
        path: &str,
        body: Value,
        secret: &str,
        seconds: i64,
    ) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let signature = signature::sign(secret.as_bytes(), "req_1", seconds, body.as_bytes());
        let seconds = seconds.to_string();
        let headers = [
            (signature::ID, "req_1"),
            (signature::TIMESTAMP, seconds.as_str()),
            (signature::SIGNATURE, signature.as_str()),
        ];
        self.call(method, path, &headers, body).await
    }
}

pub(crate) fn message() -> Value {
    json!({
        "esme": 1000, "source": "+123456789", "destination": "+987654321",
        "message": "Hello world", "transaction_id": "tx-001",
    })
}
