//! Links to message centres: what the bridge says of them, and what the platform's administrators say.

use std::net::IpAddr;

use homeroom_domain::{credentials::api_key::parse_network, sms::cut::Cut};
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::ControlDb,
    error::StoreError,
    rows,
    sql::sql,
};

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

/// A link of which the bridge said nothing for this long is down, and so may be the bridge; it speaks every minute.
const SPOKEN_OF_MILLIS: i64 = 3 * 60_000;

impl LinkRow {
    /// What the bridge last said of it, with the state that follows from that now.
    #[must_use]
    pub fn reported(&self, now: Timestamp) -> Option<Map<String, Value>> {
        let mut state = self.state.clone()?;
        let said = self.state_at.map_or(0, Timestamp::millis);
        if now.millis().saturating_sub(said) > SPOKEN_OF_MILLIS {
            state.insert("status".to_owned(), json!("down"));
            state.insert("rate".to_owned(), json!(0.0));
        }
        Some(state)
    }

    /// How it cuts texts, as the bridge said; nothing of a pool.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        Cut::deserialize(self.state.as_ref()?.get("cut")?).ok()
    }

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

/// Keeps the newest word on each link. By which one bridge says that it sends, it does, for as long as that one speaks of it: others have
/// sessions of their own.
#[must_use]
pub fn note_states(states: &[LinkState], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let line = |one: &LinkState| json!({"esme": one.esme, "at": one.at.millis(), "state": one.state.to_string()});
    let lines: Vec<Value> = states.iter().map(line).collect();
    batch.push(sql!(
        "insert into sms_links (esme, state, state_at, updated_at) \
         select value ->> '$.esme', value ->> '$.state', value ->> '$.at', ?2 from json_each(?1) where true \
         on conflict (esme) do update set state = excluded.state, state_at = excluded.state_at \
         where sms_links.state_at is null or sms_links.state_at <= excluded.state_at and ( \
           excluded.state ->> '$.status' in ('up', 'throttled') \
           or sms_links.state ->> '$.status' not in ('up', 'throttled') \
           or sms_links.state ->> '$.bridge' is excluded.state ->> '$.bridge' \
           or excluded.state_at - sms_links.state_at > ?3)",
        json!(lines).to_string(),
        now,
        SPOKEN_OF_MILLIS,
    ));
    batch
}

/// What administrators say of a link or pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Whether it may be sent by.
    pub is_enabled: bool,
    /// Addresses and networks that may send by it; everyone where empty.
    pub allowed_ips: Vec<String>,
    /// For people.
    pub note: String,
}

impl Words {
    /// Those of a link as it is stored; of one that nobody spoke of, that everyone may send by it.
    #[must_use]
    pub fn of(link: Option<&LinkRow>) -> Self {
        Self {
            is_enabled: link.is_none_or(|link| link.is_enabled),
            allowed_ips: link.map_or_else(Vec::new, |link| link.allowed_ips.clone()),
            note: link.map_or_else(String::new, |link| link.note.clone()),
        }
    }
}

/// Changes what administrators say of a link, which must be as it was read: not there yet, where it was not.
#[must_use]
pub fn update(stamp: &Stamp<'_>, esme: i64, link: Option<&LinkRow>, words: &Words) -> Batch {
    let mut batch = Batch::default();
    let before = Words::of(link);
    if before == *words {
        return batch;
    }
    let read_at = link.map(|link| link.updated_at);
    // Two changes of one millisecond are two.
    let after_read = read_at.map_or(0, |moment| moment.millis() + 1);
    batch.push_effective(sql!(
        "insert into sms_links (esme, is_enabled, allowed_ips, note, updated_at) values (?1, ?2, ?3, ?4, ?5) \
         on conflict (esme) do update set is_enabled = excluded.is_enabled, allowed_ips = excluded.allowed_ips, \
         note = excluded.note, updated_at = excluded.updated_at where sms_links.updated_at = ?6",
        esme,
        words.is_enabled,
        json!(words.allowed_ips).to_string(),
        &words.note,
        stamp.now.millis().max(after_read),
        read_at,
    ));
    batch.audit(
        stamp,
        Action::Update,
        "sms_links",
        &esme.to_string(),
        Some(&before),
        Some(words),
    );
    batch
}
