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
        eprintln!("  ✓ {name:<44} {time:>12}  {remark}");
    }

    fn stop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
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
        let detail = detail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let line = format!("  … {name:<44} {:>12}  {detail}", seconds(watch.elapsed()));
        if terminal {
            eprint!("\r\x1b[2K{}", line.chars().take(110).collect::<String>());
            let _ = stderr().flush();
        } else {
            eprintln!("{}", line.trim_end());
        }
    }
    if terminal {
        eprint!("\r\x1b[2K");
    }
}
