//! The bridge's command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use homeroom_bridge::clock::SystemClock;
use homeroom_bridge::config::Config;
use homeroom_bridge::control::{self, Question, Reply};
use homeroom_bridge::engine::Engine;
use homeroom_bridge::gateway::Gateway;
use homeroom_bridge::{app, smsc};
use homeroom_domain::credentials::KeyRing;
use homeroom_domain::credentials::sms_token::SmsKeys;
use homeroom_kernel::Clock;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The SMPP bridge: takes messages by REST and gRPC, sends them to message centres, and tells the platform what became of them.
#[derive(Parser)]
#[command(name = "bridge", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run until SIGTERM. SIGHUP reads links and pools of the configuration again.
    Run {
        #[command(flatten)]
        file: File,
        /// End when standard input does, too.
        #[arg(long)]
        attached: bool,
    },
    /// Say whether a configuration is good, or where it is not and what to write instead.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Print all that is known of a message.
    Inspect {
        /// Its id.
        message_id: String,
        #[command(flatten)]
        file: File,
    },
    /// Deliver events again that the platform did not take.
    Replay {
        /// One of them; all where absent.
        #[arg(long)]
        id: Option<String>,
        #[command(flatten)]
        file: File,
    },
    /// Print the value of `sms` in `[keys]`, derived from the platform's master keys on standard input.
    Keys,
    /// Play a message centre, for development: takes every message and sends receipts.
    Smsc(Centre),
}

#[derive(Args)]
struct File {
    /// The configuration.
    #[arg(long = "config", default_value = "bridge.toml")]
    config: PathBuf,
}

#[derive(Args)]
struct Centre {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Milliseconds from a message to its answer.
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Milliseconds from the answer to the receipt.
    #[arg(long, default_value_t = 100)]
    receipt_after: u64,
    /// Send no receipts.
    #[arg(long)]
    no_receipts: bool,
    /// Share of messages whose receipt says UNDELIV, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    undeliverable: f64,
    /// Share of messages that are refused for now, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    error_rate: f64,
    /// Messages a second above which it says "throttled".
    #[arg(long)]
    rate: Option<u32>,
    /// Send every message back as if its receiver had answered.
    #[arg(long)]
    echo: bool,
    /// End when standard input does, too.
    #[arg(long)]
    attached: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = tokio::runtime::Runtime::new()
        .context("the runtime cannot start")
        .and_then(|runtime| runtime.block_on(run(arguments.command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nowhere else to say so.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Run { file, attached } => {
            let config = Config::load(&file.config)?;
            app::log(&config.log)?;
            serve(&file.config, config, attached).await
        }
        Command::CheckConfig { file } => {
            let config = Config::load(&file)?;
            let (links, pools) = (config.links.len(), config.pools.len());
            say(&format!(
                "{} is good: {links} links, {pools} pools\n",
                file.display()
            ))
        }
        Command::Inspect { message_id, file } => {
            match ask(&file.config, Question::Inspect { message_id }).await? {
                Reply::Inspected(Some(text)) => say(&text),
                Reply::Inspected(None) => {
                    bail!("no such message, or it is older than what the store keeps")
                }
                other => bail!("{}", unexpected(other)),
            }
        }
        Command::Replay { id, file } => match ask(&file.config, Question::Replay { id }).await? {
            Reply::Replayed(events) => say(&format!("{events} events are due again\n")),
            other => bail!("{}", unexpected(other)),
        },
        Command::Keys => {
            let given = io::read_to_string(io::stdin()).context("standard input is not text")?;
            let given = given.trim();
            let ring = KeyRing::parse(given.strip_prefix("MASTER_KEYS=").unwrap_or(given))
                .context("these are not master keys")?;
            let keys = SmsKeys::derive(&ring).export();
            say(&format!("{}\n", keys.expose_secret()))
        }
        Command::Smsc(centre) => play(centre).await,
    }
}

fn say(text: &str) -> Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .context("standard output is closed")
}

fn unexpected(reply: Reply) -> String {
    match reply {
        Reply::Failed(error) => error,
        _ => "the running bridge gave another answer: is it of this version?".to_owned(),
    }
}

/// Runs everything until the process is told to stop, then ends the sessions gently.
async fn serve(path: &Path, config: Config, attached: bool) -> Result<()> {
    let clock = Arc::new(SystemClock);
    let store = app::open(&config).await?;
    let engine = Engine::start(&config, Arc::clone(&store), clock.clone()).await?;
    let stop = CancellationToken::new();
    let (changed, mut changes) = mpsc::channel(1);
    let reloads = tokio::spawn(app::reload(path.to_owned(), config.clone(), changed));
    let follower = Arc::clone(&engine);
    tokio::spawn(async move {
        while let Some((config, changes)) = changes.recv().await {
            follower.change(&config, &changes).await;
        }
    });
    let told = stop.clone();
    tokio::spawn(async move {
        let said = app::told_to_stop(attached).await;
        told.cancel();
        said
    });
    let served = app::serve(
        &config,
        store,
        Arc::clone(&engine) as Arc<dyn Gateway>,
        clock,
        stop,
    )
    .await;
    reloads.abort();
    engine.shut_down().await;
    served
}

/// From the running bridge where there is one, else from the store itself.
async fn ask(config: &Path, question: Question) -> Result<Reply> {
    let config = Config::load(config)?;
    match control::ask(&config.store.socket, &question).await {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) => {}
        asked => return asked.context("the running bridge did not answer"),
    }
    // Opening would make an empty one.
    if let Some(file) = config.store.sqlite.as_ref().filter(|file| !file.exists()) {
        bail!(
            "{} does not exist: nothing was ever accepted here",
            file.display()
        );
    }
    let store = app::open(&config).await?;
    Ok(control::answer(store.as_ref(), question, SystemClock.now()).await)
}

async fn play(centre: Centre) -> Result<()> {
    let attached = centre.attached;
    let config = smsc::Config {
        latency: Duration::from_millis(centre.latency),
        receipts: (!centre.no_receipts).then_some(Duration::from_millis(centre.receipt_after)),
        undeliverable: centre.undeliverable.clamp(0.0, 1.0),
        error_rate: centre.error_rate.clamp(0.0, 1.0),
        rate: centre.rate,
        echo: centre.echo,
        ..smsc::Config::default()
    };
    let centre = smsc::Smsc::start(centre.listen, config, Arc::new(SystemClock)).await?;
    say(&format!(
        "listening on {}; every account and password is good\n",
        centre.address()
    ))?;
    app::told_to_stop(attached).await
}
