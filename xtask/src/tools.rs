//! The tools of the machine: what is missing gets one sentence with its remedy.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::process::{self, root, tool};
use crate::progress::Step;

const NODE_MAJOR: u32 = 20;
const WASM: &str = "wasm32-unknown-unknown";

/// What building and running the Workers needs.
pub(crate) fn require() -> Result<()> {
    let step = Step::start("Checking the tools");
    let node = node_version()?;
    wasm_target(&step)?;
    step.done(&format!("node {node}"));
    npm_packages()
}

fn node_version() -> Result<String> {
    let remedy = "install Node.js 20 or newer from https://nodejs.org or your system's packages";
    let version = process::output(tool("node").arg("--version"))
        .map_err(|_| anyhow!("node is missing: {remedy}"))?;
    let version = version.trim().trim_start_matches('v').to_owned();
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MAJOR) {
        bail!("node {version} is too old: {remedy}");
    }
    Ok(version)
}

fn wasm_target(step: &Step) -> Result<()> {
    let library =
        process::output(tool("rustc").args(["--print", "target-libdir", "--target", WASM]))
            .context("rustc is missing: install it with rustup from https://rustup.rs")?;
    let installed = fs::read_dir(library.trim()).is_ok_and(|mut files| files.next().is_some());
    if installed {
        return Ok(());
    }
    step.at(format!("rustup target add {WASM}"));
    process::run(step, tool("rustup").args(["target", "add", WASM])).map_err(|error| {
        anyhow!(
            "the standard library for {WASM} is missing and rustup cannot add it: \
             see \"Without rustup's channel\" in docs/OPERATIONS.md ({error:#})"
        )
    })
}

/// Installs what package-lock.json names, when that is not what `node_modules` holds.
pub(crate) fn npm_packages() -> Result<()> {
    let lock = fs::read(root().join("package-lock.json")).context("reading package-lock.json")?;
    let hash = HEXLOWER.encode(&Sha256::digest(lock));
    let stamp = root().join("node_modules/.package-lock.sha256");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == hash) {
        return Ok(());
    }
    npm_ci("Installing the npm packages", &root())?;
    fs::write(stamp, hash)?;
    Ok(())
}

/// The same of the programs that the bridge is tested with. Its own tests know this stamp too; both lanes of checks need them.
fn bridge_peers() -> Result<()> {
    let folder = root().join("tests/bridge");
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm_ci("Installing the bridge's peers", &folder)?;
    fs::write(stamp, lock)?;
    Ok(())
}

fn npm_ci(name: &str, folder: &Path) -> Result<()> {
    let step = Step::start(name);
    let mut npm = tool("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel", "http"]);
    process::run(&step, npm.current_dir(folder)).context(
        "the npm packages cannot be installed: is the npm registry reachable, and npm on the PATH?",
    )?;
    step.done("");
    Ok(())
}

/// The programs that only the checks need.
pub(crate) fn require_for_checks() -> Result<()> {
    for (program, remedy) in [
        ("git", "install git from your system's packages"),
        (
            "python3",
            "install Python 3.9 or newer with its venv module from your system's packages",
        ),
    ] {
        process::output(tool(program).arg("--version"))
            .map_err(|_| anyhow!("{program} is missing: {remedy}"))?;
    }
    bridge_peers()
}

/// Where tools are kept that are worth building once per machine, not once per checkout.
pub(crate) fn cache() -> Result<std::path::PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(|path| Path::new(&path).to_path_buf());
    let base =
        base.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let folder = base
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("homeroom");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
