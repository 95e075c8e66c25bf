//! Python with the packages of a list in `tests/bridge`, made once per machine and change of that list.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

const LISTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bridge");
const NO_VENV: &str = "these tests need Python 3.9 or newer with its venv module: install it from your system's packages (Debian: python3-venv)";
const NO_PACKAGES: &str =
    "the pinned Python packages cannot be installed: is the package index reachable?";

/// Where it is. A machine without Python fails here, and says what to install.
pub(crate) async fn python() -> &'static Path {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    with(&PYTHON, "requirements.txt", &[]).await
}

/// The one with Jasmin, of whose packages only the named ones are wanted.
pub(crate) async fn jasmin() -> &'static Path {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    with(&PYTHON, "jasmin.txt", &["--no-deps"]).await
}

async fn with(
    made: &'static OnceCell<PathBuf>,
    list: &'static str,
    options: &'static [&str],
) -> &'static Path {
    let install = move || install(&Path::new(LISTS).join(list), options);
    made.get_or_init(|| async { tokio::task::spawn_blocking(install).await.unwrap() })
        .await
}

fn install(list: &Path, options: &[&str]) -> PathBuf {
    let digest = format!("{:x}", Sha256::digest(fs::read(list).unwrap()));
    let folder = cache().join(format!("bridge-peers-{digest:.12}"));
    fs::create_dir_all(&folder).unwrap();
    // Of several test programs and checkouts, one installs.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let done = folder.join("installed");
    if !done.exists() || !python.exists() {
        succeed(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
            NO_VENV,
        );
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]);
        pip.args(["--disable-pip-version-check", "--requirement"]);
        pip.arg(list).args(options);
        succeed(&mut pip, NO_PACKAGES);
        File::create(done).unwrap();
    }
    python
}

/// The folder where `cargo xtask test` keeps its tools too.
fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("homeroom")
}

fn succeed(command: &mut Command, remedy: &str) {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{remedy} ({error})"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{remedy}\n{said}");
}
