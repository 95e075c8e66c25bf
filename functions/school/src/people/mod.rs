//! Applicants, students, their guardians, and their place in a session.

pub(crate) mod admissions;
pub(crate) mod applications;
pub(crate) mod enrolment;
pub(crate) mod erasure;
pub(crate) mod guardians;
pub(crate) mod pins;
pub(crate) mod registrations;

use homeroom_domain::{
    permissions::{Permission, school::ChangeUser},
    records::text,
};
use homeroom_edge::{ApiError, Caller, Conflict, Permitted, SchoolArea};

use crate::{
    records::{Resource, Write},
    report_cards,
};

const TAG: &str = "people";

/// Every resource of plain records about people.
pub(crate) static RESOURCES: &[&Resource] = &[
    &applications::APPLICATIONS,
    &admissions::STUDENTS,
    &guardians::GUARDIANS,
    &guardians::STUDENT_GUARDIANS,
    &registrations::STUDENT_SESSIONS,
];

/// Refuses a new user of a student or a guardian from who may not change users. Whoever signs in as one reads the cards and
/// notices that are the family's.
fn check_user(write: &Write<'_>) -> Result<(), ApiError> {
    let user = |record| text(record, "user");
    let after = write.after.as_ref().map(user).unwrap_or_default();
    if after.is_empty() || write.before.map(user) == Some(after) {
        return Ok(());
    }
    write.caller.require_all(&[ChangeUser::CODENAME])?;
    refuse_self(write.caller, after)
}

/// The user whom the caller makes no family's account: the own one, unless the caller sees all cards and gains nothing.
pub(crate) fn not_linked(caller: &Caller<SchoolArea>) -> Option<String> {
    let own = caller
        .actor
        .user
        .filter(|_| !report_cards::sees_all(caller));
    own.map(|user| user.to_string())
}

/// Refuses to make the own account that of a family.
fn refuse_self(caller: &Permitted<SchoolArea>, user: &str) -> Result<(), ApiError> {
    if not_linked(caller).is_some_and(|own| own == user) {
        return Err(Conflict::OwnFamily.into());
    }
    Ok(())
}
