//! SMPP 3.4 towards message centres: the wire ([`pdu`], [`codec`]), what it means ([`status`], [`receipt`], [`provider_id`]), and a
//! [`link`] that keeps a session up.

pub mod codec;
pub mod config;
mod gate;
mod inbound;
mod keeper;
pub mod link;
mod outbound;
mod outbox;
pub(crate) mod pacer;
pub mod pdu;
mod pending;
pub mod provider_id;
mod questions;
pub mod receipt;
mod session;
mod shared;
pub mod status;
pub(crate) mod wire;
