//! The events for the platform on their way out.

use async_trait::async_trait;

use super::{
    rows,
    session::{Failure, Operation, Session},
};
use crate::store::{Fault, HASTENED, Outgoing, outbox::NewEvent};

/// Gives out what is due and holds it back for the lease.
pub(super) struct Due {
    pub(super) bridge: i64,
    pub(super) limit: i64,
    pub(super) lease: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Due {
    type Output = Vec<Outgoing>;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        let until = self.now.saturating_add(self.lease);
        let rows = session
            .all(
                "UPDATE events e SET due_at = $3, given = given + 1, away = false, bridge = $4
                 FROM (SELECT sequence FROM events WHERE state = 1 AND due_at <= $1
                       ORDER BY due_at, sequence LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
                 WHERE e.sequence = due.sequence
                 RETURNING e.sequence, id, path, topic, body, attempts, created_at",
                &[&self.now, &self.limit, &until, &self.bridge],
            )
            .await?;
        let mut found: Vec<Outgoing> = rows
            .iter()
            .map(|row| Outgoing {
                sequence: row.get(0),
                id: row.get(1),
                path: row.get(2),
                topic: row.get(3),
                body: row.get(4),
                attempts: rows::count(row.get(5)),
                created_at: row.get(6),
            })
            .collect();
        found.sort_by_key(|event| event.sequence);
        Ok(found)
    }
}

/// Makes due what this bridge had out when it ended: nobody else uses its name.
pub(super) struct Release {
    pub(super) bridge: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Release {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        session
            .execute(
                "UPDATE events SET due_at = least(due_at, $2), bridge = NULL WHERE bridge = $1",
                &[&self.bridge, &self.now],
            )
            .await?;
        Ok(())
    }
}

pub(super) struct Delivered<'a>(pub(super) &'a [String]);

#[async_trait]
impl Operation for Delivered<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let gone = session
            .all(
                "DELETE FROM events WHERE id = ANY($1) RETURNING topic, state",
                &[&self.0],
            )
            .await?;
        let topics: Vec<String> = gone
            .iter()
            .filter(|row| row.get::<_, i16>(1) == 1)
            .map(|row| row.get(0))
            .collect();
        promote(session, &topics).await
    }
}

/// The next of each topic is given out now.
async fn promote(session: &mut Session, topics: &[String]) -> Result<(), Failure> {
    if !topics.is_empty() {
        session
            .execute(
                "UPDATE events SET state = 1 WHERE sequence IN (
                     SELECT min(sequence) FROM events WHERE topic = ANY($1) AND state = 0 GROUP BY topic)",
                &[&topics],
            )
            .await?;
    }
    Ok(())
}

pub(super) struct Undelivered<'a> {
    pub(super) ids: &'a [(String, Option<i64>)],
    pub(super) fault: Fault,
    pub(super) error: &'a str,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Undelivered<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let (ids, times): (Vec<&str>, Vec<Option<i64>>) = self
            .ids
            .iter()
            .map(|(id, again)| (id.as_str(), *again))
            .unzip();
        let rows = session
            .all(
                "UPDATE events e SET state = CASE WHEN c.again IS NULL THEN 2 ELSE 1 END,
                     due_at = coalesce(c.again, $3), attempts = attempts + 1, error = $4,
                     away = $5, bridge = NULL
                 FROM unnest($1::text[], $2::bigint[]) AS c (id, again)
                 WHERE e.id = c.id AND e.state = 1 RETURNING e.topic, e.state",
                &[
                    &ids,
                    &times,
                    &self.now,
                    &self.error.replace('\0', " "),
                    &(self.fault == Fault::Platform),
                ],
            )
            .await?;
        let dead: Vec<String> = rows
            .iter()
            .filter(|row| row.get::<_, i16>(1) == 2)
            .map(|row| row.get(0))
            .collect();
        promote(session, &dead).await
    }
}

/// Makes due soon what waits for a platform that is back; returns how many, at most `limit`.
pub(super) struct Hasten<'a> {
    pub(super) path: &'a str,
    pub(super) spread: i64,
    pub(super) limit: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Hasten<'_> {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let spread = self.spread.max(1);
        let soon = self.now.saturating_add(spread);
        let count = session
            .execute(
                "UPDATE events SET due_at = $2 + sequence % $3, attempts = least(attempts, $4), given = least(given, $4)
                 WHERE sequence IN (
                     SELECT sequence FROM events
                     WHERE state = 1 AND due_at > $5 AND away AND path = $1 LIMIT $6 FOR UPDATE SKIP LOCKED)",
                &[
                    &self.path, &self.now, &spread, &HASTENED, &soon, &self.limit,
                ],
            )
            .await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

pub(super) struct Replay<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Replay<'_> {
    type Output = u64;

    async fn run(&self, session: &mut Session) -> Result<u64, Failure> {
        let dead = session
            .all(
                "UPDATE events SET state = 0, due_at = $2, attempts = 0
                 WHERE state = 2 AND ($1::text IS NULL OR id = $1) RETURNING topic",
                &[&self.id, &self.now],
            )
            .await?;
        let topics: Vec<String> = dead.iter().map(|row| row.get(0)).collect();
        session
            .execute(
                "UPDATE events SET state = 1 WHERE sequence IN (
                     SELECT min(sequence) FROM events WHERE topic = ANY($1) AND state < 2
                     GROUP BY topic HAVING max(state) = 0)",
                &[&topics],
            )
            .await?;
        Ok(u64::try_from(dead.len()).unwrap_or(u64::MAX))
    }
}

/// Puts an event into the outbox.
pub(super) struct Announce {
    pub(super) event: NewEvent,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Announce {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        rows::push(session, vec![self.event.clone()], self.now).await
    }
}
