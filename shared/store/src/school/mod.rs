//! One school's own tables.

pub mod exams;
pub mod grading;
pub mod outbox;
pub mod people;
pub mod provision;
pub mod report_cards;
pub mod report_settings;
pub mod staff;
pub mod structure;
pub mod usage;
