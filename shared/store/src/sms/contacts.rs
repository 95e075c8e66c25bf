//! What is known of receivers: whether they want messages, and how many they had.

use std::collections::HashMap;

use homeroom_domain::{
    SmsMessageId,
    sms::policy::{Contact, DAY_SECONDS, Policy, WEEK_SECONDS},
};
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    messages::{COLUMNS, MessageRow},
    stops,
};
use crate::{
    batch::{Action, Batch, Stamp, changes},
    connection::{ControlDb, IdentityDb, Outcomes},
    error::StoreError,
    rows,
    sql::{Statement, sql},
};

/// Receivers of one statement: with texts of ten parts they are less than D1 takes as one value.
const PORTION: usize = 250;

#[derive(Deserialize)]
struct ContactRow {
    #[serde(deserialize_with = "rows::flag")]
    opted_out: bool,
    last_day: u32,
    last_week: u32,
    same_text_at: Option<Timestamp>,
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        Self {
            opted_out: row.opted_out,
            last_day: row.last_day,
            last_week: row.last_week,
            same_text_at: row.same_text_at,
        }
    }
}

/// What is known of the receivers of texts of one app, in their order: pairs of number and text. What was refused, withdrawn or is confidential
/// counts for nothing: nobody's news may wait for codes that somebody else asked for, and nobody finds out what they say.
pub async fn look_up(
    db: &impl IdentityDb,
    app_id: i64,
    receivers: &[(&str, &str)],
    now: Timestamp,
) -> Result<Vec<Contact>, StoreError> {
    if receivers.is_empty() {
        return Ok(Vec::new());
    }
    let portions = receivers.chunks(PORTION);
    let statements = portions.map(|some| statement(app_id, some, now)).collect();
    let mut outcomes = db.connection().batch(statements).await?;
    let mut contacts = Vec::with_capacity(receivers.len());
    for _ in receivers.chunks(PORTION) {
        let rows: Vec<ContactRow> = outcomes.rows()?;
        contacts.extend(rows.into_iter().map(Contact::from));
    }
    Ok(contacts)
}

/// The same for one receiver, together with the message that carries the sender's own id, if any.
pub async fn prepare(
    db: &impl IdentityDb,
    app_id: i64,
    transaction_id: Option<&str>,
    receiver: (&str, &str),
    now: Timestamp,
) -> Result<(Option<MessageRow>, Contact), StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_messages m where m.app_id = ?1 and m.transaction_id = ?2"
    );
    let statements = vec![
        sql!(text, app_id, transaction_id),
        statement(app_id, &[receiver], now),
    ];
    let mut outcomes = db.connection().batch(statements).await?;
    let known: Vec<MessageRow> = outcomes.rows()?;
    let contact = read(&mut outcomes)?.into_iter().next();
    Ok((known.into_iter().next(), contact.unwrap_or_default()))
}

/// Reads what [`statement`] gave.
pub(crate) fn read(outcomes: &mut Outcomes) -> Result<Vec<Contact>, StoreError> {
    let rows: Vec<ContactRow> = outcomes.rows()?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(crate) fn statement(app_id: i64, receivers: &[(&str, &str)], now: Timestamp) -> Statement {
    let (day, week) = (
        now.plus_seconds(-DAY_SECONDS),
        now.plus_seconds(-WEEK_SECONDS),
    );
    // Many receivers have one text, which is sent once: a statement takes 2 MB.
    let mut texts: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let lines: Vec<_> = receivers
        .iter()
        .map(|(number, text)| {
            let place = *places.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            });
            json!([number, place])
        })
        .collect();
    // Ids begin with their time, so that a receiver's messages of a week are one range of the index.
    sql!(
        "with t (place, text) as materialized (select key, value from json_each(?6)) \
         select exists (select 1 from sms_opt_outs o where o.app_id in (?1, 0) and o.number = r.value ->> 0) as opted_out, \
         count(m.id) filter (where m.created_at > ?3) as last_day, count(m.id) as last_week, \
         max(m.created_at) filter (where m.text = t.text) as same_text_at \
         from json_each(?2) r join t on t.place = r.value ->> 1 \
         left join sms_messages m on m.app_id = ?1 and m.destination = r.value ->> 0 \
         and m.id >= ?5 and m.created_at > ?4 and m.status not in ('DELETED', 'REJECTED') and m.confidential = 0 group by r.key order by r.key",
        app_id,
        json!(lines).to_string(),
        day,
        week,
        first_id(week),
        json!(texts).to_string(),
    )
}

