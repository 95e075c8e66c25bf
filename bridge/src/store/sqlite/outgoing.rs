//! The events for the platform on their way out.

use rusqlite::{OptionalExtension, params};

use super::writer::Tx;
use crate::store::{Fault, HASTENED, Outgoing, StoreError};

/// Gives out what is due and holds it back for the lease.
pub(super) fn events(
    tx: &mut Tx<'_>,
    limit: usize,
    lease: i64,
    now: i64,
) -> Result<Vec<Outgoing>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = tx
        .connection
        .prepare_cached(
            "SELECT sequence, id, path, topic, body, attempts, created_at FROM events
             WHERE state = 1 AND due_at <= ?1 ORDER BY due_at, sequence LIMIT ?2",
        )?
        .query_map([now, limit], |row| {
            Ok(Outgoing {
                sequence: row.get(0)?,
                id: row.get(1)?,
                path: row.get(2)?,
                topic: row.get(3)?,
                body: row.get(4)?,
                attempts: row.get(5)?,
                created_at: row.get(6)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut hold = tx.connection.prepare_cached(
        "UPDATE events SET due_at = ?2, given = given + 1, away = 0 WHERE sequence = ?1",
    )?;
    for event in &found {
        hold.execute([event.sequence, now.saturating_add(lease)])?;
    }
    found.sort_by_key(|event| event.sequence);
    Ok(found)
}

/// Makes due what was out when the process ended: the file is this bridge's alone, so nobody else has it.
pub(super) fn release(tx: &mut Tx<'_>, now: i64) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE events SET due_at = ?1 WHERE state = 1 AND due_at > ?1 AND given > attempts",
        )?
        .execute([now])?;
    Ok(())
}

pub(super) fn delivered(tx: &mut Tx<'_>, ids: &[String]) -> Result<(), StoreError> {
    for id in ids {
        let gone: Option<(String, i64)> = tx
            .connection
            .prepare_cached("DELETE FROM events WHERE id = ?1 RETURNING topic, state")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((topic, 1)) = gone {
            promote(tx, &topic)?;
        }
    }
    Ok(())
}

/// The next of a topic is given out now.
fn promote(tx: &Tx<'_>, topic: &str) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE events SET state = 1 WHERE sequence = (
                 SELECT sequence FROM events WHERE topic = ?1 AND state = 0 ORDER BY sequence LIMIT 1)",
        )?
        .execute([topic])?;
    Ok(())
}

pub(super) fn undelivered(
    tx: &mut Tx<'_>,
    ids: &[(String, Option<i64>)],
    fault: Fault,
    error: &str,
    now: i64,
) -> Result<(), StoreError> {
    for (id, again) in ids {
        let state = if again.is_some() { 1 } else { 2 };
        let topic: Option<String> = tx
            .connection
            .prepare_cached(
                "UPDATE events SET state = ?2, due_at = ?3, attempts = attempts + 1, error = ?4,
                     away = ?5
                 WHERE id = ?1 AND state = 1 RETURNING topic",
            )?
            .query_row(
                params![
                    id,
                    state,
                    again.unwrap_or(now),
                    error,
                    fault == Fault::Platform
                ],
                |row| row.get(0),
            )
            .optional()?;
        if let (Some(topic), 2) = (topic, state) {
            promote(tx, &topic)?;
        }
    }
    Ok(())
}

/// Makes due soon what waits for a platform that is back; returns how many, at most `limit`.
pub(super) fn hasten(
    tx: &mut Tx<'_>,
    path: &str,
    spread: i64,
    limit: i64,
    now: i64,
) -> Result<usize, StoreError> {
    Ok(tx
        .connection
        .prepare_cached(
            "UPDATE events SET due_at = ?2 + sequence % ?3, attempts = min(attempts, ?4), given = min(given, ?4)
             WHERE sequence IN (
                 SELECT sequence FROM events
                 WHERE state = 1 AND due_at > ?2 + ?3 AND away = 1 AND path = ?1 LIMIT ?5)",
        )?
        .execute(params![path, now, spread.max(1), HASTENED, limit])?)
}

pub(super) fn replay(tx: &mut Tx<'_>, id: Option<&str>, now: i64) -> Result<u64, StoreError> {
    let dead = tx
        .connection
        .prepare_cached(
            "SELECT sequence, topic FROM events WHERE state = 2 AND (?1 IS NULL OR id = ?1) ORDER BY sequence",
        )?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, String)>, _>>()?;
    let mut count = 0;
    for (sequence, topic) in dead {
        count += 1;
        tx.connection
            .prepare_cached(
                "UPDATE events SET due_at = ?2, attempts = 0, state = NOT EXISTS (
                     SELECT 1 FROM events o WHERE o.topic = ?3 AND o.state = 1)
                 WHERE sequence = ?1",
            )?
            .execute(params![sequence, now, topic])?;
    }
    Ok(count)
}

/// Drops dead letters made before a time.
pub(super) fn forget(tx: &mut Tx<'_>, limit: i64, before: i64) -> Result<usize, StoreError> {
    Ok(tx
        .connection
        .prepare_cached(
            "DELETE FROM events WHERE sequence IN (
                 SELECT sequence FROM events WHERE state = 2 AND due_at < ?1 LIMIT ?2)",
        )?
        .execute([before, limit])?)
}
