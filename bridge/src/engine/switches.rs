//! What the platform's administrators switched off: pools go on without such links.

use std::sync::{Arc, PoisonError};

use homeroom_sms_contract::submit::SwitchedOff;

use super::Engine;
use super::plan::Route;
use crate::store::StoreError;

impl Engine {
    pub(super) fn switched_off(&self) -> Arc<SwitchedOff> {
        Arc::clone(&self.off.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what the store has: another bridge may have been told, or this one before its start.
    pub(super) async fn heed(&self) -> Result<(), StoreError> {
        let said = self.store.switched_off().await?;
        let mut off = self.off.write().unwrap_or_else(PoisonError::into_inner);
        if said.at >= off.at && said != **off {
            *off = Arc::new(said);
        }
        Ok(())
    }

    pub(super) async fn switch(&self, mut said: SwitchedOff) -> Result<(), StoreError> {
        said.esmes.sort_unstable();
        said.esmes.dedup();
        // A clock that is ahead must not keep out what is said later.
        said.at = said.at.min(self.clock.now().millis());
        {
            let mut off = self.off.write().unwrap_or_else(PoisonError::into_inner);
            // Each hand-over says it again. That it was said so late is remembered: what is older and comes later says nothing any more.
            if said.esmes == off.esmes {
                if said.at > off.at {
                    *off = Arc::new(said);
                }
                return Ok(());
            }
            if said.at < off.at {
                return Ok(());
            }
        }
        tracing::info!(esmes = ?said.esmes, "the platform says what is switched off");
        self.store.switch_off(said).await?;
        self.heed().await
    }

    /// The links by which a link or pool sends now. A link still sends what it was given itself.
    pub(super) fn open_links(&self, esme: i64, route: &Route) -> Vec<i64> {
        let off = self.switched_off();
        let open = |link: &&i64| **link == esme || !off.esmes.contains(link);
        route.links.iter().filter(open).copied().collect()
    }

    /// Whether nothing new is taken: it is switched off, or of a pool every link is.
    pub(super) fn is_off(&self, esme: i64, route: &Route) -> bool {
        let off = self.switched_off();
        off.esmes.contains(&esme) || route.links.iter().all(|link| off.esmes.contains(link))
    }
}
