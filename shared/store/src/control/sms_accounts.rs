//! Accounts of the SMS gateway. Their ids are numbers, as the gateway's clients know them.

use homeroom_domain::TenantId;
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use crate::{
    batch::{Batch, Stamp},
    connection::ControlDb,
    error::StoreError,
    rows,
    sql::{Value, sql},
};

/// An account with its first app.
#[derive(Clone, Debug)]
pub struct NewAccount<'a> {
    /// Its address, lower case.
    pub email: &'a str,
    /// The password, hashed.
    pub password_hash: &'a str,
    /// The school at whose address it is made.
    pub tenant: Option<TenantId>,
    /// The app's name.
    pub app_name: &'a str,
    /// SHA-256 of the app's secret.
    pub secret_hash: &'a str,
    /// Whether the app may send at once.
    pub is_active: bool,
    /// Messages a second, and at once.
    pub rate: (i64, i64),
    /// Parts a day, and a month.
    pub parts: (i64, i64),
    /// The contact policy, as JSON.
    pub policy: &'a str,
}

/// The numbers of an account and its app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// The account.
    pub user_id: i64,
    /// The app.
    pub app_id: i64,
}

/// The account with an address at a place: `?1` and `?2`.
const AT: &str =
    "a.email = ?1 and ifnull(a.tenant_id, '') = ifnull(?2, '') and a.deleted_at is null";

/// Makes an account and its app. An address that is taken at this place is a conflict.
pub async fn register(
    db: &ControlDb,
    stamp: &Stamp<'_>,
    account: &NewAccount<'_>,
) -> Result<Registered, StoreError> {
    let (email, tenant) = (account.email, account.tenant);
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into sms_accounts (email, password_hash, tenant_id, created_at) values (?1, ?2, ?3, ?4)",
        email,
        account.password_hash,
        tenant,
        stamp.now,
    ));
    let text = format!(
        "insert into sms_apps (account_id, tenant_id, name, secret_hash, is_active, rate_per_second, burst, daily_parts, \
         monthly_parts, policy, created_at, updated_at) \
         select a.id, a.tenant_id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11 from sms_accounts a where {AT}"
    );
    batch.push(sql!(
        text,
        email,
        tenant,
        account.app_name,
        account.secret_hash,
        account.is_active,
        account.rate.0,
        account.rate.1,
        account.parts.0,
        account.parts.1,
        account.policy,
        stamp.now,
    ));
    for (table, changes) in [
        (
            "sms_accounts",
            "a.id as record_id, json_object('email', json_object('from', null, 'to', a.email)) as changes \
             from sms_accounts a",
        ),
        (
            "sms_apps",
            "p.id as record_id, json_object('name', json_object('from', null, 'to', p.name)) as changes \
             from sms_accounts a join sms_apps p on p.account_id = a.id",
        ),
    ] {
        let text = format!("select ?3 as log, 'CREATE' as action, {changes} where {AT}");
        let log = stamp.ids.next::<()>();
        batch.audit_each(
            stamp,
            table,
            &text,
            vec![Value::from(email), tenant.into(), log.into()],
        );
    }
    let text = format!(
        "select a.id as user_id, p.id as app_id from sms_accounts a join sms_apps p on p.account_id = a.id where {AT}"
    );
    let mut statements = batch.into_statements();
    let before = statements.len();
    statements.push(sql!(text, email, tenant));
    let mut outcomes = db.0.batch(statements).await?;
    for _ in 0..before {
        outcomes.changes();
    }
    let rows: Vec<Registered> = outcomes.rows()?;
    rows.into_iter()
        .next()
        .ok_or_else(|| StoreError::Broken("an account that was made is not there".into()))
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountRow {
    /// Its number.
    pub id: i64,
    /// Its address.
    pub email: String,
    /// The password, hashed.
    pub password_hash: String,
    /// Whether it may see and remove others.
    #[serde(deserialize_with = "rows::flag")]
    pub is_admin: bool,
    /// The school at whose address it is good.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "a.id, a.email, a.password_hash, a.is_admin, a.tenant_id as tenant, a.created_at";

/// The account with this address at a place.
pub async fn find_by_email(
    db: &ControlDb,
    tenant: Option<TenantId>,
    email: &str,
) -> Result<Option<AccountRow>, StoreError> {
    let text = format!("select {COLUMNS} from sms_accounts a where {AT}");
    db.0.first(sql!(text, email, tenant)).await
}

/// The account with this number at a place.
pub async fn find(
    db: &ControlDb,
    tenant: Option<TenantId>,
    id: i64,
) -> Result<AccountRow, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_accounts a where a.id = ?1 and a.tenant_id is ?2 and a.deleted_at is null"
    );
    db.0.first(sql!(text, id, tenant))
        .await?
        .ok_or(StoreError::NotFound)
}

