//! The bridge's public faces: REST, gRPC, what the platform calls, and what shows how the bridge is doing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use homeroom_domain::credentials::sms_token::SmsKeys;
use homeroom_kernel::Clock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Limits, Listen, Secret};
use crate::gateway::Gateway;
use crate::platform_client::PlatformClient;

mod accounts;
mod auth;
mod body;
mod dashboard;
mod errors;
mod grpc;
mod messages;
mod metrics;
mod platform;
mod rest;
mod serve;

pub use errors::ApiError;
pub use messages::Wanted;

/// What every request needs.
pub struct Api {
    gateway: Arc<dyn Gateway>,
    platform: PlatformClient,
    keys: Arc<SmsKeys>,
    secrets: Vec<Secret>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    listen: Listen,
    rates: auth::AppRates,
    room: Semaphore,
    meters: metrics::Meters,
    usage: dashboard::Usage,
}

impl Api {
    /// From a checked configuration.
    #[must_use]
    pub fn new(
        config: &Config,
        gateway: Arc<dyn Gateway>,
        platform: PlatformClient,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        let limits = config.limits.clone();
        Some(Self {
            gateway,
            platform,
            keys: config.keys.read.clone()?,
            secrets: config.secrets(),
            clock,
            rates: auth::AppRates::new(limits.app_rate, limits.app_burst),
            room: Semaphore::new(limits.requests),
            limits,
            listen: config.listen.clone(),
            meters: metrics::Meters::new(),
            usage: dashboard::Usage::new(config.store.sqlite.as_deref()),
        })
    }
}

/// The sockets of both faces, bound and not served yet.
pub struct Sockets {
    /// REST.
    pub rest: TcpListener,
    /// gRPC.
    pub grpc: TcpListener,
}

impl Sockets {
    /// Binds both.
    pub async fn bind(listen: &Listen) -> io::Result<Self> {
        let bind = async |address| {
            TcpListener::bind(address)
                .await
                .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
        };
        Ok(Self {
            rest: bind(listen.rest).await?,
            grpc: bind(listen.grpc).await?,
        })
    }
}

/// Serves both faces until `stop`; returns once requests have ended, or were cut off after a moment.
pub async fn run(
    api: Arc<Api>,
    sockets: Sockets,
    config: &Config,
    stop: CancellationToken,
) -> io::Result<()> {
    let tls = config.tls.as_ref().map(serve::acceptor).transpose()?;
    let (services, reporter) = grpc::router(&api).map_err(io::Error::other)?;
    let rest = around(&api, rest::router(api.clone()));
    let services = around(&api, services.fallback(grpc::nothing_else));
    let readiness = grpc::watch_readiness(api.clone(), reporter);
    let faces = async {
        tokio::join!(
            serve::serve(sockets.rest, tls.clone(), rest, &api.limits, stop.clone()),
            serve::serve(sockets.grpc, tls, services, &api.limits, stop.clone()),
        )
    };
    tokio::select! {
        _ = faces => {}
        () = readiness => {}
    }
    Ok(())
}

fn around(api: &Arc<Api>, router: Router) -> Router {
    router.layer(middleware::from_fn_with_state(api.clone(), measured))
}

/// Lets only so many requests in at a time, and counts and times each. What was sent is not logged.
async fn measured(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = match request.extensions().get::<MatchedPath>() {
        // A gRPC service answers under one pattern; only known methods get a name of their own in the metrics.
        Some(matched) => grpc::method(request.uri().path())
            .unwrap_or(matched.as_str().trim_end_matches('/'))
            .to_owned(),
        None => String::new(),
    };
    let method = request.method().clone();
    // Probes must see a busy bridge as alive.
    let answer = match api.room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) if route == "/healthy" => next.run(request).await,
        Err(_) => ApiError::unavailable("too many requests at a time", 1).into_response(),
    };
    let status = answer.status();
    let took: Duration = started.elapsed();
    let grpc = answer.headers().get("grpc-status");
    let code = match grpc.and_then(|value| value.to_str().ok()) {
        Some(code) => format!("grpc-{code}"),
        None => status.as_u16().to_string(),
    };
    api.meters.observe(route.clone(), code, took);
    if status.is_server_error() {
        tracing::warn!(%method, route, status = status.as_u16(), ?took, "request");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), ?took, "request");
    }
    answer
}
