//! The life of an application for admission: received, examined, decided on, enrolled; or ended before that.

use super::exam_state::StepFault;

/// How far an application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// It came in.
    Received,
    /// The result of the entrance examination is there.
    Examined,
    /// A place may become free.
    Waitlisted,
    /// There is a place, and the family has not answered yet.
    Offered,
    /// There is no place.
    Rejected,
    /// The family did not take the place.
    Declined,
    /// The family applies no longer.
    Withdrawn,
    /// A student came of it.
    Enrolled,
}

/// A step from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A place is offered.
    Offer,
    /// A place may become free.
    Waitlist,
    /// No place, with a reason.
    Reject,
    /// The family does not take the place.
    Decline,
    /// The family applies no longer.
    Withdraw,
    /// Back before the decision, with a reason.
    Reopen,
    /// A student is made of it.
    Enrol,
}

use ApplicationState::{
    Declined, Enrolled, Examined, Offered, Received, Rejected, Waitlisted, Withdrawn,
};

impl ApplicationState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Received, Examined, Waitlisted, Offered, Rejected, Declined, Withdrawn, Enrolled,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Received => "received",
            Examined => "examined",
            Waitlisted => "waitlisted",
            Offered => "offered",
            Rejected => "rejected",
            Declined => "declined",
            Withdrawn => "withdrawn",
            Enrolled => "enrolled",
        }
    }

    /// The state that is stored by this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether something is still to come of it; what has ended stays as it is.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Received | Examined | Waitlisted | Offered)
    }

    /// Whether it may go with all that is known of the person: nothing is decided, or it ended and no student came of it.
    #[must_use]
    pub const fn may_go(self) -> bool {
        matches!(self, Received | Rejected | Declined | Withdrawn)
    }

    /// The state of an application that is not decided on.
    #[must_use]
    pub const fn undecided(has_result: bool) -> Self {
        if has_result { Examined } else { Received }
    }

    /// The state once the result of the examination is there, or is taken back.
    #[must_use]
    pub const fn with_result(self, has_result: bool) -> Self {
        match self {
            Received | Examined => Self::undecided(has_result),
            decided => decided,
        }
    }

    /// The state after a step. An examination is not asked for: schools without one decide on what was received.
    pub const fn after(
        self,
        step: Step,
        has_reason: bool,
        has_result: bool,
    ) -> Result<Self, StepFault> {
        match (self, step) {
            (Received | Examined | Waitlisted, Step::Offer) => Ok(Offered),
            (Received | Examined, Step::Waitlist) => Ok(Waitlisted),
            (Received | Examined | Waitlisted, Step::Reject) if has_reason => Ok(Rejected),
            (Waitlisted | Rejected, Step::Reopen) if has_reason => Ok(Self::undecided(has_result)),
            (Received | Examined | Waitlisted, Step::Reject)
            | (Waitlisted | Rejected, Step::Reopen) => Err(StepFault::ReasonRequired),
            (Offered, Step::Decline) => Ok(Declined),
            (Offered, Step::Enrol) => Ok(Enrolled),
            (open, Step::Withdraw) if open.is_open() => Ok(Withdrawn),
            _ => Err(StepFault::NotFromHere),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_allows_its_own_steps_and_no_others() {
        // Received, examined, waitlisted, offered, rejected, declined, withdrawn, enrolled.
        let (offered, rejected) = (Some(Offered), Some(Rejected));
        let (waits, gone) = (Some(Waitlisted), Some(Withdrawn));
        let (before, none) = (Some(Examined), None);
        let table = [
            (
                Step::Offer,
                [offered, offered, offered, none, none, none, none, none],
            ),
            (
                Step::Waitlist,
                [waits, waits, none, none, none, none, none, none],
            ),
            (
                Step::Reject,
                [rejected, rejected, rejected, none, none, none, none, none],
            ),
            (
                Step::Decline,
                [none, none, none, Some(Declined), none, none, none, none],
            ),
            (
                Step::Withdraw,
                [gone, gone, gone, gone, none, none, none, none],
            ),
            (
                Step::Reopen,
                [none, none, before, none, before, none, none, none],
            ),
            (
                Step::Enrol,
                [none, none, none, Some(Enrolled), none, none, none, none],
            ),
        ];
        for (step, row) in table {
            for (state, expected) in ApplicationState::ALL.into_iter().zip(row) {
                assert_eq!(
                    state.after(step, true, true),
                    expected.ok_or(StepFault::NotFromHere),
                    "{state:?} {step:?}"
                );
            }
        }
    }

    #[test]
    fn rejecting_and_reopening_need_a_reason_and_nothing_else_does() {
        for state in ApplicationState::ALL {
            for step in [
                Step::Offer,
                Step::Waitlist,
                Step::Reject,
                Step::Decline,
                Step::Withdraw,
                Step::Reopen,
                Step::Enrol,
            ] {
                let expected = match state.after(step, true, false) {
                    Ok(_) if matches!(step, Step::Reject | Step::Reopen) => {
                        Err(StepFault::ReasonRequired)
                    }
                    other => other,
                };
                assert_eq!(
                    state.after(step, false, false),
                    expected,
                    "{state:?} {step:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_opened_again_is_where_it_was_before_the_decision() {
        for (has_result, before) in [(false, Received), (true, Examined)] {
            for state in [Rejected, Waitlisted] {
                assert_eq!(state.after(Step::Reopen, true, has_result), Ok(before));
            }
        }
    }

    #[test]
    fn a_result_moves_only_what_is_not_decided_on() {
        for state in ApplicationState::ALL {
            let undecided = matches!(state, Received | Examined);
            for (has_result, expected) in [(true, Examined), (false, Received)] {
                let expected = if undecided { expected } else { state };
                assert_eq!(state.with_result(has_result), expected, "{state:?}");
            }
        }
    }

    #[test]
    fn no_student_and_no_decision_on_its_way_is_lost() {
        for state in ApplicationState::ALL {
            let ended_without = !state.is_open() && state != Enrolled;
            assert_eq!(
                state.may_go(),
                ended_without || state == Received,
                "{state:?}"
            );
        }
    }

    #[test]
    fn the_states_by_name() {
        for state in ApplicationState::ALL {
            assert_eq!(ApplicationState::parse(state.as_str()), Some(state));
        }
        assert_eq!(ApplicationState::parse("gone"), None);
    }
}
