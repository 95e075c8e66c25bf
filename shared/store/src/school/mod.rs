//! One school's own tables.

pub mod exams;
pub mod exports;
pub mod imports;
pub mod notices;
pub mod outbox;
pub mod people;
pub mod provision;
pub mod staff;
pub mod structure;
pub mod usage;
