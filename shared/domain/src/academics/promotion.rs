//! Promotion: what is proposed for a student at the end of the year, and which decisions make sense.

use serde::{Deserialize, Serialize};

use super::listed::listed;
use super::marks::{self, Hundredths, Mark};

/// What becomes of a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Not decided.
    Pending,
    /// On to the class that follows.
    Promote,
    /// The year again.
    Repeat,
    /// To another school.
    Transfer,
    /// The last form is done.
    Graduate,
    /// Left without finishing.
    DropOut,
}

impl Action {
    /// Every action, in the order in which they are counted.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Promote,
        Self::Repeat,
        Self::Transfer,
        Self::Graduate,
        Self::DropOut,
    ];

    /// As bodies, answers and rows name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Promote => "promote",
            Self::Repeat => "repeat",
            Self::Transfer => "transfer",
            Self::Graduate => "graduate",
            Self::DropOut => "drop_out",
        }
    }

    /// The action of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// What a school asks of who is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Fewest subjects passed.
    pub min_subjects_passed: u32,
    /// Lowest average, if the average counts.
    #[serde(deserialize_with = "marks::as_written")]
    pub min_average: Option<Mark>,
}

impl Default for Rules {
    /// Five subjects, whatever the average.
    fn default() -> Self {
        Self {
            min_subjects_passed: 5,
            min_average: None,
        }
    }
}

/// A student's year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Subjects passed, as the card shows them.
    pub subjects_passed: u32,
    /// The average, as the card shows it; `None` for who sat nothing.
    pub average: Option<Hundredths>,
    /// The names of the subjects that must be passed and were not.
    pub not_passed: Vec<String>,
    /// Whether no mark is missing.
    pub is_complete: bool,
    /// Whether the published figures are not those of now: marks were corrected since, or the place in the form is another one.
    pub is_outdated: bool,
    /// The class of the year.
    pub current_class: String,
    /// The class to which the class pattern leads, if it leads anywhere.
    pub has_next: Option<String>,
    /// Whether no form follows: who passes and has no class to go on to graduates.
    pub is_final_form: bool,
}

/// What the rules say about a student; people decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What is proposed.
    pub action: Action,
    /// The class it leads to: for `promote` and `repeat` only.
    pub destination: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// Why a decision and its destination do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionFault {
    /// `promote` and `repeat` lead to a class.
    #[error("A student who is promoted or repeats needs a destination class.")]
    DestinationMissing,
    /// Nothing else does.
    #[error("Only a student who is promoted or repeats has a destination class.")]
    DestinationUnexpected,
}

/// What the rules propose. Nothing is proposed on figures that may still change: without all marks it stays pending.
#[must_use]
pub fn propose(rules: &Rules, record: &Record) -> Proposal {
    let proposal = |action, destination: Option<&String>, reason: String| Proposal {
        action,
        destination: destination.cloned(),
        reason,
    };
    let average = match record.average {
        _ if !record.is_complete => {
            return proposal(Action::Pending, None, "Marks are missing.".into());
        }
        _ if record.is_outdated => {
            let reason = "The card is outdated: publish the class again.".into();
            return proposal(Action::Pending, None, reason);
        }
        None => return proposal(Action::Pending, None, "There are no marks.".into()),
        Some(average) => average,
    };
    let passed = record.subjects_passed;
    let failed = failed(rules, record, average);
    if !failed.is_empty() {
        return proposal(Action::Repeat, Some(&record.current_class), failed);
    }
    let met = format!("Subjects passed: {passed}; average {average}.");
    // The class pattern says more than the order of forms, which schools may leave out.
    match &record.has_next {
        Some(next) => proposal(Action::Promote, Some(next), met),
        None if record.is_final_form => proposal(Action::Graduate, None, met),
        None => {
            let reason = format!("{met} No class follows in the class pattern.");
            proposal(Action::Pending, None, reason)
        }
    }
}

/// Every rule that a student does not meet, in words.
fn failed(rules: &Rules, record: &Record, average: Hundredths) -> String {
    let (passed, needed) = (record.subjects_passed, rules.min_subjects_passed);
    let few =
        (passed < needed).then(|| format!("Subjects passed: {passed} of the {needed} required."));
    let required = &record.not_passed;
    let lacking =
        (!required.is_empty()).then(|| format!("Required and not passed: {}.", listed(required)));
    let low = rules
        .min_average
        .filter(|needed| average < (*needed).into());
    let low = low.map(|needed| format!("Average {average}, below the {needed} required."));
    let reasons = [few, lacking, low].into_iter().flatten();
    reasons.collect::<Vec<_>>().join(" ")
}

