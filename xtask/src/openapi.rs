//! `cargo xtask openapi`: the documents, written by a small program of their own so that the other commands need not be
//! linked with every area.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::process::{self, cargo, root, target};
use crate::progress::Step;

const WRITER: &str = "homeroom-openapi";

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail when what is committed is not what the code says
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let step = Step::start("Writing the OpenAPI documents");
    if options.check {
        check(&step)?;
    } else {
        write(&step, &root().join("openapi"))?;
    }
    step.done("");
    Ok(())
}

fn write(step: &Step, folder: &Path) -> Result<()> {
    process::run(
        step,
        cargo().args(["run", "--package", WRITER, "--"]).arg(folder),
    )
}

/// Fails when the committed documents differ from those that the code makes.
pub(crate) fn check(step: &Step) -> Result<()> {
    let fresh = target().join("openapi");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    write(step, &fresh)?;
    let mut documents = 0;
    for entry in fs::read_dir(&fresh)? {
        let entry = entry?;
        let committed = root().join("openapi").join(entry.file_name());
        if fs::read(entry.path())? != fs::read(&committed).unwrap_or_default() {
            bail!(
                "{} is not what the code says: run `cargo xtask openapi` and commit the result",
                committed.display()
            );
        }
        documents += 1;
    }
    if documents == 0 {
        bail!("{WRITER} wrote no documents");
    }
    Ok(())
}
