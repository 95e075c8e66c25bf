//! Fuzzing guided by coverage: libFuzzer around the targets of `bridge/fuzz`, on the stable compiler.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::process::{cargo, logged, output, root, tool};
use crate::progress::Step;

/// What libFuzzer needs to see the way that an input takes. `cargo fuzz` asks for the same, and for a sanitizer, which only nightly compilers have.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table --cfg fuzzing";

pub(super) fn fuzz(step: &Step, _: &Options) -> Result<()> {
    let seconds = std::env::var("HOMEROOM_FUZZ_SECONDS").unwrap_or_else(|_| "60".to_owned());
    let folder = root().join("bridge/fuzz");
    let version = output(tool("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not say what it runs on")?;
    let mut build = cargo();
    build
        .current_dir(&folder)
        .args(["build", "--release", "--locked", "--target", host])
        .env("RUSTFLAGS", COVERAGE)
        .env_remove("CARGO_TARGET_DIR");
    logged(step, "fuzz-build", &mut build)?;
    let program = folder.join("target").join(host).join("release/fuzz");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("seeds"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    ensure!(!names.is_empty(), "there are no targets");
    for name in names {
        let corpus = folder.join("corpus").join(&name);
        let found = folder.join("artifacts").join(&name);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        let mut run = tool(&program);
        run.env("HOMEROOM_FUZZ_TARGET", &name)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048"])
            .arg("-print_final_stats=1")
            // What is new goes into the first; both are read.
            .args([corpus, folder.join("seeds").join(&name)]);
        let what = format!("{name}: an input that stops it is in {}", found.display());
        logged(step, &format!("fuzz-{name}"), &mut run).context(what)?;
    }
    Ok(())
}
