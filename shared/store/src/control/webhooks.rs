//! Webhooks: servers that are told what happens in schools, and what each is told.

use homeroom_domain::{TenantId, WebhookDeliveryId, WebhookId, webhooks::PING};
use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::{ControlDb, Outcomes},
    error::StoreError,
    list::{self, Page, Parent, Source},
    rows,
    sql::{Statement, new_ids, sql},
    telling::{self, Attempt, Claim, Tells, Told, is_due},
};

const TABLE: &str = "webhooks";
/// The state of what is still to be told.
pub const WAITING: &str = "waiting";
const TELLS: Tells = Tells {
    table: "webhook_deliveries",
    owner: "webhook_id",
};
/// How long deliveries are kept.
const KEEP_SECONDS: i64 = 30 * 24 * 3_600;

/// A webhook as stored, without what it is signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    /// The webhook.
    pub id: WebhookId,
    /// Where it is.
    pub url: String,
    /// For people.
    pub description: String,
    /// What it is told of.
    #[serde(deserialize_with = "rows::json")]
    pub events: Vec<String>,
    /// The school that it is told of; `None`: every school.
    pub client: Option<TenantId>,
    /// Whether it is told.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// Since when the secret is good.
    pub secret_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

impl WebhookRow {
    /// Whether it may be told this now, once more.
    #[must_use]
    pub fn hears(&self, delivery: &DeliveryRow) -> bool {
        let is_wanted = self.is_active
            && self.events.contains(&delivery.event)
            && self.client.is_none_or(|own| delivery.client == Some(own));
        is_wanted || delivery.event == PING
    }
}

const COLUMNS: &str = "w.id, w.url, w.description, w.events, w.tenant_id as client, w.is_active, w.secret_at, \
     w.created_at, w.updated_at, w.created_by";

/// What the list of webhooks can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("url", "w.url collate nocase"),
        ("created_at", "w.created_at"),
        ("updated_at", "w.updated_at"),
    ],
    default_ordering: "-created_at",
    search: &["w.url", "w.description"],
    filters: &[
        ("client", FilterKind::Id, "w.tenant_id = ?"),
        ("is_active", FilterKind::Bool, "w.is_active = ?"),
    ],
};

/// One page of webhooks.
pub async fn list(db: &ControlDb, request: &PageRequest) -> Result<Page<WebhookRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "webhooks w",
        condition: "true",
        key: "w.id",
    };
    list::fetch(&db.0, &source, LISTING.search, request).await
}

/// One webhook.
pub async fn find(db: &ControlDb, id: WebhookId) -> Result<WebhookRow, StoreError> {
    let text = format!("select {COLUMNS} from webhooks w where w.id = ?1");
    let found = db.0.first(sql!(text, id)).await?;
    found.ok_or(StoreError::NotFound)
}

/// Creates a webhook with what it is signed with, sealed.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, row: &WebhookRow, sealed: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into webhooks (id, url, description, events, tenant_id, is_active, secret, secret_at, created_at, \
         updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8, ?9)",
        row.id,
        &row.url,
        &row.description,
        json!(row.events).to_string(),
        row.client,
        row.is_active,
        sealed,
        row.created_at,
        row.created_by.clone(),
    ));
    let id = row.id.to_string();
    let nothing = None::<&WebhookRow>;
    batch.audit(stamp, Action::Create, TABLE, &id, nothing, Some(row));
    batch
}

/// Changes a webhook, and forgets what waits for it of which it is told no more.
#[must_use]
pub fn update(stamp: &Stamp<'_>, before: &WebhookRow, after: &WebhookRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update webhooks set url = ?2, description = ?3, events = ?4, tenant_id = ?5, is_active = ?6, updated_at = ?7 \
         where id = ?1 and updated_at = ?8",
        before.id,
        &after.url,
        &after.description,
        json!(after.events).to_string(),
        after.client,
        after.is_active,
        after.updated_at,
        before.updated_at,
    ));
    batch.push(sql!(
        "delete from webhook_deliveries where webhook_id = ?1 and state = 'waiting' and event <> ?4 \
         and (tenant_id <> ?2 or event not in (select value from json_each(?3)))",
        before.id,
        after.client,
        json!(after.events).to_string(),
        PING,
    ));
    let id = before.id.to_string();
    batch.audit(stamp, Action::Update, TABLE, &id, Some(before), Some(after));
    batch
}

