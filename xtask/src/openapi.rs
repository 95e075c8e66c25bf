//! `cargo xtask openapi`: the documents, written by a program of tests/api so that the other commands need not be linked
//! with every area.

use anyhow::Result;
use clap::Args;

use crate::process::{self, cargo};
use crate::progress::Step;

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail when what is committed is not what the code says
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        let step = Step::start("Comparing the documents of the API");
        check(&step)?;
        step.done("");
    } else {
        let step = Step::start("Writing the documents of the API");
        process::run(&step, &mut writer())?;
        step.done("");
    }
    Ok(())
}

/// Fails when the committed documents differ from those that the code makes.
pub(crate) fn check(step: &Step) -> Result<()> {
    process::run(step, writer().arg("--check"))
}

fn writer() -> std::process::Command {
    let mut command = cargo();
    command.args([
        "run",
        "--quiet",
        "--package",
        "homeroom-api-tests",
        "--bin",
        "openapi",
        "--",
    ]);
    command
}
