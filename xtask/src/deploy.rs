//! `cargo xtask deploy`: every Worker, each after those that it is bound to.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cloudflare::wrangler;
use crate::pack;
use crate::process::{self, root};
use crate::progress::Step;
use crate::slots::CONTROL;
use crate::tools;
use crate::workers::{self, Worker};

#[derive(Args)]
pub(crate) struct Options {
    /// Only pack, into target/deploy; needs no account
    #[arg(long)]
    dry_run: bool,
    /// The public domain; schools are below it
    #[arg(long, required_unless_present = "dry_run")]
    domain: Option<String>,
    /// What API keys are marked with
    #[arg(long, default_value = "live")]
    environment: String,
    /// A file with the line `MASTER_KEYS=…`, for the first deployment or a new key
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require()?;
    let workers = workers::all()?;
    if !options.dry_run {
        require_databases(&workers)?;
    }
    pack::build(&workers)?;
    for worker in &workers {
        let verb = if options.dry_run {
            "Packing"
        } else {
            "Deploying"
        };
        let step = Step::start(format!("{verb} {}", worker.name()));
        let mut command = wrangler();
        command
            .env(pack::PACKED, "1")
            .args(["deploy", "--config"])
            .arg(&worker.config_path);
        let domain = options.domain.as_deref();
        let has_data = !worker.databases().is_empty();
        if has_data {
            let domain = domain.unwrap_or("localhost");
            command.args(["--var", &format!("PUBLIC_DOMAIN:{domain}")]);
            command.args(["--var", &format!("ENVIRONMENT:{}", options.environment)]);
        }
        if let (true, Some(secrets)) = (has_data, &options.secrets) {
            command
                .arg("--secrets-file")
                .arg(std::path::absolute(secrets)?);
        }
        if let (true, Some(domain)) = (worker.is_public(), domain) {
            command.args([
                "--route",
                &format!("{domain}/*"),
                "--route",
                &format!("*.{domain}/*"),
            ]);
        }
        if options.dry_run {
            command
                .arg("--dry-run")
                .arg("--outdir")
                .arg(root().join("target/deploy").join(&worker.area));
        }
        let report = process::output(&mut command)
            .with_context(|| format!("deploying {}", worker.name()))?;
        let upload = report
            .lines()
            .find_map(|line| line.trim().strip_prefix("Total Upload: "))
            .unwrap_or_default();
        step.done(upload);
    }
    if options.dry_run {
        eprintln!("  Nothing was sent; what would be is in target/deploy.");
    }
    Ok(())
}

/// A database whose id is still its name exists on this machine only.
fn require_databases(workers: &[Worker]) -> Result<()> {
    let local = workers
        .iter()
        .any(|worker| worker.databases().iter().any(|(name, id)| name == id));
    if local {
        bail!(
            "some databases ({CONTROL} or slots) do not exist in the account yet: \
             create them with `cargo xtask slots add 0 --remote`, then migrate them with `cargo xtask migrate --remote`"
        );
    }
    Ok(())
}
