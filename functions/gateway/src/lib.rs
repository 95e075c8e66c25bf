//! The public door: a path prefix leads to an area, and the request goes there unread.
//!
//! What the door decides is pure and compiles natively; [`route`], [`request_id`] and [`answer`]
//! hold it. No business rule and no authorisation is here: every area is as safe without the door.

pub mod answer;
pub mod request_id;
pub mod route;
#[cfg(target_arch = "wasm32")]
mod worker;
