//! What changes when the configuration is read again while the bridge runs.

use super::Config;

/// What is to be done, by number of the link or pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New links.
    pub added: Vec<i64>,
    /// Links with anything different, a password in a file included. Nobody else's connection is touched.
    pub changed: Vec<i64>,
    /// Links that are gone.
    pub removed: Vec<i64>,
    /// New, different or gone pools.
    pub pools: Vec<i64>,
    /// Parts of the file that differ and are only read at start.
    pub at_restart: Vec<&'static str>,
}

impl Changes {
    /// What leads from one configuration to another.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        let mut changes = Self::default();
        for (number, link) in &new.links {
            match old.links.get(number) {
                None => changes.added.push(*number),
                Some(before) if before != link => changes.changed.push(*number),
                Some(_) => {}
            }
        }
        let gone = |number: &&i64| !new.links.contains_key(number);
        changes.removed = old.links.keys().filter(gone).copied().collect();
        let pools = old.pools.keys().chain(new.pools.keys());
        changes.pools = pools
            .filter(|number| old.pools.get(number) != new.pools.get(number))
            .copied()
            .collect();
        changes.pools.sort_unstable();
        changes.pools.dedup();
        let shown = |same: bool, name| (!same).then_some(name);
        changes.at_restart = [
            shown(old.store == new.store, "store"),
            shown(old.limits == new.limits, "limits"),
            shown(old.tls == new.tls, "tls"),
            shown(old.log == new.log, "log"),
            shown(
                format!("{:?}", old.listen) == format!("{:?}", new.listen),
                "listen",
            ),
            shown(
                old.secrets() == new.secrets() && old.platform.url == new.platform.url,
                "platform",
            ),
            shown(old.keys.sms == new.keys.sms, "keys"),
        ]
        .into_iter()
        .flatten()
        .collect();
        changes
    }

    /// Whether nothing differs that can be applied now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            added,
            changed,
            removed,
            pools,
            ..
        } = self;
        [added, changed, removed, pools]
            .iter()
            .all(|list| list.is_empty())
    }
}
