//! The platform's two sides: one that hears what became of messages, and one that sends them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use bytes::Bytes;
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::platform_client::PlatformClient;
use homeroom_kernel::Clock;
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{
    Outcome, SUBMISSIONS_PATH, Submission, Submissions, Submitted,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

pub(crate) const SECRET: &str = "replace-me-replace-me-replace-me";

/// The platform's side that listens.
#[derive(Default)]
pub(crate) struct Platform {
    /// The last status of each message.
    pub(crate) last: Mutex<HashMap<String, String>>,
    /// Every event of a message that came: its id, the message and the status.
    pub(crate) events: Mutex<Vec<(String, String, String)>>,
    /// It answers nobody.
    pub(crate) silent: AtomicBool,
}

impl Platform {
    /// Starts it; where it listens.
    pub(crate) async fn start() -> (Arc<Self>, SocketAddr) {
        let heard = Arc::<Self>::default();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/api/v1/sms/{kind}", post(listen))
            .with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (heard, address)
    }

    /// Ids of the events that said this of a message.
    pub(crate) fn ids(&self, message: &str, status: &str) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let of = events
            .iter()
            .filter(|(_, id, said)| id == message && said == status);
        of.map(|(id, ..)| id.clone()).collect()
    }
}

async fn listen(State(heard): State<Arc<Platform>>, Json(body): Json<Value>) {
    for event in body["events"].as_array().unwrap() {
        if let Some(id) = event["inbound_id"].as_str() {
            let mut heard = heard.last.lock().unwrap();
            heard.insert(id.to_owned(), "INBOUND".to_owned());
        }
        if let (Some(id), Some(status)) = (event["message_id"].as_str(), event["status"].as_str()) {
            let (id, status) = (id.to_owned(), status.to_owned());
            let event = event["id"].as_str().unwrap().to_owned();
            let mut events = heard.events.lock().unwrap();
            events.push((event, id.clone(), status.clone()));
            heard.last.lock().unwrap().insert(id, status);
        }
    }
    while heard.silent.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The platform's side that sends.
#[derive(Clone)]
pub(crate) struct Sender(PlatformClient);

impl Sender {
    pub(crate) fn to(bridge: SocketAddr) -> Self {
        Self(PlatformClient::new(&format!("http://{bridge}"), None).unwrap())
    }

    /// Sends texts, of which the first 40 characters are their ids too; those that the bridge said to have stored.
    pub(crate) async fn send(&self, esme: i64, texts: &[String]) -> Vec<String> {
        self.submit(&Submissions {
            messages: texts.iter().map(|text| message(esme, text)).collect(),
            switched_off: None,
        })
        .await
    }

    /// Hands over what the platform says; the messages that the bridge said to have stored.
    pub(crate) async fn submit(&self, said: &Submissions) -> Vec<String> {
        let body = Bytes::from(serde_json::to_vec(said).unwrap());
        let seconds = SystemClock.now().seconds();
        let signed = signature::sign(SECRET.as_bytes(), "request", seconds, &body);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (signature::ID, "request".to_owned()),
            (signature::TIMESTAMP, seconds.to_string()),
            (signature::SIGNATURE, signed),
            ("content-type", "application/json".to_owned()),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        let Ok(answer) = self.0.post(SUBMISSIONS_PATH, headers, body).await else {
            return Vec::new();
        };
        let Ok(answer) = serde_json::from_slice::<Submitted>(&answer.body) else {
            return Vec::new();
        };
        let stored = answer
            .outcomes
            .into_iter()
            .filter_map(|outcome| match outcome {
                Outcome::Accepted { message_id, .. } => Some(message_id),
                Outcome::Refused { .. } | Outcome::Later { .. } => None,
            });
        stored.collect()
    }
}

pub(crate) fn message(esme: i64, text: &str) -> Submission {
    let id: String = text.chars().take(40).collect();
    Submission {
        message_id: id.clone(),
        app_id: 1,
        tenant: Some("greenwood".to_owned()),
        transaction_id: id,
        task_id: None,
        esme,
        source: "Greenwood".to_owned(),
        destination: "+263771234567".to_owned(),
        text: text.to_owned(),
        ston: None,
        snpi: None,
        dton: None,
        dnpi: None,
        priority: 0,
        send_at: None,
        valid_until: None,
        transliterate: false,
    }
}
