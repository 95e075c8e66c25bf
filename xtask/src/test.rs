//! `cargo xtask test`: everything that CI holds a change to.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{cargo, logged, output, root, tool};
use crate::progress::{Step, Stopwatch, seconds};
use crate::{migrations, openapi, pack, tools, workers};

const WASM: &str = "wasm32-unknown-unknown";
const CARGO_DENY: &str = "0.20.2";

/// Packages that the inner crates must not reach, whatever the way.
const BOUNDARIES: [(&str, &[&str]); 4] = [
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
];

#[derive(Args)]
pub(crate) struct Options {
    /// More generated cases and more rounds of everything that is random
    #[arg(long)]
    long: bool,
    /// Only the checks whose name contains one of these words
    only: Vec<String>,
}

/// The failure that the table has shown.
#[derive(Debug)]
pub(crate) struct AlreadyTold;

impl std::fmt::Display for AlreadyTold {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("some checks failed")
    }
}

impl std::error::Error for AlreadyTold {}

/// A check: its name, what it does, and the checks without which it says nothing.
struct Check {
    name: &'static str,
    run: fn(&Step, &Options) -> Result<()>,
    needs: &'static [&'static str],
}

const BUILD: &str = "WebAssembly build and sizes";

const CHECKS: [Check; 13] = [
    Check {
        name: "format",
        run: format,
        needs: &[],
    },
    Check {
        name: "migrations unchanged",
        run: |_, _| migrations::check(),
        needs: &[],
    },
    Check {
        name: "crate boundaries",
        run: boundaries,
        needs: &[],
    },
    Check {
        name: "clippy, native",
        run: clippy_native,
        needs: &[],
    },
    Check {
        name: "clippy, WebAssembly",
        run: clippy_wasm,
        needs: &[],
    },
    Check {
        name: "native tests",
        run: native_tests,
        needs: &[],
    },
    Check {
        name: "documentation",
        run: documentation,
        needs: &[],
    },
    Check {
        name: "OpenAPI documents current",
        run: |step, _| openapi::check(step),
        needs: &[],
    },
    Check {
        name: BUILD,
        run: build,
        needs: &[],
    },
    Check {
        name: "runtime tests",
        run: runtime_tests,
        needs: &[BUILD],
    },
    Check {
        name: "conformance to the documents",
        run: conformance,
        needs: &[BUILD],
    },
    Check {
        name: "deployment packs",
        run: deployment,
        needs: &[BUILD],
    },
    Check {
        name: "licences, bans, sources",
        run: licences,
        needs: &[],
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require_for_checks()?;
    tools::require()?;
    let wanted = |check: &&Check| {
        options.only.is_empty() || options.only.iter().any(|word| check.name.contains(word))
    };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for check in CHECKS.iter().filter(wanted) {
        let watch = Stopwatch::start();
        let step = Step::start(check.name);
        let outcome = match check.needs.iter().find(|need| failed.contains(*need)) {
            Some(need) => Err(anyhow::anyhow!("not run, because this failed: {need}")),
            None => (check.run)(&step, options),
        };
        let verdict = match &outcome {
            Ok(()) => {
                step.done("");
                "passed"
            }
            Err(error) => {
                drop(step);
                eprintln!(
                    "  ✗ {:<44} {:>12}\n{error:#}\n",
                    check.name,
                    seconds(watch.elapsed())
                );
                failed.push(check.name);
                "FAILED"
            }
        };
        rows.push((check.name, verdict, seconds(watch.elapsed())));
    }

    println!("\n  {:<34} {:<8} {:>14}", "Check", "Result", "Time");
    println!("  {}", "─".repeat(58));
    for (name, verdict, time) in &rows {
        println!("  {name:<34} {verdict:<8} {time:>14}");
    }
    println!(
        "\n{} passed, {} failed",
        rows.len() - failed.len(),
        failed.len()
    );
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("failed: {}", failed.join(", "))
    }
}

fn format(step: &Step, _: &Options) -> Result<()> {
    logged(step, "format", cargo().args(["fmt", "--all", "--check"]))
}

fn clippy_native(step: &Step, _: &Options) -> Result<()> {
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

fn clippy_wasm(step: &Step, _: &Options) -> Result<()> {
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

fn native_tests(step: &Step, options: &Options) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    // A snapshot that differs is a failure here, not a file to look at.
    command.env("INSTA_UPDATE", "no");
    if options.long {
        command.env("PROPTEST_CASES", "10000");
    }
    logged(step, "native-tests", &mut command)
}

fn documentation(step: &Step, _: &Options) -> Result<()> {
    let mut command = cargo();
    command
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    logged(step, "documentation", &mut command)
}

fn boundaries(_: &Step, _: &Options) -> Result<()> {
    for (package, forbidden) in BOUNDARIES {
        for target in [None, Some(WASM)] {
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
            let names = tree
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            if let Some(name) = names.into_iter().find(|name| forbidden.contains(name)) {
                bail!(
                    "{package} must not depend on {name}: `cargo tree --package {package} --invert {name}` shows the way"
                );
            }
        }
    }
    Ok(())
}

fn build(_: &Step, _: &Options) -> Result<()> {
    pack::build_panicking()?;
    pack::build(&workers::all()?)
}

fn runtime_tests(step: &Step, options: &Options) -> Result<()> {
    let mut command = tool("node");
    command.args([
        "node_modules/vitest/vitest.mjs",
        "run",
        "--root",
        "tests/runtime",
    ]);
    if options.long {
        command.env("HOMEROOM_LONG", "1");
    }
    logged(step, "runtime-tests", &mut command)
}

fn conformance(step: &Step, options: &Options) -> Result<()> {
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

fn deployment(step: &Step, _: &Options) -> Result<()> {
    logged(
        step,
        "deployment",
        tool(std::env::current_exe()?).args(["deploy", "--dry-run"]),
    )
}

fn licences(step: &Step, _: &Options) -> Result<()> {
    let mut command = tool(cargo_deny(step)?);
    // Advisories are not in it: their database is fetched from a host that CI may not reach.
    command.args(["check", "bans", "licenses", "sources"]);
    logged(step, "licences", &mut command)
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
