//! What a made school must be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod content;
mod sameness;
mod schema;
mod world;
