//! The Workers, as their wrangler.toml files describe them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::root;

/// The gateway's configuration is the one at the top of the checkout.
const GATEWAY: &str = "gateway";

/// One Worker.
pub(crate) struct Worker {
    /// The folder below functions/.
    pub(crate) area: String,
    pub(crate) config_path: PathBuf,
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    name: String,
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    durable_objects: DurableObjects,
    #[serde(default)]
    d1_databases: Vec<Database>,
}

#[derive(Deserialize)]
struct Database {
    binding: String,
    #[serde(rename = "database_name")]
    name: String,
    #[serde(rename = "database_id")]
    id: String,
}

#[derive(Deserialize)]
struct Service {
    service: String,
}

#[derive(Default, Deserialize)]
struct DurableObjects {
    #[serde(default)]
    bindings: Vec<DurableObject>,
}

#[derive(Deserialize)]
struct DurableObject {
    class_name: String,
    script_name: Option<String>,
}

impl Worker {
    fn read(area: &str) -> Result<Self> {
        let folder = if area == GATEWAY {
            root()
        } else {
            root().join("functions").join(area)
        };
        let config_path = folder.join("wrangler.toml");
        let text = fs::read_to_string(&config_path)
            .with_context(|| format!("reading {}", config_path.display()))?;
        let config =
            toml::from_str(&text).with_context(|| format!("reading {}", config_path.display()))?;
        Ok(Self {
            area: area.to_owned(),
            config_path,
            config,
        })
    }

    /// The name that Cloudflare knows it by, which is also its package's.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// The Durable Object classes that its script exports.
    pub(crate) fn own_classes(&self) -> impl Iterator<Item = &str> {
        let bindings = self.config.durable_objects.bindings.iter();
        bindings
            .filter(|object| object.script_name.is_none())
            .map(|object| object.class_name.as_str())
    }

    pub(crate) fn build_folder(&self) -> PathBuf {
        root().join("functions").join(&self.area).join("build")
    }

    /// Its databases: name to id.
    pub(crate) fn databases(&self) -> BTreeMap<String, String> {
        let databases = self.config.d1_databases.iter();
        databases
            .map(|database| (database.name.clone(), database.id.clone()))
            .collect()
    }

    /// The names by which its code reaches its databases.
    pub(crate) fn bindings(&self) -> Vec<String> {
        self.config
            .d1_databases
            .iter()
            .map(|database| database.binding.clone())
            .collect()
    }

    /// Whether requests from outside arrive here.
    pub(crate) fn is_public(&self) -> bool {
        self.area == GATEWAY
    }

    fn needs(&self) -> impl Iterator<Item = &str> {
        let services = self
            .config
            .services
            .iter()
            .map(|service| service.service.as_str());
        let objects = self
            .config
            .durable_objects
            .bindings
            .iter()
            .filter_map(|object| object.script_name.as_deref());
        services.chain(objects)
    }
}

/// Every Worker, each after those that it is bound to.
pub(crate) fn all() -> Result<Vec<Worker>> {
    let mut waiting = Vec::new();
    for entry in fs::read_dir(root().join("functions")).context("reading functions/")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            waiting.push(Worker::read(&entry.file_name().to_string_lossy())?);
        }
    }
    waiting.sort_by(|a, b| a.area.cmp(&b.area));

    let mut ordered = Vec::with_capacity(waiting.len());
    let mut placed = BTreeSet::new();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|worker| worker.needs().all(|name| placed.contains(name)));
        if ready.is_empty() {
            let names: Vec<_> = rest.iter().map(Worker::name).collect();
            bail!(
                "the service bindings of {} lead in a circle or to a Worker that does not exist",
                names.join(", ")
            );
        }
        placed.extend(ready.iter().map(|worker| worker.name().to_owned()));
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}

/// The named Workers, or all when none is named.
pub(crate) fn named(areas: &[String]) -> Result<Vec<Worker>> {
    let workers = all()?;
    if let Some(unknown) = areas
        .iter()
        .find(|area| !workers.iter().any(|worker| worker.area == **area))
    {
        let known: Vec<_> = workers.iter().map(|worker| worker.area.as_str()).collect();
        bail!(
            "there is no area {unknown}; the areas are {}",
            known.join(", ")
        );
    }
    Ok(workers
        .into_iter()
        .filter(|worker| areas.is_empty() || areas.contains(&worker.area))
        .collect())
}
