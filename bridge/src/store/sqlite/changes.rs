//! What happens to messages: find the rows, let `work` decide, write what changed.

use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};
use rusqlite::{OptionalExtension, params};

use super::{
    rows,
    writer::{Tx, Waiting},
};
use crate::{
    message::{AttemptResult, Attempted, Claimed, NewMessage, Receipt},
    store::{
        Accepted, Ambiguity, Policy, Provider, QueueLimits, StoreError, states,
        work::{Loaded, Named, Orphan, Phase},
    },
};

/// Overdue messages that a claim expires in one go.
const OVERDUE: i64 = 500;

pub(super) fn accept(
    tx: &mut Tx<'_>,
    message: &NewMessage,
    limits: QueueLimits,
    now: i64,
) -> Result<Accepted, StoreError> {
    let parts = i64::try_from(message.parts.len()).unwrap_or(i64::MAX);
    let room = has_room(tx.waiting, message, parts, limits);
    if room && rows::insert(tx.connection, message, now)? {
        tx.waiting.add(message.app_id, message.esme, parts);
        return Ok(Accepted::New);
    }
    let first: Option<(String, u16, Vec<u8>)> = tx
        .connection
        .prepare_cached(
            "SELECT message_id, parts, fingerprint FROM messages WHERE app_id = ?1 AND transaction_id = ?2",
        )?
        .query_row(params![message.app_id, message.transaction_id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(match first {
        Some((message_id, parts, fingerprint)) if fingerprint == message.fingerprint => {
            Accepted::Repeated { message_id, parts }
        }
        Some(_) => Accepted::Conflict,
        None if room => Accepted::Conflict,
        None => Accepted::QueueFull,
    })
}

fn has_room(waiting: &Waiting, message: &NewMessage, parts: i64, limits: QueueLimits) -> bool {
    let fits = |waits: i64, limit: u64| {
        waits.saturating_add(parts) <= i64::try_from(limit).unwrap_or(i64::MAX)
    };
    let of_app = waiting.apps.get(&message.app_id).copied().unwrap_or(0);
    let of_esme = waiting.esmes.get(&message.esme).copied().unwrap_or(0);
    fits(waiting.total, limits.total)
        && fits(of_app, limits.per_app)
        && fits(of_esme, limits.per_esme)
}

pub(super) fn claim(
    tx: &mut Tx<'_>,
    esme: i64,
    limit: usize,
    now: i64,
) -> Result<Vec<Claimed>, StoreError> {
    while expire(tx, OVERDUE, now)? >= usize::try_from(OVERDUE).unwrap_or(usize::MAX) {}
    let mut claimed = Vec::new();
    for priority in (0..=3).rev() {
        let left = limit - claimed.len();
        if left == 0 {
            break;
        }
        rows::claim(tx, esme, priority, left, now, &mut claimed)?;
    }
    Ok(claimed)
}

/// Expires messages whose time has ended; says how many it looked at.
pub(super) fn expire(tx: &mut Tx<'_>, limit: i64, now: i64) -> Result<usize, StoreError> {
    let keys = tx
        .connection
        .prepare_cached("SELECT key FROM messages WHERE phase = 0 AND phase_at < ?1 LIMIT ?2")?
        .query_map([now, limit], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for key in &keys {
        change(tx, *key, now, |message| message.expire(now))?;
    }
    Ok(keys.len())
}

fn change<T>(
    tx: &mut Tx<'_>,
    key: i64,
    now: i64,
    work: impl FnOnce(&mut Loaded) -> T,
) -> Result<Option<T>, StoreError> {
    let Some(mut message) = rows::load(tx.connection, key)? else {
        return Ok(None);
    };
    let value = work(&mut message);
    rows::save(tx, &mut message, now)?;
    Ok(Some(value))
}

pub(super) fn record(
    tx: &mut Tx<'_>,
    attempts: &[(Attempted, Provider)],
    policy: &Policy,
    now: i64,
) -> Result<(), StoreError> {
    for (attempted, provider) in attempts {
        let Some(key) = rows::key_of(tx.connection, &attempted.key.message_id)? else {
            // Past its retention.
            continue;
        };
        let Some(mut message) = rows::load(tx.connection, key)? else {
            continue;
        };
        let number = attempted.key.number;
        let named = message.attempted(attempted, &provider.0, policy(attempted.link), now);
        if let (AttemptResult::Submitted { provider_id }, true) =
            (&attempted.result, named != Named::No)
        {
            if named == Named::Late {
                tx.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO late_ids (provider, provider_id, message, number, submitted_at)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![provider.0, provider_id, key, number, now])?;
            }
            let since = message.receipts_since(number);
            for orphan in adopt(tx, &provider.0, provider_id, since)? {
                message.receipt(number, named == Named::Current, &orphan, now);
            }
        }
        rows::save(tx, &mut message, now)?;
    }
    Ok(())
}

/// Takes the receipts that came before their id was known.
fn adopt(
    tx: &Tx<'_>,
    provider: &str,
    provider_id: &[u8],
    since: i64,
) -> Result<Vec<Orphan>, StoreError> {
    let mut found = tx
        .connection
        .prepare_cached(
            "SELECT status, error, received_at FROM orphans
             WHERE provider = ?1 AND provider_id = ?2 AND received_at >= ?3",
        )?
        .query_map(params![provider, provider_id, since], |row| {
            Ok(Orphan {
                status: states::from_code(row.get(0)?),
                error: row.get(1)?,
                received_at: row.get(2)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    if !found.is_empty() {
        tx.connection
            .prepare_cached("DELETE FROM orphans WHERE provider = ?1 AND provider_id = ?2")?
            .execute(params![provider, provider_id])?;
        found.sort_by_key(|orphan| orphan.received_at);
    }
    Ok(found)
}

pub(super) fn receipts(
    tx: &mut Tx<'_>,
    receipts: &[Receipt],
    now: i64,
) -> Result<usize, StoreError> {
    let mut news = 0;
    for receipt in receipts {
        news += usize::from(take_receipt(tx, receipt, now)?);
    }
    Ok(news)
}

fn take_receipt(tx: &mut Tx<'_>, receipt: &Receipt, now: i64) -> Result<bool, StoreError> {
    // A centre gives an id again the next day: the newest part that has it is meant.
    let found: Option<(i64, u16, bool)> = tx
        .connection
        .prepare_cached(
            "SELECT message, number, current FROM (
                 SELECT message, number, submitted_at, 1 AS current FROM parts WHERE provider = ?1 AND provider_id = ?2
                 UNION ALL
                 SELECT message, number, submitted_at, 0 FROM late_ids WHERE provider = ?1 AND provider_id = ?2)
             ORDER BY submitted_at DESC, message DESC, number DESC LIMIT 1",
        )?
        .query_row(params![receipt.provider, receipt.provider_id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let orphan = Orphan {
        status: receipt.status,
        error: receipt.error.clone(),
        received_at: receipt.received_at,
    };
    let Some((key, number, current)) = found else {
        return park(tx, receipt, false);
    };
    let Some(mut message) = rows::load(tx.connection, key)? else {
        return Ok(false);
    };
    let finished = message
        .parts
        .iter()
        .any(|part| part.number == number && part.status.is_final());
    let news = message.receipt(number, current, &orphan, now);
    rows::save(tx, &mut message, now)?;
    if finished {
        park(tx, receipt, true)?;
    }
    Ok(news)
}

/// Keeps a receipt until its id is known. Says whether it is the first of its kind.
fn park(tx: &Tx<'_>, receipt: &Receipt, repeated: bool) -> Result<bool, StoreError> {
    let known = tx
        .connection
        .prepare_cached(
            "UPDATE orphans SET received_at = ?4, error = ?5 WHERE provider = ?1 AND provider_id = ?2 AND status = ?3",
        )?
        .execute(params![
            receipt.provider,
            receipt.provider_id,
            states::code(receipt.status),
            receipt.received_at,
            receipt.error,
        ])?;
    if known > 0 {
        return Ok(false);
    }
    tx.connection
        .prepare_cached(
            "INSERT INTO orphans (provider, provider_id, status, received_at, error, repeated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            receipt.provider,
            receipt.provider_id,
            states::code(receipt.status),
            receipt.received_at,
            receipt.error,
            repeated,
        ])?;
    Ok(!repeated)
}

pub(super) fn recover(
    tx: &mut Tx<'_>,
    esme: i64,
    before: i64,
    ambiguity: Ambiguity,
    now: i64,
) -> Result<u64, StoreError> {
    let sending = tx
        .connection
        .prepare_cached(
            "SELECT message, number, attempt FROM parts WHERE status < 2 AND status = 1 AND esme = ?1 AND sent_at < ?2 ORDER BY message, number",
        )?
        .query_map([esme, before], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect::<Result<Vec<(i64, (u16, u32))>, _>>()?;
    let mut count = 0;
    for of_one in sending.chunk_by(|a, b| a.0 == b.0) {
        let attempts: Vec<(u16, u32)> = of_one.iter().map(|part| part.1).collect();
        if let Some((key, _)) = of_one.first() {
            count += change(tx, *key, now, |message| {
                message.recover(&attempts, ambiguity, now)
            })?
            .unwrap_or(0);
        }
    }
    Ok(count)
}

pub(super) fn cancel(
    tx: &mut Tx<'_>,
    app_id: i64,
    message_id: &str,
    now: i64,
) -> Result<Cancelled, StoreError> {
    let Some(key) = rows::key_of(tx.connection, message_id)? else {
        return Ok(Cancelled::Unknown);
    };
    let outcome = change(tx, key, now, |message| {
        if message.app_id == app_id {
            message.cancel(now)
        } else {
            Cancelled::Unknown
        }
    })?;
    Ok(outcome.unwrap_or(Cancelled::Unknown))
}

pub(super) fn switch_off(tx: &mut Tx<'_>, said: &SwitchedOff) -> Result<(), StoreError> {
    let later = tx
        .connection
        .prepare_cached(
            "UPDATE counters SET value = ?1 WHERE name = 'switched_off_at' AND value <= ?1",
        )?
        .execute([said.at])?;
    if later == 0 {
        return Ok(());
    }
    tx.connection
        .prepare_cached("DELETE FROM switched_off")?
        .execute([])?;
    let mut add = tx
        .connection
        .prepare_cached("INSERT OR IGNORE INTO switched_off (esme) VALUES (?1)")?;
    for esme in &said.esmes {
        add.execute([esme])?;
    }
    Ok(())
}

/// Drops messages that were finished, or whose time ended, before a time.
pub(super) fn forget(tx: &mut Tx<'_>, limit: i64, before: i64) -> Result<usize, StoreError> {
    let mut count = 0;
    for phase in [Phase::Overdue, Phase::Finished] {
        // What is being sent keeps its message: its result is still to come.
        count += tx
            .connection
            .prepare_cached(
                "DELETE FROM messages WHERE key IN (
                     SELECT key FROM messages WHERE phase = ?1 AND phase_at < ?2
                     AND NOT EXISTS (SELECT 1 FROM parts WHERE message = key AND status = 1) LIMIT ?3)",
            )?
            .execute(params![phase.code(), before, limit])?;
    }
    Ok(count)
}

pub(super) fn forget_orphans(
    tx: &mut Tx<'_>,
    limit: i64,
    before: i64,
) -> Result<usize, StoreError> {
    Ok(tx
        .connection
        .prepare_cached(
            "DELETE FROM orphans WHERE (provider, provider_id, status) IN (
                 SELECT provider, provider_id, status FROM orphans WHERE received_at < ?1 LIMIT ?2)",
        )?
        .execute([before, limit])?)
}
