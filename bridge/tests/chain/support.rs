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
use homeroom_bridge::smsc::{self, FromPhone, Smsc, Taken};
use homeroom_kernel::Clock;
use homeroom_sms_contract::signature;
use homeroom_sms_contract::submit::{
    Outcome, SUBMISSIONS_PATH, Submission, Submissions, Submitted,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::rest::{self, KEYS};

const SECRET: &str = "replace-me-replace-me-replace-me";
pub(crate) const WINDOW: u32 = 20;

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("homeroom-chain-{}-{n}", std::process::id()));
        std::fs::create_dir_all(path.join("store")).unwrap();
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
    pub(crate) rest: SocketAddr,
    platform: SocketAddr,
    centres: BTreeMap<i64, (Smsc, mpsc::UnboundedReceiver<Taken>)>,
    heard: Heard,
    client: PlatformClient,
    bridge: Option<Child>,
}

/// The bridge in a namespace of its own, where `store` is a disk in memory.
fn on_disk(options: &str) -> Command {
    let script = format!("mount -t tmpfs -o {options} none store && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(env!("CARGO_BIN_EXE_bridge"));
    command
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

async fn listen(State(heard): State<Heard>, Json(body): Json<Value>) {
    for event in body["events"].as_array().unwrap() {
        if let Some(id) = event["inbound_id"].as_str() {
            let mut heard = heard.lock().unwrap();
            heard.insert(id.to_owned(), "INBOUND".to_owned());
        }
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
        let links: Vec<(u16, &str)> = running
            .values()
            .map(|(centre, _)| (centre.address().port(), ""))
            .collect();
        let mut chain = Self::over(&links, "").await;
        chain.centres = running;
        chain
    }

    /// The same over centres that run elsewhere: the port of each link and more lines for it, and more lines for all.
    pub(crate) async fn over(links: &[(u16, &str)], more: &str) -> Self {
        let heard = Heard::default();
        let platform = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = platform.local_addr().unwrap();
        let router = Router::new()
            .route("/api/v1/sms/{kind}", post(listen))
            .with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(platform, router).await });
        let rest = free();
        let chain = Self {
            folder: Folder::new(),
            rest,
            platform: address,
            centres: BTreeMap::new(),
            heard,
            client: PlatformClient::new(&format!("http://{rest}"), None).unwrap(),
            bridge: None,
        };
        chain.configure(links, more);
        chain
    }

    /// Writes another configuration for the next start.
    pub(crate) fn configure(&self, links: &[(u16, &str)], more: &str) {
        let (rest, grpc, address) = (self.rest, free(), self.platform);
        let mut config = format!(
            "[listen]\nrest = \"{rest}\"\ngrpc = \"{grpc}\"\n[platform]\nurl = \"http://{address}\"\nsecret = \"{SECRET}\"\n\
             [keys]\nsms = \"{KEYS}\"\n[store]\nsqlite = \"store/bridge.sqlite\"\n[log]\nlevel = \"error\"\n{more}"
        );
        let mut members = Vec::new();
        for (number, (port, more)) in (100..).zip(links) {
            let link = format!(
                "[links.{number}]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"school\"\npassword = \"secret\"\nwindow = {WINDOW}\nrate = 5000\n{more}"
            );
            config.push_str(&link);
            if !more.contains("receiver") {
                members.push(format!("{number} = 1"));
            }
        }
        let pool = format!("[pools.1000]\nlinks = {{ {} }}\n", members.join(", "));
        config.push_str(&pool);
        std::fs::write(self.folder.0.join("bridge.toml"), config).unwrap();
    }

    /// Starts the bridge, and returns once it answers.
    pub(crate) async fn start(&mut self) {
        self.launch(&mut Command::new(env!("CARGO_BIN_EXE_bridge")))
            .await;
    }

    /// The same with its store on a disk of this size, which nobody else sees.
    pub(crate) async fn start_on_small_disk(&mut self, size: &str) {
        self.launch(&mut on_disk(&format!("size={size}"))).await;
    }

    /// What it says when it cannot start on such a disk.
    pub(crate) fn fails_on_disk(&self, options: &str) -> String {
        let mut command = on_disk(options);
        let output = command
            .args(["run", "--config", "bridge.toml"])
            .current_dir(&self.folder.0)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Changes the small disk.
    pub(crate) fn remount(&self, options: &str) {
        let pid = self.bridge.as_ref().unwrap().id().to_string();
        let done = Command::new("nsenter")
            .args(["--user", "--mount", "--preserve-credentials", "--target"])
            .args([&pid, "mount", "-o", options])
            .arg(self.folder.0.join("store"))
            .status();
        assert!(done.unwrap().success());
    }

    async fn launch(&mut self, command: &mut Command) {
        let child = command
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

    /// The number that a query finds in the store. Only while the bridge does not run.
    pub(crate) fn count(&self, sql: &str) -> usize {
        let file = self.folder.0.join("store/bridge.sqlite");
        let store = rusqlite::Connection::open(file).unwrap();
        let count: i64 = store.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }

    pub(crate) fn rows(&self, table: &str) -> usize {
        self.count(&format!("SELECT count(*) FROM {table}"))
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

    /// Waits until a metric, named with its labels, has a value that will do.
    pub(crate) async fn wait_metric(&self, name: &str, good: impl Fn(u64) -> bool) -> u64 {
        let mut found = None;
        for _ in 0..100 {
            let answer = rest::call(self.rest, "/metrics", None).await;
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            found = value.map(|value| value.trim().parse::<u64>().unwrap());
            if let Some(value) = found.filter(|value| good(*value)) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{name} is {found:?}");
    }

    /// The port of a link's centre.
    pub(crate) fn port(&self, link: i64) -> u16 {
        self.centres[&link].0.address().port()
    }

    /// Waits until the centres took so many messages.
    pub(crate) async fn wait_taken(&self, wanted: u64) {
        for _ in 0..200 {
            if self.taken().iter().sum::<u64>() >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} of {wanted} taken", self.taken());
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
        let (mut most, mut idle) = (0, 0);
        while idle < 1_200 {
            let delivered = self.delivered();
            if delivered >= wanted {
                return;
            }
            idle = if delivered > most { 0 } else { idle + 1 };
            most = most.max(delivered);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {wanted} delivered", self.delivered());
    }
}

impl Chain {
    /// Waits until each of these is `DELIVERED` at the platform; those that are not, where nothing changes for a minute.
    pub(crate) async fn undelivered(&self, ids: &[String]) -> Vec<String> {
        let (mut least, mut idle) = (usize::MAX, 0);
        loop {
            let left: Vec<String> = {
                let heard = self.heard.lock().unwrap();
                let waits =
                    |id: &&String| heard.get(*id).is_none_or(|status| status != "DELIVERED");
                ids.iter().filter(waits).cloned().collect()
            };
            idle = if left.len() < least { 0 } else { idle + 1 };
            least = least.min(left.len());
            if left.is_empty() || idle > 600 {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
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

impl Chain {
    /// Changes what the configuration says.
    pub(crate) fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.folder.0.join("bridge.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, change(text)).unwrap();
    }

    /// Has the running bridge read it again.
    pub(crate) fn hang_up(&self) {
        let pid = self.bridge.as_ref().unwrap().id().to_string();
        let done = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(done.unwrap().success());
    }

    /// Has a link's centre send what a phone wrote.
    pub(crate) fn write_as_phone(&self, link: i64, message: FromPhone) {
        self.centres[&link].0.send("school", message);
    }

    /// Waits until the platform has a message from a phone.
    pub(crate) async fn wait_inbound(&self) {
        for _ in 0..200 {
            if self
                .heard
                .lock()
                .unwrap()
                .values()
                .any(|one| one == "INBOUND")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no message from a phone");
    }

    /// Starts the bridge with its log in a file, whose path it returns.
    pub(crate) async fn start_logged(&mut self) -> PathBuf {
        let file = self.folder.0.join("bridge.log");
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" 2>bridge.log"])
            .arg(env!("CARGO_BIN_EXE_bridge"));
        self.launch(&mut command).await;
        file
    }
}
