//! Messages from phones, joined from their parts.

use std::collections::BTreeMap;

use homeroom_sms_contract::events::Inbound;
use rusqlite::{OptionalExtension, params};

use super::{rows, writer::Tx};
use crate::{
    message::InboundPart,
    store::{
        StoreError,
        outbox::{NewEvent, new_id},
    },
};

pub(super) fn store(tx: &mut Tx<'_>, part: &InboundPart, now: i64) -> Result<(), StoreError> {
    let Some((reference, total, number)) = part.part else {
        let whole = Inbound {
            inbound_id: new_id(),
            esme: part.link,
            source: part.source.clone(),
            destination: part.destination.clone(),
            text: part.text.clone(),
            missing_parts: 0,
        };
        return rows::push(
            tx.connection,
            &NewEvent::inbound(whole, part.received_at)?,
            now,
        );
    };
    let newest: Option<(i64, bool, Option<String>)> = tx
        .connection
        .prepare_cached(
            "SELECT i.key, i.complete, p.text FROM inbound i
             LEFT JOIN inbound_parts p ON p.inbound = i.key AND p.number = ?6
             WHERE i.source = ?1 AND i.destination = ?2 AND i.provider = ?3 AND i.reference = ?4 AND i.total = ?5
             ORDER BY i.key DESC LIMIT 1",
        )?
        .query_row(
            params![
                part.source,
                part.destination,
                part.provider,
                reference,
                total,
                number
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let key = match newest {
        // The centre sends it again because it did not see the answer.
        Some((_, _, Some(text))) if text == part.text => return Ok(()),
        Some((key, false, None)) => key,
        // The phone has begun to count anew.
        _ => begin(tx, part, reference, total, now)?,
    };
    tx.connection
        .prepare_cached("INSERT INTO inbound_parts (inbound, number, text) VALUES (?1, ?2, ?3)")?
        .execute(params![key, number, part.text])?;
    finish(tx, key, false, now)
}

fn begin(
    tx: &Tx<'_>,
    part: &InboundPart,
    reference: u16,
    total: u8,
    now: i64,
) -> Result<i64, StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO inbound (inbound_id, link, provider, source, destination, reference, total, started_at, complete)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        )?
        .execute(params![
            new_id(),
            part.link,
            part.provider,
            part.source,
            part.destination,
            reference,
            total,
            now,
        ])?;
    Ok(tx.connection.last_insert_rowid())
}

/// Makes the event once all parts are there, or with what there is.
fn finish(tx: &Tx<'_>, key: i64, anyway: bool, now: i64) -> Result<(), StoreError> {
    let texts = tx
        .connection
        .prepare_cached("SELECT number, text FROM inbound_parts WHERE inbound = ?1")?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<BTreeMap<u8, String>, _>>()?;
    let (whole, total) = tx
        .connection
        .prepare_cached(
            "SELECT inbound_id, link, source, destination, total FROM inbound WHERE key = ?1",
        )?
        .query_row([key], |row| {
            Ok((
                Inbound {
                    inbound_id: row.get(0)?,
                    esme: row.get(1)?,
                    source: row.get(2)?,
                    destination: row.get(3)?,
                    text: String::new(),
                    missing_parts: 0,
                },
                row.get::<_, u16>(4)?,
            ))
        })?;
    let have = u16::try_from(texts.len()).unwrap_or(u16::MAX);
    if have < total && !anyway {
        return Ok(());
    }
    let whole = Inbound {
        text: texts.into_values().collect(),
        missing_parts: total.saturating_sub(have),
        ..whole
    };
    rows::push(tx.connection, &NewEvent::inbound(whole, now)?, now)?;
    tx.connection
        .prepare_cached("UPDATE inbound SET complete = 1 WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

/// Hands on what never became whole, and drops what began before a time.
pub(super) fn sweep(
    tx: &mut Tx<'_>,
    limit: i64,
    before: i64,
    now: i64,
) -> Result<usize, StoreError> {
    let old = tx
        .connection
        .prepare_cached(
            "SELECT key, complete FROM inbound WHERE started_at < ?1 ORDER BY started_at LIMIT ?2",
        )?
        .query_map([before, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, bool)>, _>>()?;
    for (key, complete) in &old {
        if !complete {
            finish(tx, *key, true, now)?;
        }
        tx.connection
            .prepare_cached("DELETE FROM inbound WHERE key = ?1")?
            .execute([key])?;
    }
    Ok(old.len())
}
