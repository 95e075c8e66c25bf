//! Whether a link or pool is connected.

use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_sms_contract::submit::LinkStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{admit, unknown};
use crate::fields::MAX_INTEGER;

pub(crate) struct EsmeIn {
    esme: i64,
}

impl Input for EsmeIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            esme: fields.required("esme", rules::integer(1, MAX_INTEGER))?,
        })
    }
}

/// A link or pool.
#[derive(ToSchema)]
#[schema(as = EsmeIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; EsmeIn reads it"
)]
pub(crate) struct EsmeBody {
    /// Its number.
    #[schema(example = 100, minimum = 1)]
    esme: i64,
}

/// What a link or pool is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct EsmeOut {
    /// Whether it is connected.
    #[schema(example = true)]
    persist: bool,
    /// The message centre's own name, empty until it was first connected; of a pool, that of a link that is connected.
    #[schema(example = "my_system")]
    system_id: String,
    /// Why it is not connected.
    #[schema(example = "")]
    error: &'static str,
}

/// Whether a link or pool is connected
///
/// Of a link also while the bridge is away: as the bridge last told, and not connected after three minutes without a word.
#[utoipa::path(post, path = "/api/v1/sms/check-esme", tag = "messages", request_body = EsmeBody,
    responses((status = 200, body = EsmeOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn check_esme(
    caller: AppCaller,
    body: Body<EsmeIn>,
) -> Result<Json<EsmeOut>, ApiError> {
    let esme = body.input.esme;
    admit(&caller.app, &caller.context, esme).await?;
    let links = match caller.app.bridge_links(&caller.context).await {
        Ok(links) => links,
        Err(away) => return told(&caller, esme).await?.map(Json).ok_or(away),
    };
    let route = caller.app.open_links(&caller.context, &links, esme).await?;
    let members: Vec<_> = links
        .links
        .iter()
        .filter(|link| route.contains(&link.id))
        .collect();
    let up = |status| matches!(status, LinkStatus::Up | LinkStatus::Throttled);
    let shown = members
        .iter()
        .find(|link| up(link.status))
        .or(members.first())
        .ok_or_else(|| unknown(esme))?;
    Ok(Json(EsmeOut::new(shown.status, shown.system_id.clone())))
}

impl EsmeOut {
    fn new(status: LinkStatus, system_id: String) -> Self {
        Self {
            persist: matches!(status, LinkStatus::Up | LinkStatus::Throttled),
            system_id,
            error: match status {
                LinkStatus::Up | LinkStatus::Throttled => "",
                LinkStatus::Down => "the connection is down",
                LinkStatus::Disabled => "the connection is switched off",
            },
        }
    }
}

/// What the bridge last told of a link; nothing of a pool.
async fn told(caller: &AppCaller, esme: i64) -> Result<Option<EsmeOut>, ApiError> {
    let row = caller.app.sms_link(&caller.context, esme).await?;
    let state = row.and_then(|row| row.reported(caller.context.now));
    Ok(state.and_then(|state| {
        let status = LinkStatus::deserialize(state.get("status")?).ok()?;
        let system_id = state.get("system_id")?.as_str()?;
        Some(EsmeOut::new(status, system_id.to_owned()))
    }))
}
