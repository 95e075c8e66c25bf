//! `/metrics` in the text format of Prometheus. Names no school, number or credential.

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use homeroom_sms_contract::submit::{LinkStatus, Links};
use http::{HeaderMap, header};
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Api;
use super::auth::monitoring;
use super::errors::ApiError;
use super::serve::Peer;
use crate::gateway::Stats;

/// Seconds: a good answer takes a few milliseconds, a disk in trouble takes seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

type FloatGauge = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLink {
    link: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEsme {
    esme: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPool {
    pool: i64,
}

/// What is counted at the door.
#[derive(Debug)]
pub(super) struct Meters {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
}

impl Meters {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("bridge");
        let requests = Family::<Answered, Counter>::default();
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("requests", "Requests by route and status", requests.clone());
        registry.register(
            "request_seconds",
            "Time until the answer began",
            seconds.clone(),
        );
        Self {
            registry,
            requests,
            seconds,
        }
    }

    pub(super) fn observe(&self, route: String, status: String, took: Duration) {
        let timed = Route {
            route: route.clone(),
        };
        self.seconds
            .get_or_create(&timed)
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&Answered { route, status })
            .inc();
    }
}

/// What the engine knows, as one registry made for one answer.
fn snapshot(stats: &Stats, links: &Links, now: i64) -> Registry {
    let mut registry = Registry::with_prefix("bridge");
    let totals = &stats.totals;
    for (name, help, value) in [
        ("messages_accepted", "Messages stored", totals.accepted),
        ("parts_sent", "Parts that a centre took", totals.sent),
        ("parts_delivered", "Parts delivered", totals.delivered),
        (
            "errors",
            "Messages refused and parts that failed for good",
            totals.errors,
        ),
        (
            "attempts_ambiguous",
            "Attempts whose answer never came",
            stats.depths.ambiguous,
        ),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let oldest = stats
        .depths
        .oldest
        .map_or(0, |at| now.saturating_sub(at).max(0));
    for (name, help, value) in [
        (
            "parts_in_flight",
            "Parts whose answer is out",
            stats.depths.sending,
        ),
        (
            "events_waiting",
            "Events that the platform does not have yet",
            stats.depths.events,
        ),
        (
            "events_dead",
            "Events that were given up",
            stats.depths.dead_events,
        ),
        (
            "receipts_orphaned",
            "Receipts whose part is not known",
            stats.depths.orphans,
        ),
    ] {
        let gauge: Gauge<i64> = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let age: FloatGauge = Gauge::default();
    age.set(Duration::from_millis(oldest.unsigned_abs()).as_secs_f64());
    registry.register(
        "oldest_queued_seconds",
        "Age of the oldest part that waits",
        age,
    );

    let queued = Family::<OfEsme, Gauge>::default();
    for (esme, waiting) in &stats.depths.queued {
        let waiting = i64::try_from(*waiting).unwrap_or(i64::MAX);
        queued.get_or_create(&OfEsme { esme: *esme }).set(waiting);
    }
    registry.register("parts_queued", "Parts that wait, by link or pool", queued);
    of_links(&mut registry, links);
    registry
}

fn of_links(registry: &mut Registry, links: &Links) {
    let up = Family::<OfLink, Gauge>::default();
    let rate = Family::<OfLink, FloatGauge>::default();
    let used = Family::<OfLink, Gauge>::default();
    let window = Family::<OfLink, Gauge>::default();
    for link in &links.links {
        let label = OfLink { link: link.id };
        let bound = matches!(link.status, LinkStatus::Up | LinkStatus::Throttled);
        up.get_or_create(&label).set(bound.into());
        rate.get_or_create(&label).set(link.rate);
        used.get_or_create(&label).set(link.in_flight.into());
        window.get_or_create(&label).set(link.window.into());
    }
    registry.register("link_up", "Whether a link is bound", up);
    registry.register("link_rate", "Parts a second that a link may send now", rate);
    registry.register("link_in_flight", "Parts sent and not answered", used);
    registry.register("link_window", "Most parts that may be so", window);
    let rate = Family::<OfPool, FloatGauge>::default();
    for pool in &links.pools {
        let label = OfPool { pool: pool.id };
        rate.get_or_create(&label).set(pool.rate);
    }
    registry.register("pool_rate", "Parts a second that a pool may send now", rate);
}

fn text(api: &Api) -> Result<String, Error> {
    let now = api.clock.now().millis();
    let mut engine = snapshot(&api.gateway.stats(), &api.gateway.links(), now);
    api.gateway.meters().register(&mut engine);
    let mut text = String::new();
    prometheus_text::encode(&mut text, &api.meters.registry)?;
    prometheus_text::encode(&mut text, &engine)?;
    Ok(text)
}

pub(super) async fn show(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    monitoring(&api, &headers, peer)?;
    let text = text(&api).map_err(|Error| ApiError::internal())?;
    Ok((
        [(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)],
        text,
    )
        .into_response())
}
