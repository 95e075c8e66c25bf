//! `cargo xtask slots`: the pool of databases that new schools claim, in every area's wrangler.toml.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::cloudflare;
use crate::process::{self, root};
use crate::progress::Step;
use crate::workers;

const BEGIN: &str = "# slots: begin\n";
const END: &str = "# slots: end\n";

pub(crate) const CONTROL: &str = "homeroom-control";

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: SlotsCommand,
}

#[derive(Subcommand)]
enum SlotsCommand {
    /// Bind more databases to every area that serves schools
    Add {
        /// How many; 0 with --remote only creates what the account lacks
        count: u32,
        /// Also create the databases in the Cloudflare account, and register them as free
        #[arg(long)]
        remote: bool,
    },
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let SlotsCommand::Add { count, remote } = options.command;
    let mut files = Files::read()?;
    let slots = files.slots.len() + usize::try_from(count)?;
    files.grow(slots);
    if remote {
        files.create_databases()?;
    }
    files.write()?;
    eprintln!("  {slots} slots are bound in {}.", files.names().join(", "));
    if remote {
        register(&files)?;
        eprintln!("  Next: cargo xtask migrate --remote, then cargo xtask deploy.");
    } else {
        eprintln!("  The local platform takes them up when it starts next.");
    }
    Ok(())
}

/// The configurations that bind the pool, and the ids of its databases.
struct Files {
    texts: Vec<(PathBuf, String)>,
    slots: Vec<String>,
    control: String,
}

impl Files {
    fn read() -> Result<Self> {
        let mut texts = Vec::new();
        let mut slots = Vec::new();
        let mut control = CONTROL.to_owned();
        for worker in workers::all()? {
            let text = fs::read_to_string(&worker.config_path)?;
            if !text.contains(BEGIN) {
                continue;
            }
            let bound = worker.databases();
            if let Some(id) = bound.get(CONTROL) {
                control.clone_from(id);
            }
            let of_worker: Vec<_> = (1..)
                .map_while(|number| bound.get(&slot_name(number)).cloned())
                .collect();
            if of_worker.len() > slots.len() {
                slots = of_worker;
            }
            texts.push((worker.config_path, text));
        }
        if texts.is_empty() {
            bail!("no wrangler.toml has the lines {BEGIN:?} and {END:?}");
        }
        Ok(Self {
            texts,
            slots,
            control,
        })
    }

    fn grow(&mut self, count: usize) {
        // Until the account has it, a database's id is its name.
        self.slots
            .extend((self.slots.len() + 1..=count).map(slot_name));
    }

    fn names(&self) -> Vec<String> {
        self.texts
            .iter()
            .map(|(path, _)| {
                path.strip_prefix(root())
                    .unwrap_or(path)
                    .display()
                    .to_string()
            })
            .collect()
    }

    fn create_databases(&mut self) -> Result<()> {
        let step = Step::start("Creating databases in the account");
        let known = cloudflare::databases()?;
        let names: Vec<_> = (1..=self.slots.len()).map(slot_name).collect();
        let missing: Vec<_> = [CONTROL.to_owned()]
            .into_iter()
            .chain(names.iter().cloned())
            .filter(|name| !known.contains_key(name))
            .collect();
        for name in &missing {
            step.at(name);
            process::output(cloudflare::wrangler().args(["d1", "create", name]))?;
        }
        let known = cloudflare::databases()?;
        let id = |name: &str| {
            known
                .get(name)
                .cloned()
                .with_context(|| format!("the account has no database {name}"))
        };
        self.control = id(CONTROL)?;
        self.slots = names.iter().map(|name| id(name)).collect::<Result<_>>()?;
        step.done(&format!("{} new", missing.len()));
        Ok(())
    }

    fn write(&self) -> Result<()> {
        for (path, text) in &self.texts {
            let (before, rest) = text
                .split_once(BEGIN)
                .context("the line `# slots: begin` is missing")?;
            let (_, after) = rest
                .split_once(END)
                .with_context(|| format!("{}: `# slots: end` is missing", path.display()))?;
            let before = with_control_id(before, &self.control);
            let slots: Vec<_> = self
                .slots
                .iter()
                .zip(1..)
                .map(|(id, number)| binding(number, id))
                .collect();
            fs::write(
                path,
                format!("{before}{BEGIN}{}{END}{after}", slots.join("\n")),
            )
            .with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

fn slot_name(number: usize) -> String {
    format!("homeroom-slot-{number:04}")
}

fn binding(number: usize, id: &str) -> String {
    let name = slot_name(number);
    format!(
        "[[d1_databases]]\nbinding = \"SLOT_{number:04}\"\ndatabase_name = \"{name}\"\ndatabase_id = \"{id}\"\n\
         preview_database_id = \"{name}\"\nmigrations_dir = \"../../schema/tenant\"\n"
    )
}

fn with_control_id(text: &str, id: &str) -> String {
    let mut in_control = false;
    text.split_inclusive('\n')
        .fold(String::new(), |mut written, line| {
            if line.starts_with("[[") {
                in_control = false;
            }
            in_control |= line.trim_end() == format!("database_name = \"{CONTROL}\"");
            if in_control && line.starts_with("database_id") {
                let _ = writeln!(written, "database_id = \"{id}\"");
            } else {
                written.push_str(line);
            }
            written
        })
}

/// Tells the control database which slots there are; those that it knows stay as they are.
fn register(files: &Files) -> Result<()> {
    let step = Step::start("Registering the slots");
    let values: Vec<_> = (1..=files.slots.len())
        .map(|number| format!("('SLOT_{number:04}')"))
        .collect();
    let sql = format!(
        "INSERT OR IGNORE INTO slots (binding) VALUES {}",
        values.join(", ")
    );
    let Some((config, _)) = files.texts.first() else {
        bail!("no area binds the control database")
    };
    apply_migrations("CONTROL", config)?;
    process::output(
        cloudflare::wrangler()
            .args([
                "d1",
                "execute",
                "CONTROL",
                "--remote",
                "--command",
                &sql,
                "-c",
            ])
            .arg(config),
    )?;
    step.done("");
    Ok(())
}

/// Applies what a database lacks; wrangler records it there.
pub(crate) fn apply_migrations(binding: &str, config: &std::path::Path) -> Result<String> {
    process::output(
        cloudflare::wrangler()
            .args(["d1", "migrations", "apply", binding, "--remote", "-c"])
            .arg(config),
    )
    .with_context(|| format!("migrating {binding}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_control_database_gets_the_control_id() {
        let text = "[[d1_databases]]\nbinding = \"OTHER\"\ndatabase_name = \"other\"\ndatabase_id = \"other\"\n\n\
                    [[d1_databases]]\nbinding = \"CONTROL\"\ndatabase_name = \"homeroom-control\"\ndatabase_id = \"x\"\n";
        let changed = with_control_id(text, "an-id");
        assert_eq!(changed, text.replace("\"x\"", "\"an-id\""));
    }
}
