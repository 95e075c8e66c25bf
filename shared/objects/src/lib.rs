//! What the areas and the Workers behind them must agree on: bindings, names, requests and
//! replies, and the pure state machines of the Durable Objects.
//!
//! Nothing here does I/O. Time comes in as milliseconds since the Unix epoch.

pub mod address;
pub mod documents;
pub mod kept;
pub mod login_guard;
pub mod passwords;
pub mod sms_quota;
pub mod tries;
