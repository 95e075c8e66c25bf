//! The axum adapter, extractors, error answers and logging: what every area's routes stand on.

mod actor;
pub mod app;
mod body;
mod conflicts;
mod constraints;
mod context;
mod dialect;
mod error;
mod extract;
mod idempotency;
pub mod identity;
#[cfg(not(target_arch = "wasm32"))]
pub mod openapi;
#[cfg(target_arch = "wasm32")]
pub mod panic;
mod permit;
mod recent;
mod reply;
pub mod report_card;
mod routes;
pub mod school_sms;
mod serve;
pub mod sms;
pub mod sms_rules;
pub mod telling;
mod tenancy;
#[cfg(target_arch = "wasm32")]
pub mod worker;

pub use actor::Actor;
pub use app::{App, State};
pub use body::TableOr;
pub use conflicts::Conflict;
pub use context::{Context, Deferred, SharedContext};
pub use error::ApiError;
pub use extract::{
    Area, At, Body, Caller, Door, Ids, NoBody, Picture, Query, RawBody, SchoolArea, SystemArea,
};
pub use permit::{Can, Own, OwnPost, Permitted, Post, Posted, SchoolCan, SystemCan, Upload};
pub use reply::{File, Json, List, NoContent};
pub use routes::add_route;
pub use serve::{REQUEST_ID, Served, serve};
pub use tenancy::CACHE_MILLIS as SCHOOL_CACHE_MILLIS;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub use utoipa_axum;
#[doc(hidden)]
pub use {axum, pastey, utoipa};
