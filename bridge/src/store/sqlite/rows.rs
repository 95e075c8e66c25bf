//! Rows to messages and back.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::writer::Tx;
use crate::{
    message::{Address, Addresses, Claimed, NewMessage, PartBody, PartKey},
    store::{
        StoreError,
        outbox::NewEvent,
        states,
        work::{Loaded, Part, Phase, line},
    },
};

/// A log longer than this loses its beginning.
const MOST_LOG: i64 = 8_000;

/// Reads a message with its parts.
pub(super) fn load(connection: &Connection, key: i64) -> Result<Option<Loaded>, StoreError> {
    let head = connection
        .prepare_cached(
            "SELECT key, message_id, app_id, tenant, esme, valid_until, updated_at, version, phase, phase_at
             FROM messages WHERE key = ?1",
        )?
        .query_row([key], |row| {
            Ok(Loaded {
                key: row.get(0)?,
                message_id: row.get(1)?,
                app_id: row.get(2)?,
                tenant: row.get(3)?,
                esme: row.get(4)?,
                valid_until: row.get(5)?,
                updated_at: row.get(6)?,
                version: row.get(7)?,
                phase: Phase::from_code(row.get(8)?),
                phase_at: row.get(9)?,
                parts: Vec::new(),
                news: false,
                moved: false,
                ambiguous: 0,
                waited: 0,
            })
        })
        .optional()?;
    let Some(mut message) = head else {
        return Ok(None);
    };
    message.parts = connection
        .prepare_cached(
            "SELECT number, status, attempt, ambiguous, due_at, sent_at, submitted_at, link, provider, provider_id, error,
                 refusals
             FROM parts WHERE message = ?1 ORDER BY number",
        )?
        .query_map([key], part)?
        .collect::<Result<_, _>>()?;
    message.waited = message.waiting();
    Ok(Some(message))
}

fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get(0)?,
        status: states::from_code(row.get(1)?),
        attempt: row.get(2)?,
        ambiguous: row.get(3)?,
        due_at: row.get(4)?,
        sent_at: row.get(5)?,
        submitted_at: row.get(6)?,
        link: row.get(7)?,
        provider: row.get(8)?,
        provider_id: row.get(9)?,
        error: row.get(10)?,
        refusals: row.get(11)?,
        log: String::new(),
    })
}

/// The key of a message.
pub(super) fn key_of(connection: &Connection, message_id: &str) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT key FROM messages WHERE message_id = ?1")?
        .query_row([message_id], |row| row.get(0))
        .optional()?)
}

/// Writes what has changed of a message, and the event if it is one.
pub(super) fn save(tx: &mut Tx<'_>, message: &mut Loaded, now: i64) -> Result<(), StoreError> {
    message.settle(now);
    for part in &message.parts {
        if part.log.is_empty() {
            continue;
        }
        let body = if part.is_done_with_body() {
            ", short_message = x'', payload = NULL"
        } else {
            ""
        };
        tx.connection
            .prepare_cached(&format!(
                "UPDATE parts SET status = ?3, ambiguous = ?4, due_at = ?5, submitted_at = ?6, link = ?7,
                     provider = ?8, provider_id = ?9, error = ?10, log = substr(log, -{MOST_LOG}) || ?11, refusals = ?12{body}
                 WHERE message = ?1 AND number = ?2"
            ))?
            .execute(params![
                message.key,
                part.number,
                states::code(part.status),
                part.ambiguous,
                part.due_at,
                part.submitted_at,
                part.link,
                part.provider,
                part.provider_id,
                part.error,
                part.log,
                part.refusals,
            ])?;
    }
    if message.moved {
        tx.connection
            .prepare_cached(
                "UPDATE messages SET updated_at = ?2, version = ?3, phase = ?4, phase_at = ?5 WHERE key = ?1",
            )?
            .execute(params![
                message.key,
                message.updated_at,
                message.version,
                message.phase.code(),
                message.phase_at,
            ])?;
    }
    if message.ambiguous > 0 {
        tx.connection
            .prepare_cached("UPDATE counters SET value = value + ?1 WHERE name = 'ambiguous'")?
            .execute([message.ambiguous])?;
    }
    if message.news {
        push(tx.connection, &NewEvent::message(message, now)?, now)?;
    }
    tx.waiting.add(
        message.app_id,
        message.esme,
        message.waiting() - message.waited,
    );
    Ok(())
}

