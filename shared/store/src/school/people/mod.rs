//! Students, their guardians, and their place in a session.

mod applications;
mod erasure;
mod guardians;
mod registrations;
mod students;

use homeroom_domain::records::Kind;

pub use applications::{
    APPLICATIONS, Enrolment, STATES, application_history, application_state, find_applications,
    find_for_enrolment, hold_applications, note_states, prepare_application, take_steps,
};
pub use erasure::{Erasable, NAME as ERASED_NAME, erase, find_erasable};
pub use guardians::{
    GUARDIANS, GuardianAlike, LinkedStudent, STUDENT_GUARDIANS, STUDENTS_OF_GUARDIAN,
    guardians_alike, students_of,
};
pub use registrations::{Outcome, Placed, STUDENT_SESSIONS, of_class, place, take_out_of_class};
pub(crate) use students::end_registrations;
pub use students::{
    Admission, Change, HISTORY, Namesake, STUDENTS, WITHOUT_SESSION, hide_erased, history,
    note_changes, prepare_admission, without_session,
};

const NAME: Kind = Kind::Text { min: 1, max: 100 };
const BOARDING: Kind = Kind::Choice(&["Boarding", "Day"]);
const ENROLMENT: Kind = Kind::Choice(&["active", "transferred", "graduated", "dropped_out"]);
