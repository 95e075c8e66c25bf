//! Who sends: the apps of accounts, and schools themselves.

use homeroom_domain::TenantId;
use homeroom_kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{batch::Batch, connection::ControlDb, error::StoreError, rows, sql::sql};

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
    /// Whether the account may see and remove others.
    #[serde(deserialize_with = "rows::flag")]
    pub is_admin: bool,
}

pub(crate) const COLUMNS: &str = "p.id, p.account_id, p.tenant_id as tenant, p.name, p.is_active, p.rate_per_second, p.burst, \
     p.daily_parts, p.monthly_parts, p.policy, ifnull(a.is_admin, 0) as is_admin";

/// The app with this number, unless its account is deleted.
pub async fn find(db: &ControlDb, id: i64) -> Result<Option<SmsApp>, StoreError> {
    let text = format!(
        "select {COLUMNS} from sms_apps p left join sms_accounts a on a.id = p.account_id \
         where p.id = ?1 and a.deleted_at is null"
    );
    db.0.first(sql!(text, id)).await
}

/// What a school may send until an administrator says otherwise: messages a second and at once, parts a day and a month.
const OF_A_SCHOOL: [i64; 4] = [50, 1_000, 20_000, 200_000];

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
    let [rate, burst, day, month] = OF_A_SCHOOL;
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
        "update sms_apps set policy = ?2, updated_at = ?3 where tenant_id = ?1 and account_id is null",
        tenant,
        policy.to_string(),
        now,
    ));
    batch
}
