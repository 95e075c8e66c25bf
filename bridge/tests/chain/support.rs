//! A bridge in a process of its own, a centre that remembers, and a platform that listens.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use bytes::Bytes;
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::platform_client::PlatformClient;
use homeroom_bridge::smsc::{self, Smsc, Taken};
use homeroom_kernel::Clock;
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{
    Outcome, SUBMISSIONS_PATH, Submission, Submissions, Submitted,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;

const SECRET: &str = "replace-me-replace-me-replace-me";
pub(crate) const WINDOW: u32 = 20;

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("homeroom-chain-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The last status of each message, and how often one became `DELIVERED`.
type Heard = Arc<Mutex<HashMap<String, String>>>;

pub(crate) struct Chain {
    folder: Folder,
    rest: SocketAddr,
    centres: BTreeMap<i64, (Smsc, mpsc::UnboundedReceiver<Taken>)>,
    heard: Heard,
    client: PlatformClient,
    bridge: Option<Child>,
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

async fn listen(State(heard): State<Heard>, Json(body): Json<Value>) {
    for event in body["events"].as_array().unwrap() {
        if let (Some(id), Some(status)) = (event["message_id"].as_str(), event["status"].as_str()) {
            heard
                .lock()
                .unwrap()
                .insert(id.to_owned(), status.to_owned());
        }
    }
}

impl Chain {
    /// Links 100, 101, … to a centre each, and pool 1000 of them all.
    pub(crate) async fn new(centres: i64, latency: Duration) -> Self {
        let mut running = BTreeMap::new();
        for number in 100..100 + centres {
            let (record, taken) = mpsc::unbounded_channel();
            let settings = smsc::Config {
                latency,
                record: Some(record),
                ..smsc::Config::default()
            };
            let listen = (Ipv4Addr::LOCALHOST, 0).into();
            let centre = Smsc::start(listen, settings, Arc::new(SystemClock))
                .await
                .unwrap();
            running.insert(number, (centre, taken));
        }
        let ports: Vec<u16> = running
            .values()
            .map(|(centre, _)| centre.address().port())
            .collect();
        let mut chain = Self::over(&ports, "").await;
        chain.centres = running;
        chain
    }

    /// The same over centres that run elsewhere, with more lines for each link.
    pub(crate) async fn over(ports: &[u16], more: &str) -> Self {
        let folder = Folder::new();
        let heard = Heard::default();
        let platform = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = platform.local_addr().unwrap();
        let router = Router::new()
            .route("/api/v1/sms/{kind}", post(listen))
            .with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(platform, router).await });
        let (rest, grpc) = (free(), free());
        let mut config = format!(
            "[listen]\nrest = \"{rest}\"\ngrpc = \"{grpc}\"\n[platform]\nurl = \"http://{address}\"\nsecret = \"{SECRET}\"\n\
             [keys]\nsms = \"k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n[store]\nsqlite = \"bridge.sqlite\"\n[log]\nlevel = \"error\"\n"
        );
        let numbers: Vec<i64> = (100..).take(ports.len()).collect();
        for (number, port) in numbers.iter().zip(ports) {
            config += &format!(
                "[links.{number}]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"school\"\npassword = \"secret\"\nwindow = {WINDOW}\nrate = 5000\n{more}"
            );
        }
        let members: Vec<String> = numbers
            .iter()
            .map(|number| format!("{number} = 1"))
            .collect();
        config += &format!("[pools.1000]\nlinks = {{ {} }}\n", members.join(", "));
        std::fs::write(folder.0.join("bridge.toml"), config).unwrap();
        let client = PlatformClient::new(&format!("http://{rest}"), None).unwrap();
        Self {
            folder,
            rest,
            centres: BTreeMap::new(),
            heard,
            client,
            bridge: None,
        }
    }

    /// Starts the bridge, and returns once it answers.
    pub(crate) async fn start(&mut self) {
        let child = Command::new(env!("CARGO_BIN_EXE_bridge"))
            .args(["run", "--config", "bridge.toml"])
            .current_dir(&self.folder.0)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        self.bridge = Some(child);
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(self.rest).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the bridge does not answer");
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.bridge.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) fn stop(&mut self) {
        let mut child = self.bridge.take().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(child.wait().unwrap().success(), "the bridge ended badly");
    }

    /// What the store has now. Only while the bridge does not run.
    pub(crate) fn store(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.0.join("bridge.sqlite")).unwrap()
    }

    /// What `bridge inspect` says of a message.
    pub(crate) fn inspect(&self, id: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_bridge"))
            .args(["inspect", id, "--config", "bridge.toml"])
            .current_dir(&self.folder.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The number of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let answer = self.client.get("/metrics").await;
        let line = answer.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    }

    pub(crate) fn client(&self) -> Sender {
        Sender(self.client.clone())
    }

    pub(crate) fn cut(&self, link: i64) {
        self.centres[&link].0.cut();
    }

    /// Ends the centre of a link.
    pub(crate) fn end(&mut self, link: i64) {
        self.centres.remove(&link);
    }

    /// How often each text arrived at any centre since the last call.
    pub(crate) fn arrived(&mut self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for (_, taken) in self.centres.values_mut() {
            while let Ok(one) = taken.try_recv() {
                *counts
                    .entry(String::from_utf8(one.text).unwrap())
                    .or_default() += 1;
            }
        }
        counts
    }

    /// Messages that each centre took.
    pub(crate) fn taken(&self) -> Vec<u64> {
        self.centres
            .values()
            .map(|(centre, _)| centre.taken())
            .collect()
    }

    pub(crate) fn delivered(&self) -> usize {
        let heard = self.heard.lock().unwrap();
        heard
            .values()
            .filter(|status| *status == "DELIVERED")
            .count()
    }

    /// Waits until so many messages are `DELIVERED` at the platform.
    pub(crate) async fn wait_delivered(&self, wanted: usize) {
        for _ in 0..1_200 {
            if self.delivered() >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {wanted} delivered", self.delivered());
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if let Some(mut child) = self.bridge.take() {
            let _ = child.kill();
        }
    }
}

/// The platform's side that sends.
#[derive(Clone)]
pub(crate) struct Sender(PlatformClient);

impl Sender {
    /// Sends texts, which are their ids too; those that the bridge said to have stored.
    pub(crate) async fn send(&self, esme: i64, texts: &[String]) -> Vec<String> {
        let messages = texts.iter().map(|text| message(esme, text)).collect();
        let body = Bytes::from(serde_json::to_vec(&Submissions { messages }).unwrap());
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

fn message(esme: i64, text: &str) -> Submission {
    Submission {
        message_id: text.to_owned(),
        app_id: 1,
        tenant: Some("greenwood".to_owned()),
        transaction_id: text.to_owned(),
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