/// Puts another secret in the place of the one that is there. That one is kept; so is the one before it where that is good since
/// `both_since` or later: an answer that got lost must not cost the secret that receivers know.
#[must_use]
pub fn replace_secret(
    stamp: &Stamp<'_>,
    before: &WebhookRow,
    sealed: &str,
    both_since: Timestamp,
) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update webhooks set secret_before = case when secret_before is not null and secret_at > ?5 then secret_before \
         else secret end, secret = ?2, secret_at = ?3, updated_at = ?3 where id = ?1 and updated_at = ?4",
        before.id,
        sealed,
        stamp.now,
        before.updated_at,
        both_since,
    ));
    let at = |moment: Timestamp| json!({"secret_at": moment});
    let (from, to) = (at(before.secret_at), at(stamp.now));
    let id = before.id.to_string();
    batch.audit(stamp, Action::Update, TABLE, &id, Some(&from), Some(&to));
    batch
}

/// Deletes a webhook, with what it was told and was to be told.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, before: &WebhookRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from webhooks where id = ?1", before.id));
    let id = before.id.to_string();
    let nothing = None::<&WebhookRow>;
    batch.audit(stamp, Action::Delete, TABLE, &id, Some(before), nothing);
    batch
}

/// Has the webhooks that want it told of a school's event; no webhook, no row. Of one row of the school's outbox once, however often.
pub(crate) fn tell_statement(tenant: TenantId, seq: i64, at: Timestamp, event: &str) -> Statement {
    let id = new_ids("?3");
    let text = format!(
        "insert into webhook_deliveries (seq, id, webhook_id, tenant_id, event, payload, at) \
         select ?2, {id}, w.id, ?1, ?4 ->> '$.event', ?4 -> '$.data', ?3 from webhooks w where w.is_active = 1 \
         and (w.tenant_id is null or w.tenant_id = ?1) \
         and exists (select 1 from json_each(w.events) e where e.value = ?4 ->> '$.event') \
         on conflict (webhook_id, tenant_id, seq) do nothing"
    );
    sql!(text, tenant, seq, at, event)
}

/// What a webhook was told, or is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Its id, which the receiver sees.
    pub id: WebhookDeliveryId,
    /// What happened.
    pub event: String,
    /// In which school.
    pub client: Option<TenantId>,
    /// The school's slug.
    pub schema_name: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// Ids and figures.
    #[serde(deserialize_with = "rows::json")]
    pub data: Json,
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

const DELIVERY: &str = "d.id, d.event, d.tenant_id as client, t.schema_name, d.at, d.payload as data, d.state, \
     d.attempts, d.due_at, d.tried_at, d.answered";
const DELIVERIES: &str = "webhook_deliveries d left join tenants t on t.id = d.tenant_id";

/// What the list of deliveries can be ordered and filtered by.
pub static DELIVERY_LISTING: Listing = Listing {
    orderings: &[("at", "d.at")],
    default_ordering: "-at",
    search: &[],
    filters: &[
        ("state", FilterKind::Text, "d.state = ?"),
        ("event", FilterKind::Text, "d.event = ?"),
        ("schema_name", FilterKind::Text, "t.schema_name = ?"),
    ],
};

/// One page of what a webhook was told and is to be told.
pub async fn list_deliveries(
    db: &ControlDb,
    webhook: WebhookId,
    request: &PageRequest,
) -> Result<Page<DeliveryRow>, StoreError> {
    let source = Source {
        columns: DELIVERY,
        from: DELIVERIES,
        condition: "true",
        key: "d.id",
    };
    let parent = Parent {
        exists: "select 1 from webhooks where id = ?",
        condition: "d.webhook_id = ?",
        id: Id::from_uuid(webhook.uuid()),
    };
    list::fetch_within(&db.0, &parent, &source, &[], request).await
}

/// Something that a webhook is told.
pub async fn find_delivery(
    db: &ControlDb,
    webhook: WebhookId,
    id: WebhookDeliveryId,
) -> Result<DeliveryRow, StoreError> {
    let text = format!("select {DELIVERY} from {DELIVERIES} where d.webhook_id = ?1 and d.id = ?2");
    let found = db.0.first(sql!(text, webhook, id)).await?;
    found.ok_or(StoreError::NotFound)
}

