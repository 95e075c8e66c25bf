//! Argon2id in an isolate of its own, so that a login neither stalls nor enlarges an area.
//!
//! [`Hasher`] does the work and compiles natively; the Worker around it has no public route.

pub mod hasher;
#[cfg(target_arch = "wasm32")]
mod worker;

pub use hasher::{HashError, Hasher};
