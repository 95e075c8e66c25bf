//! Who sends: the apps of accounts, and schools themselves.

use homeroom_domain::TenantId;
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

/// An app, with what is known of its account.
#[derive(Clone, Debug, Deserialize)]
pub struct SmsApp {
    /// Its number.
    pub id: i64,
    /// Its account; none: it is the school itself.
    pub account_id: Option<i64>,
    /// The school whose database holds its messages; none: the platform's does.
    pub tenant: Option<TenantId>,
    /// Its name.
    pub name: String,
    /// Whether it may send.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// Messages a second.
    pub rate_per_second: u32,
    /// Messages at once.
    pub burst: u32,
    /// Parts a day.
    pub daily_parts: u64,
    /// Parts a month.
    pub monthly_parts: u64,
    /// The contact policy.
    #[serde(deserialize_with = "rows::json")]
    pub policy: Map<String, Value>,
    /// What it may show as its sender, without a plus; any where empty.
    #[serde(deserialize_with = "rows::json")]
    pub senders: Vec<String>,
    /// Whether the account may see and remove others.
    #[serde(deserialize_with = "rows::flag")]
    pub is_admin: bool,
    /// What all of its school may send together; nothing where it is no school's, or the school's terms are not set yet.
    #[serde(deserialize_with = "rows::optional_json")]
    pub of_school: Option<[u64; 4]>,
}

impl SmsApp {
    /// Whether it may show this as its sender.
    #[must_use]
    pub fn may_send_as(&self, source: &str) -> bool {
        self.senders.is_empty() || self.senders.iter().any(|sender| sender == source)
    }
}

pub(crate) const COLUMNS: &str = "p.id, p.account_id, p.tenant_id as tenant, p.name, p.is_active, p.rate_per_second, p.burst, \
     p.daily_parts, p.monthly_parts, p.policy, p.senders, ifnull(a.is_admin, 0) as is_admin, \
     (select json_array(s.rate_per_second, s.burst, s.daily_parts, s.monthly_parts) from sms_apps s \
     where s.tenant_id = p.tenant_id and s.account_id is null) as of_school";

/// The app with this number, unless its account is deleted.
pub async fn find(db: &ControlDb, id: i64) -> Result<Option<SmsApp>, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_apps p left join sms_accounts a on a.id = p.account_id \
         where p.id = ?1 and a.deleted_at is null"
    );
    db.0.first(sql!(text, id)).await
}

/// Of these apps, those that are in use: of accounts that are there.
pub async fn list_active(db: &ControlDb, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
    }
    let rows: Vec<Row> =
        db.0.rows(sql!(
            "select p.id from sms_apps p left join sms_accounts a on a.id = p.account_id where p.is_active \
             and a.deleted_at is null and p.id in (select value from json_each(?1))",
            json!(ids).to_string(),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What a school may send, itself and by all apps that are good at its address, until an administrator says otherwise: messages a second and
/// at once, parts a day and a month.
pub const OF_A_SCHOOL: [u64; 4] = [50, 1_000, 20_000, 200_000];

/// The app as which a school itself sends, if it has one.
pub async fn find_of_school(
    db: &ControlDb,
    tenant: TenantId,
) -> Result<Option<SmsApp>, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_apps p left join sms_accounts a on false \
         where p.tenant_id = ?1 and p.account_id is null"
    );
    db.0.first(sql!(text, tenant)).await
}

/// Makes the app as which a school itself sends, unless it has one.
#[must_use]
pub fn make_of_school(tenant: TenantId, name: &str, now: Timestamp) -> Batch {
    let [rate, burst, day, month] =
        OF_A_SCHOOL.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into sms_apps (account_id, tenant_id, name, secret_hash, is_active, rate_per_second, burst, daily_parts, \
         monthly_parts, policy, created_at, updated_at) values (null, ?1, ?2, null, 1, ?3, ?4, ?5, ?6, '{}', ?7, ?7) \
         on conflict do nothing",
        tenant,
        name,
        rate,
        burst,
        day,
        month,
        now,
    ));
    batch
}

