//! The operator's questions to a running bridge, over a socket beside its store that only the bridge's own user can open.
//! A store has one owner at a time, so `bridge inspect` asks whoever has it.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use homeroom_kernel::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// Bytes of a question.
const MAX_QUESTION: u64 = 4_096;
const PATIENCE: Duration = Duration::from_secs(30);

/// What an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// All that is known of a message.
    Inspect {
        /// The message.
        message_id: String,
    },
    /// Makes dead letters due again.
    Replay {
        /// One of them; all where absent.
        id: Option<String>,
    },
}

/// What the bridge says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What is known of the message, ready to be printed; `None` where it is unknown.
    Inspected(Option<String>),
    /// How many dead letters are due again.
    Replayed(u64),
    /// It could not be done.
    Failed(String),
}

/// The socket of a store in a file.
#[must_use]
pub fn socket(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

/// Answers a question from a store.
pub async fn answer(store: &dyn Store, question: Question, now: Timestamp) -> Reply {
    let done = match question {
        Question::Inspect { message_id } => inspect(store, &message_id).await.map(Reply::Inspected),
        Question::Replay { id } => store
            .replay(id.as_deref(), now.millis())
            .await
            .map(Reply::Replayed),
    };
    done.unwrap_or_else(|error| Reply::Failed(error.to_string()))
}

/// Asks the bridge that has the store. `NotFound` or `ConnectionRefused`: none is running.
pub async fn ask(socket: &Path, question: &Question) -> io::Result<Reply> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await?;
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        Ok(serde_json::from_slice(&reply)?)
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

/// Answers questions until it is told to stop.
pub async fn listen(
    socket: &Path,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> io::Result<()> {
    // The store's lock says that no other bridge is there: what lies here is of one that was killed.
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "an operator's connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (store, clock) = (store.clone(), clock.clone());
        tokio::spawn(async move {
            let serve = serve(stream, store.as_ref(), clock.now());
            match tokio::time::timeout(PATIENCE, serve).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "an operator's question broke off"),
                Err(_) => tracing::debug!("an operator's question took too long"),
            }
        });
    }
    std::fs::remove_file(socket)
}

async fn serve(mut stream: UnixStream, store: &dyn Store, now: Timestamp) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_QUESTION))
        .read_line(&mut line)
        .await?;
    let reply = match serde_json::from_str(&line) {
        Ok(question) => answer(store, question, now).await,
        Err(error) => Reply::Failed(format!("not a question: {error}")),
    };
    writer.write_all(&serde_json::to_vec(&reply)?).await
}

/// A message and its history, as aligned tables. Without text or full numbers, as the history is.
async fn inspect(store: &dyn Store, message_id: &str) -> Result<Option<String>, StoreError> {
    let Some(view) = store.find(None, message_id).await? else {
        return Ok(None);
    };
    let time = |at| Timestamp::from_millis(at).to_rfc3339();
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut text = table(
        &[
            ["message", &view.message_id],
            ["transaction", &view.transaction_id],
            ["app", &view.app_id.to_string()],
            ["school", &or_dash(view.tenant)],
            [
                "campaign",
                &or_dash(view.task_id.map(|task| task.to_string())),
            ],
            ["link or pool", &view.esme.to_string()],
            ["accepted", &time(view.accepted_at)],
            ["changed", &time(view.updated_at)],
        ]
        .map(|row| row.map(str::to_owned)),
    );
    let mut parts = vec![
        [
            "part",
            "status",
            "attempts",
            "ambiguous",
            "link",
            "id at the centre",
            "error",
        ]
        .map(str::to_owned),
    ];
    for (number, part) in (1..).zip(view.parts) {
        let number: u16 = number;
        let id = part
            .provider_id
            .map(|id| String::from_utf8_lossy(&id).into_owned());
        parts.push([
            number.to_string(),
            part.status.name().to_owned(),
            part.attempts.to_string(),
            part.ambiguous.to_string(),
            or_dash(part.link.map(|link| link.to_string())),
            or_dash(id),
            or_dash(part.error),
        ]);
    }
    let mut history = vec![["time", "part", "what"].map(str::to_owned)];
    for line in store.history(message_id).await? {
        let part = (line.part > 0).then(|| line.part.to_string());
        history.push([time(line.at), or_dash(part), line.what]);
    }
    for table in [table(&parts), table(&history)] {
        text.push('\n');
        text.push_str(&table);
    }
    Ok(Some(text))
}

/// Columns of one width each.
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            // What a centre sent must not steer the operator's terminal.
            let shown = cell
                .chars()
                .map(|one| if one.is_control() { '\u{fffd}' } else { one });
            line.extend(shown);
            line.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.chars().count()) + 2,
            ));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_control_characters_are_not_passed_on() {
        let rows = [
            ["part", "status"],
            ["1", "DELIVERED"],
            ["10", "\u{1b}[31mé"],
        ]
        .map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows),
            "part  status\n1     DELIVERED\n10    \u{fffd}[31mé\n"
        );
    }
}
