//! The life of an exam session's marks: draft, review, published, locked; and who may still change one.

use serde::{Deserialize, Serialize};

/// How far the marks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExamState {
    /// Teachers enter marks.
    Draft,
    /// Entered, and being checked.
    Review,
    /// Visible to students and guardians; cards are frozen.
    Published,
    /// Published, and closed.
    Locked,
}

/// A step from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Draft to review.
    Submit,
    /// Review to draft.
    Return,
    /// Draft or review to published.
    Publish,
    /// Published to review.
    Unpublish,
    /// Published to locked.
    Lock,
    /// Locked to published, with a reason.
    Unlock,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// The step does not begin in this state.
    NotFromHere,
    /// The step must be explained.
    ReasonRequired,
}

/// Why a mark may not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditFault {
    /// A subject that somebody else teaches.
    NotYourSubject,
    /// Once they are no draft, only holders of the permission correct.
    Closed(ExamState),
    /// Corrections of published marks are explained.
    ReasonRequired,
    /// No marks are entered in the exam session now.
    Inactive,
    /// The last day for entering marks is over.
    Overdue,
}

impl ExamState {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
            Self::Published => "published",
            Self::Locked => "locked",
        }
    }

    /// The state that is stored by this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Draft, Self::Review, Self::Published, Self::Locked]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// The state after a step.
    pub fn after(self, step: Step, has_reason: bool) -> Result<Self, StepFault> {
        match (self, step) {
            (Self::Draft, Step::Submit) | (Self::Published, Step::Unpublish) => Ok(Self::Review),
            (Self::Review, Step::Return) => Ok(Self::Draft),
            (Self::Draft | Self::Review, Step::Publish) => Ok(Self::Published),
            (Self::Published, Step::Lock) => Ok(Self::Locked),
            (Self::Locked, Step::Unlock) if has_reason => Ok(Self::Published),
            (Self::Locked, Step::Unlock) => Err(StepFault::ReasonRequired),
            _ => Err(StepFault::NotFromHere),
        }
    }
}

/// Whether a mark may be changed. `has_permission` is the permission to correct the marks of every subject: without
/// it a teacher changes those of the own subjects, as long as they are a draft.
pub fn may_edit_mark(
    state: ExamState,
    has_reason: bool,
    is_own_subject: bool,
    has_permission: bool,
) -> Result<(), EditFault> {
    match state {
        _ if !is_own_subject && !has_permission => Err(EditFault::NotYourSubject),
        ExamState::Draft => Ok(()),
        _ if !has_permission => Err(EditFault::Closed(state)),
        ExamState::Review => Ok(()),
        ExamState::Published | ExamState::Locked if has_reason => Ok(()),
        ExamState::Published | ExamState::Locked => Err(EditFault::ReasonRequired),
    }
}

/// The states in which somebody changes marks: what the database holds a change to, as [`may_edit_mark`] does before.
#[must_use]
pub const fn open_states(has_reason: bool, has_permission: bool) -> &'static [ExamState] {
    use ExamState::{Draft, Locked, Published, Review};
    match (has_permission, has_reason) {
        (false, _) => &[Draft],
        (true, false) => &[Draft, Review],
        (true, true) => &[Draft, Review, Published, Locked],
    }
}

/// Whether marks are entered in the exam session now: that binds who changes the own subjects' marks only.
pub fn in_use(is_active: bool, has_permission: bool) -> Result<(), EditFault> {
    if is_active || has_permission {
        Ok(())
    } else {
        Err(EditFault::Inactive)
    }
}

/// Whether marks can still be entered on a day: the last day binds who changes the own subjects' marks only. Days are
/// texts as `2026-01-31`.
pub fn in_time(last_day: Option<&str>, today: &str, has_permission: bool) -> Result<(), EditFault> {
    match last_day {
        Some(last) if last < today && !has_permission => Err(EditFault::Overdue),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [ExamState; 4] = [
        ExamState::Draft,
        ExamState::Review,
        ExamState::Published,
        ExamState::Locked,
    ];

    #[test]
    fn every_state_allows_its_own_steps_and_no_others() {
        use ExamState::{Draft, Locked, Published, Review};
        let table = [
            (Step::Submit, [Some(Review), None, None, None]),
            (Step::Return, [None, Some(Draft), None, None]),
            (
                Step::Publish,
                [Some(Published), Some(Published), None, None],
            ),
            (Step::Unpublish, [None, None, Some(Review), None]),
            (Step::Lock, [None, None, Some(Locked), None]),
            (Step::Unlock, [None, None, None, Some(Published)]),
        ];
        for (step, row) in table {
            for (state, expected) in STATES.into_iter().zip(row) {
                assert_eq!(
                    state.after(step, true),
                    expected.ok_or(StepFault::NotFromHere),
                    "{state:?} {step:?}"
                );
            }
        }
    }

    #[test]
    fn only_unlocking_needs_a_reason() {
        assert_eq!(
            ExamState::Locked.after(Step::Unlock, false),
            Err(StepFault::ReasonRequired)
        );
        assert!(ExamState::Published.after(Step::Lock, false).is_ok());
    }

    #[test]
    fn the_states_by_name_and_those_open_for_changes_agree_with_the_decisions() {
        for state in STATES {
            assert_eq!(ExamState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::json!(state), state.as_str());
            for (reason, permission) in [(false, false), (true, false), (false, true), (true, true)]
            {
                assert_eq!(
                    open_states(reason, permission).contains(&state),
                    may_edit_mark(state, reason, true, permission).is_ok(),
                    "{state:?} {reason} {permission}"
                );
            }
        }
        assert_eq!(ExamState::parse("gone"), None);
    }

    #[test]
    fn the_last_day_binds_teachers_and_is_a_day_for_entering() {
        for (last, today, permission, open) in [
            (None, "2026-03-10", false, true),
            (Some("2026-03-10"), "2026-03-09", false, true),
            (Some("2026-03-10"), "2026-03-10", false, true),
            (Some("2026-03-10"), "2026-03-11", false, false),
            (Some("2026-03-10"), "2026-03-11", true, true),
        ] {
            assert_eq!(
                in_time(last, today, permission).is_ok(),
                open,
                "{last:?} {today}"
            );
        }
    }

    #[test]
    fn a_teacher_changes_drafts_of_the_own_subjects() {
        for has_reason in [false, true] {
            for (state, answer) in STATES.into_iter().zip([
                Ok(()),
                Err(EditFault::Closed(ExamState::Review)),
                Err(EditFault::Closed(ExamState::Published)),
                Err(EditFault::Closed(ExamState::Locked)),
            ]) {
                assert_eq!(may_edit_mark(state, has_reason, true, false), answer);
                assert_eq!(
                    may_edit_mark(state, has_reason, false, false),
                    Err(EditFault::NotYourSubject)
                );
            }
        }
    }

    #[test]
    fn holders_of_the_permission_need_a_reason_once_marks_are_published() {
        for is_own_subject in [false, true] {
            for (state, free) in STATES.into_iter().zip([true, true, false, false]) {
                assert_eq!(may_edit_mark(state, true, is_own_subject, true), Ok(()));
                assert_eq!(
                    may_edit_mark(state, false, is_own_subject, true).is_ok(),
                    free
                );
            }
        }
    }
}
