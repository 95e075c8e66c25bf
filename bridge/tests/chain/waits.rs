//! Waiting for what the bridge does, and keeping it from doing it.

use std::time::Duration;

use crate::rest;
use crate::support::Chain;

impl Chain {
    /// A transaction that holds the store's one place for writing until it is dropped: whatever the bridge wants to commit waits for it.
    pub(crate) fn hold_commits(&self) -> rusqlite::Connection {
        let store = self.store();
        store.execute_batch("BEGIN IMMEDIATE").unwrap();
        store
    }

    /// Ends the bridge and lets the leases of events run out, as they do while it is down for a minute.
    pub(crate) fn a_minute_passes_without_it(&mut self) {
        if self.is_running() {
            self.kill();
        }
        let sql = "UPDATE events SET due_at = due_at - 60000";
        self.store().execute(sql, []).unwrap();
    }

    /// Waits until a query counts so many.
    pub(crate) async fn wait_count(&self, sql: &str, wanted: usize) {
        let mut found = 0;
        for _ in 0..6_000 {
            found = self.count(sql);
            if found == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{found} and not {wanted}: {sql}");
    }

    /// Waits until the platform was told this of a message.
    pub(crate) async fn wait_heard(&self, message: &str, status: &str) {
        for _ in 0..6_000 {
            if !self.heard.ids(message, status).is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody was told that {message} is {status}");
    }

    /// Waits until a metric, named with its labels, has a value that will do.
    pub(crate) async fn wait_metric(&self, name: &str, good: impl Fn(u64) -> bool) -> u64 {
        let mut found = None;
        for _ in 0..600 {
            let answer = rest::call(self.rest, "/metrics", None).await;
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            found = value.map(|value| value.trim().parse::<u64>().unwrap());
            if let Some(value) = found.filter(|value| good(*value)) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{name} is {found:?}");
    }

    /// Waits until these links are up.
    pub(crate) async fn wait_up(&self, links: &[i64]) {
        for link in links {
            let name = format!("bridge_link_up{{link=\"{link}\"}}");
            self.wait_metric(&name, |up| up == 1).await;
        }
    }

    /// Waits until so many messages are `DELIVERED` at the platform.
    pub(crate) async fn wait_delivered(&self, wanted: usize) {
        let (mut most, mut idle) = (0, 0);
        while idle < 1_200 {
            let delivered = self.delivered();
            if delivered >= wanted {
                return;
            }
            idle = if delivered > most { 0 } else { idle + 1 };
            most = most.max(delivered);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {wanted} delivered", self.delivered());
    }

    /// Waits until each of these is `DELIVERED` at the platform; those that are not, where nothing changes for a minute.
    pub(crate) async fn undelivered(&self, ids: &[String]) -> Vec<String> {
        let (mut least, mut idle) = (usize::MAX, 0);
        loop {
            let left: Vec<String> = {
                let heard = self.heard.last.lock().unwrap();
                let waits =
                    |id: &&String| heard.get(*id).is_none_or(|status| status != "DELIVERED");
                ids.iter().filter(waits).cloned().collect()
            };
            idle = if left.len() < least { 0 } else { idle + 1 };
            least = least.min(left.len());
            if left.is_empty() || idle > 600 {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
