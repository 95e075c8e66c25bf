//! Numbers and texts as others read and count them, and what no input may do: see `fuzz`.

// Clippy allows these in tests, but does not see that what tests call is part of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod faults;
mod fuzz;
mod numbers;
mod segments;
#[path = "../../fuzz/src/targets.rs"]
mod targets;
