//! What is known of a message and its parts, and which news changes it.

use serde::{Deserialize, Serialize};

/// What is known of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PartStatus {
    /// Stored, not sent.
    Accepted,
    /// Claimed by a link; bytes may have left.
    Sending,
    /// The centre took it and named it.
    Submitted,
    /// On the way, says the centre.
    Enroute,
    /// Bytes left and no answer came: it may or may not have arrived.
    Unknown,
    /// The phone has it.
    Delivered,
    /// Its time ran out.
    Expired,
    /// Withdrawn, by the sender or at the centre.
    Deleted,
    /// The centre gave up.
    Undeliverable,
    /// The centre refused it.
    Rejected,
}

impl PartStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Sending,
        Self::Submitted,
        Self::Enroute,
        Self::Unknown,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Rejected,
    ];

    /// Its name in answers and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Sending => "SENDING",
            Self::Submitted => "SUBMITTED",
            Self::Enroute => "ENROUTE",
            Self::Unknown => "UNKNOWN",
            Self::Delivered => "DELIVERED",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIVERABLE",
            Self::Rejected => "REJECTED",
        }
    }

    /// The status of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.rank() == FINAL
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Sending => 1,
            Self::Submitted => 2,
            // Later than an answer: it can be all that is ever known, and any receipt says more.
            Self::Unknown => 3,
            Self::Enroute => 4,
            Self::Delivered
            | Self::Expired
            | Self::Deleted
            | Self::Undeliverable
            | Self::Rejected => FINAL,
        }
    }
}

const FINAL: u8 = 9;

/// What a part is after a centre's news: forward only, and the first final state stays.
#[must_use]
pub const fn advance(now: PartStatus, news: PartStatus) -> PartStatus {
    if news.rank() > now.rank() { news } else { now }
}

/// What is known of a message, from its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageStatus {
    /// Nothing was sent yet.
    Accepted,
    /// All that is not final is at the centre or on its way there.
    Submitted,
    /// A part is on its way to the phone.
    Enroute,
    /// Nothing more is to come, and of a part it is not known whether it arrived.
    Unknown,
    /// The phone has all parts.
    Delivered,
    /// The phone has some parts and never gets the others.
    PartiallyDelivered,
    /// The phone has none: time ran out.
    Expired,
    /// The phone has none: it was withdrawn.
    Deleted,
    /// The phone has none: the centre gave up.
    Undeliverable,
    /// The phone has none: the centre refused.
    Rejected,
}

impl MessageStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Submitted,
        Self::Enroute,
        Self::Unknown,
        Self::Delivered,
        Self::PartiallyDelivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Rejected,
    ];

    /// Its name in answers and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Submitted => "SUBMITTED",
            Self::Enroute => "ENROUTE",
            Self::Unknown => "UNKNOWN",
            Self::Delivered => "DELIVERED",
            Self::PartiallyDelivered => "PARTIALLY_DELIVERED",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIVERABLE",
            Self::Rejected => "REJECTED",
        }
    }

    /// The status of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered
                | Self::PartiallyDelivered
                | Self::Expired
                | Self::Deleted
                | Self::Undeliverable
                | Self::Rejected
        )
    }

    /// What a message is, from its parts in any order. Delivered only when every part is.
    #[must_use]
    pub fn of(parts: &[PartStatus]) -> Self {
        let any = |status| parts.contains(&status);
        let all = |status| parts.iter().all(|part| *part == status);
        if parts.is_empty() || all(PartStatus::Accepted) {
            return Self::Accepted;
        }
        if all(PartStatus::Delivered) {
            return Self::Delivered;
        }
        if parts.iter().all(|part| part.is_final()) {
            return match () {
                () if any(PartStatus::Delivered) => Self::PartiallyDelivered,
                () if any(PartStatus::Rejected) => Self::Rejected,
                () if any(PartStatus::Undeliverable) => Self::Undeliverable,
                () if any(PartStatus::Expired) => Self::Expired,
                () => Self::Deleted,
            };
        }
        let waits = [
            PartStatus::Accepted,
            PartStatus::Sending,
            PartStatus::Submitted,
        ];
        match () {
            () if any(PartStatus::Enroute) => Self::Enroute,
            () if waits.into_iter().any(any) => Self::Submitted,
            () => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PartStatus::{
        Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Sending, Submitted,
        Undeliverable, Unknown,
    };
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn late_and_repeated_news_change_nothing() {
        assert_eq!(advance(Submitted, Delivered), Delivered);
        assert_eq!(advance(Delivered, Enroute), Delivered);
        assert_eq!(
            advance(Delivered, Undeliverable),
            Delivered,
            "the first final state stays"
        );
        assert_eq!(advance(Expired, Delivered), Expired);
        assert_eq!(
            advance(Unknown, Delivered),
            Delivered,
            "a receipt ends the doubt"
        );
        assert_eq!(
            advance(Enroute, Submitted),
            Enroute,
            "the answer may come after the receipt"
        );
    }

    #[test]
    fn a_message_is_what_its_parts_are() {
        for (parts, expected) in [
            (&[Accepted][..], MessageStatus::Accepted),
            (&[Sending, Accepted], MessageStatus::Submitted),
            (&[Submitted, Submitted], MessageStatus::Submitted),
            (&[Delivered, Submitted], MessageStatus::Submitted),
            (&[Delivered, Enroute], MessageStatus::Enroute),
            (&[Delivered, Delivered], MessageStatus::Delivered),
            (
                &[Delivered, Undeliverable],
                MessageStatus::PartiallyDelivered,
            ),
            (
                &[Delivered, Expired, Rejected],
                MessageStatus::PartiallyDelivered,
            ),
            (&[Delivered, Unknown], MessageStatus::Unknown),
            (&[Unknown, Submitted], MessageStatus::Submitted),
            (&[Rejected, Expired], MessageStatus::Rejected),
            (&[Undeliverable, Expired], MessageStatus::Undeliverable),
            (&[Expired, Deleted], MessageStatus::Expired),
            (&[Deleted], MessageStatus::Deleted),
        ] {
            assert_eq!(MessageStatus::of(parts), expected, "{parts:?}");
        }
    }

    #[test]
    fn every_name_reads_back() {
        for status in PartStatus::ALL {
            assert_eq!(PartStatus::parse(status.name()), Some(status));
        }
        for status in MessageStatus::ALL {
            assert_eq!(MessageStatus::parse(status.name()), Some(status));
        }
        assert_eq!(PartStatus::parse("delivered"), None);
    }

    fn any_status() -> impl Strategy<Value = PartStatus> {
        proptest::sample::select(PartStatus::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn the_order_of_news_does_not_matter_but_for_which_final_state_was_first(
            news in proptest::collection::vec(any_status(), 0..8),
        ) {
            let end = news.iter().fold(Accepted, |now, news| advance(now, *news));
            let first_final = news.iter().find(|status| status.is_final());
            let highest = news.iter().copied().max_by_key(|status| status.rank()).unwrap_or(Accepted);
            prop_assert_eq!(end, first_final.copied().unwrap_or(highest));
        }

        #[test]
        fn the_order_of_parts_does_not_matter(parts in proptest::collection::vec(any_status(), 1..6)) {
            let mut reversed = parts.clone();
            reversed.reverse();
            prop_assert_eq!(MessageStatus::of(&parts), MessageStatus::of(&reversed));
            prop_assert_eq!(MessageStatus::of(&parts).is_final(), parts.iter().all(|part| part.is_final()));
        }
    }
}