/// Has a webhook told that nothing happened.
#[must_use]
pub fn ping(stamp: &Stamp<'_>, webhook: WebhookId) -> (DeliveryRow, Batch) {
    let row = DeliveryRow {
        id: stamp.ids.next(),
        event: PING.to_owned(),
        client: None,
        schema_name: None,
        at: stamp.now,
        data: json!({}),
        state: WAITING.to_owned(),
        attempts: 0,
        due_at: Timestamp::from_millis(0),
        tried_at: None,
        answered: None,
    };
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into webhook_deliveries (id, webhook_id, event, payload, at) values (?1, ?2, ?3, ?4, ?5)",
        row.id,
        webhook,
        &row.event,
        row.data.to_string(),
        row.at,
    ));
    let id = row.id.to_string();
    let to = json!({"webhook": webhook, "event": row.event});
    let nothing = None::<&Json>;
    batch.audit(stamp, Action::Create, TELLS.table, &id, nothing, Some(&to));
    (row, batch)
}

/// Begins anew to tell something, at once and for a day, whatever became of it; what is being told goes on.
#[must_use]
pub fn retry(stamp: &Stamp<'_>, webhook: WebhookId, before: &DeliveryRow) -> (DeliveryRow, Batch) {
    let mut batch = Batch::default();
    let is_tried = before.tried_at.is_some() && before.answered.is_none();
    if before.state == WAITING && is_tried && before.due_at > stamp.now {
        return (before.clone(), batch);
    }
    let id = before.id.to_string();
    batch.push(TELLS.retry(webhook, &id, stamp.now));
    let after = DeliveryRow {
        state: WAITING.to_owned(),
        attempts: 0,
        due_at: Timestamp::from_millis(0),
        ..before.clone()
    };
    let told = |row: &DeliveryRow| json!({"state": row.state, "attempts": row.attempts});
    let (from, to) = (told(before), told(&after));
    batch.audit(
        stamp,
        Action::Update,
        TELLS.table,
        &id,
        Some(&from),
        Some(&to),
    );
    (after, batch)
}

/// Forgets what is older than a month, and takes what is to be told now.
pub async fn claim(
    db: &ControlDb,
    claim: &Claim,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let old = now.plus_seconds(-KEEP_SECONDS);
    let statements = vec![TELLS.forget(old), TELLS.claim(claim, now)];
    let mut outcomes = db.0.batch(statements).await?;
    outcomes.changes();
    telling::claimed(&mut outcomes)
}

/// Takes this one delivery, if it is to be told now.
pub async fn claim_one(
    db: &ControlDb,
    id: WebhookDeliveryId,
    until: Timestamp,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let one = TELLS.claim_one(&id.to_string(), until, now);
    telling::claimed(&mut db.0.batch(vec![one]).await?)
}

/// An event as a webhook is told of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Happened {
    /// What happened.
    pub event: String,
    /// In which school.
    pub tenant: Option<TenantId>,
    /// The school's slug.
    pub schema_name: Option<String>,
    /// Ids and figures.
    #[serde(deserialize_with = "rows::json")]
    pub data: Json,
    /// Whether the webhook may be told: it is active, or this is a ping.
    #[serde(deserialize_with = "rows::flag")]
    pub is_open: bool,
}

/// What these deliveries tell, and whether more is to be told now.
pub async fn load(
    db: &ControlDb,
    ids: &[String],
    now: Timestamp,
) -> Result<(Vec<Told<WebhookId, Happened>>, bool), StoreError> {
    let told = sql!(
        "select d.id as callback, d.webhook_id as owner, d.attempts, d.since, d.at, w.url, w.secret, w.secret_before, \
         w.secret_at, d.event, d.tenant_id as tenant, t.schema_name, d.payload as data, \
         (w.is_active = 1 or d.event = ?2) as is_open from json_each(?1) i join webhook_deliveries d on d.id = i.value \
         join webhooks w on w.id = d.webhook_id left join tenants t on t.id = d.tenant_id order by d.id",
        json!(ids).to_string(),
        PING,
    );
    let mut outcomes: Outcomes = db.0.batch(vec![told, TELLS.due(now)]).await?;
    Ok((outcomes.rows()?, is_due(&mut outcomes)?))
}

/// Notes what came of attempts.
#[must_use]
pub fn note(attempts: &[Attempt]) -> Batch {
    TELLS.note(attempts)
}
