//! Whether a link or pool is connected.

use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_sms_contract::submit::LinkStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::{admit, draft::MAX_INTEGER, unknown};

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
    /// The account's name at the message centre; of a pool, that of a link that is connected.
    #[schema(example = "my_system")]
    system_id: String,
    /// Why it is not connected.
    #[schema(example = "")]
    error: &'static str,
}

/// Whether a link or pool is connected
#[utoipa::path(post, path = "/api/v1/sms/check-esme", tag = "messages", request_body = EsmeBody,
    responses((status = 200, body = EsmeOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn check_esme(
    caller: AppCaller,
    body: Body<EsmeIn>,
) -> Result<Json<EsmeOut>, ApiError> {
    let esme = body.input.esme;
    admit(&caller.app, &caller.context, esme).await?;
    let links = caller.app.bridge_links(&caller.context).await?;
    let route = links.route(esme);
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
    Ok(Json(EsmeOut {
        persist: up(shown.status),
        system_id: shown.system_id.clone(),
        error: match shown.status {
            LinkStatus::Up | LinkStatus::Throttled => "",
            LinkStatus::Down => "the connection is down",
            LinkStatus::Disabled => "the connection is switched off",
        },
    }))
}