/// Gives the app as which a school itself sends another contact policy.
#[must_use]
pub fn set_policy_of_school(tenant: TenantId, policy: &Value, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update sms_apps set policy = ?2, updated_at = max(?3, updated_at + 1) where tenant_id = ?1 and account_id is null",
        tenant,
        policy.to_string(),
        now,
    ));
    batch
}

/// An app, for administrators.
#[derive(Clone, Debug, Deserialize)]
pub struct AppEntry {
    /// Its number.
    pub id: i64,
    /// Its account; none: it is the school itself.
    pub account_id: Option<i64>,
    /// The account's address.
    pub email: Option<String>,
    /// The school whose database holds its messages; none: the platform's does.
    pub tenant: Option<TenantId>,
    /// What an administrator may change.
    #[serde(flatten)]
    pub terms: Terms,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an administrator may change of an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Terms {
    /// Its name.
    pub name: String,
    /// Whether it may send.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// Messages a second.
    pub rate_per_second: u32,
    /// Messages at once.
    pub burst: u32,
    /// Parts a day.
    pub daily_parts: u64,
    /// Parts a month.
    pub monthly_parts: u64,
    /// The contact policy.
    #[serde(deserialize_with = "rows::json")]
    pub policy: Map<String, Value>,
    /// What it may show as its sender, without a plus; any where empty.
    #[serde(deserialize_with = "rows::json")]
    pub senders: Vec<String>,
}

const ENTRY: &str = "p.id, p.account_id, a.email, p.tenant_id as tenant, p.name, p.is_active, p.rate_per_second, p.burst, \
     p.daily_parts, p.monthly_parts, p.policy, p.senders, p.created_at, p.updated_at \
     from sms_apps p left join sms_accounts a on a.id = p.account_id";

/// Apps of every place, by number, after the one that is named; none of a deleted account. Where `is_active` is given, only those.
pub async fn list(
    db: &ControlDb,
    is_active: Option<bool>,
    after: i64,
    limit: u32,
) -> Result<Vec<AppEntry>, StoreError> {
    let text = format!(
        "select {ENTRY} where a.deleted_at is null and p.id > ?1 and p.is_active = ifnull(?2, p.is_active) \
         order by p.id limit ?3"
    );
    db.0.rows(sql!(text, after, is_active, i64::from(limit)))
        .await
}

/// The app with this number, unless its account is deleted.
pub async fn find_entry(db: &ControlDb, id: i64) -> Result<AppEntry, StoreError> {
    let text = format!("select {ENTRY} where a.deleted_at is null and p.id = ?1");
    db.0.first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// Changes an app, which must be as it was read.
#[must_use]
pub fn update(stamp: &Stamp<'_>, app: &AppEntry, terms: &Terms) -> Batch {
    let mut batch = Batch::default();
    if app.terms == *terms {
        return batch;
    }
    // Two changes of one millisecond are two.
    let updated_at = stamp.now.millis().max(app.updated_at.millis() + 1);
    batch.push_effective(sql!(
        "update sms_apps set name = ?3, is_active = ?4, rate_per_second = ?5, burst = ?6, daily_parts = ?7, \
         monthly_parts = ?8, policy = ?9, senders = ?11, updated_at = ?10 where id = ?1 and updated_at = ?2",
        app.id,
        app.updated_at,
        &terms.name,
        terms.is_active,
        i64::from(terms.rate_per_second),
        i64::from(terms.burst),
        i64::try_from(terms.daily_parts).unwrap_or(i64::MAX),
        i64::try_from(terms.monthly_parts).unwrap_or(i64::MAX),
        json!(terms.policy).to_string(),
        updated_at,
        json!(terms.senders).to_string(),
    ));
    batch.audit(
        stamp,
        Action::Update,
        "sms_apps",
        &app.id.to_string(),
        Some(&app.terms),
        Some(terms),
    );
    batch
}
