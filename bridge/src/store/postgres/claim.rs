//! Claims: several bridges take from one queue without waiting for each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{
    changes, lease, rows,
    session::{Failure, Operation, Session},
};
use crate::message::{Address, Addresses, Claimed, PartBody, PartKey};

pub(super) struct Claim {
    pub(super) bridge: i64,
    pub(super) esme: i64,
    pub(super) limit: i64,
    pub(super) now: i64,
    pub(super) lease: i64,
    /// What it took, for the case that nobody hears whether it was committed.
    pub(super) taken: Mutex<Vec<Lost>>,
}

/// A part of a message, and which attempt.
pub(super) struct Lost {
    message_id: String,
    number: i32,
    attempt: i64,
}

struct Found {
    message: i64,
    due_at: i64,
    number: u16,
    attempt: u32,
    refusals: u32,
    priority: u8,
    body: PartBody,
}

#[async_trait]
impl Operation for Claim {
    type Output = Vec<Claimed>;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let mut found = Vec::new();
        for priority in (0..=3_u8).rev() {
            let left = self.limit - i64::try_from(found.len()).unwrap_or(i64::MAX);
            if left <= 0 {
                break;
            }
            self.take(session, priority, left, &mut found).await?;
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        lease::prolong(session, self.bridge, self.lease).await?;
        let claimed = self.complete(session, found).await?;
        let taken = claimed.iter().map(|part| Lost {
            message_id: part.key.message_id.clone(),
            number: i32::from(part.key.number),
            attempt: i64::from(part.attempt),
        });
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken.collect();
        Ok(claimed)
    }
}

/// Queues again what this bridge took without hearing of it: no byte of it has left.
pub(super) struct PutBack<'a> {
    pub(super) bridge: i64,
    pub(super) attempts: &'a [Lost],
    pub(super) now: i64,
}

#[async_trait]
impl Operation for PutBack<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let ids: Vec<&str> = self
            .attempts
            .iter()
            .map(|one| one.message_id.as_str())
            .collect();
        let numbers: Vec<i32> = self.attempts.iter().map(|one| one.number).collect();
        let attempts: Vec<i64> = self.attempts.iter().map(|one| one.attempt).collect();
        let keys = changes::keys_of(session, &ids).await?;
        let keys: Vec<i64> = keys.into_values().collect();
        // Before they are looked at: where the claim is still being committed, this waits for it.
        let mut messages = rows::lock(session, &keys).await?;
        let taken = session
            .all(
                "SELECT p.message, p.number, p.attempt
                 FROM unnest($2::text[], $3::int[], $4::bigint[]) AS c (message_id, number, attempt)
                 JOIN messages m ON m.message_id = c.message_id
                 JOIN parts p ON p.message = m.key AND p.number = c.number
                 WHERE p.attempt = c.attempt AND p.bridge = $1",
                &[&self.bridge, &ids, &numbers, &attempts],
            )
            .await?;
        for row in &taken {
            if let Some(message) = messages.get_mut(&row.get(0)) {
                message.put_back(rows::small(row.get(1)), rows::count(row.get(2)), self.now);
            }
        }
        rows::save(session, &mut messages, self.now).await
    }
}

impl Claim {
    async fn take(
        &self,
        session: &mut Session,
        priority: u8,
        left: i64,
        found: &mut Vec<Found>,
    ) -> Result<(), Failure> {
        let rows = session
            .all(
                "UPDATE parts p SET status = 1, bridge = $1, attempt = attempt + 1, sent_at = $4,
                     log = concat(log, $4::bigint, E'\\tattempt ', attempt + 1, E': claimed\\n')
                 FROM (SELECT message, number FROM parts
                       WHERE status = 0 AND esme = $2 AND priority = $3 AND due_at <= $4
                       ORDER BY due_at, message, number LIMIT $5 FOR UPDATE SKIP LOCKED) AS due
                 WHERE p.message = due.message AND p.number = due.number
                 RETURNING p.message, p.number, p.due_at, p.attempt, p.short_message, p.payload,
                     p.sar_reference, p.sar_total, p.sar_number, p.refusals",
                &[
                    &self.bridge,
                    &self.esme,
                    &i16::from(priority),
                    &self.now,
                    &left,
                ],
            )
            .await?;
        let first = found.len();
        for row in &rows {
            let sar: (Option<i32>, Option<i16>, Option<i16>) = (row.get(6), row.get(7), row.get(8));
            let octet = |number: i16| u8::try_from(number).unwrap_or(u8::MAX);
            found.push(Found {
                message: row.get(0),
                number: rows::small(row.get(1)),
                due_at: row.get(2),
                attempt: rows::count(row.get(3)),
                refusals: rows::count(row.get(9)),
                priority,
                body: PartBody {
                    short_message: row.get(4),
                    payload: row.get(5),
                    sar: match sar {
                        (Some(reference), Some(total), Some(number)) => {
                            Some((rows::small(reference), octet(total), octet(number)))
                        }
                        _ => None,
                    },
                },
            });
        }
        if let Some(new) = found.get_mut(first..) {
            new.sort_by_key(|part| (part.due_at, part.message, part.number));
        }
        Ok(())
    }

    /// Adds what all parts of a message have in common, and counts.
    async fn complete(
        &self,
        session: &mut Session,
        found: Vec<Found>,
    ) -> Result<Vec<Claimed>, Failure> {
        let keys: Vec<i64> = found.iter().map(|part| part.message).collect();
        let heads = session
            .all(
                "SELECT key, app_id, message_id, source_ton, source_npi, source, destination_ton, destination_npi, destination,
                     data_coding, esm_class, valid_until
                 FROM messages WHERE key = ANY($1)",
                &[&keys],
            )
            .await?;
        let heads: HashMap<i64, _> = heads.into_iter().map(|row| (row.get(0), row)).collect();
        let mut waiting = BTreeMap::new();
        let mut claimed = Vec::new();
        for part in found {
            let Some(head) = heads.get(&part.message) else {
                continue;
            };
            *waiting.entry((head.get(1), self.esme)).or_insert(0) -= 1;
            let octet = |column: usize| u8::try_from(head.get::<_, i16>(column)).unwrap_or(u8::MAX);
            claimed.push(Claimed {
                key: PartKey {
                    message_id: head.get(2),
                    number: part.number,
                },
                attempt: part.attempt,
                refusals: part.refusals,
                esme: self.esme,
                addresses: Addresses {
                    source: Address {
                        ton: octet(3),
                        npi: octet(4),
                        address: head.get(5),
                    },
                    destination: Address {
                        ton: octet(6),
                        npi: octet(7),
                        address: head.get(8),
                    },
                },
                data_coding: octet(9),
                esm_class: octet(10),
                priority: part.priority,
                valid_until: head.get(11),
                body: part.body,
            });
        }
        rows::wait(session, &waiting).await?;
        Ok(claimed)
    }
}
