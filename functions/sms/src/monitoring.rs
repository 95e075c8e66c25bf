//! How the gateway is doing: public as the source says, or for administrators only. Names no school, number or credential.

use axum::{
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use homeroom_edge::{
    ApiError, Json, State,
    sms::{SmsAdmin, SmsDoor},
};
use http::{header, request::Parts};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Anyone at the public host, or an administrator where monitoring is not public.
pub(crate) struct Watcher(SmsDoor);

impl FromRequestParts<State> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let door = SmsDoor::from_request_parts(parts, app).await?;
        if door.school.is_some() {
            return Err(ApiError::NotFound);
        }
        if app.settings.sms.hides_monitoring {
            SmsAdmin::from_request_parts(parts, app).await?;
        }
        Ok(Self(door))
    }
}

/// That the service is running.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthOut {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the service is running
///
/// It is, also while the bridge is away.
#[utoipa::path(get, path = "/healthy", tag = "monitoring", responses((status = 200, body = HealthOut)))]
pub(crate) async fn find_health(_: Request) -> Json<HealthOut> {
    Json(HealthOut { status: "ok" })
}

/// Metrics for Prometheus
///
/// `homeroom_bridge_up`, and those of the bridge while it answers.
#[utoipa::path(get, path = "/metrics", tag = "monitoring",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn find_metrics(Watcher(door): Watcher) -> Result<Response, ApiError> {
    let page = door.app.bridge_page(&door.context, "/metrics").await;
    let up = "# HELP homeroom_bridge_up Whether the bridge answers.\n# TYPE homeroom_bridge_up gauge\nhomeroom_bridge_up";
    let text = match page {
        Ok(page) if page.lines().all(is_sample) => {
            let page = page.trim_end();
            format!("{page}\n{up} 1\n")
        }
        _ => format!("{up} 0\n"),
    };
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, text).into_response())
}

/// Whether a parser takes a line for a sample or a comment: a stranger's page in the bridge's place is not passed on.
fn is_sample(line: &str) -> bool {
    let line = line.trim();
    let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    let value = line.rsplit(' ').next().unwrap_or_default();
    line.is_empty()
        || line.starts_with('#')
        || (line.starts_with(begins) && line.contains(' ') && value.parse::<f64>().is_ok())
}

/// What the bridge says.
#[derive(ToSchema)]
#[schema(as = Dashboard)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; the bridge writes it"
)]
pub(crate) struct DashboardOut {
    #[schema(example = true)]
    success: bool,
    /// As the bridge writes it.
    data: Value,
}

async fn page(watcher: &Watcher, path: &str) -> Result<Response, ApiError> {
    let door = &watcher.0;
    let page = door.app.bridge_page(&door.context, path).await?;
    let json: Option<Value> = serde_json::from_str(&page).ok();
    let is_dashboard = |json: Value| {
        json.get("success") == Some(&Value::Bool(true))
            && json.get("data").is_some_and(|data| !data.is_null())
    };
    if !json.is_some_and(is_dashboard) {
        return Err(ApiError::Unavailable(format!(
            "{path} of the bridge is no dashboard"
        )));
    }
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, page.to_string()).into_response())
}

/// Live rate, counts and the state of the machine
#[utoipa::path(get, path = "/dashboard/stats", tag = "monitoring", responses((status = 200, body = DashboardOut)))]
pub(crate) async fn find_stats(watcher: Watcher) -> Result<Response, ApiError> {
    page(&watcher, "/dashboard/stats").await
}

/// Every connection to a message centre
#[utoipa::path(get, path = "/dashboard/smpp-links", tag = "monitoring", responses((status = 200, body = DashboardOut)))]
pub(crate) async fn find_smpp_links(watcher: Watcher) -> Result<Response, ApiError> {
    page(&watcher, "/dashboard/smpp-links").await
}

/// Every pool, and how its messages were spread
#[utoipa::path(get, path = "/dashboard/load-balancers", tag = "monitoring",
    responses((status = 200, body = DashboardOut)))]
pub(crate) async fn find_load_balancers(watcher: Watcher) -> Result<Response, ApiError> {
    page(&watcher, "/dashboard/load-balancers").await
}
