//! Messages from phones, and what they ask for.

use std::collections::BTreeMap;

use homeroom_domain::sms::opt_out::Keyword;
use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::stops::{self, Pair};
use crate::{batch::Batch, connection::IdentityDb, error::StoreError, sql::sql};

/// A message from a phone.
#[derive(Clone, Debug)]
pub struct NewInbound {
    /// Its id at the bridge.
    pub id: String,
    /// Whose number it was sent to; [`super::EVERYONE`]: nobody's.
    pub app_id: i64,
    /// The link that received it.
    pub esme: i64,
    /// The phone, without a plus.
    pub source: String,
    /// The number, without a plus.
    pub destination: String,
    /// The text.
    pub text: String,
    /// Parts that never came.
    pub missing_parts: u16,
    /// What it asks for.
    pub keyword: Option<Keyword>,
    /// When the bridge had it.
    pub received_at: Timestamp,
}

/// The name of a keyword in the database and in answers.
#[must_use]
pub const fn name(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Stop => "stop",
        Keyword::Start => "start",
        Keyword::Help => "help",
    }
}

/// Stores messages, each once, and does what their words ask for, the first time that they come. What a phone said last counts, also where
/// it comes in first.
#[must_use]
pub fn store(messages: &[NewInbound], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    // Before the messages are stored: one that is there already was heeded then.
    let (stops, starts) = last_words(messages);
    let unheeded = |opposite: &str| {
        format!(
            "not exists (select 1 from sms_inbound i where i.id = e.value ->> 3) \
             and not exists (select 1 from sms_inbound i where i.app_id = e.value ->> 0 and i.source = e.value ->> 1 \
             and i.received_at > e.value ->> 2 and i.keyword = '{opposite}')"
        )
    };
    let stop = format!(
        "insert into sms_opt_outs (app_id, number, reason, created_at) \
         select e.value ->> 0, e.value ->> 1, 'stop', e.value ->> 2 from json_each(?1) e where {} \
         on conflict do nothing",
        unheeded("start")
    );
    batch.push(sql!(stop, json!(stops).to_string()));
    // What the app's owner wrote down before, the phone itself undoes too.
    let start = format!(
        "delete from sms_opt_outs where (app_id, number) in (select o.app_id, o.number from json_each(?1) e \
         cross join sms_opt_outs o on o.app_id = e.value ->> 0 and o.number = e.value ->> 1 \
         where o.created_at <= e.value ->> 2 and {})",
        unheeded("stop")
    );
    batch.push(sql!(start, json!(starts).to_string()));
    let stopped = stopped(messages);
    if !stopped.is_empty() {
        batch.append(stops::withdraw(&stopped, &[], now));
    }
    let line = |message: &NewInbound| {
        json!({
            "id": message.id, "app_id": message.app_id, "esme": message.esme, "source": message.source,
            "destination": message.destination, "text": message.text, "missing_parts": message.missing_parts,
            "keyword": message.keyword.map(name), "received_at": message.received_at.millis(),
        })
    };
    let lines: Vec<Json> = messages.iter().map(line).collect();
    batch.push(sql!(
        "insert into sms_inbound (id, app_id, esme, source, destination, text, missing_parts, keyword, received_at) \
         select value ->> '$.id', value ->> '$.app_id', value ->> '$.esme', value ->> '$.source', \
         value ->> '$.destination', value ->> '$.text', value ->> '$.missing_parts', value ->> '$.keyword', \
         value ->> '$.received_at' from json_each(?1) where true on conflict (id) do nothing",
        json!(lines).to_string(),
    ));
    batch
}

/// Phones that sent STOP, and to whom; what waits for them is withdrawn unless they, or the app's owner, took it back.
#[must_use]
pub fn stopped(messages: &[NewInbound]) -> Vec<Pair<'_>> {
    let stops = messages
        .iter()
        .filter(|message| message.keyword == Some(Keyword::Stop));
    stops
        .map(|message| (message.app_id, message.source.as_str()))
        .collect()
}

/// The last STOP or START of every phone to every app, as `[app, phone, time, id]`.
fn last_words(messages: &[NewInbound]) -> (Vec<Json>, Vec<Json>) {
    let mut last: BTreeMap<(i64, &str), &NewInbound> = BTreeMap::new();
    for message in messages {
        if matches!(message.keyword, Some(Keyword::Stop | Keyword::Start)) {
            let known = last
                .entry((message.app_id, &message.source))
                .or_insert(message);
            if known.received_at <= message.received_at {
                *known = message;
            }
        }
    }
    let (stops, starts): (Vec<_>, Vec<_>) = last
        .into_values()
        .partition(|message| message.keyword == Some(Keyword::Stop));
    let lines = |messages: Vec<&NewInbound>| {
        let line = |message: &NewInbound| {
            let at = message.received_at.millis();
            json!([message.app_id, message.source, at, message.id])
        };
        messages.into_iter().map(line).collect()
    };
    (lines(stops), lines(starts))
}

/// A stored message.
#[derive(Clone, Debug, Deserialize)]
pub struct InboundRow {
    /// Its id.
    pub id: String,
    /// The link that received it.
    pub esme: i64,
    /// The phone.
    pub source: String,
    /// The number.
    pub destination: String,
    /// The text.
    pub text: String,
    /// Parts that never came.
    pub missing_parts: u16,
    /// `stop`, `start` or `help`.
    pub keyword: Option<String>,
    /// When the bridge had it.
    pub received_at: Timestamp,
}

/// Which messages are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From this on.
    pub from: Option<Timestamp>,
    /// Until before this.
    pub to: Option<Timestamp>,
    /// Of this phone.
    pub source: Option<String>,
    /// After this one in the list.
    pub after: Option<(Timestamp, String)>,
}

/// Messages to an app, the newest first.
pub async fn list(
    db: &impl IdentityDb,
    app_id: i64,
    wanted: &Wanted,
    limit: u32,
) -> Result<Vec<InboundRow>, StoreError> {
    let (at, id) = match &wanted.after {
        Some((at, id)) => (Some(*at), Some(id.as_str())),
        None => (None, None),
    };
    // An index serves each of the two.
    let of_source = if wanted.source.is_some() {
        "source = ?4"
    } else {
        "?4 is null"
    };
    let text = format!(
        "select id, esme, source, destination, text, missing_parts, keyword, received_at from sms_inbound \
         where app_id = ?1 and {of_source} and received_at >= ifnull(?2, 0) and (?3 is null or received_at < ?3) \
         and (?5 is null or (received_at, id) < (?5, ?6)) order by received_at desc, id desc limit ?7"
    );
    db.connection()
        .rows(sql!(
            text,
            app_id,
            wanted.from,
            wanted.to,
            wanted.source.as_deref(),
            at,
            id,
            i64::from(limit),
        ))
        .await
}
