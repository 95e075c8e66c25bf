//! A route that panics, in the build for the runtime tests only: they show that it costs no other request.

use axum::{Router, routing::get};
use homeroom_edge::{Caller, State, SystemArea};

/// The area's router, and a route that panics half way through a request.
pub(crate) fn router(app: State) -> Router {
    let panicking = get(panic).with_state(app.clone());
    super::router(app).route("/api/v1/system/panic/", panicking)
}

#[expect(clippy::panic, reason = "it is what the route is for")]
async fn panic(_: Caller<SystemArea>) {
    panic!("this request was to panic");
}
