//! What can be read without writing.

use homeroom_sms_contract::submit::SwitchedOff;
use rusqlite::{Connection, OptionalExtension};

use super::rows;
use crate::message::Address;
use crate::store::{Depths, HistoryLine, MessageView, StoreError, Unheard, work};

pub(super) fn find(
    connection: &Connection,
    app_id: Option<i64>,
    message_id: &str,
) -> Result<Option<MessageView>, StoreError> {
    // Both look-ups see the same state.
    let connection = &connection.unchecked_transaction()?;
    let Some(key) = rows::key_of(connection, message_id)? else {
        return Ok(None);
    };
    let Some(message) = rows::load(connection, key)? else {
        return Ok(None);
    };
    if app_id.is_some_and(|app| app != message.app_id) {
        return Ok(None);
    }
    let (transaction_id, task_id, accepted_at) = connection
        .prepare_cached("SELECT transaction_id, task_id, accepted_at FROM messages WHERE key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Some(message.view(transaction_id, task_id, accepted_at)))
}

pub(super) fn history(
    connection: &Connection,
    message_id: &str,
) -> Result<Vec<HistoryLine>, StoreError> {
    let connection = &connection.unchecked_transaction()?;
    let accepted: Option<(i64, i64)> = connection
        .prepare_cached("SELECT key, accepted_at FROM messages WHERE message_id = ?1")?
        .query_row([message_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, accepted_at)) = accepted else {
        return Ok(Vec::new());
    };
    let logs = connection
        .prepare_cached("SELECT number, log FROM parts WHERE message = ?1 ORDER BY number")?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(u16, String)>, _>>()?;
    Ok(work::history(accepted_at, &logs))
}

/// Links and pools that have parts whose answer is out.
pub(super) fn sending(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT DISTINCT esme FROM parts WHERE status < 2 AND status = 1")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

pub(super) fn unheard(
    connection: &Connection,
    (link, after, before): (i64, i64, i64),
    limit: usize,
) -> Result<Vec<Unheard>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT p.provider_id, m.source_ton, m.source_npi, m.source, p.submitted_at
             FROM parts p JOIN messages m ON m.key = p.message
             WHERE p.status IN (3, 4) AND p.link = ?1 AND p.submitted_at > ?2 AND p.submitted_at <= ?3
             ORDER BY p.submitted_at LIMIT ?4",
        )?
        .query_map(
            (link, after, before, i64::try_from(limit).unwrap_or(i64::MAX)),
            |row| {
                Ok(Unheard {
                    provider_id: row.get(0)?,
                    source: Address {
                        ton: row.get(1)?,
                        npi: row.get(2)?,
                        address: row.get(3)?,
                    },
                    submitted_at: row.get(4)?,
                })
            },
        )?
        .collect::<Result<_, _>>()?)
}

pub(super) fn switched_off(connection: &Connection) -> Result<SwitchedOff, StoreError> {
    let connection = &connection.unchecked_transaction()?;
    let at = connection
        .prepare_cached("SELECT value FROM counters WHERE name = 'switched_off_at'")?
        .query_row([], |row| row.get(0))?;
    let esmes = connection
        .prepare_cached("SELECT esme FROM switched_off ORDER BY esme")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(SwitchedOff { esmes, at })
}

pub(super) fn depths(connection: &Connection) -> Result<Depths, StoreError> {
    let connection = &connection.unchecked_transaction()?;
    let number = |sql: &str| -> Result<u64, StoreError> {
        let number: i64 = connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or_default())
    };
    let queued = connection
        .prepare_cached(
            "SELECT esme, count(*) FROM parts WHERE status < 2 AND status = 0 GROUP BY esme",
        )?
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    // Keys are given in the order of acceptance.
    let oldest = connection
        .prepare_cached(
            "SELECT accepted_at FROM messages WHERE key = (SELECT min(message) FROM parts WHERE status < 2 AND status = 0)",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Depths {
        queued,
        oldest,
        sending: number("SELECT count(*) FROM parts WHERE status < 2 AND status = 1")?,
        ambiguous: number("SELECT value FROM counters WHERE name = 'ambiguous'")?,
        events: number("SELECT count(*) FROM events WHERE state < 2")?,
        dead_events: number("SELECT count(*) FROM events WHERE state = 2")?,
        orphans: number("SELECT count(*) FROM orphans WHERE repeated = 0")?,
    })
}
