//! Links and pools: what the bridge says of them, and what administrators say.

use axum::extract::Path;
use homeroom_domain::credentials::api_key::parse_network;
use homeroom_edge::{ApiError, Body, Json, sms::SmsAdmin};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_sms_contract::submit::{Link, LinkStatus, Pool};
use homeroom_store::control::sms_links::{self, LinkRow, Words};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{number, unknown};
use crate::outbound;

const UNKNOWN: &str = "unknown esme";
/// Addresses and networks of one link.
const MAX_NETWORKS: usize = 100;

/// What a link is doing now.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveOut {
    /// The message centre's own name; empty until it was first connected.
    #[schema(example = "my_system")]
    system_id: String,
    /// `up`, `down`, `throttled` or `disabled`.
    #[schema(value_type = String, example = "up")]
    status: LinkStatus,
    /// Messages a second that it may send now.
    #[schema(example = 50.0)]
    rate: f64,
    /// Parts sent and not answered.
    #[schema(example = 3)]
    in_flight: u32,
    /// Most parts that may be so.
    #[schema(example = 10)]
    window: u32,
    /// When its message centre was last heard, in unix seconds; 0 where it never was.
    #[schema(example = 1_937_082_918)]
    last_check: i64,
}

impl From<&Link> for LiveOut {
    fn from(link: &Link) -> Self {
        Self {
            system_id: link.system_id.clone(),
            status: link.status,
            rate: link.rate,
            in_flight: link.in_flight,
            window: link.window,
            last_check: link.last_check.div_euclid(1_000),
        }
    }
}

/// A link.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkOut {
    #[schema(example = 100)]
    esme: i64,
    /// Whether it may be sent by.
    #[schema(example = true)]
    is_enabled: bool,
    /// Addresses and networks that may send by it; everyone where empty.
    #[schema(example = json!(["203.0.113.0/24"]))]
    allowed_ips: Vec<String>,
    #[schema(example = "")]
    note: String,
    /// What it is doing now; null where the bridge does not know it, or is away.
    live: Option<LiveOut>,
    /// What the bridge last told of it, in its own words; `down` where it told nothing for three minutes, null until it did.
    #[schema(value_type = Option<Object>)]
    reported: Option<Map<String, Value>>,
    /// When, in unix seconds.
    #[schema(example = 1_937_082_918)]
    reported_at: Option<i64>,
}

impl LinkOut {
    fn new(
        esme: i64,
        words: Words,
        row: Option<&LinkRow>,
        live: Option<&Link>,
        now: Timestamp,
    ) -> Self {
        let reported_at = row.and_then(|row| row.state_at);
        Self {
            esme,
            is_enabled: words.is_enabled,
            allowed_ips: words.allowed_ips,
            note: words.note,
            live: live.map(Into::into),
            reported: row.and_then(|row| row.reported(now)),
            reported_at: reported_at.map(Timestamp::seconds),
        }
    }
}

/// Every link.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinksOut {
    /// Whether the bridge answers.
    #[schema(example = true)]
    bridge_up: bool,
    results: Vec<LinkOut>,
}

