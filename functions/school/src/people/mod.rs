//! Students, their guardians, and their place in a session.

pub(crate) mod admissions;
pub(crate) mod guardians;
pub(crate) mod registrations;

use crate::records::Resource;

const TAG: &str = "people";

/// Every resource of plain records about people.
pub(crate) static RESOURCES: &[&Resource] = &[
    &admissions::STUDENTS,
    &guardians::GUARDIANS,
    &guardians::STUDENT_GUARDIANS,
    &registrations::STUDENT_SESSIONS,
];
