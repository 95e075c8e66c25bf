//! What an app has sent.

use homeroom_edge::{ApiError, Json, Query, sms::AppCaller};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::{
    IdentityDb,
    sms::usage::{self, UsageRow},
};
use serde::Serialize;
use utoipa::ToSchema;

const DAY_SECONDS: i64 = 24 * 3_600;
/// Days where the query names no first one, besides the last.
const DEFAULT_DAYS: i64 = 30;
const MAX_DAYS: i64 = 366;

pub(crate) struct UsageIn {
    from: Option<String>,
    to: Option<String>,
}

impl Input for UsageIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let from = fields.nullable("from", rules::date);
        let to = fields.nullable("to", rules::date);
        Some(Self {
            from: from?.flatten(),
            to: to?.flatten(),
        })
    }
}

/// Messages that were accepted on one day, in UTC.
#[derive(Serialize, ToSchema)]
pub(crate) struct DayOut {
    #[schema(example = "2026-01-31")]
    day: String,
    #[schema(example = 3)]
    messages: u64,
    /// What is billed.
    #[schema(example = 4)]
    parts: u64,
    /// Messages that the phones have.
    #[schema(example = 2)]
    delivered: u64,
    /// Messages that were refused, expired or could not be delivered.
    #[schema(example = 1)]
    failed: u64,
}

impl From<UsageRow> for DayOut {
    fn from(row: UsageRow) -> Self {
        Self {
            day: row.day,
            messages: row.messages,
            parts: row.parts,
            delivered: row.delivered,
            failed: row.failed,
        }
    }
}

/// What an app has sent, all days together and one by one.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageOut {
    #[schema(example = 1)]
    app_id: i64,
    #[schema(example = "2026-01-01")]
    from: String,
    #[schema(example = "2026-01-31")]
    to: String,
    #[schema(example = 3)]
    messages: u64,
    #[schema(example = 4)]
    parts: u64,
    #[schema(example = 2)]
    delivered: u64,
    #[schema(example = 1)]
    failed: u64,
    /// Days on which something was sent.
    days: Vec<DayOut>,
}

/// The first moment of a day.
fn start(day: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{day}T00:00:00Z"))
}

pub(crate) fn day(moment: Timestamp) -> String {
    moment.to_rfc3339().chars().take(10).collect()
}

/// Show usage
///
/// By the day on which messages were accepted, in UTC; at most 366 days. The last 31 where the query names none.
#[utoipa::path(get, path = "/api/v1/sms/usage", tag = "messages",
    params(
        ("from" = Option<String>, Query, description = "First day, `2026-01-01`."),
        ("to" = Option<String>, Query, description = "Last day; today where absent."),
    ),
    responses((status = 200, body = UsageOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn show_usage(
    caller: AppCaller,
    query: Query,
) -> Result<Json<UsageOut>, ApiError> {
    let wanted = query.read()?;
    let app_id = caller.sms_app.id;
    Ok(Json(
        report(&caller.db, app_id, wanted, caller.context.now).await?,
    ))
}

/// What an app has sent between two days.
pub(crate) async fn report(
    db: &impl IdentityDb,
    app_id: i64,
    UsageIn { from, to }: UsageIn,
    now: Timestamp,
) -> Result<UsageOut, ApiError> {
    let to = to.unwrap_or_else(|| day(now));
    let end = start(&to).unwrap_or(now);
    let from = from.unwrap_or_else(|| day(end.plus_seconds(-DEFAULT_DAYS * DAY_SECONDS)));
    let begin = start(&from).unwrap_or(end);
    if begin > end {
        return Err(ApiError::field("to", "This is before the first day."));
    }
    if begin.plus_seconds(MAX_DAYS * DAY_SECONDS) <= end {
        return Err(ApiError::field("to", "Ask for at most 366 days."));
    }
    let rows = usage::list(db, app_id, &from, &to).await?;
    let sum = |count: fn(&UsageRow) -> u64| rows.iter().map(count).sum();
    Ok(UsageOut {
        app_id,
        from,
        to,
        messages: sum(|row| row.messages),
        parts: sum(|row| row.parts),
        delivered: sum(|row| row.delivered),
        failed: sum(|row| row.failed),
        days: rows.into_iter().map(Into::into).collect(),
    })
}