/// List links
///
/// Those of the bridge, and those that administrators spoke of.
#[utoipa::path(get, path = "/api/v1/admin/links", tag = "administration",
    responses((status = 200, body = LinksOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_links(admin: SmsAdmin) -> Result<Json<LinksOut>, ApiError> {
    let links = admin.app.bridge_links(&admin.context).await.ok();
    let mut rows = sms_links::list(&admin.control).await?;
    let mut results: Vec<LinkOut> = Vec::new();
    for link in links.iter().flat_map(|links| &links.links) {
        let row = rows.iter().position(|row| row.esme == link.id);
        let row = row.map(|place| rows.swap_remove(place));
        results.push(LinkOut::new(
            link.id,
            Words::of(row.as_ref()),
            row.as_ref(),
            Some(link),
            admin.context.now,
        ));
    }
    let is_pool = |esme: i64| {
        let mut pools = links.iter().flat_map(|links| &links.pools);
        pools.any(|pool| pool.id == esme)
    };
    for row in rows {
        if !is_pool(row.esme) {
            results.push(LinkOut::new(
                row.esme,
                Words::of(Some(&row)),
                Some(&row),
                None,
                admin.context.now,
            ));
        }
    }
    results.sort_by_key(|link| link.esme);
    Ok(Json(LinksOut {
        bridge_up: links.is_some(),
        results,
    }))
}

/// A pool.
#[derive(Serialize, ToSchema)]
pub(crate) struct PoolOut {
    #[schema(example = 1000)]
    esme: i64,
    /// Sum of the rates of its links that are up.
    #[schema(example = 100.0)]
    rate: f64,
    /// Its links.
    #[schema(example = json!([100, 101]))]
    links: Vec<i64>,
    /// Messages of each since the bridge started, in their order.
    #[schema(example = json!([12, 11]))]
    distribution: Vec<u64>,
    /// Messages that wait.
    #[schema(example = 0)]
    queued: u64,
    /// Whether it may be sent by.
    #[schema(example = true)]
    is_enabled: bool,
    /// Addresses and networks that may send by it; everyone where empty.
    #[schema(example = json!([]))]
    allowed_ips: Vec<String>,
    #[schema(example = "")]
    note: String,
}

impl PoolOut {
    fn new(pool: &Pool, words: Words) -> Self {
        Self {
            esme: pool.id,
            rate: pool.rate,
            links: pool.links.clone(),
            distribution: pool.distribution.clone(),
            queued: pool.queued,
            is_enabled: words.is_enabled,
            allowed_ips: words.allowed_ips,
            note: words.note,
        }
    }
}

/// Every pool.
#[derive(Serialize, ToSchema)]
pub(crate) struct PoolsOut {
    results: Vec<PoolOut>,
}

/// List pools
///
/// They are the bridge's: while it is away this is 503.
#[utoipa::path(get, path = "/api/v1/admin/pools", tag = "administration",
    responses((status = 200, body = PoolsOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_pools(admin: SmsAdmin) -> Result<Json<PoolsOut>, ApiError> {
    let links = admin.app.bridge_links(&admin.context).await?;
    let rows = sms_links::list(&admin.control).await?;
    let of = |esme: i64| rows.iter().find(|row| row.esme == esme);
    let pools = links.pools.iter();
    let results = pools.map(|pool| PoolOut::new(pool, Words::of(of(pool.id))));
    Ok(Json(PoolsOut {
        results: results.collect(),
    }))
}

/// Who may send by a link.
#[derive(Serialize, ToSchema)]
pub(crate) struct AllowedOut {
    #[schema(example = 100)]
    esme: i64,
    /// Addresses and networks; everyone where empty.
    #[schema(example = json!(["203.0.113.0/24"]))]
    allowed_ips: Vec<String>,
}

/// Who may send by which link.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhitelistOut {
    results: Vec<AllowedOut>,
}

/// List who may send by which link
///
/// Links and pools that are not named here are open to everyone.
#[utoipa::path(get, path = "/api/v1/admin/whitelist", tag = "administration",
    responses((status = 200, body = WhitelistOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_whitelist(admin: SmsAdmin) -> Result<Json<WhitelistOut>, ApiError> {
    let rows = sms_links::list(&admin.control).await?;
    let closed = rows.into_iter().filter(|row| !row.allowed_ips.is_empty());
    Ok(Json(WhitelistOut {
        results: closed
            .map(|row| AllowedOut {
                esme: row.esme,
                allowed_ips: row.allowed_ips,
            })
            .collect(),
    }))
}

/// Addresses and networks, in the form in which they are compared.
fn networks(value: &Value) -> Result<Vec<String>, String> {
    let network = |value: &Value| {
        let text = value.as_str().unwrap_or_default().trim();
        let network = parse_network(text).filter(|_| text.len() <= 64);
        network
            .map(|network| network.trunc().to_string())
            .ok_or_else(|| "Enter an address or a network such as 203.0.113.0/24.".to_owned())
    };
    let mut networks = rules::list(MAX_NETWORKS, network)(value)?;
    networks.sort();
    networks.dedup();
    Ok(networks)
}

pub(crate) struct AllowedIn {
    allowed_ips: Vec<String>,
}

impl Input for AllowedIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            allowed_ips: fields.required("allowed_ips", networks)?,
        })
    }
}

/// Who may send by a link.
#[derive(ToSchema)]
#[schema(as = AllowedIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AllowedIn reads it"
)]
pub(crate) struct AllowedBody {
    /// Addresses and networks, at most 100; everyone where empty.
    #[schema(example = json!(["203.0.113.0/24", "2001:db8::/48"]), max_items = 100)]
    allowed_ips: Vec<String>,
}

