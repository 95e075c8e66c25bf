//! Who sees and changes which marks: who may correct every subject's, all of them; others those of the own subjects.

use homeroom_domain::academics::exam_state::{
    EditFault, ExamState, in_time, in_use, may_edit_mark,
};
use homeroom_edge::{ApiError, Caller, Conflict, SchoolArea};

use crate::days::today;

/// What decides about changes of an exam's marks.
pub(crate) struct Sheet<'a> {
    /// How far the marks are.
    pub(crate) state: ExamState,
    /// Whether marks are entered in the exam session now.
    pub(crate) is_active: bool,
    /// The last day for entering them.
    pub(crate) marks_due: Option<&'a str>,
    /// The users who enter them, with commas between.
    pub(crate) exam_users: Option<&'a str>,
}

/// Whether somebody sees and corrects the marks of every subject.
pub(crate) fn manages(caller: &Caller<SchoolArea>) -> bool {
    caller.actor.permissions.allows("school.manage_mark")
}

/// The user whose subjects' marks somebody sees; none: everybody's. Who is no user of the school, as an API key, has no
/// subjects.
pub(crate) fn sees_subjects_of(caller: &Caller<SchoolArea>) -> Option<String> {
    let user = || {
        let user = caller.actor.user.map(|user| user.to_string());
        user.unwrap_or_default()
    };
    (!manages(caller)).then(user)
}

/// Whether the caller is one of these users.
pub(crate) fn is_one_of(caller: &Caller<SchoolArea>, users: Option<&str>) -> bool {
    let Some(user) = caller.actor.user else {
        return false;
    };
    let user = user.to_string();
    users.is_some_and(|users| users.split(',').any(|known| known == user))
}

/// The refusal for a subject that somebody else teaches.
pub(crate) fn not_your_subject() -> ApiError {
    ApiError::Forbidden {
        code: "not_your_subject",
        detail: "You may change the marks of your own subjects only.".into(),
    }
}

/// Refuses a change of marks that the state, the day or the subject forbids.
pub(crate) fn may_edit(
    caller: &Caller<SchoolArea>,
    sheet: &Sheet<'_>,
    has_reason: bool,
) -> Result<(), ApiError> {
    let (manages, own) = (manages(caller), is_one_of(caller, sheet.exam_users));
    may_edit_mark(sheet.state, has_reason, own, manages).map_err(refusal)?;
    in_use(sheet.is_active, manages).map_err(refusal)?;
    let today = today(caller)?.to_string();
    in_time(sheet.marks_due, &today, manages).map_err(refusal)
}

fn refusal(fault: EditFault) -> ApiError {
    match fault {
        EditFault::NotYourSubject => not_your_subject(),
        EditFault::Inactive => Conflict::MarksInactive.into(),
        EditFault::Closed(ExamState::Published) => Conflict::MarksOut.into(),
        EditFault::Closed(ExamState::Locked) => Conflict::MarksLocked.into(),
        EditFault::Closed(ExamState::Draft | ExamState::Review) => Conflict::MarksInReview.into(),
        EditFault::ReasonRequired => Conflict::MarksPublished.into(),
        EditFault::Overdue => Conflict::MarksOverdue.into(),
    }
}
