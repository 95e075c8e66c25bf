//! `cargo xtask migrate`: databases first, before the code that needs them.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::migrations;
use crate::process::{self, root, tool};
use crate::progress::Step;
use crate::slots::{CONTROL, apply_migrations};
use crate::workers::{self, Worker};

#[derive(Args)]
pub(crate) struct Options {
    /// The databases of the Cloudflare account, instead of this machine's
    #[arg(long)]
    remote: bool,
    /// The slot that is migrated before all others
    #[arg(long, default_value = "SLOT_0001", value_name = "SLOT")]
    canary: String,
    /// The folder of the local databases [default: .state at the top of the checkout]
    #[arg(long, conflicts_with = "remote")]
    state: Option<PathBuf>,
    /// Record new migration files as shipped; they never change from then on
    #[arg(long, conflicts_with_all = ["remote", "state"])]
    lock: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.lock {
        return migrations::lock();
    }
    if options.remote {
        migrations::check()?;
        remote(&options.canary)
    } else {
        local(options)
    }
}

fn local(options: &Options) -> Result<()> {
    let state = match &options.state {
        Some(state) => std::path::absolute(state)?,
        None => root().join(".state"),
    };
    let step = Step::start("Migrating the local databases");
    process::run(&step, tool("node").arg("xtask/js/prepare.mjs").arg(state))?;
    step.done("");
    Ok(())
}

/// Control database, canary, then the others; what an interrupted run has done is not repeated.
fn remote(canary: &str) -> Result<()> {
    let worker = owner()?;
    let mut bindings = worker.bindings();
    if !bindings.iter().any(|binding| binding == canary) {
        bail!("there is no slot {canary}");
    }
    bindings.sort_by_key(|binding| (binding != "CONTROL", binding != canary, binding.clone()));

    let mut journal = Journal::open()?;
    let step = Step::start("Migrating the account's databases");
    let mut skipped = 0;
    for (binding, number) in bindings.iter().zip(1..) {
        if journal.has(binding) {
            skipped += 1;
            continue;
        }
        step.at(format!("{binding}, {number} of {}", bindings.len()));
        apply_migrations(binding, &worker.config_path).with_context(|| {
            format!(
                "{} of {} databases are done; run the command again to go on",
                number - 1,
                bindings.len()
            )
        })?;
        journal.record(binding)?;
    }
    step.done(&format!(
        "{} databases, {skipped} done by an earlier run",
        bindings.len()
    ));
    Ok(())
}

/// A Worker that is bound to the control database and all slots.
pub(crate) fn owner() -> Result<Worker> {
    let owner = workers::all()?
        .into_iter()
        .find(|worker| worker.databases().contains_key(CONTROL));
    owner.context("no Worker is bound to the control database")
}

/// Which databases have all of today's migrations, as far as this machine knows; each database keeps its own record too.
struct Journal {
    path: PathBuf,
    done: BTreeSet<String>,
}

impl Journal {
    fn open() -> Result<Self> {
        let folder = root().join("target/migrate");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.done", migrations::fingerprint()?));
        let done = fs::read_to_string(&path)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect();
        Ok(Self { path, done })
    }

    fn has(&self, binding: &str) -> bool {
        self.done.contains(binding)
    }

    fn record(&mut self, binding: &str) -> Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        writeln!(file, "{binding}")?;
        self.done.insert(binding.to_owned());
        Ok(())
    }
}
