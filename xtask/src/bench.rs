//! `cargo xtask bench`: the school area beside its peers in Hono, on one workerd.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::tool;
use crate::{pack, tools, workers};

#[derive(Args)]
pub(crate) struct Options {
    /// Fewer requests and rounds: for a first look, not for a decision
    #[arg(long)]
    quick: bool,
    /// Time these routes only, for example me,list
    #[arg(long, value_delimiter = ',')]
    routes: Vec<String>,
    /// Only what a school year costs at 500 and 2,000 students, without the peers
    #[arg(long, conflicts_with_all = ["routes", "profile"])]
    academics: bool,
    /// Instead of timing: by function, where the CPU of one route goes, ours and the peer's
    #[arg(long, value_name = "ROUTE")]
    profile: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require()?;
    pack::build(&workers::all()?)?;
    let generator = pack::build_generator()?;

    if let Some(route) = &options.profile {
        return node(options, &["bench/profile.mjs", route], &generator);
    }
    if !options.academics {
        node(options, &["bench/bench.mjs"], &generator)?;
    }
    if options.routes.is_empty() {
        node(options, &["bench/academics.mjs"], &generator)?;
    }
    Ok(())
}

fn node(options: &Options, arguments: &[&str], generator: &Path) -> Result<()> {
    let mut node = tool("node");
    node.args(arguments).env("HOMEROOM_GENERATOR", generator);
    if options.quick {
        node.arg("--quick");
    }
    if !options.routes.is_empty() {
        node.arg(format!("--routes={}", options.routes.join(",")));
    }
    let status = node.status().context("node does not start")?;
    if !status.success() {
        bail!("the benchmark did not come to its end");
    }
    Ok(())
}
