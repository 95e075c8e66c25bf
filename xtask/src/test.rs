//! `cargo xtask test`: everything that CI holds a change to.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::progress::{Step, Stopwatch, say, seconds};
use crate::{migrations, tools};

mod checks;
mod fuzz;

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
    lane: Lane,
    run: fn(&Step, &Options) -> Result<()>,
    needs: &'static [&'static str],
}

/// Checks of one lane run one after the other, and the two lanes at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Compilers: cargo lets one at a time into its folder anyway.
    Cargo,
    /// The built platform: it waits for itself much of the time, and leaves the other lane a core.
    Platform,
}

const BUILD: &str = "WebAssembly build and sizes";
const TESTS: &str = "native tests";
/// Only with `--long`: its first build takes minutes.
const FUZZ: &str = "fuzzing guided by coverage";

/// In the order in which they run. The build comes early, because the other lane waits for it.
const CHECKS: [Check; 14] = [
    Check {
        name: "format",
        lane: Lane::Cargo,
        run: checks::format,
        needs: &[],
    },
    Check {
        name: "migrations unchanged",
        lane: Lane::Cargo,
        run: |_, _| migrations::check(),
        needs: &[],
    },
    Check {
        name: "crate boundaries",
        lane: Lane::Cargo,
        run: checks::boundaries,
        needs: &[],
    },
    Check {
        name: "licences, bans, sources",
        lane: Lane::Platform,
        run: checks::licences,
        needs: &[],
    },
    Check {
        name: BUILD,
        lane: Lane::Cargo,
        run: checks::build,
        needs: &[],
    },
    Check {
        name: "clippy, native",
        lane: Lane::Cargo,
        run: checks::clippy_native,
        needs: &[],
    },
    Check {
        name: "clippy, WebAssembly",
        lane: Lane::Cargo,
        run: checks::clippy_wasm,
        needs: &[],
    },
    Check {
        name: "documentation",
        lane: Lane::Cargo,
        run: checks::documentation,
        needs: &[],
    },
    Check {
        name: TESTS,
        lane: Lane::Cargo,
        run: checks::native_tests,
        needs: &[],
    },
    Check {
        name: "OpenAPI documents current",
        lane: Lane::Cargo,
        run: checks::documents,
        needs: &[],
    },
    Check {
        name: FUZZ,
        lane: Lane::Platform,
        run: fuzz::fuzz,
        needs: &[],
    },
    Check {
        name: "conformance to the documents",
        lane: Lane::Platform,
        run: checks::conformance,
        needs: &[BUILD],
    },
    Check {
        name: "deployment packs",
        lane: Lane::Platform,
        run: checks::deployment,
        needs: &[BUILD],
    },
    Check {
        name: "runtime tests",
        lane: Lane::Platform,
        run: checks::runtime_tests,
        needs: &[BUILD],
    },
];

/// What has ended, and how.
#[derive(Default)]
struct Board {
    ended: Mutex<BTreeMap<&'static str, Row>>,
    changed: Condvar,
}

struct Row {
    verdict: &'static str,
    time: String,
}

const PASSED: &str = "passed";
const FAILED: &str = "FAILED";

impl Board {
    /// Waits for the checks that a check needs; answers the one that failed, if any did.
    fn failed_need(&self, needs: &[&'static str]) -> Option<&'static str> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self
            .changed
            .wait_while(ended, |ended| {
                !needs.iter().all(|need| ended.contains_key(need))
            })
            .unwrap_or_else(PoisonError::into_inner);
        let failed = |need: &&&str| ended.get(*need).is_some_and(|row| row.verdict == FAILED);
        needs.iter().find(failed).copied()
    }

    fn note(&self, name: &'static str, row: Row) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.insert(name, row);
        self.changed.notify_all();
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::require()?;
    tools::require_for_checks()?;
    let watch = Stopwatch::start();
    let wanted: Vec<&Check> = CHECKS
        .iter()
        .filter(|check| options.long || check.name != FUZZ)
        .filter(|check| {
            options.only.is_empty() || options.only.iter().any(|word| check.name.contains(word))
        })
        .collect();
    let board = Board::default();
    thread::scope(|scope| {
        for lane in [Lane::Cargo, Lane::Platform] {
            let (wanted, board) = (&wanted, &board);
            scope.spawn(move || {
                for check in wanted.iter().filter(|check| check.lane == lane) {
                    let needs: Vec<_> = (check.needs.iter().copied())
                        .filter(|need| wanted.iter().any(|other| other.name == *need))
                        .collect();
                    let failed_need = board.failed_need(&needs);
                    board.note(check.name, perform(check, failed_need, options));
                }
            });
        }
    });
    let ended = board
        .ended
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    print_table(&wanted, &ended, watch)
}

fn perform(check: &Check, failed_need: Option<&str>, options: &Options) -> Row {
    let watch = Stopwatch::start();
    let step = Step::start(check.name);
    let outcome = match failed_need {
        Some(need) => Err(anyhow!("not run, because this failed: {need}")),
        None => (check.run)(&step, options),
    };
    let time = seconds(watch.elapsed());
    let verdict = match outcome {
        Ok(()) => {
            step.done("");
            PASSED
        }
        Err(error) => {
            drop(step);
            say(&format!("  ✗ {:<44} {time:>12}\n{error:#}\n", check.name));
            FAILED
        }
    };
    Row { verdict, time }
}

fn print_table(wanted: &[&Check], ended: &BTreeMap<&str, Row>, watch: Stopwatch) -> Result<()> {
    println!("\n  {:<34} {:<8} {:>14}", "Check", "Result", "Time");
    println!("  {}", "─".repeat(58));
    let mut failed = Vec::new();
    for check in wanted {
        let (verdict, time) = match ended.get(check.name) {
            Some(row) => (row.verdict, row.time.as_str()),
            // Its lane came to an end before its turn, which only a fault of this program does.
            None => (FAILED, "not run"),
        };
        println!("  {:<34} {verdict:<8} {time:>14}", check.name);
        if verdict != PASSED {
            failed.push(check.name);
        }
    }
    println!("  {}", "─".repeat(58));
    println!(
        "  {:<43} {:>14}",
        "All of it, two at a time",
        seconds(watch.elapsed())
    );
    println!(
        "\n{} passed, {} failed",
        wanted.len() - failed.len(),
        failed.len()
    );
    if failed.is_empty() {
        Ok(())
    } else {
        println!("failed: {}", failed.join(", "));
        Err(AlreadyTold.into())
    }
}