/// Puts an event into the outbox.
pub(super) fn push(connection: &Connection, event: &NewEvent, now: i64) -> Result<(), StoreError> {
    let last: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT sequence, given FROM events WHERE topic = ?1 AND state < 2 ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row([&event.topic], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let (true, Some((sequence, 0))) = (event.replaces, last) {
        connection
            .prepare_cached(
                "UPDATE events SET id = ?2, path = ?3, body = ?4, created_at = ?5 WHERE sequence = ?1",
            )?
            .execute(params![sequence, event.id, event.path, event.body, now])?;
    } else {
        connection
            .prepare_cached(
                "INSERT INTO events (id, path, topic, body, state, given, attempts, due_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?6)",
            )?
            .execute(params![
                event.id,
                event.path,
                event.topic,
                event.body,
                i64::from(last.is_none()),
                now,
            ])?;
    }
    Ok(())
}

/// Writes a new message, unless its id or its app's transaction id is taken.
pub(super) fn insert(
    connection: &Connection,
    message: &NewMessage,
    now: i64,
) -> Result<bool, StoreError> {
    let (source, destination) = (&message.addresses.source, &message.addresses.destination);
    let changed = connection
        .prepare_cached(
            "INSERT INTO messages (message_id, app_id, tenant, transaction_id, task_id, esme, fingerprint,
                 source_ton, source_npi, source, destination_ton, destination_npi, destination,
                 data_coding, esm_class, priority, valid_until, parts, accepted_at, updated_at, version, phase, phase_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19, 0, 0, ?17)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            message.message_id,
            message.app_id,
            message.tenant,
            message.transaction_id,
            message.task_id,
            message.esme,
            message.fingerprint,
            source.ton,
            source.npi,
            source.address,
            destination.ton,
            destination.npi,
            destination.address,
            message.data_coding,
            message.esm_class,
            message.priority,
            message.valid_until,
            i64::try_from(message.parts.len()).unwrap_or(i64::MAX),
            now,
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    let key = connection.last_insert_rowid();
    let mut statement = connection.prepare_cached(
        "INSERT INTO parts (message, number, status, esme, priority, due_at, attempt, ambiguous,
             short_message, payload, sar_reference, sar_total, sar_number, log)
         VALUES (?1, ?2, 0, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, '')",
    )?;
    for (number, body) in (1_i64..).zip(&message.parts) {
        let sar = body.sar;
        statement.execute(params![
            key,
            number,
            message.esme,
            message.priority,
            message.send_at.max(now),
            body.short_message,
            body.payload,
            sar.map(|sar| sar.0),
            sar.map(|sar| sar.1),
            sar.map(|sar| sar.2),
        ])?;
    }
    Ok(true)
}

/// Marks due parts of one priority as being sent.
pub(super) fn claim(
    tx: &mut Tx<'_>,
    esme: i64,
    priority: u8,
    limit: usize,
    now: i64,
    claimed: &mut Vec<Claimed>,
) -> Result<(), StoreError> {
    let connection = tx.connection;
    let mut due = connection.prepare_cached(
        "SELECT p.message, p.number, p.attempt + 1, p.short_message, p.payload, p.sar_reference, p.sar_total, p.sar_number,
                m.message_id, m.app_id, m.source_ton, m.source_npi, m.source, m.destination_ton, m.destination_npi,
                m.destination, m.data_coding, m.esm_class, m.valid_until, p.refusals
         FROM parts p JOIN messages m ON m.key = p.message
         WHERE p.status < 2 AND p.status = 0 AND p.esme = ?1 AND p.priority = ?2 AND p.due_at <= ?3
         ORDER BY p.due_at, p.message, p.number LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = due
        .query_map(params![esme, priority, now, limit], |row| {
            let sar: (Option<u16>, Option<u8>, Option<u8>) =
                (row.get(5)?, row.get(6)?, row.get(7)?);
            let key: (i64, i64) = (row.get(0)?, row.get(9)?);
            Ok((
                key,
                Claimed {
                    key: PartKey {
                        message_id: row.get(8)?,
                        number: row.get(1)?,
                    },
                    attempt: row.get(2)?,
                    refusals: row.get(19)?,
                    esme,
                    addresses: Addresses {
                        source: Address {
                            ton: row.get(10)?,
                            npi: row.get(11)?,
                            address: row.get(12)?,
                        },
                        destination: Address {
                            ton: row.get(13)?,
                            npi: row.get(14)?,
                            address: row.get(15)?,
                        },
                    },
                    data_coding: row.get(16)?,
                    esm_class: row.get(17)?,
                    priority,
                    valid_until: row.get(18)?,
                    body: PartBody {
                        short_message: row.get(3)?,
                        payload: row.get(4)?,
                        sar: match sar {
                            (Some(reference), Some(total), Some(number)) => {
                                Some((reference, total, number))
                            }
                            _ => None,
                        },
                    },
                },
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut mark = connection.prepare_cached(
        "UPDATE parts SET status = 1, attempt = ?3, sent_at = ?4, log = log || ?5 WHERE message = ?1 AND number = ?2",
    )?;
    for ((message, app), part) in found {
        let log = line(now, &format!("attempt {}: claimed", part.attempt));
        mark.execute(params![message, part.key.number, part.attempt, now, log])?;
        tx.waiting.add(app, esme, -1);
        claimed.push(part);
    }
    Ok(())
}
