//! Apps: who may send, and how much.

use axum::extract::Path;
use homeroom_domain::sms::{number::Address, policy::Policy};
use homeroom_edge::{ApiError, Body, Json, Query, sms::SmsAdmin, sms_rules::check_timezone};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::control::sms_apps::{self, AppEntry, Terms};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{after, found, number};
use crate::paging::{Part, PartOut};

pub(crate) const UNKNOWN: &str = "app not found";
/// Senders of one app.
const MAX_SENDERS: usize = 100;
/// Parts a day or month: more than all links together send.
const MAX_PARTS: i64 = 1_000_000_000_000;

/// An app.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppOut {
    #[schema(example = 1)]
    app_id: i64,
    /// Its account; null: it is a school itself.
    #[schema(example = 1)]
    user_id: Option<i64>,
    /// The account's address.
    #[schema(example = "user@example.com")]
    email: Option<String>,
    /// The school that it is good at; null: the public host.
    tenant: Option<String>,
    #[schema(example = "my-application")]
    name: String,
    /// Whether it may send.
    #[schema(example = true)]
    is_active: bool,
    /// Messages a second, on average.
    #[schema(example = 10)]
    rate_per_second: u32,
    /// Messages at once after a pause.
    #[schema(example = 20)]
    burst: u32,
    /// Parts a day, in UTC.
    #[schema(example = 1_000)]
    daily_parts: u64,
    /// Parts a month.
    #[schema(example = 10_000)]
    monthly_parts: u64,
    /// When its receivers may be written to.
    #[schema(value_type = Object, example = json!({"daily_cap": 3, "quiet_from": "21:00", "quiet_to": "07:00"}))]
    policy: Map<String, Value>,
    /// What it may show as its sender; any where empty.
    #[schema(example = json!(["Greenwood"]))]
    senders: Vec<String>,
    /// In unix seconds.
    #[schema(example = 1_937_082_918)]
    created_at: i64,
}

impl From<AppEntry> for AppOut {
    fn from(row: AppEntry) -> Self {
        Self {
            app_id: row.id,
            user_id: row.account_id,
            email: row.email,
            tenant: row.tenant.map(|id| id.to_string()),
            name: row.terms.name,
            is_active: row.terms.is_active,
            rate_per_second: row.terms.rate_per_second,
            burst: row.terms.burst,
            daily_parts: row.terms.daily_parts,
            monthly_parts: row.terms.monthly_parts,
            policy: row.terms.policy,
            senders: row.terms.senders.iter().map(|one| shown(one)).collect(),
            created_at: row.created_at.seconds(),
        }
    }
}

struct AppsIn {
    part: Part,
    is_active: Option<bool>,
}

impl Input for AppsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_active = fields.nullable("is_active", rules::boolean);
        let part = Part::read(fields);
        Some(Self {
            part: part?,
            is_active: is_active?.flatten(),
        })
    }
}

/// List apps
///
/// Of every place, by number.
#[utoipa::path(get, path = "/api/v1/admin/apps", tag = "administration",
    params(
        ("is_active" = Option<bool>, Query, description = "Only those that may send, or may not."),
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<AppOut>)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_apps(
    admin: SmsAdmin,
    query: Query,
) -> Result<Json<PartOut<AppOut>>, ApiError> {
    let AppsIn { part, is_active } = query.read()?;
    let after = after(part.after.as_deref())?;
    let rows = sms_apps::list(&admin.control, is_active, after, part.ask()).await?;
    Ok(Json(part.answer(
        rows,
        |row| row.id.to_string(),
        Into::into,
    )))
}

