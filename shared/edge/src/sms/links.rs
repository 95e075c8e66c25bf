//! Links and pools: which there are, and who may send by them.

use std::sync::Arc;

use homeroom_domain::sms::cut::Cuts;
use homeroom_sms_contract::submit::Links;
use homeroom_store::control::sms_links::{self, LinkRow};

use crate::{app::App, context::Context, error::ApiError, tenancy};

/// Why nothing may be sent by a link or pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The bridge has none of this number.
    Unknown,
    /// Not from this address.
    Address,
    /// An administrator switched it off, or every link of the pool.
    Off,
}

impl App {
    /// Why nothing may be sent by a link or pool from where the caller is, if so. Which there are is the bridge's to say: while it is away
    /// none is refused as unknown, since messages wait for it anyway.
    pub async fn closed(&self, context: &Context, esme: i64) -> Result<Option<Closed>, ApiError> {
        let route = self.route(context, esme).await;
        if route.as_ref().is_some_and(|links| links.is_empty()) {
            return Ok(Some(Closed::Unknown));
        }
        let rows = self.link_rows(context).await?;
        let row = |esme: i64| rows.iter().find(|row| row.esme == esme);
        // Any link of a pool may send the message, so each must be open: one that is off may be on again before it leaves.
        let all = route.iter().flat_map(|links| links.iter()).chain([&esme]);
        let known: Vec<&LinkRow> = all.filter_map(|esme| row(*esme)).collect();
        if !known.iter().all(|row| row.allows(context.ip)) {
            return Ok(Some(Closed::Address));
        }
        let is_off = |esme: i64| row(esme).is_some_and(|row| !row.is_enabled);
        let none_left = route.is_some_and(|links| links.iter().all(|link| is_off(*link)));
        Ok((is_off(esme) || none_left).then_some(Closed::Off))
    }

    /// The links by which a message to a number may leave now, of those that the bridge names: a pool goes on without those that are off.
    pub async fn open_links(
        &self,
        context: &Context,
        links: &Links,
        esme: i64,
    ) -> Result<Vec<i64>, ApiError> {
        let rows = self.link_rows(context).await?;
        let is_off = |link: &i64| rows.iter().any(|row| row.esme == *link && !row.is_enabled);
        let mut route = links.route(esme);
        route.retain(|link| *link == esme || !is_off(link));
        Ok(route)
    }

    /// How the links that send for a number cut texts, as the bridge told of each. Of a pool nothing is known while the bridge is away.
    pub async fn cuts(&self, context: &Context, esme: i64) -> Result<Cuts, ApiError> {
        let rows = self.link_rows(context).await?;
        let route = self.route(context, esme).await;
        let all = route.iter().flat_map(|links| links.iter()).chain([&esme]);
        let cut = |esme: &i64| rows.iter().find(|row| row.esme == *esme)?.cut();
        Ok(all.filter_map(cut).collect())
    }

    /// The links that send for a number, none for one that the bridge does not have; nothing while it is away.
    async fn route(&self, context: &Context, esme: i64) -> Option<Arc<[i64]>> {
        let key = esme.to_string();
        if let Some(known) = self.sms.routes.get(&key, context.now) {
            return Some(known);
        }
        if self.sms.away.get("", context.now).is_some() {
            return None;
        }
        let Ok(links) = self.bridge_links(context).await else {
            self.sms.away.put(String::new(), (), context.now);
            return None;
        };
        let route: Arc<[i64]> = links.route(esme).into();
        // An unknown one is asked for again: it may have been added just now.
        if !route.is_empty() {
            self.sms.routes.put(key, route.clone(), context.now);
        }
        Some(route)
    }

    /// What is known here of links and pools. They are few.
    async fn link_rows(&self, context: &Context) -> Result<Arc<[LinkRow]>, ApiError> {
        if let Some(known) = self.sms.links.get("", context.now) {
            return Ok(known);
        }
        let rows: Arc<[LinkRow]> = sms_links::list(&tenancy::control(self, context)?)
            .await?
            .into();
        self.sms.links.put(String::new(), rows.clone(), context.now);
        Ok(rows)
    }

    /// What is known here of a link or pool.
    pub async fn sms_link(
        &self,
        context: &Context,
        esme: i64,
    ) -> Result<Option<LinkRow>, ApiError> {
        let rows = self.link_rows(context).await?;
        Ok(rows.iter().find(|row| row.esme == esme).cloned())
    }

    /// What the bridge says of its links and pools, at most two seconds old.
    pub async fn bridge_links(&self, context: &Context) -> Result<Arc<Links>, ApiError> {
        if let Some(known) = self.sms.bridge.get("", context.now) {
            return Ok(known);
        }
        let links = Arc::new(self.ports.bridge.links().await?);
        self.sms
            .bridge
            .put(String::new(), links.clone(), context.now);
        Ok(links)
    }
}
