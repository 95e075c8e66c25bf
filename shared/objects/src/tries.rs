//! Failures of one subject in a quarter of an hour: so many, and then it waits.
//!
//! A try is counted as a failure when it begins and given back when it succeeds, so that parallel ones cannot outrun the count. Where
//! so many come at once that those on their way would fill it, one looks first and counts the failure afterwards. A success clears
//! nothing else: whoever knows one secret gains no tries at another. How many are allowed comes with the request.

use serde::{Deserialize, Serialize};

use crate::kept::Kept;

/// How long a failure counts.
pub const WINDOW_MS: i64 = 15 * 60 * 1_000;
/// Most failures that are counted.
pub const MOST: u32 = 100;

/// The name of the object that counts one subject's; `scope` is the school's id, `mac` a keyed hash of what is counted.
#[must_use]
pub fn object_name(scope: &str, mac: &str) -> String {
    format!("{scope}/tries/{mac}")
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum TriesRequest {
    /// Count a try; to be asked before the answer to it is known.
    Begin {
        /// How many failures there may be, at most [`MOST`].
        most: u32,
    },
    /// Say whether a try may begin, and count none.
    Look {
        /// How many failures there may be, at most [`MOST`].
        most: u32,
    },
    /// The last try was no failure.
    GiveBack,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TriesReply {
    /// It may go on.
    Allowed,
    /// It may not.
    Refused {
        /// Seconds after which there is one more.
        retry_after: u32,
    },
    /// It does not count.
    GivenBack,
}

/// The failures of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// When they began, oldest first.
    failures: Vec<i64>,
}

impl Kept for Tries {
    const NAME: &'static str = "tries";
    const URL: &'static str = "https://limits/tries";
    const VERSION: u32 = 1;
    type Request = TriesRequest;
    type Reply = TriesReply;

    fn answer(&mut self, request: &TriesRequest, now: i64) -> TriesReply {
        // A clock that ran ahead and came back must not leave more than a window to wait for.
        self.failures.iter_mut().for_each(|at| *at = (*at).min(now));
        self.failures.retain(|at| now < end(*at));
        match request {
            TriesRequest::Begin { most } | TriesRequest::Look { most } => {
                let most = usize::try_from((*most).clamp(1, MOST)).unwrap_or(1);
                let over = self.failures.len().checked_sub(most);
                if let Some(at) = over.and_then(|over| self.failures.get(over)) {
                    let left = end(*at).saturating_sub(now).clamp(1, WINDOW_MS);
                    return TriesReply::Refused {
                        retry_after: u32::try_from((left + 999) / 1_000).unwrap_or(u32::MAX),
                    };
                }
                if matches!(request, TriesRequest::Begin { .. }) {
                    self.failures.push(now);
                }
                TriesReply::Allowed
            }
            TriesRequest::GiveBack => {
                self.failures.pop();
                TriesReply::GivenBack
            }
        }
    }

    fn expires_at(&self) -> i64 {
        self.failures.last().map_or(0, |last| end(*last))
    }
}

fn end(began: i64) -> i64 {
    began.saturating_add(WINDOW_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_768_464_000_000;
    const FIVE: TriesRequest = TriesRequest::Begin { most: 5 };

    fn refused(retry_after: u32) -> TriesReply {
        TriesReply::Refused { retry_after }
    }

    #[test]
    fn the_sixth_failure_in_a_quarter_of_an_hour_waits_for_the_first_to_be_forgotten() {
        let mut tries = Tries::default();
        for n in 0..5 {
            assert_eq!(tries.answer(&FIVE, NOW + n * 60_000), TriesReply::Allowed);
        }
        assert_eq!(tries.answer(&FIVE, NOW + 300_000), refused(600));
        assert_eq!(tries.answer(&FIVE, NOW + WINDOW_MS - 1), refused(1));
        assert_eq!(tries.answer(&FIVE, NOW + WINDOW_MS), TriesReply::Allowed);
        assert_eq!(tries.answer(&FIVE, NOW + WINDOW_MS), refused(60));
        // Being refused is no failure: what is counted ends with the last try that was let through.
        assert_eq!(tries.expires_at(), NOW + 2 * WINDOW_MS);
    }

    #[test]
    fn a_success_is_not_counted_and_clears_no_failure() {
        let mut tries = Tries::default();
        for _ in 0..4 {
            assert_eq!(tries.answer(&FIVE, NOW), TriesReply::Allowed);
        }
        for _ in 0..10 {
            assert_eq!(tries.answer(&FIVE, NOW), TriesReply::Allowed);
            let back = tries.answer(&TriesRequest::GiveBack, NOW);
            assert_eq!(back, TriesReply::GivenBack);
        }
        assert_eq!(tries.answer(&FIVE, NOW), TriesReply::Allowed);
        assert_eq!(tries.answer(&FIVE, NOW), refused(900));
    }

    #[test]
    fn a_look_counts_nothing_and_sees_what_was_counted() {
        let look = TriesRequest::Look { most: 5 };
        let mut tries = Tries::default();
        for _ in 0..10 {
            assert_eq!(tries.answer(&look, NOW), TriesReply::Allowed);
        }
        for _ in 0..5 {
            assert_eq!(tries.answer(&FIVE, NOW), TriesReply::Allowed);
        }
        assert_eq!(tries.answer(&look, NOW), refused(900));
        assert_eq!(tries.answer(&look, NOW + WINDOW_MS), TriesReply::Allowed);
    }

    #[test]
    fn a_clock_that_steps_back_leaves_no_more_than_a_window_to_wait() {
        let mut tries = Tries::default();
        for _ in 0..5 {
            tries.answer(&FIVE, NOW + 100 * WINDOW_MS);
        }
        assert_eq!(tries.answer(&FIVE, NOW), refused(900));
        assert_eq!(tries.answer(&FIVE, NOW + WINDOW_MS), TriesReply::Allowed);
    }

    #[test]
    fn nobody_asks_for_more_than_can_be_kept() {
        let mut tries = Tries::default();
        let many = TriesRequest::Begin { most: u32::MAX };
        for _ in 0..MOST {
            assert_eq!(tries.answer(&many, NOW), TriesReply::Allowed);
        }
        assert_eq!(tries.answer(&many, NOW), refused(900));
    }

    #[test]
    fn what_is_stored_and_what_is_asked_have_the_agreed_form() {
        let mut tries = Tries::default();
        tries.answer(&FIVE, NOW);
        let stored = r#"{"version":1,"tries":{"failures":[1768464000000]}}"#;
        assert_eq!(tries.to_stored().unwrap(), stored);
        assert_eq!(Tries::from_stored(stored).unwrap(), tries);
        for (request, json) in [
            (FIVE, r#"{"op":"begin","most":5}"#),
            (TriesRequest::Look { most: 5 }, r#"{"op":"look","most":5}"#),
            (TriesRequest::GiveBack, r#"{"op":"give_back"}"#),
        ] {
            assert_eq!(serde_json::to_string(&request).unwrap(), json);
            assert_eq!(serde_json::from_str::<TriesRequest>(json).unwrap(), request);
        }
        for (reply, json) in [
            (TriesReply::Allowed, r#"{"outcome":"allowed"}"#),
            (refused(9), r#"{"outcome":"refused","retry_after":9}"#),
        ] {
            assert_eq!(serde_json::to_string(&reply).unwrap(), json);
        }
    }
}
