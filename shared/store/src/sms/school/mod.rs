//! A school's own text messages: how it sends, whom it writes to, and what it sees of that.

pub mod audience;
pub mod batches;
pub mod contacts;
pub mod messages;
pub mod settings;
