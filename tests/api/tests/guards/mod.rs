//! What happens around every route.

mod bodies;
mod headers;
mod hosts;
mod logs;
mod origins;

use homeroom_api_tests::{Reply, TestApp};

/// An answer at a host to somebody who is not signed in.
pub(crate) fn at(app: &TestApp, host: &str) -> Reply {
    app.anonymous(host).base("/api/v1/school/").get("auth/me/")
}
