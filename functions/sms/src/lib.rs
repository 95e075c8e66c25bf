//! The SMS gateway: accounts and apps, messages and what became of them, monitoring.

mod adapter;
mod admin;
mod auth;
mod callbacks;
mod fields;
mod inbound;
mod messages;
mod monitoring;
mod opt_out_lists;
mod opt_outs;
mod outbound;
mod paging;
mod routes;
mod school;
mod send;
mod sweep;
mod usage;
mod webhooks;

pub use adapter::{Fate, deliver};
pub use callbacks::tell_apps;
pub use routes::*;
pub use sweep::sweep;

#[cfg(target_arch = "wasm32")]
pub mod events;