/// Puts a hash with today's parameters in the place of the one that the password was compared with.
#[must_use]
pub fn rehash(account: &AccountRow, hash: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update sms_accounts set password_hash = ?3 where id = ?1 and password_hash = ?2",
        account.id,
        &account.password_hash,
        hash,
    ));
    batch
}

/// Deletes an account: its apps send nothing more, its messages stay.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, account: &AccountRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update sms_accounts set deleted_at = ?2 where id = ?1 and deleted_at is null",
        account.id,
        stamp.now,
    ));
    batch.push(sql!(
        "update sms_apps set is_active = 0, updated_at = ?2 where account_id = ?1",
        account.id,
        stamp.now,
    ));
    let before = serde_json::json!({"email": account.email});
    batch.audit(
        stamp,
        crate::batch::Action::Delete,
        "sms_accounts",
        &account.id.to_string(),
        Some(&before),
        None::<&()>,
    );
    batch
}

/// An account, for administrators.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountEntry {
    /// Its number.
    pub id: i64,
    /// Its address.
    pub email: String,
    /// Whether it may see and remove others.
    #[serde(deserialize_with = "rows::flag")]
    pub is_admin: bool,
    /// The school at whose address it is good.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its apps.
    #[serde(deserialize_with = "rows::json")]
    pub apps: Vec<i64>,
}

const ENTRY: &str = "a.id, a.email, a.is_admin, a.tenant_id as tenant, a.created_at, \
     (select json_group_array(p.id) from sms_apps p where p.account_id = a.id) as apps";

/// Accounts of every place, by number, after the one that is named.
pub async fn list(db: &ControlDb, after: i64, limit: u32) -> Result<Vec<AccountEntry>, StoreError> {
    let text = format!(
        "select {ENTRY} from sms_accounts a where a.deleted_at is null and a.id > ?1 order by a.id limit ?2"
    );
    db.0.rows(sql!(text, after, i64::from(limit))).await
}

/// The account with this number, at whatever place.
pub async fn find_anywhere(db: &ControlDb, id: i64) -> Result<AccountRow, StoreError> {
    let text =
        format!("select {COLUMNS} from sms_accounts a where a.id = ?1 and a.deleted_at is null");
    db.0.first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// The same for showing it.
pub async fn find_entry(db: &ControlDb, id: i64) -> Result<AccountEntry, StoreError> {
    let text =
        format!("select {ENTRY} from sms_accounts a where a.id = ?1 and a.deleted_at is null");
    db.0.first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// Makes an account an administrator's, or no longer; it must be as it was read.
#[must_use]
pub fn set_admin(stamp: &Stamp<'_>, account: &AccountEntry, is_admin: bool) -> Batch {
    let mut batch = Batch::default();
    if account.is_admin == is_admin {
        return batch;
    }
    batch.push_effective(sql!(
        "update sms_accounts set is_admin = ?2 where id = ?1 and is_admin = ?3 and deleted_at is null",
        account.id,
        is_admin,
        account.is_admin,
    ));
    batch.audit(
        stamp,
        crate::batch::Action::Update,
        "sms_accounts",
        &account.id.to_string(),
        Some(&serde_json::json!({"is_admin": account.is_admin})),
        Some(&serde_json::json!({"is_admin": is_admin})),
    );
    batch
}
