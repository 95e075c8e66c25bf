//! The SMS gateway: accounts and apps, messages and what became of them, monitoring.

mod adapter;
mod auth;
mod messages;
mod monitoring;
mod outbound;
mod routes;
mod send;
mod sweep;
mod webhooks;

pub use adapter::{Fate, deliver};
pub use routes::*;
pub use sweep::sweep;

#[cfg(target_arch = "wasm32")]
mod events;