/// What an app's policy says of how often a receiver may be written to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caps {
    /// Most messages in 24 hours.
    pub daily: Option<u32>,
    /// Most messages in 7 days.
    pub weekly: Option<u32>,
    /// For how long the same text is refused; 0: it never is.
    pub duplicate_seconds: u32,
}

impl From<&Policy> for Caps {
    fn from(policy: &Policy) -> Self {
        Self {
            daily: policy.daily_cap,
            weekly: policy.weekly_cap,
            duplicate_seconds: policy.duplicate_seconds,
        }
    }
}

/// Behind the statements that store messages: refuses the whole batch with `changed_meanwhile` where another request was faster and one of their
/// receivers got more than is allowed, or opted out, since it was looked at. What was not stored, being a repetition, breaks no rule.
#[must_use]
pub fn guard(app_id: i64, ids: &[SmsMessageId], caps: Caps, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let since = |seconds: i64| now.plus_seconds(-seconds);
    let (day, week) = (since(DAY_SECONDS), since(WEEK_SECONDS));
    let same = since(caps.duplicate_seconds.into());
    let sent = "from sms_messages d where d.app_id = ?1 and d.destination = m.destination \
                and d.confidential = 0 and d.status not in ('DELETED', 'REJECTED')";
    // Crosswise, so that the new messages lead to what is compared with them, and not the app's whole history to the new messages.
    let broken = format!(
        "exists (select 1 from json_each(?2) n cross join sms_messages m on m.id = n.value and m.app_id = ?1 where \
         exists (select 1 from sms_opt_outs o where o.app_id in (?1, 0) and o.number = m.destination) \
         or (?3 is not null and (select count(*) {sent} and d.id >= ?7 and d.created_at > ?6) > ?3) \
         or (?4 is not null and (select count(*) {sent} and d.id >= ?9 and d.created_at > ?8) > ?4) \
         or (?5 > 0 and exists (select 1 {sent} and d.id >= ?11 and d.created_at > ?10 and d.id <> m.id and d.text = m.text)))"
    );
    let params = vec![
        app_id.into(),
        json!(ids).to_string().into(),
        caps.daily.map(i64::from).into(),
        caps.weekly.map(i64::from).into(),
        i64::from(caps.duplicate_seconds).into(),
        day.into(),
        first_id(day).into(),
        week.into(),
        first_id(week).into(),
        same.into(),
        first_id(same).into(),
    ];
    batch.guard("changed_meanwhile", &broken, params);
    batch
}

/// The smallest id of a moment.
pub(crate) fn first_id(moment: Timestamp) -> String {
    let millis = moment.millis().max(0);
    format!(
        "{:08x}-{:04x}-0000-0000-000000000000",
        (millis >> 16) & 0xffff_ffff,
        millis & 0xffff
    )
}

#[derive(Deserialize)]
struct Known {
    number: String,
}

