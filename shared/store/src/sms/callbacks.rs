//! Callbacks: where apps want to be told, and what is to be told. The triggers of the schema write it down with what happens.

use homeroom_domain::SmsMessageId;
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

use super::{
    due::{due, is_due},
    inbound::InboundRow,
    messages::{COLUMNS, MessageRow},
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::{Connected, IdentityDb, Outcomes},
    error::StoreError,
    sql::{Statement, sql},
};

/// Where an app wants to be told, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Wishes {
    /// Where to tell what became of messages.
    pub status_url: Option<String>,
    /// 1: the first change, 2: the last, 3: all.
    pub status_level: u8,
    /// Where to send messages from phones.
    pub inbound_url: Option<String>,
}

/// The same as stored, with what it is signed with.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Where and what.
    #[serde(flatten)]
    pub wishes: Wishes,
    /// The secret, sealed.
    pub secret: String,
    /// Since when it is good.
    pub secret_at: Timestamp,
}

fn settings(app_id: i64) -> Statement {
    sql!(
        "select status_url, status_level, inbound_url, secret, secret_at from sms_callback_settings where app_id = ?1",
        app_id
    )
}

/// What an app says, if it ever did.
pub async fn find_settings(
    db: &impl IdentityDb,
    app_id: i64,
) -> Result<Option<Settings>, StoreError> {
    db.connection().first(settings(app_id)).await
}

/// Stores what an app says, and gives what is there then: the sealed secret is kept where there is one.
pub async fn save(
    db: &impl IdentityDb,
    stamp: &Stamp<'_>,
    app_id: i64,
    before: Option<&Wishes>,
    wishes: &Wishes,
    sealed: &str,
) -> Result<Settings, StoreError> {
    let mut batch = Batch::default();
    if before != Some(wishes) {
        batch.push(sql!(
            "insert into sms_callback_settings (app_id, status_url, status_level, inbound_url, secret, secret_at, updated_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?6) on conflict (app_id) do update set status_url = excluded.status_url, \
             status_level = excluded.status_level, inbound_url = excluded.inbound_url, updated_at = excluded.updated_at",
            app_id,
            wishes.status_url.as_deref(),
            i64::from(wishes.status_level),
            wishes.inbound_url.as_deref(),
            sealed,
            stamp.now,
        ));
        let action = before.map_or(Action::Create, |_| Action::Update);
        let record = app_id.to_string();
        batch.audit(
            stamp,
            action,
            "sms_callback_settings",
            &record,
            before,
            Some(wishes),
        );
    }
    let mut statements = batch.into_statements();
    statements.push(settings(app_id));
    let before = statements.len() - 1;
    let mut outcomes = db.connection().batch(statements).await?;
    for _ in 0..before {
        outcomes.changes();
    }
    let rows: Vec<Settings> = outcomes.rows()?;
    let saved = rows.into_iter().next();
    saved.ok_or_else(|| StoreError::Broken("settings that were stored are not there".into()))
}

/// Puts another secret in the place of one, which must be there as it was read. The one before it is kept; so is the one before that
/// where it is good since `both_since` or later: an answer that got lost must not cost the secret that receivers know.
#[must_use]
pub fn replace_secret(
    stamp: &Stamp<'_>,
    app_id: i64,
    known: &Settings,
    sealed: &str,
    both_since: Timestamp,
) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update sms_callback_settings set secret_before = case when secret_before is not null and secret_at > ?5 \
         then secret_before else secret end, secret = ?3, secret_at = ?4, updated_at = ?4 \
         where app_id = ?1 and secret = ?2",
        app_id,
        &known.secret,
        sealed,
        stamp.now,
        both_since,
    ));
    let at = |moment: Timestamp| json!({"secret_at": moment});
    batch.audit(
        stamp,
        Action::Update,
        "sms_callback_settings",
        &app_id.to_string(),
        Some(&at(known.secret_at)),
        Some(&at(stamp.now)),
    );
    batch
}

