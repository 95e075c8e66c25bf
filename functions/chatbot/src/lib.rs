//! What a chatbot looks up for families, `/api/v1/chatbot/`: students of a phone number, published results by PIN, notices.

mod notices;
mod results;
mod routes;
mod sessions;
mod students;
mod tries;

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
