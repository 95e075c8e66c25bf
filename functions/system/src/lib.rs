//! Platform administration, `/api/v1/system/`: schools, platform users and roles, API keys, webhooks, audit log.

mod api_keys;
mod audit_logs;
mod auth;
#[cfg(all(target_arch = "wasm32", feature = "panic-route"))]
mod panic_route;
mod permissions;
mod roles;
mod routes;
mod schools;
mod users;
mod webhooks;

pub use routes::*;
pub use webhooks::tell_webhooks;

#[cfg(target_arch = "wasm32")]
mod events {
    use homeroom_edge::worker::{self as edge, Area};
    use serde_json::json;
    use worker::web_sys::{Request, Response};
    use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event};

    #[cfg(feature = "panic-route")]
    use super::panic_route::router;
    #[cfg(not(feature = "panic-route"))]
    use super::router;

    thread_local! {
        static AREA: Area = const { Area::new() };
    }

    #[event(fetch)]
    async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
        edge::fetch(request, env, context, &AREA, router).await
    }

    #[event(scheduled)]
    async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
        edge::scheduled(env, async |app| {
            let line = match super::tell_webhooks(&app).await {
                Ok(tried) => json!({"level": "info", "event": "webhooks", "tried": tried}),
                Err(error) => {
                    json!({"level": "error", "event": "webhooks", "error": error.to_string()})
                }
            };
            edge::log_line(&line);
        })
        .await;
    }
}
