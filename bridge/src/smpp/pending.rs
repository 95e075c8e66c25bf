//! Requests that wait for their answer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::message::PartKey;

/// Largest sequence number of the standard.
const LAST_SEQUENCE: u32 = 0x7FFF_FFFF;
/// Answers that come even later than this many response times are nobody's.
const LATE: u32 = 10;

/// A part that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) key: PartKey,
    pub(super) attempt: u32,
    pub(super) refusals: u32,
    /// Where its bytes start in the stream.
    pub(super) position: u64,
    at: Instant,
    /// Its outcome was given: the time for an answer is over.
    late: bool,
}

/// What an answer is to.
#[derive(Debug)]
pub(super) enum Answered {
    /// A part that waits.
    InTime(Sent),
    /// A part that was given up.
    Late(Sent),
    /// Nothing that is known.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Pending {
    sent: HashMap<u32, Sent>,
    waiting: usize,
    next: u32,
}

impl Pending {
    /// The first request will have this sequence.
    pub(super) fn starting_at(next: u32) -> Self {
        Self {
            sent: HashMap::new(),
            waiting: 0,
            next,
        }
    }

    /// Parts that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next sequence that nothing in flight has.
    pub(super) fn sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next;
            self.next = if sequence >= LAST_SEQUENCE {
                1
            } else {
                sequence + 1
            };
            if !self.sent.contains_key(&sequence) {
                return sequence;
            }
        }
    }

    /// `attempt` with the refusals before it.
    pub(super) fn sent(
        &mut self,
        sequence: u32,
        key: PartKey,
        (attempt, refusals): (u32, u32),
        position: u64,
        now: Instant,
    ) {
        self.waiting += 1;
        let sent = Sent {
            key,
            attempt,
            refusals,
            position,
            at: now,
            late: false,
        };
        self.sent.insert(sequence, sent);
    }

    /// How long ago a part that waits was sent.
    pub(super) fn age(&self, sequence: u32, now: Instant) -> Option<Duration> {
        let sent = self.sent.get(&sequence)?;
        Some(now.saturating_duration_since(sent.at))
    }

    pub(super) fn answered(&mut self, sequence: u32) -> Answered {
        match self.sent.remove(&sequence) {
            None => Answered::Unknown,
            Some(sent) if sent.late => Answered::Late(sent),
            Some(sent) => {
                self.waiting -= 1;
                Answered::InTime(sent)
            }
        }
    }

    /// Parts whose time for an answer is over now, in the order in which they were sent. A late answer is still recognised.
    pub(super) fn overdue(&mut self, timeout: Duration, now: Instant) -> Vec<(PartKey, u32)> {
        let mut found: Vec<&mut Sent> = self
            .sent
            .values_mut()
            .filter(|sent| !sent.late && now.saturating_duration_since(sent.at) >= timeout)
            .collect();
        found.sort_unstable_by_key(|sent| sent.position);
        let given_up: Vec<_> = found
            .into_iter()
            .map(|sent| {
                sent.late = true;
                (sent.key.clone(), sent.attempt)
            })
            .collect();
        self.waiting -= given_up.len();
        let forgotten = timeout.saturating_mul(LATE);
        self.sent
            .retain(|_, sent| !sent.late || now.saturating_duration_since(sent.at) < forgotten);
        given_up
    }

    /// Everything that waits, in the order in which it was sent.
    pub(super) fn drain(&mut self) -> Vec<Sent> {
        self.waiting = 0;
        let mut left: Vec<Sent> = self
            .sent
            .drain()
            .map(|(_, sent)| sent)
            .filter(|sent| !sent.late)
            .collect();
        left.sort_unstable_by_key(|sent| sent.position);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u16) -> PartKey {
        PartKey {
            message_id: String::from("m"),
            number,
        }
    }

    #[tokio::test]
    async fn sequences_wrap_and_skip_those_in_flight() {
        let mut pending = Pending::starting_at(LAST_SEQUENCE - 1);
        let now = Instant::now();
        let first = pending.sequence();
        assert_eq!(first, LAST_SEQUENCE - 1);
        pending.sent(1, key(1), (1, 0), 0, now);
        assert_eq!(pending.sequence(), LAST_SEQUENCE);
        assert_eq!(pending.sequence(), 2, "1 is in flight");
    }

    #[tokio::test]
    async fn an_answer_counts_once_and_a_late_one_as_late() {
        let mut pending = Pending::starting_at(1);
        let start = Instant::now();
        let timeout = Duration::from_secs(10);
        for number in 1..=3 {
            let sequence = pending.sequence();
            pending.sent(sequence, key(number), (1, 0), number.into(), start);
        }
        assert!(matches!(pending.answered(1), Answered::InTime(_)));
        assert!(matches!(pending.answered(1), Answered::Unknown));
        assert!(matches!(pending.answered(99), Answered::Unknown));
        assert!(pending.overdue(timeout, start).is_empty());
        let over = pending.overdue(timeout, start + timeout);
        assert_eq!(over, [(key(2), 1), (key(3), 1)]);
        assert_eq!(pending.waiting(), 0);
        assert!(matches!(pending.answered(2), Answered::Late(_)));
        assert!(pending.overdue(timeout, start + timeout * 10).is_empty());
        assert!(matches!(pending.answered(3), Answered::Unknown), "too late");
        assert!(pending.drain().is_empty());
    }
}
