//! Steps with their time, for people who wait.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The only clock of xtask.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a command line tool may look at the clock"
    )]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

pub(crate) fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} min {:02} s", tenths / 600, tenths / 10 % 60)
    }
}

/// One announced step: prints its name and time when it ends, and shows signs of life while it lasts.
pub(crate) struct Step {
    name: String,
    watch: Stopwatch,
    detail: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Step {
    pub(crate) fn start(name: impl Into<String>) -> Self {
        let name = name.into();
        let watch = Stopwatch::start();
        let detail = Arc::new(Mutex::new(String::new()));
        let over = Arc::new(AtomicBool::new(false));
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Running {
                name: name.clone(),
                watch,
                detail: Arc::clone(&detail),
            });
        let ticker = thread::spawn({
            let (name, detail, over) = (name.clone(), Arc::clone(&detail), Arc::clone(&over));
            move || tick(&name, watch, &detail, &over)
        });
        Self {
            name,
            watch,
            detail,
            over,
            ticker: Some(ticker),
        }
    }

    /// What the step is at, for the line that shows signs of life.
    pub(crate) fn at(&self, detail: impl Into<String>) {
        *self.detail.lock().unwrap_or_else(PoisonError::into_inner) = detail.into();
    }

    pub(crate) fn done(self, remark: &str) {
        let (name, time) = (self.name.clone(), seconds(self.watch.elapsed()));
        drop(self);
        say(&format!("  ✓ {name:<44} {time:>12}  {remark}"));
    }

    fn stop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|step| !Arc::ptr_eq(&step.detail, &self.detail));
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Steps that last, in the order of their start; on a terminal all of them share the last line.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

struct Running {
    name: String,
    watch: Stopwatch,
    detail: Arc<Mutex<String>>,
}

const CLEAR: &str = "\r\x1b[2K";

/// Prints whole lines, above the one that shows signs of life.
pub(crate) fn say(text: &str) {
    let clear = if stderr().is_terminal() { CLEAR } else { "" };
    let mut out = stderr().lock();
    // Standard error may be closed; there is nowhere else to say so.
    let _ = writeln!(out, "{clear}{text}");
}

fn tick(name: &str, watch: Stopwatch, detail: &Mutex<String>, over: &AtomicBool) {
    let terminal = stderr().is_terminal();
    let interval = if terminal {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(15)
    };
    loop {
        thread::park_timeout(interval);
        if over.load(Ordering::Relaxed) {
            break;
        }
        if terminal {
            eprint!("{CLEAR}{}", shared_line());
            let _ = stderr().flush();
        } else {
            let line = format!(
                "  … {name:<44} {:>12}  {}",
                seconds(watch.elapsed()),
                text_of(detail)
            );
            eprintln!("{}", line.trim_end());
        }
    }
    if terminal {
        eprint!("{CLEAR}");
    }
}

/// `… clippy 12.0 s: Checking axum │ conformance 1 min 02 s: POST /users/`, within 110 characters.
fn shared_line() -> String {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let room = 108 / running.len().max(1);
    let parts: Vec<String> = (running.iter())
        .map(|step| {
            let time = seconds(step.watch.elapsed());
            let text = format!("{} {time}  {}", step.name, text_of(&step.detail));
            text.trim_end()
                .chars()
                .take(room.saturating_sub(3))
                .collect()
        })
        .collect();
    format!("  … {}", parts.join(" │ "))
}

fn text_of(detail: &Mutex<String>) -> String {
    detail
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