/// Of these numbers, those that asked a number of nobody for no more messages. Only the platform's database knows.
pub async fn list_opted_out_of_all(
    db: &ControlDb,
    numbers: &[&str],
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Known> =
        db.0.rows(sql!(
            "select number from sms_opt_outs where app_id = 0 and number in (select value from json_each(?1))",
            json!(numbers).to_string(),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

/// A receiver that wants no messages of an app.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OptOut {
    /// E.164 without a plus, or a short code.
    pub number: String,
    /// `stop`: it said so itself; `api`: the app's owner did.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Those of an app, by number, after the one that is named.
pub async fn list(
    db: &impl IdentityDb,
    app_id: i64,
    after: &str,
    limit: u32,
) -> Result<Vec<OptOut>, StoreError> {
    db.connection()
        .rows(sql!(
            "select number, reason, created_at from sms_opt_outs where app_id = ?1 and number > ?2 order by number limit ?3",
            app_id,
            after,
            i64::from(limit),
        ))
        .await
}

/// One of an app.
pub async fn find(
    db: &impl IdentityDb,
    app_id: i64,
    number: &str,
) -> Result<Option<OptOut>, StoreError> {
    db.connection()
        .first(sql!(
            "select number, reason, created_at from sms_opt_outs where app_id = ?1 and number = ?2",
            app_id,
            number,
        ))
        .await
}

/// Of these numbers, those that get no messages of an app.
pub async fn list_known(
    db: &impl IdentityDb,
    app_id: i64,
    numbers: &[&str],
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Known> = db
        .connection()
        .rows(sql!(
            "select number from sms_opt_outs where app_id = ?1 and number in (select value from json_each(?2))",
            app_id,
            json!(numbers).to_string(),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

/// How many more an app may have until there are `most`.
pub async fn room(db: &impl IdentityDb, app_id: i64, most: u32) -> Result<u32, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        count: u32,
    }
    let row: Option<Row> = db
        .connection()
        .first(sql!(
            "select count(*) as count from (select 1 from sms_opt_outs where app_id = ?1 limit ?2)",
            app_id,
            i64::from(most),
        ))
        .await?;
    Ok(most.saturating_sub(row.map_or(0, |row| row.count)))
}

/// Adds receivers for the app's owner; one that is there stays as it is. What waits for them is withdrawn, but for what the bridge has: which of it is
/// theirs is known once they are there.
#[must_use]
pub fn add(stamp: &Stamp<'_>, app_id: i64, numbers: &[&str]) -> Batch {
    let mut batch = Batch::default();
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let line = |number: &&str| {
        let entry = OptOut {
            number: (*number).to_owned(),
            reason: "api".to_owned(),
            created_at: stamp.now,
        };
        json!({
            "log": stamp.ids.next::<()>(), "number": number, "record": record(app_id, number),
            "changes": changes(None::<&OptOut>, Some(&entry)).to_string(),
        })
    };
    let lines: Vec<Value> = numbers.iter().map(line).collect();
    batch.audit_each(
        stamp,
        "sms_opt_outs",
        "select e.value ->> '$.log' as log, 'CREATE' as action, e.value ->> '$.record' as record_id, \
         e.value ->> '$.changes' as changes from json_each(?1) e where not exists \
         (select 1 from sms_opt_outs o where o.app_id = ?2 and o.number = e.value ->> '$.number')",
        vec![json!(lines).to_string().into(), app_id.into()],
    );
    batch.push(sql!(
        "insert into sms_opt_outs (app_id, number, reason, created_at) select ?1, value, 'api', ?3 from json_each(?2) \
         where true on conflict do nothing",
        app_id,
        json!(numbers).to_string(),
        stamp.now,
    ));
    let pairs: Vec<(i64, &str)> = numbers.iter().map(|number| (app_id, *number)).collect();
    batch.append(stops::withdraw(&pairs, &[], stamp.now));
    batch
}

/// Removes one, which must be there as it was read.
#[must_use]
pub fn remove(stamp: &Stamp<'_>, app_id: i64, known: &OptOut) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "delete from sms_opt_outs where app_id = ?1 and number = ?2",
        app_id,
        &known.number,
    ));
    batch.audit(
        stamp,
        Action::Delete,
        "sms_opt_outs",
        &record(app_id, &known.number),
        Some(known),
        None::<&OptOut>,
    );
    batch
}

fn record(app_id: i64, number: &str) -> String {
    format!("{app_id}/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_a_moment_sorts_before_all_of_it() {
        let moment = Timestamp::from_millis(0x0123_4567_89ab);
        assert_eq!(first_id(moment), "01234567-89ab-0000-0000-000000000000");
        assert_eq!(
            first_id(Timestamp::from_millis(-1)),
            "00000000-0000-0000-0000-000000000000"
        );
    }
}
