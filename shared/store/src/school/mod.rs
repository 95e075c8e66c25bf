//! One school's own tables.

pub mod exams;
pub mod outbox;
pub mod people;
pub mod promotion;
pub mod provision;
pub mod staff;
pub mod structure;
pub mod usage;
