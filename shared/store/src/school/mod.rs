//! One school's own tables.

pub mod attendance;
pub mod chatbot;
pub mod exams;
pub mod exports;
pub mod grading;
pub mod imports;
pub mod logo;
pub mod mark_sheets;
pub mod marks;
pub(crate) mod names;
pub mod notices;
pub mod outbox;
pub mod password_resets;
pub mod people;
pub mod promotion;
pub mod provision;
pub mod report_cards;
pub mod report_settings;
pub mod staff;
pub mod structure;
pub mod student_pins;
pub mod subjects;
pub mod teacher_exams;
pub mod timetable;
pub mod usage;
pub mod years;