/// Say who may send by a link or pool
#[utoipa::path(put, path = "/api/v1/admin/whitelist/{esme}", tag = "administration", request_body = AllowedBody,
    params(("esme" = i64, Path, description = "Number of the link or pool.")),
    responses((status = 200, body = AllowedOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn replace_allowed(
    admin: SmsAdmin,
    Path(esme): Path<String>,
    body: Body<AllowedIn>,
) -> Result<Json<AllowedOut>, ApiError> {
    let esme = number(&esme, UNKNOWN)?;
    let input = LinkIn {
        is_enabled: None,
        allowed_ips: Some(body.input.allowed_ips),
        note: None,
    };
    let (words, ..) = change(&admin, esme, input).await?;
    Ok(Json(AllowedOut {
        esme,
        allowed_ips: words.allowed_ips,
    }))
}

/// What is to change of a link.
pub(crate) struct LinkIn {
    is_enabled: Option<bool>,
    allowed_ips: Option<Vec<String>>,
    note: Option<String>,
}

impl Input for LinkIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_enabled = fields.optional("is_enabled", rules::boolean);
        let allowed_ips = fields.optional("allowed_ips", networks);
        let note = fields.optional("note", rules::text(0, 500));
        Some(Self {
            is_enabled: is_enabled?,
            allowed_ips: allowed_ips?,
            note: note?,
        })
    }
}

/// What is to change of a link; what is absent stays.
#[derive(ToSchema)]
#[schema(as = LinkIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; LinkIn reads it"
)]
pub(crate) struct LinkBody {
    /// Whether it may be sent by. What was accepted for it before still leaves. A pool goes on without it, also with what waits already, and
    /// takes nothing once all its links are off.
    is_enabled: Option<bool>,
    /// Addresses and networks that may send by it, at most 100; everyone where empty.
    #[schema(example = json!(["203.0.113.0/24"]), max_items = 100)]
    allowed_ips: Option<Vec<String>>,
    #[schema(example = "Closed for the night of the move", max_length = 500)]
    note: Option<String>,
}

/// Change a link or pool
///
/// Everywhere within three seconds. Its connection is the bridge's, and is not touched.
#[utoipa::path(patch, path = "/api/v1/admin/links/{esme}", tag = "administration", request_body = LinkBody,
    params(("esme" = i64, Path, description = "Number of the link or pool.")),
    responses((status = 200, body = LinkOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn update_link(
    admin: SmsAdmin,
    Path(esme): Path<String>,
    body: Body<LinkIn>,
) -> Result<Json<LinkOut>, ApiError> {
    let esme = number(&esme, UNKNOWN)?;
    let switches = body.input.is_enabled.is_some();
    let (words, row) = change(&admin, esme, body.input).await?;
    if switches {
        outbound::tell_bridge(&admin.app).await;
    }
    let links = admin.app.bridge_links(&admin.context).await.ok();
    let live = links
        .as_ref()
        .and_then(|links| links.links.iter().find(|link| link.id == esme));
    Ok(Json(LinkOut::new(
        esme,
        words,
        row.as_ref(),
        live,
        admin.context.now,
    )))
}

async fn change(
    admin: &SmsAdmin,
    esme: i64,
    input: LinkIn,
) -> Result<(Words, Option<LinkRow>), ApiError> {
    let row = sms_links::find(&admin.control, esme).await?;
    if row.is_none() {
        let links = admin.app.bridge_links(&admin.context).await?;
        if links.route(esme).is_empty() {
            return Err(unknown(UNKNOWN));
        }
    }
    let before = Words::of(row.as_ref());
    let words = Words {
        is_enabled: input.is_enabled.unwrap_or(before.is_enabled),
        allowed_ips: input.allowed_ips.unwrap_or(before.allowed_ips),
        note: input.note.unwrap_or(before.note),
    };
    let changed = sms_links::update(&admin.stamp(), esme, row.as_ref(), &words)
        .commit(&admin.control)
        .await;
    admin.app.forget_sms();
    changed?;
    Ok((words, row))
}
