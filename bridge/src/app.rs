//! All parts of a running bridge around its engine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use homeroom_kernel::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::api::{self, Api, Sockets};
use crate::config::{Changes, Config, Log, LogFormat, OnAmbiguous};
use crate::control;
use crate::gateway::Gateway;
use crate::platform_client::PlatformClient;
use crate::store::postgres::{self, PostgresStore};
use crate::store::sqlite::{self, SqliteStore};
use crate::store::{Ambiguity, Policy, Store};
use crate::tls::Tls;
use crate::webhooks::{Schedule, Webhooks};

/// Starts the log.
pub fn log(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level).context("`level` in [log] cannot be read")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log on a full disk: saying so on the same standard error would panic in whoever logs.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot start: {error}"))
}

/// What each link's configuration says about parts whose answer never came. A pool holds what one of its links would hold:
/// which of them sent a part is not known after a crash.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    let holds = |number: &i64| {
        let link = config.links.get(number);
        link.is_some_and(|link| link.on_ambiguous == OnAmbiguous::Hold)
    };
    let links = config.links.keys().copied().filter(holds);
    let pools = config
        .pools
        .iter()
        .filter(|(_, pool)| pool.links.keys().any(holds))
        .map(|(number, _)| *number);
    let held: BTreeSet<i64> = links.chain(pools).collect();
    Arc::new(move |link| {
        if held.contains(&link) {
            Ambiguity::Hold
        } else {
            Ambiguity::Resend
        }
    })
}

/// Opens the store that the configuration names.
pub async fn open(config: &Config) -> Result<Arc<dyn Store>> {
    let at = &config.store;
    if let Some(url) = &at.postgres {
        let tls = at.tls.as_ref().map(|tls| Tls {
            ca: tls.ca.clone(),
            client: tls.client_cert.clone().zip(tls.client_key.clone()),
            server_name: None,
        });
        let options = postgres::Options {
            tls,
            ambiguity: policy(config),
            ..postgres::Options::new(&at.name)
        };
        let store = PostgresStore::open(url.expose(), options).await;
        return Ok(Arc::new(store.context("the database cannot be opened")?));
    }
    let file = at.sqlite.clone().context("there is no store")?;
    let options = sqlite::Options {
        ambiguity: policy(config),
        ..sqlite::Options::default()
    };
    // Opening a large file takes a moment, and its lock may have to be waited for.
    let store = tokio::task::spawn_blocking(move || {
        SqliteStore::open(&file, options)
            .with_context(|| format!("{} cannot be opened", file.display()))
    });
    Ok(Arc::new(store.await??))
}

/// Serves apps and platform, delivers events and answers the operator, until `stop`.
pub async fn serve(
    config: &Config,
    store: Arc<dyn Store>,
    gateway: Arc<dyn Gateway>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<()> {
    let platform = PlatformClient::new(&config.platform.url, config.platform.ca.as_deref())?;
    let secret = config.secrets().into_iter().next();
    let schedule = Schedule {
        concurrency: config.platform.concurrency,
        ..Schedule::default()
    };
    let webhooks = Webhooks::new(
        store.clone(),
        platform.clone(),
        secret.context("there is no secret of the platform")?,
        clock.clone(),
        schedule,
    );
    let api = Api::new(config, gateway, platform, clock.clone()).context("there are no keys")?;
    let sockets = Sockets::bind(&config.listen)
        .await
        .context("the bridge cannot listen")?;
    tracing::info!(rest = %sockets.rest.local_addr()?, grpc = %sockets.grpc.local_addr()?, "listening");
    // What one of them cannot do ends all: half a bridge would look healthy.
    let faces = async {
        let ended = api::run(Arc::new(api), sockets, config, stop.clone()).await;
        stop.cancel();
        ended
    };
    let operator = async {
        let ended = control::listen(&config.store.socket, store, clock, stop.clone()).await;
        if ended.is_err() {
            stop.cancel();
        }
        ended
    };
    let (faces, operator, ()) = tokio::join!(faces, operator, webhooks.run(stop.clone()));
    faces.context("the API ended")?;
    operator.context("the operator's socket ended")
}

/// Resolves when the process is told to stop; attached, also when standard input ends, as it does when who started it is gone.
pub async fn told_to_stop(attached: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let alone = CancellationToken::new();
    if attached {
        let alone = alone.clone();
        // A thread, because the runtime would wait for a read of its own before it ends.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            alone.cancel();
        });
    }
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed?,
        () = alone.cancelled() => {}
    }
    Ok(())
}

/// Reads the file again at each SIGHUP and hands on what is new. A file with mistakes changes nothing.
pub async fn reload(
    path: PathBuf,
    mut current: Config,
    changed: mpsc::Sender<(Config, Changes)>,
) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        let next = match Config::load(&path) {
            Ok(next) => next,
            Err(mistakes) => {
                tracing::error!(%mistakes, "the configuration was not read again");
                continue;
            }
        };
        let changes = Changes::between(&current, &next);
        if !changes.at_restart.is_empty() {
            tracing::warn!(parts = ?changes.at_restart, "these parts of the configuration only change at a restart");
        }
        tracing::info!(
            added = ?changes.added, changed = ?changes.changed, removed = ?changes.removed, pools = ?changes.pools,
            "the configuration was read again"
        );
        current = next.clone();
        if !changes.is_empty() && changed.send((next, changes)).await.is_err() {
            break;
        }
    }
    Ok(())
}
