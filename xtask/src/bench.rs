//! `cargo xtask bench`: the school area beside its peers in Hono on one workerd, and the SMS bridge beside Kannel.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{cargo, logged, root, tool};
use crate::progress::Step;
use crate::{pack, tools, workers};

/// Optimised for speed, where the Workers are for size.
const BRIDGE_PROFILE: &str = "native";

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
    /// Only the SMS bridge, beside Kannel
    #[arg(long, conflicts_with_all = ["routes", "profile", "academics"])]
    sms: bool,
    /// Instead of timing: by function, where the CPU of one route goes, ours and the peer's
    #[arg(long, value_name = "ROUTE")]
    profile: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require()?;
    if options.sms {
        return sms(options);
    }
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
    if options.routes.is_empty() && !options.academics {
        sms(options)?;
    }
    Ok(())
}

/// The bridge as it is deployed, and the programs that measure it.
fn sms(options: &Options) -> Result<()> {
    let step = Step::start("the bridge, optimised");
    let mut build = cargo();
    build.args([
        "build",
        "--package",
        "homeroom-bridge",
        "--profile",
        BRIDGE_PROFILE,
        "--bins",
        "--examples",
    ]);
    logged(&step, "bridge-release", &mut build)?;
    step.done("");
    let folder = root().join("target").join(BRIDGE_PROFILE);
    run_node(options, &["bench/sms.mjs"], ("HOMEROOM_BRIDGE", &folder))
}

fn node(options: &Options, arguments: &[&str], generator: &Path) -> Result<()> {
    run_node(options, arguments, ("HOMEROOM_GENERATOR", generator))
}

fn run_node(options: &Options, arguments: &[&str], (name, path): (&str, &Path)) -> Result<()> {
    let mut node = tool("node");
    node.args(arguments).env(name, path);
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
