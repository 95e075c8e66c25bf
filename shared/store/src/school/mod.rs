//! One school's own tables.

pub mod outbox;
pub mod provision;
pub mod staff;
pub mod structure;
pub mod usage;
