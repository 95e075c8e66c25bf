//! What the bridge says of messages: which it has, which it refuses, and what became of them.

use homeroom_domain::{
    SmsMessageId,
    sms::status::{MessageStatus, PartStatus},
};
use homeroom_kernel::Timestamp;
use serde_json::{Value as Json, json};

use super::{FAILED, FINAL, day};
use crate::{
    batch::Batch,
    sql::{Statement, sql},
};

/// What became of a message that was handed to the bridge.
#[derive(Clone, Debug)]
pub enum Handed {
    /// The bridge has it.
    Taken,
    /// The bridge does not want it, and never will.
    Refused {
        /// What the message is now.
        status: MessageStatus,
        /// Why, for a person.
        error: String,
    },
}

/// Notes what became of messages that were handed over, in one transaction.
#[must_use]
pub fn note_handed(outcomes: &[(SmsMessageId, Handed)], now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let (mut taken, mut refused): (Vec<Json>, Vec<Json>) = (Vec::new(), Vec::new());
    for (id, outcome) in outcomes {
        match outcome {
            Handed::Taken => taken.push(json!(id)),
            Handed::Refused { status, error } => {
                refused.push(json!({"id": id, "status": status, "error": error}));
            }
        }
    }
    if !taken.is_empty() {
        batch.push(sql!(
            "update sms_messages set handed_at = coalesce(handed_at, ?2) \
             where id in (select value from json_each(?1))",
            json!(taken).to_string(),
            now,
        ));
    }
    if !refused.is_empty() {
        let refused = json!(refused).to_string();
        // Where a receipt was faster than this answer, the bridge has the message after all.
        let still = "m.handed_at is null and m.status = 'ACCEPTED'";
        batch.push(count(&refused, still));
        // An aggregate over columns of the outer query alone would be the outer query's: hence the key.
        batch.push(sql!(
            "update sms_messages as m set status = e.value ->> '$.status', error = e.value ->> '$.error', updated_at = ?2, \
             parts = (select json_group_array(json_array(iif(p.key >= 0, e.value ->> '$.status', null), null)) \
             from json_each(m.parts) p) \
             from json_each(?1) e where m.id = e.value ->> '$.id' and m.handed_at is null and m.status = 'ACCEPTED'",
            refused,
            now,
        ));
    }
    batch
}

/// The state of a message after a change at the bridge.
#[derive(Clone, Debug)]
pub struct Change {
    /// The message.
    pub id: SmsMessageId,
    /// The app that it belongs to.
    pub app_id: i64,
    /// Counts its changes.
    pub version: u64,
    /// When it changed.
    pub at: Timestamp,
    /// Of all parts together.
    pub status: MessageStatus,
    /// Status and error code of every part, in order.
    pub parts: Vec<(PartStatus, Option<String>)>,
    /// Why it failed, for a person.
    pub error: String,
}

/// Stores changes, the highest version of each message.
#[must_use]
pub fn store(changes: &[Change], now: Timestamp) -> Batch {
    let mut latest: Vec<&Change> = Vec::new();
    for change in changes {
        match latest.iter_mut().find(|known| known.id == change.id) {
            Some(known) if known.version < change.version => *known = change,
            Some(_) => {}
            None => latest.push(change),
        }
    }
    let line = |change: &&Change| {
        json!({
            "id": change.id, "app_id": change.app_id, "version": change.version, "at": change.at.millis(),
            "status": change.status, "parts": json!(change.parts).to_string(), "error": change.error,
        })
    };
    let lines: Vec<Json> = latest.iter().map(line).collect();
    let lines = json!(lines).to_string();
    let newer = "m.app_id = e.value ->> '$.app_id' and m.version < e.value ->> '$.version'";
    // Which means that something left, whatever came of it.
    let left = "e.value ->> '$.status' in ('SUBMITTED', 'ENROUTE', 'UNKNOWN', 'DELIVERED', 'PARTIALLY_DELIVERED', \
                'UNDELIVERABLE')";
    let update = format!(
        "update sms_messages as m set status = e.value ->> '$.status', parts = e.value ->> '$.parts', \
         version = e.value ->> '$.version', error = e.value ->> '$.error', handed_at = coalesce(m.handed_at, ?2), \
         sent_at = coalesce(m.sent_at, iif({left}, e.value ->> '$.at', null)), \
         updated_at = max(m.updated_at, e.value ->> '$.at') \
         from json_each(?1) e where m.id = e.value ->> '$.id' and {newer}"
    );
    let mut batch = Batch::default();
    batch.push(count(&lines, newer));
    batch.push(sql!(update, lines, now));
    batch
}

/// Counts the messages that come to an end now, under the day on which they were accepted. `e` are the lines, `m` the messages as they
/// are before.
fn count(lines: &str, condition: &str) -> Statement {
    let text = format!(
        "update sms_usage as u set delivered = u.delivered + n.delivered, failed = u.failed + n.failed from \
         (select m.app_id as app_id, {} as day, sum(e.value ->> '$.status' = 'DELIVERED') as delivered, \
         sum(e.value ->> '$.status' in {FAILED}) as failed from json_each(?1) e \
         join sms_messages m on m.id = e.value ->> '$.id' where m.status not in {FINAL} \
         and e.value ->> '$.status' in {FINAL} and {condition} group by 1, 2) n \
         where u.app_id = n.app_id and u.day = n.day",
        day("m.created_at")
    );
    sql!(text, lines)
}
