//! A bridge in a process of its own, a centre that remembers, and a platform that listens.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::smsc::{self, FromPhone, Smsc, Taken};
use tokio::sync::mpsc;

use crate::platform::{Platform, SECRET, Sender};
use crate::ports::free;
use crate::rest::KEYS;

pub(crate) const WINDOW: u32 = 20;

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("homeroom-chain-{}-{n}", std::process::id()));
        // One that was killed had the same number.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("store")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Chain {
    folder: Folder,
    pub(crate) rest: SocketAddr,
    platform: SocketAddr,
    centres: BTreeMap<i64, (Smsc, mpsc::UnboundedReceiver<Taken>)>,
    pub(crate) heard: Arc<Platform>,
    client: Sender,
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

/// A configuration with its addresses of REST and of the platform, a link for each port, and a pool of them all.
pub(crate) fn config(
    (rest, platform): (SocketAddr, SocketAddr),
    links: &[(u16, &str)],
    window: u32,
    more: &str,
) -> String {
    let grpc = free();
    let mut config = format!(
        "[listen]\nrest = \"{rest}\"\ngrpc = \"{grpc}\"\n[platform]\nurl = \"http://{platform}\"\nsecret = \"{SECRET}\"\n\
         [keys]\nsms = \"{KEYS}\"\n[store]\nsqlite = \"store/bridge.sqlite\"\n[log]\nlevel = \"error\"\n{more}"
    );
    let mut members = Vec::new();
    for (number, (port, more)) in (100..).zip(links) {
        let link = format!(
            "[links.{number}]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"school\"\npassword = \"secret\"\nwindow = {window}\nrate = 5000\n{more}"
        );
        config.push_str(&link);
        if !more.contains("receiver") {
            members.push(format!("{number} = 1"));
        }
    }
    let pool = format!("[pools.1000]\nlinks = {{ {} }}\n", members.join(", "));
    config.push_str(&pool);
    config
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
        let (heard, platform) = Platform::start().await;
        Self::told(heard, platform, links, more)
    }

    /// Another bridge for the same platform, over the same links.
    pub(crate) fn beside(&self, links: &[(u16, &str)], more: &str) -> Self {
        Self::told(Arc::clone(&self.heard), self.platform, links, more)
    }

    fn told(heard: Arc<Platform>, platform: SocketAddr, links: &[(u16, &str)], more: &str) -> Self {
        let rest = free();
        let chain = Self {
            folder: Folder::new(),
            rest,
            platform,
            centres: BTreeMap::new(),
            heard,
            client: Sender::to(rest),
            bridge: None,
        };
        chain.configure(links, more);
        chain
    }

    /// Writes another configuration for the next start.
    pub(crate) fn configure(&self, links: &[(u16, &str)], more: &str) {
        self.configure_with(links, WINDOW, more);
    }

    /// The same with another window.
    pub(crate) fn configure_with(&self, links: &[(u16, &str)], window: u32, more: &str) {
        let config = config((self.rest, self.platform), links, window, more);
        std::fs::write(self.folder.path().join("bridge.toml"), config).unwrap();
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
        let pid = self.pid().to_string();
        let done = Command::new("nsenter")
            .args(["--user", "--mount", "--preserve-credentials", "--target"])
            .args([&pid, "mount", "-o", options])
            .arg(self.folder.0.join("store"))
            .status();
        assert!(done.unwrap().success());
    }

    /// The same with its log in a file, and a write beyond a limit is refused to it instead of ending it.
    pub(crate) async fn start_without_the_signal_of_a_limit(&mut self) {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ && exec \"$0\" \"$@\" 2> bridge.log"])
            .arg(env!("CARGO_BIN_EXE_bridge"));
        self.launch(&mut command).await;
    }

    /// Bytes that it may write to a file, from now on.
    pub(crate) fn limit_writes(&self, bytes: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={bytes}:")])
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
        for _ in 0..1_200 {
            if tokio::net::TcpStream::connect(self.rest).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the bridge does not answer");
    }

    pub(crate) fn is_running(&self) -> bool {
        self.bridge.is_some()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.bridge.as_ref().unwrap().id()
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

    /// The store, beside the bridge.
    pub(crate) fn store(&self) -> rusqlite::Connection {
        let store = rusqlite::Connection::open(self.file()).unwrap();
        store.busy_timeout(Duration::from_secs(5)).unwrap();
        store
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.0.join("store/bridge.sqlite")
    }

    /// The number that a query finds in the store.
    pub(crate) fn count(&self, sql: &str) -> usize {
        let store = self.store();
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

    /// The port of a link's centre.
    pub(crate) fn port(&self, link: i64) -> u16 {
        self.centres[&link].0.address().port()
    }

    /// Waits until the centres took so many messages.
    pub(crate) async fn wait_taken(&self, wanted: u64) {
        for _ in 0..1_200 {
            if self.taken().iter().sum::<u64>() >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} of {wanted} taken", self.taken());
    }

    pub(crate) fn client(&self) -> Sender {
        self.client.clone()
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
        let heard = self.heard.last.lock().unwrap();
        heard
            .values()
            .filter(|status| *status == "DELIVERED")
            .count()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if let Some(mut child) = self.bridge.take() {
            let _ = child.kill();
            // Until then it may write into the folder that is removed.
            let _ = child.wait();
        }
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
        self.signal("HUP");
    }

    /// Sends a signal to the running bridge.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Has a link's centre send what a phone wrote.
    pub(crate) fn write_as_phone(&self, link: i64, message: FromPhone) {
        self.centres[&link].0.send("school", message);
    }

    /// Waits until the platform has a message from a phone.
    pub(crate) async fn wait_inbound(&self) {
        for _ in 0..1_200 {
            if self
                .heard
                .last
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
