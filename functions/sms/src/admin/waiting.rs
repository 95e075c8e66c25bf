//! What the bridge does not have yet.

use homeroom_domain::TenantId;
use homeroom_edge::{ApiError, Json, Query, sms::SmsAdmin};
use homeroom_kernel::{Fields, Input, Timestamp};
use homeroom_store::{TenantDb, control::registry, sms::search, sql::Consistency};
use serde::Serialize;
use utoipa::ToSchema;

use super::unknown;

struct WaitingIn {
    tenant: Option<TenantId>,
}

impl Input for WaitingIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let tenant = fields.nullable("tenant", |value| {
            let id = value.as_str().and_then(TenantId::parse);
            id.ok_or_else(|| "Must be a valid UUID.".to_owned())
        });
        Some(Self {
            tenant: tenant?.flatten(),
        })
    }
}

/// Messages that wait for the bridge.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingOut {
    #[schema(example = 0)]
    count: u64,
    /// When the oldest of them was accepted, in unix seconds; 0 where none waits.
    #[schema(example = 0)]
    oldest_at: i64,
}

/// Count what waits for the bridge
///
/// Of the apps of the public host, or of one school: its own messages, and those of its apps.
#[utoipa::path(get, path = "/api/v1/admin/messages/waiting", tag = "administration",
    params(("tenant" = Option<String>, Query, description = "Id of a school.")),
    responses((status = 200, body = WaitingOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn count_waiting(
    admin: SmsAdmin,
    query: Query,
) -> Result<Json<WaitingOut>, ApiError> {
    let WaitingIn { tenant } = query.read()?;
    let waiting = match tenant {
        None => search::count_waiting(&admin.control).await?,
        Some(id) => {
            let school = registry::find_by_id(&admin.control, id).await?;
            let school = school.and_then(|school| school.active().ok());
            let school = school.ok_or_else(|| unknown("school not found"))?;
            let (databases, trace) = (&*admin.app.ports.databases, &admin.context.trace);
            let db = TenantDb::open(databases, &school, &Consistency::Latest, &trace.aside())?;
            search::count_waiting(&db).await?
        }
    };
    Ok(Json(WaitingOut {
        count: waiting.count,
        oldest_at: waiting.oldest.map_or(0, Timestamp::seconds),
    }))
}
