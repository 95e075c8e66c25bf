//! What each check does.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::Options;
use crate::pack::Programs;
use crate::process::{self, cargo, logged, output, root, target, tool};
use crate::progress::Step;
use crate::{pack, tools, workers};

const WASM: &str = "wasm32-unknown-unknown";
const CARGO_DENY: &str = "0.20.2";

/// What the bridge is made of and no Worker may be.
const NATIVE: [&str; 7] = [
    "homeroom-bridge",
    "hyper",
    "ring",
    "rusqlite",
    "rustls",
    "tonic",
    "tracing",
];

/// Packages that the inner crates must not reach, whatever the way.
const BOUNDARIES: [(&str, &[&str]); 5] = [
    (
        "homeroom-kernel",
        &[
            "worker",
            "axum",
            "http",
            "rusqlite",
            "tokio",
            "futures-util",
        ],
    ),
    (
        "homeroom-domain",
        &["worker", "axum", "http", "rusqlite", "tokio"],
    ),
    (
        "homeroom-objects",
        &["worker", "axum", "http", "rusqlite", "tokio"],
    ),
    (
        "homeroom-store",
        &["worker", "axum", "http", "rusqlite", "tokio"],
    ),
    (
        "homeroom-sms-contract",
        &["worker", "axum", "http", "rusqlite", "tokio"],
    ),
];

pub(super) fn format(step: &Step, _: &Options) -> Result<()> {
    logged(step, "format", cargo().args(["fmt", "--all", "--check"]))
}

pub(super) fn clippy_native(step: &Step, _: &Options) -> Result<()> {
    logged(
        step,
        "clippy-native",
        cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )
}

pub(super) fn clippy_wasm(step: &Step, _: &Options) -> Result<()> {
    let mut command = cargo();
    command.args(["clippy", "--target", WASM]);
    for worker in workers::all()? {
        command.args(["--package", worker.name()]);
    }
    // The crates that only Workers use have code for this target alone.
    command.args([
        "--package",
        "homeroom-edge",
        "--package",
        "homeroom-store-d1",
        "--",
        "-D",
        "warnings",
    ]);
    logged(step, "clippy-wasm", &mut command)
}

pub(super) fn native_tests(step: &Step, options: &Options) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    // A snapshot that differs is a failure here, not a file to look at.
    command.env("INSTA_UPDATE", "no");
    // A machine without PostgreSQL fails here, and says what to install.
    command.env_remove("HOMEROOM_NO_POSTGRES");
    if options.long {
        command.env("PROPTEST_CASES", "10000");
        command.env("HOMEROOM_LONG", "1");
    }
    logged(step, "native-tests", &mut command)
}

/// With the program that the tests were built with: alone it would be compiled with other features.
pub(super) fn documents(step: &Step, _: &Options) -> Result<()> {
    let mut build = cargo();
    build.args(["test", "--workspace", "--no-run"]);
    logged(step, "openapi-build", &mut build)?;
    let mut program = tool(target().join("debug/openapi"));
    process::run(step, program.arg("--check"))
}

pub(super) fn documentation(step: &Step, _: &Options) -> Result<()> {
    let mut command = cargo();
    command
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    logged(step, "documentation", &mut command)
}

pub(super) fn boundaries(_: &Step, _: &Options) -> Result<()> {
    for (package, forbidden) in BOUNDARIES {
        for target in [None, Some(WASM)] {
            without(package, forbidden, target)?;
        }
    }
    for worker in workers::all()? {
        without(worker.name(), &NATIVE, Some(WASM))?;
    }
    Ok(())
}

/// Fails when a package reaches a forbidden one by dependencies that are not for development.
fn without(package: &str, forbidden: &[&str], target: Option<&str>) -> Result<()> {
    let mut command = cargo();
    command.args([
        "tree",
        "--package",
        package,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    command.args(
        target
            .map(|target| ["--target", target])
            .into_iter()
            .flatten(),
    );
    let tree = output(&mut command)?;
    let mut names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    if let Some(name) = names.find(|name| forbidden.contains(name)) {
        bail!(
            "{package} must not depend on {name}: `cargo tree --package {package} --invert {name}` shows the way"
        );
    }
    Ok(())
}

pub(super) fn build(_: &Step, _: &Options) -> Result<()> {
    pack::build_panicking()?;
    pack::build(&workers::all()?)?;
    // Here, because the other lane's compilers would keep the runtime tests waiting.
    pack::build_programs().map(drop)
}

pub(super) fn runtime_tests(step: &Step, options: &Options) -> Result<()> {
    let mut command = tool("node");
    command.args([
        "node_modules/vitest/vitest.mjs",
        "run",
        "--root",
        "tests/runtime",
    ]);
    command.env("HOMEROOM_BRIDGE", Programs::built().bridge);
    if options.long {
        command.env("HOMEROOM_LONG", "1");
    }
    logged(step, "runtime-tests", &mut command)
}

pub(super) fn conformance(step: &Step, options: &Options) -> Result<()> {
    let examples = if options.long { "200" } else { "10" };
    let mut command = tool("node");
    command
        .arg("tests/runtime/conformance/run.mjs")
        .arg(schemathesis(step)?)
        .arg(examples);
    logged(step, "conformance", &mut command)
}

/// The program, in a virtual environment that all checkouts share.
fn schemathesis(step: &Step) -> Result<PathBuf> {
    let requirements = root().join("tests/runtime/conformance/requirements.txt");
    let pinned = fs::read_to_string(&requirements)?;
    let version = pinned
        .lines()
        .find_map(|line| line.strip_prefix("schemathesis=="))
        .context("schemathesis is not pinned")?;
    let venv = tools::cache()?.join(format!("schemathesis-{version}"));
    let program = venv.join("bin/schemathesis");
    let stamp = venv.join("requirements.txt");
    if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(program);
    }
    logged(
        step,
        "venv",
        tool("python3").args(["-m", "venv", "--clear"]).arg(&venv),
    )
    .context(
        "python3 has no venv module: install it from your system's packages (Debian: python3-venv)",
    )?;
    let mut pip = tool(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--requirement",
    ])
    .arg(&requirements);
    logged(step, "pip", &mut pip)?;
    fs::write(stamp, pinned)?;
    Ok(program)
}

pub(super) fn deployment(step: &Step, _: &Options) -> Result<()> {
    logged(
        step,
        "deployment",
        tool(std::env::current_exe()?).args(["deploy", "--dry-run"]),
    )
}

pub(super) fn licences(step: &Step, _: &Options) -> Result<()> {
    let program = cargo_deny(step)?;
    // Advisories are not in it: their database is fetched from a host that CI may not reach.
    let mut all = tool(&program);
    all.args([
        "check",
        "--allow",
        "duplicate",
        "bans",
        "licenses",
        "sources",
    ]);
    logged(step, "licences", &mut all)?;
    let mut workers = tool(&program);
    workers.args(["--exclude", "homeroom-bridge", "check", "bans"]);
    logged(step, "duplicates", &mut workers)
}

fn cargo_deny(step: &Step) -> Result<PathBuf> {
    let folder = tools::cache()?.join(format!("cargo-deny-{CARGO_DENY}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        let mut command = cargo();
        command
            .args([
                "install",
                "--locked",
                "--version",
                CARGO_DENY,
                "cargo-deny",
                "--root",
            ])
            .arg(&folder);
        // It runs for a second: not worth the time of an optimised build.
        command.env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        command.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command.env_remove("CARGO_TARGET_DIR");
        logged(step, "cargo-deny", &mut command)?;
    }
    Ok(program)
}
