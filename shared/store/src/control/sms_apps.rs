//! Who sends: the apps of accounts, and schools themselves.

use homeroom_domain::TenantId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{connection::ControlDb, error::StoreError, rows, sql::sql};

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
