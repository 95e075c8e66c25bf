//! `cargo xtask dev`: from a checkout to a running platform.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::pack::Programs;
use crate::process::{self, root, tool};
use crate::progress::{Step, Stopwatch, seconds};
use crate::{pack, tools, workers};

#[derive(Args)]
pub(crate) struct Options {
    /// The port of the public host and of the schools
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder of databases and keys [default: .state at the top of the checkout]
    #[arg(long)]
    state: Option<PathBuf>,
    /// Return once the platform answers; it goes on until `--stop`
    #[arg(long)]
    detach: bool,
    /// End the platform that runs on this state
    #[arg(long, value_name = "DIR", conflicts_with_all = ["port", "state", "detach"])]
    stop: Option<PathBuf>,
}

/// What serve.mjs says about itself, among the lines that the Workers write.
#[derive(Deserialize)]
struct Line {
    homeroom: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Step(String),
    Failed(String),
    Ready(Ready),
    Stopped(bool),
}

#[derive(Deserialize)]
pub(crate) struct Ready {
    pub(crate) public: String,
    platform_admin: SignIn,
    schools: Vec<School>,
    bridge: Option<Bridge>,
}

#[derive(Deserialize)]
struct Bridge {
    url: String,
    dashboard: String,
    grpc: String,
    smsc: String,
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct School {
    slug: String,
    url: String,
    admin: SignIn,
    teacher: SignIn,
    student: SignIn,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(state) = &options.stop {
        return stop(&std::path::absolute(state)?);
    }
    let watch = Stopwatch::start();
    let state = match &options.state {
        Some(state) => std::path::absolute(state)?,
        None => root().join(".state"),
    };
    require_free(options.port, &state)?;
    tools::require()?;
    let workers = workers::all()?;
    // At the same time: the last steps of the Workers leave a core to the bridge.
    let programs = thread::scope(|scope| {
        let programs = scope.spawn(pack::build_programs);
        pack::build(&workers)?;
        programs
            .join()
            .unwrap_or_else(|_| bail!("building the bridge stopped"))
    })?;

    let mut platform = Platform::start(&state, options.port, options.detach, &programs)?;
    let ready = platform.wait_until_ready()?;
    print_welcome(&ready, &seconds(watch.elapsed()));
    if options.detach {
        eprintln!(
            "  It runs until: cargo xtask dev --stop {}\n",
            state.display()
        );
        Ok(())
    } else {
        eprintln!("  Ctrl-C ends it. What the Workers log follows.\n");
        platform.follow()
    }
}

fn require_free(port: u16, state: &Path) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse && state.join("ready.json").exists() => {
            bail!(
                "port {port} is taken, it seems by a platform that runs already: end it with `cargo xtask dev --stop {}`, \
             or choose another with --port and --state",
                state.display()
            )
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken by another program: choose another with --port")
        }
        Err(error) => bail!("port {port} cannot be used ({error}): choose another with --port"),
    }
}

/// The running serve.mjs, followed through its log.
pub(crate) struct Platform {
    child: Child,
    log: BufReader<File>,
    log_path: PathBuf,
}

impl Platform {
    pub(crate) fn start(
        state: &Path,
        port: u16,
        detach: bool,
        programs: &Programs,
    ) -> Result<Self> {
        fs::create_dir_all(state).with_context(|| format!("{} cannot be made", state.display()))?;
        let log_path = state.join("platform.log");
        let log = File::create(&log_path)
            .with_context(|| format!("{} cannot be written", log_path.display()))?;
        let mut node = tool("node");
        node.arg("xtask/js/serve.mjs")
            .arg(state)
            .arg(port.to_string())
            .env("HOMEROOM_GENERATOR", &programs.generator)
            .env("HOMEROOM_BRIDGE", &programs.bridge);
        node.stdout(log.try_clone()?).stderr(log);
        if detach {
            // Of a process group of its own, so that what ends this terminal's group does not end the platform.
            node.stdin(Stdio::null()).process_group(0);
        } else {
            // It ends with this process, however that ends: nobody else holds the other end of the pipe.
            node.arg("attached").stdin(Stdio::piped());
        }
        let child = node.spawn().context("node does not start")?;
        let log = BufReader::new(File::open(&log_path)?);
        Ok(Self {
            child,
            log,
            log_path,
        })
    }

    pub(crate) fn wait_until_ready(&mut self) -> Result<Ready> {
        let mut step = None;
        loop {
            let Some(line) = self.next_line()? else {
                bail!(
                    "the platform ended before it was ready: {} says why",
                    self.log_path.display()
                );
            };
            match serde_json::from_str::<Line>(&line).map(|line| line.homeroom) {
                Ok(Message::Step(name)) => {
                    if let Some(done) = step.replace(Step::start(name)) {
                        Step::done(done, "");
                    }
                }
                Ok(Message::Failed(why)) => bail!("{why}"),
                Ok(Message::Ready(ready)) => {
                    if let Some(done) = step {
                        Step::done(done, "");
                    }
                    return Ok(ready);
                }
                Ok(Message::Stopped(_)) | Err(_) => {}
            }
        }
    }

    /// Shows what the Workers write until the platform ends.
    fn follow(&mut self) -> Result<()> {
        while let Some(line) = self.next_line()? {
            println!("{}", line.trim_end());
        }
        Ok(())
    }

    /// The next line of the log; none once the platform has ended and all is read.
    fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        loop {
            let ended = self.child.try_wait()?.is_some();
            self.log.read_line(&mut line)?;
            if line.ends_with('\n') {
                return Ok(Some(line));
            }
            if ended {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn stop(state: &Path) -> Result<()> {
    let lines = process::output(tool("node").args(["xtask/js/serve.mjs", "stop"]).arg(state))?;
    let stopped = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok());
    if stopped
        .into_iter()
        .any(|line| matches!(line.homeroom, Message::Stopped(true)))
    {
        eprintln!("The platform on {} has ended.", state.display());
    } else {
        eprintln!("No platform runs on {}.", state.display());
    }
    Ok(())
}

fn print_welcome(ready: &Ready, time: &str) {
    println!("\n  Homeroom is running, {time} after you asked for it.\n");
    println!("  {:<16} {}", "Public", ready.public);
    println!("  {:<16} {}/api/docs/", "Documentation", ready.public);
    for school in &ready.schools {
        println!("  {:<16} {}", school.slug, school.url);
    }
    if let Some(bridge) = &ready.bridge {
        println!("  {:<16} {}", "SMPP bridge", bridge.url);
        println!("  {:<16} {}", "", bridge.dashboard);
        println!("  {:<16} {}", "  its gRPC", bridge.grpc);
        println!("  {:<16} {}", "  its centre", bridge.smsc);
    }
    println!("\n  {:<16} {:<24} {:<26} Password", "Where", "Who", "Email");
    println!("  {}", "─".repeat(86));
    let row = |place: &str, who: &str, sign_in: &SignIn| {
        println!(
            "  {place:<16} {who:<24} {:<26} {}",
            sign_in.email, sign_in.password
        );
    };
    row("platform", "platform administrator", &ready.platform_admin);
    for school in &ready.schools {
        row(&school.slug, "administrator", &school.admin);
        row("", "teacher", &school.teacher);
        row("", "student", &school.student);
    }
    println!();
}
