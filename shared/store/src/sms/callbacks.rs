//! Callbacks: where apps want to be told, and what is to be told. The triggers of the schema write it down with what happens.

use homeroom_domain::SmsMessageId;
use homeroom_kernel::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    due::{TELLS, due},
    inbound::InboundRow,
    messages::{COLUMNS, MessageRow},
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::{Connected, IdentityDb, Outcomes},
    error::StoreError,
    sql::{Statement, sql},
    telling::{self, Attempt, Claim, Told, is_due},
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

/// Takes what is to be told now.
pub async fn claim(
    db: &impl IdentityDb,
    claim: Claim,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let statements = vec![TELLS.claim(&claim, now)];
    telling::claimed(&mut db.connection().batch(statements).await?)
}

/// A message or a message from a phone that an app is to be told of, as it was then.
pub type ToldApp<T> = Told<i64, T>;

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
) -> Result<(Vec<ToldApp<MessageRow>>, Vec<ToldApp<InboundRow>>, bool), StoreError> {
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

/// Notes what came of attempts.
#[must_use]
pub fn note(attempts: &[Attempt]) -> Batch {
    TELLS.note(attempts)
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
    let statements = vec![TELLS.retry(app_id, id, now), sql!(text, app_id, id)];
    let mut outcomes = db.connection().batch(statements).await?;
    outcomes.changes();
    first(&mut outcomes)
}

fn first<T: DeserializeOwned>(outcomes: &mut Outcomes) -> Result<T, StoreError> {
    let rows: Vec<T> = outcomes.rows()?;
    rows.into_iter().next().ok_or(StoreError::NotFound)
}
