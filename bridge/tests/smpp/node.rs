//! Centres that this project did not write, as processes: node-smpp, and others that talk alike.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::OnceCell;
use tokio::time::timeout;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bridge")
}

/// Runs a program to its end; says in plain words what is missing on the machine.
pub(crate) async fn run(command: &mut Command, remedy: &str) -> String {
    let name = format!("{:?}", command.as_std());
    let output = match command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
    {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("{name}: not found. {remedy}")
        }
        Err(error) => panic!("{name}: {error}"),
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{name} failed. {remedy}\n{said}");
    said
}

/// node with the packages of `tests/bridge`, installed by the first test that needs them.
pub(crate) async fn node(script: &str) -> Command {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let remedy =
                "These tests need Node.js 20 or newer with npm, and the npm registry once.";
            run(Command::new("node").arg("--version"), remedy).await;
            let lock = std::fs::read(folder().join("package-lock.json")).unwrap();
            let stamp = folder().join("node_modules/.installed-lock");
            if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
                return;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund"])
                .current_dir(folder());
            run(&mut npm, remedy).await;
            std::fs::write(stamp, lock).unwrap();
        })
        .await;
    let mut command = Command::new("node");
    command.arg(folder().join(script)).kill_on_drop(true);
    command
}

/// A program that prints its port and then a line of JSON for every message; it ends when it is dropped.
pub(crate) struct PeerCentre {
    pub(crate) port: u16,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    input: ChildStdin,
    child: Child,
}

impl PeerCentre {
    /// `centre.mjs` with what it is told beside.
    pub(crate) async fn node(arguments: &[&OsStr]) -> Self {
        Self::start(node("centre.mjs").await.args(arguments)).await
    }

    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("a port").parse();
        Self {
            port: port.unwrap(),
            lines,
            input: child.stdin.take().unwrap(),
            child,
        }
    }

    /// What it prints, what it is told, and its process.
    pub(crate) fn parts(self) -> (Lines<BufReader<ChildStdout>>, ChildStdin, Child) {
        (self.lines, self.input, self.child)
    }

    pub(crate) async fn line(&mut self) -> Value {
        let line = timeout(Duration::from_mins(1), self.lines.next_line()).await;
        serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap()
    }

    pub(crate) async fn command(&mut self, command: &str) {
        let line = format!("{command}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
    }
}
