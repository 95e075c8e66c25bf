//! Names in a reason.

/// Of the 500 characters of a reason, those for the names of subjects: people send it back as it is.
const NAMES_LENGTH: usize = 300;

/// The names, as many as there is room for.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = String::new();
    let mut length = 0;
    for (n, name) in names.iter().enumerate() {
        length += name.chars().count() + 2;
        if n > 0 && length > NAMES_LENGTH {
            return format!("{text} and {} more", names.len() - n);
        }
        if n > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::academics::{
        marks::{Hundredths, Mark},
        promotion::{Record, Rules, place, propose},
    };

    #[test]
    fn a_reason_with_many_long_names_is_one_that_a_decision_may_have() {
        let asked = Rules {
            min_subjects_passed: 100,
            min_average: Mark::new(10_000),
        };
        for length in [1, 20, 100, 255] {
            let worst = Record {
                not_passed: vec!["é".repeat(length); 100],
                subjects_passed: 99,
                average: Some(Hundredths(9999)),
                is_complete: true,
                is_outdated: false,
                current_class: "1A".to_owned(),
                has_next: None,
                is_final_form: false,
            };
            let proposal = place(propose(&asked, &worst), |_| None);
            let reason = &proposal.reason;
            assert!(reason.chars().count() <= 500, "{length}: {reason}");
            let more = format!(" and {} more. ", 100 - 300 / (length + 2));
            assert_eq!(reason.contains(&more), length > 1, "{reason}");
        }
    }
}
