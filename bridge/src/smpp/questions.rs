//! Questions to the centre (`query_sm`) that wait for their answer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Most at once: centres answer them slower than messages.
const MOST: usize = 100;

/// What was asked under each sequence, and when.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: HashMap<u32, (Vec<u8>, Instant)>,
}

impl Questions {
    /// Whether one more may be asked.
    pub(super) fn have_room(&self) -> bool {
        self.open.len() < MOST
    }

    /// The part of this id was asked for.
    pub(super) fn asked(&mut self, sequence: u32, provider_id: Vec<u8>, now: Instant) {
        self.open.insert(sequence, (provider_id, now));
    }

    /// The id that an answer is about; `None` where nothing was asked under its sequence, or too long ago.
    pub(super) fn answered(&mut self, sequence: u32) -> Option<Vec<u8>> {
        self.open
            .remove(&sequence)
            .map(|(provider_id, _)| provider_id)
    }

    /// Makes room where a centre leaves questions unanswered.
    pub(super) fn give_up(&mut self, timeout: Duration, now: Instant) {
        self.open
            .retain(|_, (_, at)| now.saturating_duration_since(*at) < timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[test]
    fn a_centre_that_leaves_questions_unanswered_is_asked_again() {
        let start = Instant::now();
        let mut questions = Questions::default();
        let mut sequence = 0;
        while questions.have_room() {
            sequence += 1;
            questions.asked(sequence, vec![1], start);
        }
        assert_eq!(sequence, 100);
        questions.give_up(TIMEOUT, start + TIMEOUT / 2);
        assert!(!questions.have_room());
        questions.give_up(TIMEOUT, start + TIMEOUT);
        assert!(questions.have_room());
        assert_eq!(questions.answered(1), None);
    }

    #[test]
    fn an_answer_is_taken_once() {
        let mut questions = Questions::default();
        questions.asked(7, b"a1".to_vec(), Instant::now());
        assert_eq!(questions.answered(8), None);
        assert_eq!(questions.answered(7), Some(b"a1".to_vec()));
        assert_eq!(questions.answered(7), None);
    }
}
