//! Links to message centres: what the bridge says of them, and what the platform's administrators say.

use std::net::IpAddr;

use homeroom_domain::credentials::api_key::parse_network;
use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{batch::Batch, connection::ControlDb, error::StoreError, rows, sql::sql};

/// A link or pool.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkRow {
    /// Its number.
    pub esme: i64,
    /// Whether it may be sent by.
    #[serde(deserialize_with = "rows::flag")]
    pub is_enabled: bool,
    /// Addresses and networks that may send by it; everyone where empty.
    #[serde(deserialize_with = "rows::json")]
    pub allowed_ips: Vec<String>,
    /// For people.
    pub note: String,
    /// The bridge's own words.
    #[serde(deserialize_with = "rows::optional_json")]
    pub state: Option<Map<String, Value>>,
    /// When it said them.
    pub state_at: Option<Timestamp>,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

impl LinkRow {
    /// Whether somebody at this address may send by it. An address that is not known may only where everyone may.
    #[must_use]
    pub fn allows(&self, ip: Option<IpAddr>) -> bool {
        if self.allowed_ips.is_empty() {
            return true;
        }
        let networks = self
            .allowed_ips
            .iter()
            .filter_map(|text| parse_network(text));
        ip.is_some_and(|ip| {
            let ip = ip.to_canonical();
            networks.into_iter().any(|network| network.contains(&ip))
        })
    }
}

const COLUMNS: &str = "esme, is_enabled, allowed_ips, note, state, state_at, updated_at";

/// What is known of a link or pool here; nothing until the bridge or an administrator spoke of it.
pub async fn find(db: &ControlDb, esme: i64) -> Result<Option<LinkRow>, StoreError> {
    let text = format!("select {COLUMNS} from sms_links where esme = ?1");
    db.0.first(sql!(text, esme)).await
}

/// Every link and pool that is known here.
pub async fn list(db: &ControlDb) -> Result<Vec<LinkRow>, StoreError> {
    let text = format!("select {COLUMNS} from sms_links order by esme");
    db.0.rows(sql!(text)).await
}

/// What the bridge said of a link.
#[derive(Clone, Debug)]
pub struct LinkState {
    /// The link.
    pub esme: i64,
    /// When.
    pub at: Timestamp,
    /// Its words.
    pub state: Value,
}

/// Keeps the newest word on each link.
#[must_use]
pub fn note_states(states: &[LinkState], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let line = |one: &LinkState| json!({"esme": one.esme, "at": one.at.millis(), "state": one.state.to_string()});
    let lines: Vec<Value> = states.iter().map(line).collect();
    batch.push(sql!(
        "insert into sms_links (esme, state, state_at, updated_at) \
         select value ->> '$.esme', value ->> '$.state', value ->> '$.at', ?2 from json_each(?1) where true \
         on conflict (esme) do update set state = excluded.state, state_at = excluded.state_at \
         where sms_links.state_at is null or sms_links.state_at <= excluded.state_at",
        json!(lines).to_string(),
        now,
    ));
    batch
}
