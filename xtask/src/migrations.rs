//! The migration files: append-only, which `schema/shipped.lock` holds them to.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::process::root;

const FOLDERS: [&str; 2] = ["schema/control", "schema/tenant"];
const LOCK: &str = "schema/shipped.lock";

/// Path to hash, in the order in which they are applied.
type Hashes = BTreeMap<String, String>;

fn present() -> Result<Hashes> {
    let mut hashes = Hashes::new();
    for folder in FOLDERS {
        for entry in
            fs::read_dir(root().join(folder)).with_context(|| format!("reading {folder}"))?
        {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if std::path::Path::new(&name)
                .extension()
                .is_some_and(|extension| extension == "sql")
            {
                let path = format!("{folder}/{name}");
                let hash = HEXLOWER.encode(&Sha256::digest(fs::read(root().join(&path))?));
                hashes.insert(path, hash);
            }
        }
    }
    Ok(hashes)
}

fn shipped() -> Result<Hashes> {
    let text = fs::read_to_string(root().join(LOCK)).with_context(|| format!("reading {LOCK}"))?;
    let pairs = text.lines().filter_map(|line| line.split_once("  "));
    Ok(pairs
        .map(|(hash, path)| (path.to_owned(), hash.to_owned()))
        .collect())
}

/// Fails when a shipped migration has changed, or one is not recorded yet.
pub(crate) fn check() -> Result<()> {
    let present = present()?;
    let shipped = shipped()?;
    unchanged(&present, &shipped)?;
    let new: Vec<_> = present
        .keys()
        .filter(|path| !shipped.contains_key(*path))
        .map(String::as_str)
        .collect();
    if !new.is_empty() {
        bail!(
            "not in {LOCK} yet: {}; record them with `cargo xtask migrate --lock`",
            new.join(", ")
        );
    }
    Ok(())
}

/// Records new files; a changed one is refused.
pub(crate) fn lock() -> Result<()> {
    let present = present()?;
    if let Ok(shipped) = shipped() {
        unchanged(&present, &shipped)?;
    }
    fs::write(root().join(LOCK), lines(&present))?;
    eprintln!("  {} migrations are recorded in {LOCK}.", present.len());
    Ok(())
}

fn unchanged(present: &Hashes, shipped: &Hashes) -> Result<()> {
    for (path, hash) in shipped {
        match present.get(path) {
            Some(now) if now == hash => {}
            Some(_) => bail!(
                "{path} has shipped and must not change: undo the change and add a new migration"
            ),
            None => bail!("{path} has shipped and must not go: restore it"),
        }
    }
    Ok(())
}

/// Stands for the set of all migrations.
pub(crate) fn fingerprint() -> Result<String> {
    Ok(HEXLOWER.encode(&Sha256::digest(lines(&present()?))))
}

fn lines(hashes: &Hashes) -> String {
    hashes.iter().fold(String::new(), |text, (path, hash)| {
        text + hash + "  " + path + "\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(pairs: &[(&str, &str)]) -> Hashes {
        pairs
            .iter()
            .map(|(path, hash)| ((*path).to_owned(), (*hash).to_owned()))
            .collect()
    }

    #[test]
    fn a_new_migration_may_come_but_a_shipped_one_may_neither_change_nor_go() {
        let shipped = hashes(&[("a", "1")]);
        assert!(unchanged(&hashes(&[("a", "1"), ("b", "2")]), &shipped).is_ok());
        assert!(unchanged(&hashes(&[("a", "2")]), &shipped).is_err());
        assert!(unchanged(&hashes(&[("b", "2")]), &shipped).is_err());
    }
}