/// Carries out a change; whether somebody is to be told of something then.
#[expect(
    private_bounds,
    reason = "sealed: only the handles of this crate are databases"
)]
pub async fn carry_out(
    batch: Batch,
    db: &impl Connected,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut statements = batch.into_statements();
    let changes = statements.len();
    statements.push(due(now));
    let mut outcomes = db.connection().batch(statements).await?;
    for _ in 0..changes {
        outcomes.changes();
    }
    is_due(&mut outcomes)
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Takes what is to be told now, what was never tried first; it is nobody else's until `until`. Of each app a few, and the first of
/// each before the second of any, so that whoever has many, or a slow server, holds up nobody else.
pub async fn claim(
    db: &impl IdentityDb,
    (limit, of_each): (u16, u16),
    until: Timestamp,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Id> = db
        .connection()
        .rows(sql!(
            "with recursive apps (app) as (select min(app_id) from sms_callbacks where state = 'waiting' union all \
             select (select min(c.app_id) from sms_callbacks c where c.state = 'waiting' and c.app_id > a.app) from apps a \
             where a.app is not null), \
             due as (select c.id, c.due_at, row_number() over (partition by c.app_id order by c.due_at, c.id) as turn \
             from apps a join sms_callbacks c on c.id in (select d.id from sms_callbacks d where d.state = 'waiting' \
             and d.app_id = a.app and d.due_at <= ?1 order by d.due_at, d.id limit ?4)) \
             update sms_callbacks set attempts = attempts + 1, due_at = ?3, since = ifnull(since, ?1), tried_at = ?1, \
             answered = null where id in (select id from due order by turn, due_at, id limit ?2) returning id",
            now,
            i64::from(limit),
            until,
            i64::from(of_each),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Something that is to be told.
#[derive(Clone, Debug, Deserialize)]
pub struct Told<T> {
    /// The callback.
    pub callback: String,
    /// Whom.
    pub owner: i64,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// When that was for the first time.
    pub since: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// Where; none: nowhere any more.
    pub url: Option<String>,
    /// What it is signed with, sealed, and what it was signed with before that was there.
    pub secret: Option<String>,
    /// The one before.
    pub secret_before: Option<String>,
    /// Since when the secret is good.
    pub secret_at: Option<Timestamp>,
    /// What: of a message, as it was then.
    #[serde(flatten)]
    pub what: T,
}

fn told(url: &str, columns: &str, table: &str, id: &str, ids: &str) -> Statement {
    let text = format!(
        "select c.id as callback, c.app_id as owner, c.attempts, c.since, c.at, {url} as url, s.secret, s.secret_before, \
         s.secret_at, {columns} from json_each(?1) i join sms_callbacks c on c.id = i.value join {table} m on m.id = c.{id} \
         left join sms_callback_settings s on s.app_id = c.app_id order by c.id"
    );
    sql!(text, ids)
}

/// What these callbacks tell: of messages, and messages from phones; and whether more is to be told now.
pub async fn load(
    db: &impl IdentityDb,
    ids: &[String],
    now: Timestamp,
) -> Result<(Vec<Told<MessageRow>>, Vec<Told<InboundRow>>, bool), StoreError> {
    let ids = json!(ids).to_string();
    let then = ["status", "parts", "version", "error", "sent_at"];
    let columns = then.iter().fold(COLUMNS.to_owned(), |columns, name| {
        columns.replace(&format!("m.{name},"), &format!("c.{name},"))
    });
    let columns = columns.replace("m.updated_at", "c.at as updated_at");
    let inbound =
        "m.id, m.esme, m.source, m.destination, m.text, m.missing_parts, m.keyword, m.received_at";
    let url = "ifnull(m.callback_url, s.status_url)";
    let statements = vec![
        told(url, &columns, "sms_messages", "message", &ids),
        told("s.inbound_url", inbound, "sms_inbound", "inbound", &ids),
        due(now),
    ];
    let mut outcomes = db.connection().batch(statements).await?;
    Ok((outcomes.rows()?, outcomes.rows()?, is_due(&mut outcomes)?))
}

/// What came of an attempt to tell.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The callback.
    pub callback: String,
    /// Which attempt.
    pub attempts: u32,
    /// The status of the answer; 0: there was none.
    pub answered: u16,
    /// Whether it was taken.
    pub delivered: bool,
    /// When to try again where it was not; none: never.
    pub again: Option<Timestamp>,
    /// Whether nothing was tried, since its app may not be told now: its day has not begun.
    pub held: bool,
}

/// Notes what came of attempts, unless others were begun meanwhile.
#[must_use]
pub fn note(attempts: &[Attempt]) -> Batch {
    let line = |one: &Attempt| {
        let state = match (one.delivered, one.again) {
            (true, _) => "delivered",
            (false, Some(_)) => "waiting",
            (false, None) => "dead",
        };
        let due = one.again.map_or(0, Timestamp::millis);
        json!([
            one.callback,
            one.attempts,
            state,
            due,
            one.answered,
            one.held
        ])
    };
    let lines: Vec<Json> = attempts.iter().map(line).collect();
    let mut batch = Batch::default();
    batch.push(sql!(
        "update sms_callbacks as c set state = e.value ->> 2, due_at = e.value ->> 3, answered = e.value ->> 4, \
         since = iif(e.value ->> 5, null, c.since), attempts = c.attempts - (e.value ->> 5) \
         from json_each(?1) e where c.id = e.value ->> 0 and c.attempts = e.value ->> 1 and c.state = 'waiting'",
        json!(lines).to_string(),
    ));
    batch
}

/// A callback as its app sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// The message that it is about.
    pub message: Option<SmsMessageId>,
    /// Or the message from a phone.
    pub inbound: Option<String>,
    /// The message's status at the time.
    pub status: Option<String>,
    /// When that was.
    pub at: Timestamp,
    /// `waiting`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before this.
    pub due_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// The status of the last answer; 0: there was none.
    pub answered: Option<u16>,
}

const DELIVERY: &str = "select id, message, inbound, status, at, state, attempts, due_at, tried_at, answered \
     from sms_callbacks where app_id = ?1";

/// The callbacks of an app in a state, the newest first.
pub async fn list(
    db: &impl IdentityDb,
    app_id: i64,
    state: Option<&str>,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<DeliveryRow>, StoreError> {
    // Those that are open have an index of their own.
    let open = match state {
        Some("waiting" | "dead") => " and state <> 'delivered'",
        _ => "",
    };
    let text = format!(
        "{DELIVERY}{open} and (?2 is null or state = ?2) and (?3 is null or id < ?3) order by id desc limit ?4"
    );
    let statement = sql!(text, app_id, state, after, i64::from(limit));
    db.connection().rows(statement).await
}

/// Begins anew to tell something, at once and for a day; what is being told goes on.
pub async fn retry(
    db: &impl IdentityDb,
    app_id: i64,
    id: &str,
    now: Timestamp,
) -> Result<DeliveryRow, StoreError> {
    let text = format!("{DELIVERY} and id = ?2");
    let statements = vec![
        sql!(
            "update sms_callbacks set state = 'waiting', attempts = 0, due_at = 0, since = ?3 where app_id = ?1 and id = ?2 \
             and not (state = 'waiting' and tried_at is not null and answered is null and due_at > ?3)",
            app_id,
            id,
            now,
        ),
        sql!(text, app_id, id),
    ];
    let mut outcomes = db.connection().batch(statements).await?;
    outcomes.changes();
    first(&mut outcomes)
}

fn first<T: DeserializeOwned>(outcomes: &mut Outcomes) -> Result<T, StoreError> {
    let rows: Vec<T> = outcomes.rows()?;
    rows.into_iter().next().ok_or(StoreError::NotFound)
}
