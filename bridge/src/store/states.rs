//! The states of a part as the tables and the platform have them.

use homeroom_domain::sms::status;

use crate::message::PartStatus;

/// The number of a state in the tables; those below `SUBMITTED` still need the text.
pub(super) const fn code(status: PartStatus) -> i16 {
    match status {
        PartStatus::Accepted => 0,
        PartStatus::Sending => 1,
        PartStatus::Unknown => 2,
        PartStatus::Submitted => 3,
        PartStatus::Enroute => 4,
        PartStatus::Delivered => 5,
        PartStatus::Expired => 6,
        PartStatus::Deleted => 7,
        PartStatus::Undeliverable => 8,
        PartStatus::Rejected => 9,
    }
}

/// The state of a number. The tables hold no others.
pub(super) fn from_code(number: i16) -> PartStatus {
    PartStatus::ALL
        .into_iter()
        .find(|status| code(*status) == number)
        .unwrap_or(PartStatus::Unknown)
}

/// What a part becomes when a receipt says `said`; `None` where that is not news.
pub(super) fn advance(now: PartStatus, said: PartStatus) -> Option<PartStatus> {
    let next = status::advance(now, said);
    (next != now).then_some(next)
}

/// The name that others see. That a part is being sent is the bridge's own business.
pub(super) const fn name(status: PartStatus) -> &'static str {
    match status {
        PartStatus::Sending => PartStatus::Accepted.name(),
        other => other.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_from_its_number() {
        for status in PartStatus::ALL {
            assert_eq!(from_code(code(status)), status);
        }
    }
}
