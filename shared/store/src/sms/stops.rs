//! What waits for receivers that want no messages any more.

use homeroom_domain::SmsMessageId;
use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{DELETED, EVERYONE};
use crate::{
    batch::Batch,
    connection::Connected,
    error::StoreError,
    rows,
    sql::{Statement, sql},
};

/// Most messages that the bridge is asked about for one request.
const AT_BRIDGE: u16 = 200;

/// An app, or [`EVERYONE`], and a receiver.
pub type Pair<'a> = (i64, &'a str);

/// A message of which only the bridge knows whether it has left.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Elsewhere {
    /// The message.
    pub id: SmsMessageId,
    /// The app that sends it.
    pub app_id: i64,
    /// Whether it was taken a moment ago, so that the bridge may have it a moment later.
    #[serde(deserialize_with = "rows::flag")]
    pub is_on_its_way: bool,
}

/// Longer than a message is on its way to the bridge, retries included: what is older is known there, or waits here for another attempt, which
/// withholds it.
const ON_ITS_WAY_SECONDS: i64 = 300;

/// What is furthest from leaving comes first: those at the end are likely to be too late, and keep none of the others from being asked about.
const FURTHEST_FIRST: &str = "order by m.send_at desc, m.id desc";
/// Whether nobody took message `m` from the queue yet.
const IS_HERE: &str = "m.claimed_at is null and m.handed_at is null";
/// Whether message `m` may still be withdrawn. Who sends a word is answered, STOP or not.
const WAITS: &str = "m.status = 'ACCEPTED' and not exists (select 1 from sms_inbound i where m.transaction_id like 'reply-%' \
     and i.id = substr(m.transaction_id, 7) and i.source = m.destination and i.keyword is not null)";

/// Messages `m` that wait for those of the receivers in `?1` that have opted out.
fn opted_out(pairs: &[Pair<'_>]) -> String {
    // Crosswise: the few receivers lead to their messages, and not all messages to them.
    let known = "from json_each(?1) e cross join sms_opt_outs o on o.app_id = e.value ->> 0 and o.number = e.value ->> 1";
    // Numbers of nobody are the platform's, which is asked about its own apps.
    let of_everyone = if pairs.iter().any(|(app_id, _)| *app_id == EVERYONE) {
        format!(
            "union all select a.id, o.number {known} cross join sms_apps a on a.tenant_id is null where o.app_id = {EVERYONE}"
        )
    } else {
        String::new()
    };
    format!(
        "from (select o.app_id, o.number {known} {of_everyone}) r \
         cross join sms_messages m on m.app_id = r.app_id and m.destination = r.number where {WAITS}"
    )
}

/// Withdraws what waits for those of these receivers that have opted out: what nobody took from the queue yet, and what the bridge withdrew.
#[must_use]
pub fn withdraw(pairs: &[Pair<'_>], at_bridge: &[SmsMessageId], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let text = format!(
        "update sms_messages as m set {DELETED} where m.id in \
         (select m.id {} and ({IS_HERE} or m.id in (select value from json_each(?2))))",
        opted_out(pairs)
    );
    batch.push(sql!(
        text,
        json!(pairs).to_string(),
        json!(at_bridge).to_string(),
        now
    ));
    batch
}

/// What the bridge has for receivers that have opted out.
#[derive(Debug, Default)]
pub struct AtBridge {
    /// What it is to be asked about, 200 messages at most.
    pub messages: Vec<Elsewhere>,
    /// How many there are.
    pub total: usize,
}

/// What the bridge is to be asked about for those of these receivers that have opted out.
#[expect(
    private_bounds,
    reason = "sealed: only the handles of this crate are databases"
)]
pub async fn list_elsewhere(
    db: &impl Connected,
    pairs: &[Pair<'_>],
    now: Timestamp,
) -> Result<AtBridge, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        total: usize,
        #[serde(flatten)]
        message: Elsewhere,
    }
    let text = format!(
        "select m.id, m.app_id, m.handed_at is null and m.claimed_at > ?2 as is_on_its_way, count(*) over () as total {} and not ({IS_HERE}) {FURTHEST_FIRST} limit {AT_BRIDGE}",
        opted_out(pairs)
    );
    let since = now.plus_seconds(-ON_ITS_WAY_SECONDS);
    let statement = sql!(text, json!(pairs).to_string(), since);
    let rows: Vec<Row> = db.connection().rows(statement).await?;
    Ok(AtBridge {
        total: rows.first().map_or(0, |row| row.total),
        messages: rows.into_iter().map(|row| row.message).collect(),
    })
}

/// Withdraws those of these messages whose receivers opted out before the messages were handed over.
pub(crate) fn withhold(ids: String, now: Timestamp) -> Statement {
    let text = format!(
        "update sms_messages as m set {DELETED} where m.id in (select value from json_each(?1)) and m.handed_at is null \
         and {WAITS} and exists (select 1 from sms_opt_outs o where o.app_id in (m.app_id, {EVERYONE}) \
         and o.number = m.destination)"
    );
    sql!(text, ids, now, now)
}
