//! Academics: marks, scales, positions, report cards, promotion, attendance and timetables, as pure decisions.
//!
//! Everything is exact: numbers are hundredths in integers, and rounding happens in [`marks::divide`] only.

pub mod application_state;
pub mod attendance;
pub mod calendar;
pub mod comments;
pub mod exam_state;
pub mod grading;
mod listed;
pub mod mark_sheet;
pub mod marks;
pub mod parts;
pub mod promotion;
pub mod ranking;
pub mod report;
pub mod student_number;
pub mod timetable;
pub mod transcript;
