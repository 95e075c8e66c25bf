//! Links against centres: scripted ones, the loopback centre, and peers that others wrote.

// Clippy allows these in tests, but does not see that what tests call is part of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod authority;
mod faults;
mod jasmin;
mod link;
#[allow(dead_code, reason = "the chain's tests use it too")]
mod node;
mod peers;
#[path = "../peers/ports.rs"]
mod ports;
#[path = "../peers/python.rs"]
mod python;
mod receipts;
mod session;
mod state;
mod support;
mod wire;
