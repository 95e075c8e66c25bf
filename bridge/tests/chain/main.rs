//! The whole bridge, as a process of its own, between a platform and a centre that count what they see.

// Clippy allows these in tests, but does not see that what tests call is part of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "../smpp/support.rs"]
#[allow(dead_code, reason = "only a part of it is needed here")]
mod centre;
mod clock;
#[path = "../store/cluster.rs"]
#[allow(dead_code, reason = "only a part of it is needed here")]
mod cluster;
mod kill;
mod log;
#[path = "../smpp/node.rs"]
#[allow(dead_code, reason = "only a part of it is needed here")]
mod node;
mod pair;
mod platform;
#[path = "../peers/ports.rs"]
mod ports;
mod receipts;
mod receivers;
mod refusals;
mod reload;
mod rest;
mod send;
mod steps;
mod storm;
mod support;
mod switches;
mod texts;
mod unwritable;
mod waits;
