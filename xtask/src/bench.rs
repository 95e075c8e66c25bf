//! `cargo xtask bench`: the school area beside its peers in Hono, on one workerd.

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
    /// Instead of timing: by function, where the CPU of one route goes, ours and the peer's
    #[arg(long, value_name = "ROUTE")]
    profile: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require()?;
    pack::build(&workers::all()?)?;
    let generator = pack::build_generator()?;

    let mut node = tool("node");
    node.env("HOMEROOM_GENERATOR", generator);
    match &options.profile {
        Some(route) => node.args(["bench/profile.mjs", route]),
        None => node.arg("bench/bench.mjs"),
    };
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
