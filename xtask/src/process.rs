//! Running the tools that the commands are made of.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::Step;

/// How much of a failed tool's output is shown.
const TAIL: usize = 60;

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap_or_else(|_| PathBuf::from("."))
}

/// A tool that runs in the folder of the checkout.
pub(crate) fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    tool(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The folder of cargo's output.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Runs a tool to its end, shows its last line as the step's progress, and the end of its output only when it fails.
pub(crate) fn run(step: &Step, command: &mut Command) -> Result<()> {
    watched(step, command, &mut std::io::sink())
}

/// The same, with all output kept in `target/checks/<name>.log`.
pub(crate) fn logged(step: &Step, name: &str, command: &mut Command) -> Result<()> {
    let folder = target().join("checks");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.log"));
    let mut log =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    watched(step, command, &mut log)
        .with_context(|| format!("all of the output is in {}", path.display()))
}

fn watched(step: &Step, command: &mut Command, log: &mut dyn Write) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (output, input) = std::io::pipe()?;
    let spawned = command.stdout(input.try_clone()?).stderr(input).spawn();
    // The command holds the pipe's other end, and reading goes on as long as anybody does.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = spawned.with_context(|| format!("{name} does not start"))?;
    let mut tail = VecDeque::with_capacity(TAIL);
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        writeln!(log, "{line}")?;
        step.at(line.trim());
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    let status = child
        .wait()
        .with_context(|| format!("{name} cannot be waited for"))?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", Vec::from(tail).join("\n"));
    }
    Ok(())
}

/// The output of a tool, or why there is none.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{name} does not start"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr]
            .map(|text| String::from_utf8_lossy(&text).trim().to_owned());
        bail!(
            "{name} failed ({}):\n{}",
            output.status,
            said.join("\n").trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
