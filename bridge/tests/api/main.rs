//! The bridge's public faces over real sockets, with an engine in memory behind them.

// Clippy allows these in tests, but does not see that what tests call is part of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod cli;
mod grpc;
mod limits;
mod monitoring;
#[allow(dead_code, reason = "the links' tests use more of it")]
#[path = "../peers/python.rs"]
mod peers;
mod platform;
mod python;
mod rest;
mod support;