/// The same proposal with the class's place in the new year as its destination. A class that the new year does not have
/// leaves the student pending: nobody is proposed into a class that is not there.
#[must_use]
pub fn place(proposal: Proposal, place_of: impl FnOnce(&str) -> Option<String>) -> Proposal {
    let Some(class) = &proposal.destination else {
        return proposal;
    };
    match place_of(class) {
        Some(place) => Proposal {
            destination: Some(place),
            ..proposal
        },
        None => Proposal {
            action: Action::Pending,
            destination: None,
            reason: format!(
                "{} The new session does not have the class.",
                proposal.reason
            ),
        },
    }
}

/// Whether a decision names a destination exactly when it leads to one.
pub fn check_decision(action: Action, has_destination: bool) -> Result<(), DecisionFault> {
    match (action, has_destination) {
        (Action::Promote | Action::Repeat, false) => Err(DecisionFault::DestinationMissing),
        (Action::Pending | Action::Transfer | Action::Graduate | Action::DropOut, true) => {
            Err(DecisionFault::DestinationUnexpected)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(min_subjects_passed: u32, min_average: Option<i64>) -> Rules {
        Rules {
            min_subjects_passed,
            min_average: min_average.map(|mark| Mark::new(mark).unwrap()),
        }
    }

    fn record(subjects_passed: u32, average: Option<i64>) -> Record {
        Record {
            subjects_passed,
            average: average.map(Hundredths),
            not_passed: Vec::new(),
            is_complete: true,
            is_outdated: false,
            current_class: "1A".to_owned(),
            has_next: Some("2A".to_owned()),
            is_final_form: false,
        }
    }

    #[test]
    fn the_rules_decide_and_say_why() {
        let last = Record {
            is_final_form: true,
            has_next: None,
            ..record(5, Some(5000))
        };
        let nowhere = Record {
            has_next: None,
            ..record(5, Some(5000))
        };
        let incomplete = Record {
            is_complete: false,
            ..record(9, Some(9000))
        };
        let outdated = Record {
            is_outdated: true,
            ..record(9, Some(9000))
        };
        let failed_last = Record {
            is_final_form: true,
            ..record(4, Some(5000))
        };
        let without_an_order = Record {
            is_final_form: true,
            ..record(5, Some(5000))
        };
        let asked = rules(5, Some(5000));
        for (record, action, destination, reason) in [
            (
                record(5, Some(5000)),
                Action::Promote,
                Some("2A"),
                "Subjects passed: 5; average 50.",
            ),
            (
                record(4, Some(9000)),
                Action::Repeat,
                Some("1A"),
                "Subjects passed: 4 of the 5 required.",
            ),
            (
                record(6, Some(4999)),
                Action::Repeat,
                Some("1A"),
                "Average 49.99, below the 50 required.",
            ),
            (
                record(0, None),
                Action::Pending,
                None,
                "There are no marks.",
            ),
            (incomplete, Action::Pending, None, "Marks are missing."),
            (
                outdated,
                Action::Pending,
                None,
                "The card is outdated: publish the class again.",
            ),
            (
                last,
                Action::Graduate,
                None,
                "Subjects passed: 5; average 50.",
            ),
            (
                without_an_order,
                Action::Promote,
                Some("2A"),
                "Subjects passed: 5; average 50.",
            ),
            (
                failed_last,
                Action::Repeat,
                Some("1A"),
                "Subjects passed: 4 of the 5 required.",
            ),
            (
                nowhere,
                Action::Pending,
                None,
                "Subjects passed: 5; average 50. No class follows in the class pattern.",
            ),
        ] {
            assert_eq!(
                propose(&asked, &record),
                Proposal {
                    action,
                    destination: destination.map(ToOwned::to_owned),
                    reason: reason.to_owned()
                }
            );
        }
    }

    #[test]
    fn required_subjects_are_named_beside_every_other_rule_that_is_not_met() {
        let without = |names: &[&str], passed: u32| Record {
            not_passed: names.iter().map(|name| (*name).to_owned()).collect(),
            ..record(passed, Some(4900))
        };
        let asked = rules(5, Some(5000));
        for (record, action, reason) in [
            (
                without(&["English", "Mathematics"], 3),
                Action::Repeat,
                "Subjects passed: 3 of the 5 required. Required and not passed: English, Mathematics. \
                 Average 49, below the 50 required.",
            ),
            (
                Record {
                    is_final_form: true,
                    average: Some(Hundredths(9000)),
                    ..without(&["English"], 9)
                },
                Action::Repeat,
                "Required and not passed: English.",
            ),
            (
                Record {
                    is_complete: false,
                    ..without(&["English"], 9)
                },
                Action::Pending,
                "Marks are missing.",
            ),
        ] {
            let proposal = propose(&asked, &record);
            assert_eq!(
                (proposal.action, proposal.reason.as_str()),
                (action, reason)
            );
        }
    }

    #[test]
    fn an_average_that_is_not_asked_for_does_not_count() {
        let proposal = propose(&rules(5, None), &record(5, Some(0)));
        assert_eq!(proposal.action, Action::Promote);
    }

    #[test]
    fn actions_have_the_names_of_the_source() {
        for (action, name) in [
            (Action::Pending, "\"pending\""),
            (Action::Promote, "\"promote\""),
            (Action::Repeat, "\"repeat\""),
            (Action::Transfer, "\"transfer\""),
            (Action::Graduate, "\"graduate\""),
            (Action::DropOut, "\"drop_out\""),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), name);
            assert_eq!(format!("\"{}\"", action.as_str()), name);
            assert_eq!(Action::parse(action.as_str()), Some(action));
            let leads = matches!(action, Action::Promote | Action::Repeat);
            assert_eq!(check_decision(action, true).is_ok(), leads);
            assert_eq!(check_decision(action, false).is_ok(), !leads);
        }
    }

    #[test]
    fn rules_are_read_as_settings_write_them() {
        let stored: Rules = serde_json::from_str(r#"{"min_average": 47.5}"#).unwrap();
        assert_eq!(stored, rules(5, Some(4750)));
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), stored);
        assert_eq!(
            serde_json::from_str::<Rules>("{}").unwrap(),
            Rules::default()
        );
    }

    prop_compose! {
        fn records()(
            subjects_passed in 0..12_u32,
            average in prop::option::of(0..=10_000_i64),
            not_passed in prop::collection::vec("[A-Z][a-z]{1,8}", 0..3),
            is_complete: bool,
            is_outdated: bool,
            has_next: bool,
            is_final_form: bool,
        ) -> Record {
            Record {
                not_passed,
                is_complete,
                is_outdated,
                has_next: has_next.then(|| "2A".to_owned()),
                is_final_form,
                ..record(subjects_passed, average)
            }
        }
    }

    proptest! {
        #[test]
        fn every_proposal_could_be_decided(record in records(), passed in 0..12_u32, exists: bool) {
            let proposal = propose(&rules(passed, None), &record);
            let placed = place(proposal.clone(), |class| exists.then(|| format!("{class} of 2027")));
            for proposal in [&proposal, &placed] {
                prop_assert_eq!(
                    check_decision(proposal.action, proposal.destination.is_some()),
                    Ok(())
                );
                prop_assert!(!proposal.reason.is_empty());
            }
            let kept = exists || proposal.destination.is_none();
            prop_assert_eq!(placed.action, if kept { proposal.action } else { Action::Pending });
        }

        #[test]
        fn only_who_meets_the_rules_goes_on(record in records(), passed in 0..12_u32, average in 0..=10_000_i64) {
            let asked = rules(passed, Some(average));
            let meets = record.is_complete
                && !record.is_outdated
                && record.subjects_passed >= passed
                && record.not_passed.is_empty()
                && record.average.is_some_and(|own| own.0 >= average);
            let action = propose(&asked, &record).action;
            prop_assert_eq!(action == Action::Promote, meets && record.has_next.is_some());
            prop_assert_eq!(
                action == Action::Graduate,
                meets && record.has_next.is_none() && record.is_final_form
            );
            prop_assert_eq!(
                action == Action::Repeat,
                !meets && record.is_complete && !record.is_outdated && record.average.is_some()
            );
        }

        #[test]
        fn another_required_subject_never_promotes_more(record in records(), passed in 0..12_u32, name in "[A-Z][a-z]{1,8}") {
            let asked = rules(passed, None);
            let goes_on = |record: &Record| {
                matches!(propose(&asked, record).action, Action::Promote | Action::Graduate)
            };
            let mut stricter = record.clone();
            stricter.not_passed.push(name.clone());
            prop_assert!(!goes_on(&stricter));
            let proposal = propose(&asked, &stricter);
            if proposal.action == Action::Repeat {
                prop_assert!(proposal.reason.contains(&name), "{}", proposal.reason);
            } else {
                // What is open stays open.
                prop_assert_eq!(proposal, propose(&asked, &record));
            }
        }

        #[test]
        fn better_figures_never_lead_to_repeating(record in records(), more in 0..5_u32, higher in 0..5000_i64) {
            let asked = rules(6, Some(5000));
            let better = Record {
                subjects_passed: record.subjects_passed + more,
                average: record.average.map(|own| Hundredths(own.0 + higher)),
                ..record.clone()
            };
            if propose(&asked, &record).action != Action::Repeat {
                prop_assert_ne!(propose(&asked, &better).action, Action::Repeat);
            }
        }
    }
}