/// Show an app
#[utoipa::path(get, path = "/api/v1/admin/apps/{app_id}", tag = "administration",
    params(("app_id" = i64, Path, description = "Number of the app.")),
    responses((status = 200, body = AppOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_app(
    admin: SmsAdmin,
    Path(app_id): Path<String>,
) -> Result<Json<AppOut>, ApiError> {
    let id = number(&app_id, UNKNOWN)?;
    let row = found(sms_apps::find_entry(&admin.control, id).await, UNKNOWN)?;
    Ok(Json(row.into()))
}

/// What is to change of an app.
pub(crate) struct AppIn {
    name: Option<String>,
    is_active: Option<bool>,
    rate_per_second: Option<i64>,
    burst: Option<i64>,
    daily_parts: Option<i64>,
    monthly_parts: Option<i64>,
    policy: Option<Policy>,
    senders: Option<Vec<String>>,
}

/// Senders as they are stored.
fn senders(value: &Value) -> Result<Vec<String>, String> {
    let mut senders = rules::list(MAX_SENDERS, |value| {
        let text = value.as_str().ok_or("Not a valid string.")?;
        let sender = Address::sender(text).map_err(|error| error.to_string())?;
        Ok(sender.as_str().to_owned())
    })(value)?;
    senders.sort();
    senders.dedup();
    Ok(senders)
}

/// A stored sender as people write it.
fn shown(sender: &str) -> String {
    Address::sender(sender).map_or_else(|_| sender.to_owned(), |address| address.display())
}

impl Input for AppIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", rules::text(1, 100));
        let is_active = fields.optional("is_active", rules::boolean);
        let rate_per_second = fields.optional("rate_per_second", rules::integer(1, 10_000));
        let burst = fields.optional("burst", rules::integer(1, 100_000));
        let daily_parts = fields.optional("daily_parts", rules::integer(0, MAX_PARTS));
        let monthly_parts = fields.optional("monthly_parts", rules::integer(0, MAX_PARTS));
        let policy = fields.nested("policy");
        let senders = fields.optional("senders", senders);
        Some(Self {
            name: name?,
            is_active: is_active?,
            rate_per_second: rate_per_second?,
            burst: burst?,
            daily_parts: daily_parts?,
            monthly_parts: monthly_parts?,
            policy: policy?,
            senders: senders?,
        })
    }
}

impl AppIn {
    fn applied_to(self, terms: &Terms) -> Terms {
        fn count<N: TryFrom<i64> + Copy>(given: Option<i64>, known: N) -> N {
            given
                .and_then(|number| N::try_from(number).ok())
                .unwrap_or(known)
        }
        let policy = self.policy.map(|policy| match policy.to_json() {
            Value::Object(map) => map,
            _ => Map::new(),
        });
        Terms {
            name: self.name.unwrap_or_else(|| terms.name.clone()),
            is_active: self.is_active.unwrap_or(terms.is_active),
            rate_per_second: count(self.rate_per_second, terms.rate_per_second),
            burst: count(self.burst, terms.burst),
            daily_parts: count(self.daily_parts, terms.daily_parts),
            monthly_parts: count(self.monthly_parts, terms.monthly_parts),
            policy: policy.unwrap_or_else(|| terms.policy.clone()),
            senders: self.senders.unwrap_or_else(|| terms.senders.clone()),
        }
    }
}

/// What is to change of an app; what is absent stays.
#[derive(ToSchema)]
#[schema(as = AppIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AppIn reads it"
)]
pub(crate) struct AppBody {
    #[schema(example = "my-application", max_length = 100)]
    name: Option<String>,
    /// Whether it may send.
    is_active: Option<bool>,
    /// Messages a second, on average.
    #[schema(example = 50, minimum = 1, maximum = 10_000)]
    rate_per_second: Option<u32>,
    /// Messages at once after a pause.
    #[schema(example = 100, minimum = 1, maximum = 100_000)]
    burst: Option<u32>,
    /// Parts a day, in UTC; 0: none.
    #[schema(example = 5_000, minimum = 0)]
    daily_parts: Option<u64>,
    /// Parts a month; 0: none.
    #[schema(example = 50_000, minimum = 0)]
    monthly_parts: Option<u64>,
    /// The whole policy: what it does not name is not limited. `daily_cap`, `weekly_cap` (messages to one receiver), `duplicate_seconds`,
    /// `quiet_from`, `quiet_to`, `timezone`, `help_text`.
    #[schema(value_type = Object, example = json!({"daily_cap": 3, "quiet_from": "21:00", "quiet_to": "07:00"}))]
    policy: Option<Value>,
    /// What it may show as its sender, at most 100; any where empty.
    #[schema(example = json!(["Greenwood"]), max_items = 100)]
    senders: Option<Vec<String>>,
}

/// Change an app
///
/// Everywhere within three seconds.
#[utoipa::path(patch, path = "/api/v1/admin/apps/{app_id}", tag = "administration", request_body = AppBody,
    params(("app_id" = i64, Path, description = "Number of the app.")),
    responses((status = 200, body = AppOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn update_app(
    admin: SmsAdmin,
    Path(app_id): Path<String>,
    body: Body<AppIn>,
) -> Result<Json<AppOut>, ApiError> {
    let id = number(&app_id, UNKNOWN)?;
    if let Some(policy) = &body.input.policy {
        check_timezone(&admin.app, policy, admin.context.now, "policy.timezone")?;
    }
    let mut row = found(sms_apps::find_entry(&admin.control, id).await, UNKNOWN)?;
    let terms = body.input.applied_to(&row.terms);
    let changed = sms_apps::update(&admin.stamp(), &row, &terms)
        .commit(&admin.control)
        .await;
    admin.app.forget_sms();
    changed?;
    row.terms = terms;
    Ok(Json(row.into()))
}
