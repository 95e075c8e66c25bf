//! Platform administration, `/api/v1/system/`: schools, platform users and roles, API keys, audit log.

mod api_keys;
mod audit_logs;
mod auth;
mod permissions;
mod roles;
mod routes;
mod schools;
mod users;

pub use routes::*;

#[cfg(target_arch = "wasm32")]
mod events {
    use homeroom_edge::worker::{self as edge, Area};
    use worker::web_sys::{Request, Response};
    use worker::{Context, Env, Result, event};

    thread_local! {
        static AREA: Area = const { Area::new() };
    }

    #[event(fetch)]
    async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
        edge::fetch(request, env, context, &AREA, super::router).await
    }
}
