//! A `PostgreSQL` of the tests' own: made in a temporary folder, reached through a socket in it or a port, gone with the tests.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use homeroom_bridge::store::{
    Policy, Store,
    postgres::{Options, PostgresStore},
};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

const SWITCH: &str = "HOMEROOM_NO_POSTGRES";
const HELP: &str = "these tests need PostgreSQL's programs (Debian: apt-get install postgresql); \
                    to do without them on purpose, set HOMEROOM_NO_POSTGRES=1";

const START: &str = "-l server.log -w -t 180 start >start.log";

#[derive(Clone, Debug)]
struct Cluster {
    folder: PathBuf,
    port: u16,
}

/// An empty database of the cluster.
#[derive(Debug)]
pub(crate) struct Database {
    cluster: Cluster,
    name: String,
}

impl Database {
    pub(crate) fn config(&self) -> String {
        self.cluster.config(&self.name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.cluster.port
    }

    /// Its address on the network, under a name of this machine.
    pub(crate) fn by_tcp(&self, host: &str) -> String {
        let Self { cluster, name } = self;
        format!(
            "hostaddr=127.0.0.1 port={} user=postgres dbname={name} host={host}",
            cluster.port
        )
    }

    /// A copy of a file that the server takes for its own.
    pub(crate) fn own(&self, file: &Path) -> PathBuf {
        let [folder, name] = [file.parent().unwrap(), file].map(|path| path.file_name().unwrap());
        let copies = self.cluster.folder.join(folder);
        std::fs::create_dir_all(&copies).unwrap();
        let copy = copies.join(name);
        std::fs::copy(file, &copy).unwrap();
        run(Command::new("chmod").arg("600").arg(&copy));
        give(&copies);
        copy
    }

    /// Ends its server as a crash would.
    pub(crate) fn stop(&self) {
        self.cluster.control("-m immediate -t 180 stop");
    }

    pub(crate) fn start(&self) {
        self.cluster.control(START);
    }

    /// Changes what is in it while its server is stopped.
    pub(crate) fn change_stopped(&self, sql: &str) {
        let (folder, programs) = (self.cluster.folder.display(), programs());
        let script = format!(
            "cd {folder} && echo \"{sql}\" | {}/postgres --single -j -D data {} 2>&1",
            programs.display(),
            self.name
        );
        let said = run(&mut as_server(&script)).stdout;
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains("ERROR"), "{said}");
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.config()).await
    }

    /// Time passes for the leases of bridges: they are of the server's clock, which no test can set.
    pub(crate) async fn pass(&self, millis: i64) {
        let sql = "UPDATE bridges SET lease_until = lease_until - $1, held_since = held_since - $1";
        self.client().await.execute(sql, &[&millis]).await.unwrap();
    }
}

/// A new database; `None` where `PostgreSQL` is switched off by hand.
pub(crate) async fn database() -> Option<Database> {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    if is_switched_off() {
        return None;
    }
    let cluster = CLUSTER.get_or_init(cluster).await;
    Some(cluster.database().await)
}

/// The same on a server of its own, which a test may stop.
pub(crate) async fn own_database() -> Option<Database> {
    if is_switched_off() {
        return None;
    }
    Some(cluster().await.database().await)
}

fn is_switched_off() -> bool {
    let off = std::env::var(SWITCH).is_ok_and(|value| value == "1");
    if off {
        println!("\n*** NOT TESTED: {SWITCH}=1 is set, so nothing here has seen PostgreSQL ***\n");
    }
    off
}

async fn cluster() -> Cluster {
    tokio::task::spawn_blocking(start).await.unwrap()
}

pub(crate) async fn open(config: &str, bridge: &str, ambiguity: Policy) -> Arc<dyn Store> {
    let options = Options {
        ambiguity,
        ..Options::new(bridge)
    };
    Arc::new(PostgresStore::open(config, options).await.unwrap())
}

impl Cluster {
    fn config(&self, database: &str) -> String {
        format!(
            "host={} port={} user=postgres dbname={database}",
            self.folder.join("socket").display(),
            self.port
        )
    }

    async fn database(&self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("store{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&self.config("postgres")).await;
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Database {
            cluster: self.clone(),
            name,
        }
    }

    fn control(&self, what: &str) {
        let (folder, programs) = (self.folder.display(), programs());
        let script = format!(
            "cd {folder} && {}/pg_ctl -D data {what}",
            programs.display()
        );
        run(&mut as_server(&script));
    }
}

/// A shell as the user whose the server is.
fn as_server(script: &str) -> Command {
    let root = is_root();
    let mut command = Command::new(if root { "setpriv" } else { "sh" });
    if root {
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "sh",
        ]);
    }
    command.args(["-c", script]);
    command
}

/// The server refuses to be root, and files that are not its own.
fn give(folder: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", "postgres"]).arg(folder));
    }
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).stdout.starts_with(b"0\n")
}

async fn connect(config: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(config, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Starts the cluster, with a watcher that stops it when this process is gone, however it went.
fn start() -> Cluster {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let programs = programs();
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("homeroom-postgres-{}-{n}", std::process::id()));
    // One that was killed had the same number.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("socket")).unwrap();
    give(&folder);
    let port = crate::ports::free().port();
    let script = format!(
        "set -e; cd {folder}
         {programs}/initdb -D data -U postgres -A trust -E UTF8 --locale=C >initdb.log
         cat >>data/postgresql.conf <<END
unix_socket_directories = '{folder}/socket'
listen_addresses = '127.0.0.1'
port = {port}
max_connections = 300
END
         {programs}/pg_ctl -D data {START}
         (while kill -0 {watched} 2>/dev/null || [ -d /proc/{watched} ]; do sleep 1; done
          {programs}/pg_ctl -D data -m immediate stop; cd /; rm -rf {folder}) >/dev/null 2>&1 </dev/null &",
        folder = folder.display(),
        programs = programs.display(),
        watched = std::process::id(),
    );
    run(&mut as_server(&script));
    Cluster { folder, port }
}

/// The newest of `PostgreSQL`'s programs on this machine.
fn programs() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((version, programs))
        })
        .collect();
    found.sort();
    if let Some((_, programs)) = found.pop() {
        return programs;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists())
        .unwrap_or_else(|| panic!("{HELP}"))
}

fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; {HELP}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}; {HELP}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
