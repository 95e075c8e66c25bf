use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use homeroom_bridge::app;
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::config::Config;
use homeroom_bridge::control;
use homeroom_bridge::message::{Address, Addresses, NewMessage, PartBody};
use homeroom_bridge::store::{Accepted, QueueLimits};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio_util::sync::CancellationToken;

use super::support::now;

const EXAMPLE: &str = include_str!("../../bridge.example.toml");

async fn bridge(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_bridge"));
    command.args(arguments).output().await.unwrap()
}

/// A folder with the example as its configuration.
fn folder(name: &str, text: &str) -> (PathBuf, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("bridge.toml");
    std::fs::write(&file, text).unwrap();
    (folder, file.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn check_config_says_that_a_file_is_good_or_where_it_is_not() {
    let (_, file) = folder("cli-good", EXAMPLE);
    let good = bridge(&["check-config", &file]).await;
    assert!(good.status.success());
    let said = String::from_utf8(good.stdout).unwrap();
    assert_eq!(said, format!("{file} is good: 2 links, 1 pools\n"));
    let (_, file) = folder("cli-bad", &EXAMPLE.replace("\nrate = 50 ", "\nrat = 50 "));
    let bad = bridge(&["check-config", &file]).await;
    assert_eq!(bad.status.code(), Some(1));
    let line = EXAMPLE
        .lines()
        .position(|line| line.starts_with("rate = 50 "))
        .unwrap()
        + 1;
    let said = String::from_utf8(bad.stderr).unwrap();
    assert_eq!(
        said,
        format!("{file}:{line}:1: unknown key `rat`: write `rate`\n")
    );
}

fn message(now: i64) -> NewMessage {
    let end = |address: &str| Address {
        ton: 1,
        npi: 1,
        address: address.to_owned(),
    };
    NewMessage {
        message_id: "m1".to_owned(),
        app_id: 7,
        tenant: Some("hillside".to_owned()),
        transaction_id: "tx-001".to_owned(),
        task_id: None,
        esme: 1000,
        fingerprint: [1; 32],
        addresses: Addresses {
            source: end("12345"),
            destination: end("491701234567"),
        },
        data_coding: 0,
        esm_class: 0,
        priority: 0,
        send_at: now,
        valid_until: now + 86_400_000,
        parts: vec![PartBody {
            short_message: b"Hello parents".to_vec(),
            payload: None,
            sar: None,
        }],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspect_and_replay_ask_the_running_bridge_and_else_the_store_itself() {
    let (folder, file) = folder("cli-inspect", EXAMPLE);
    let config = Config::load(Path::new(&file)).unwrap();
    let inspect = ["inspect", "m1", "--config", &file];
    let none = bridge(&inspect).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("nothing was ever accepted here"));

    let store = app::open(&config).await.unwrap();
    let limits = QueueLimits {
        total: 10,
        per_app: 10,
        per_esme: 10,
    };
    let now = now().millis();
    let accepted = store.accept(vec![message(now)], limits, now).await.unwrap();
    assert_eq!(accepted, [Accepted::New]);
    let stop = CancellationToken::new();
    let socket = config.store.socket.clone();
    assert_eq!(socket, folder.join("bridge.db.sock"));
    let listening = {
        let (socket, store, stop) = (socket.clone(), store.clone(), stop.clone());
        tokio::spawn(
            async move { control::listen(&socket, store, Arc::new(SystemClock), stop).await },
        )
    };
    while !socket.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let running = bridge(&inspect).await;
    let said = String::from_utf8(running.stdout).unwrap();
    for expected in [
        "message       m1\n",
        "school        hillside\n",
        "part  status    attempts",
        "1     ACCEPTED  0 ",
    ] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    for secret in ["Hello", "491701234567"] {
        assert!(!said.contains(secret), "{secret} is in\n{said}");
    }
    let unknown = bridge(&["inspect", "m2", "--config", &file]).await;
    assert_eq!(unknown.status.code(), Some(1));
    let replayed = bridge(&["replay", "--config", &file]).await;
    assert_eq!(
        String::from_utf8(replayed.stdout).unwrap(),
        "0 events are due again\n"
    );

    stop.cancel();
    listening.await.unwrap().unwrap();
    assert!(!socket.exists());
    drop(store);
    let stopped = bridge(&inspect).await;
    assert_eq!(String::from_utf8(stopped.stdout).unwrap(), said);
}

#[tokio::test]
async fn keys_prints_what_the_configuration_takes() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_bridge"))
        .arg("keys")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let master = format!("MASTER_KEYS=k7:{}\n", "A".repeat(43));
    let mut input = child.stdin.take().unwrap();
    input.write_all(master.as_bytes()).await.unwrap();
    drop(input);
    let said = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_ne!(
        said.trim(),
        master.trim().trim_start_matches("MASTER_KEYS=")
    );
    let text = EXAMPLE.replace(
        "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        said.trim(),
    );
    assert!(text.contains("\nsms = \"k7:"), "{said}");
    let (_, file) = folder("cli-keys", &text);
    assert!(bridge(&["check-config", &file]).await.status.success());
}

#[tokio::test]
async fn an_attached_process_ends_with_its_standard_input_and_not_before() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_bridge"))
        .args(["smsc", "--listen", "127.0.0.1:0", "--attached"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    let ended = tokio::time::timeout(Duration::from_mins(1), child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}
