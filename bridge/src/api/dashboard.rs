//! `/dashboard/`: how the bridge is doing, as JSON and as one page. Names no school, number or credential.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Response};
use base64ct::{Base64, Encoding};
use http::{HeaderMap, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Api;
use super::auth::monitoring;
use super::errors::ApiError;
use super::serve::Peer;

const PAGE: &str = include_str!("dashboard.html");

/// Only the page's own style and script run, and it asks nobody but this bridge.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |start: &str, end: &str| {
        let inside = PAGE
            .split_once(start)
            .and_then(|(_, rest)| rest.split_once(end))
            .map_or("", |(inside, _)| inside);
        Base64::encode_string(&Sha256::digest(inside))
    };
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("<style>", "</style>"),
        hash("<script>", "</script>"),
    )
});

pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    monitoring(&api, &headers, peer)?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Html(PAGE)).into_response())
}

fn live(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

pub(super) async fn stats(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    monitoring(&api, &headers, peer)?;
    let stats = api.gateway.stats();
    let last = stats.seconds.last().copied().unwrap_or_default();
    let rps = stats.seconds.iter().map(|one| {
        json!({
            "time": one.time, "rps": one.accepted, "sent": one.sent, "delivered": one.delivered,
        })
    });
    let errors = stats.seconds.iter().map(|one| {
        json!({ "time": one.time, "errors": one.errors, "rate": share(one.errors, one.accepted) })
    });
    let (failed, accepted) = stats
        .seconds
        .iter()
        .fold((0, 0), |(failed, accepted), one| {
            (failed + one.errors, accepted + one.accepted)
        });
    let campaigns = stats.campaigns.iter().enumerate().map(|(n, one)| {
        json!({
            "index": n + 1,
            "name": format!("Campaign {}", one.task_id),
            "short_name": one.task_id.to_string(),
            "messages": one.messages,
        })
    });
    let depths = &stats.depths;
    let queued: u64 = depths.queued.iter().map(|(_, waiting)| waiting).sum();
    let oldest = depths.oldest.map(|at| {
        let age = api.clock.now().millis().saturating_sub(at).max(0);
        age / 1_000
    });
    Ok(live(json!({
        "success": true,
        "data": {
            "rps": { "current": last.accepted, "data": rps.collect::<Vec<_>>() },
            "errors": { "rate": share(failed, accepted), "data": errors.collect::<Vec<_>>() },
            "topCampaignStats": campaigns.collect::<Vec<_>>(),
            "system": api.usage.read(),
            "messages": {
                "since": stats.totals.time,
                "accepted": stats.totals.accepted,
                "sent": stats.totals.sent,
                "delivered": stats.totals.delivered,
                "errors": stats.totals.errors,
                "ambiguous": depths.ambiguous,
            },
            "queue": {
                "queued": queued,
                "oldest_seconds": oldest,
                "in_flight": depths.sending,
                "events": depths.events,
                "dead_events": depths.dead_events,
                "orphans": depths.orphans,
            },
        },
    })))
}

/// Percent, with two digits.
#[expect(clippy::cast_precision_loss, reason = "counts of one minute")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return if part == 0 { 0.0 } else { 100.0 };
    }
    let percent = part as f64 * 100.0 / whole as f64;
    (percent.min(100.0) * 100.0).round() / 100.0
}

pub(super) async fn links(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    monitoring(&api, &headers, peer)?;
    let links = api.gateway.links().links.into_iter().map(|mut link| {
        // As everywhere in the source's answers: seconds.
        link.last_check = link.last_check.div_euclid(1_000);
        link
    });
    Ok(live(
        json!({ "success": true, "data": links.collect::<Vec<_>>() }),
    ))
}

pub(super) async fn pools(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    monitoring(&api, &headers, peer)?;
    Ok(live(
        json!({ "success": true, "data": api.gateway.links().pools }),
    ))
}

/// What the machine is doing, in percent; `null` where the system does not say.
#[derive(Debug)]
pub(super) struct Usage {
    folder: PathBuf,
    processor: Mutex<Option<(u64, u64)>>,
}

impl Usage {
    pub(super) fn new(store: Option<&Path>) -> Self {
        let folder = store.and_then(Path::parent).filter(|path| path.is_dir());
        Self {
            folder: folder.unwrap_or(Path::new("/")).to_owned(),
            processor: Mutex::default(),
        }
    }

    fn read(&self) -> Value {
        json!({ "cpu": self.processor(), "ram": memory(), "disk": self.disk() })
    }

    /// Since it was last asked for.
    fn processor(&self) -> Option<f64> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let numbers = text.lines().next()?.split_whitespace().skip(1);
        let times: Vec<u64> = numbers.take(8).map_while(|one| one.parse().ok()).collect();
        let idle = times.get(3)? + times.get(4)?;
        let now = (times.iter().sum::<u64>(), idle);
        let mut last = self
            .processor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (all, idle) = last.replace(now).unwrap_or((0, 0));
        let all = now.0.checked_sub(all).filter(|all| *all > 0)?;
        Some(share(all.saturating_sub(now.1.saturating_sub(idle)), all))
    }

    fn disk(&self) -> Option<f64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(share(
            disk.f_blocks.saturating_sub(disk.f_bavail),
            disk.f_blocks,
        ))
    }
}

fn memory() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let total = field("MemTotal:")?;
    Some(share(total.saturating_sub(field("MemAvailable:")?), total))
}
