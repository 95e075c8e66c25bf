//! Rows to messages and back, many at a time.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::session::{Failure, Session};
use crate::store::{
    outbox::NewEvent,
    states,
    work::{Loaded, Part, Phase},
};

/// Messages by their keys.
pub(super) type Messages = BTreeMap<i64, Loaded>;

/// Reads messages with their parts, for a reader.
pub(super) async fn read(session: &mut Session, keys: &[i64]) -> Result<Messages, Failure> {
    let heads = session
        .all(
            "SELECT key, message_id, app_id, tenant, esme, valid_until, updated_at, version, phase, phase_at
             FROM messages WHERE key = ANY($1)",
            &[&keys],
        )
        .await?;
    let parts = session
        .all(
            "SELECT message, number, status, attempt, ambiguous, due_at, sent_at, submitted_at, link, provider, provider_id, error, refusals
             FROM parts WHERE message = ANY($1) ORDER BY message, number",
            &[&keys],
        )
        .await?;
    Ok(join(&heads, &parts))
}

/// Reads messages with their parts and keeps others from changing them. The message comes first, and in the order of
/// keys, so that two bridges wait for each other instead of both failing.
pub(super) async fn lock(session: &mut Session, keys: &[i64]) -> Result<Messages, Failure> {
    let heads = session
        .all(
            "SELECT key, message_id, app_id, tenant, esme, valid_until, updated_at, version, phase, phase_at
             FROM messages WHERE key = ANY($1) ORDER BY key FOR UPDATE",
            &[&keys],
        )
        .await?;
    let parts = session
        .all(
            "SELECT message, number, status, attempt, ambiguous, due_at, sent_at, submitted_at, link, provider, provider_id, error, refusals
             FROM parts WHERE message = ANY($1) ORDER BY message, number FOR UPDATE",
            &[&keys],
        )
        .await?;
    Ok(join(&heads, &parts))
}

fn join(heads: &[Row], parts: &[Row]) -> Messages {
    let mut messages: Messages = heads
        .iter()
        .map(|row| {
            let message = Loaded {
                key: row.get(0),
                message_id: row.get(1),
                app_id: row.get(2),
                tenant: row.get(3),
                esme: row.get(4),
                valid_until: row.get(5),
                updated_at: row.get(6),
                version: row.get(7),
                phase: Phase::from_code(row.get(8)),
                phase_at: row.get(9),
                parts: Vec::new(),
                news: false,
                moved: false,
                ambiguous: 0,
                waited: 0,
            };
            (message.key, message)
        })
        .collect();
    for row in parts {
        if let Some(message) = messages.get_mut(&row.get(0)) {
            message.parts.push(Part {
                number: small(row.get(1)),
                status: states::from_code(row.get(2)),
                attempt: count(row.get(3)),
                ambiguous: count(row.get(4)),
                due_at: row.get(5),
                sent_at: row.get(6),
                submitted_at: row.get(7),
                link: row.get(8),
                provider: row.get(9),
                provider_id: row.get(10),
                error: row.get(11),
                refusals: count(row.get(12)),
                log: String::new(),
            });
        }
    }
    for message in messages.values_mut() {
        message.waited = message.waiting();
    }
    messages
}

pub(super) fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn small(number: i32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Writes what has changed of messages, and the events.
pub(super) async fn save(
    session: &mut Session,
    messages: &mut Messages,
    now: i64,
) -> Result<(), Failure> {
    let mut events = Vec::new();
    let mut waiting = BTreeMap::new();
    let mut ambiguous = 0;
    for message in messages.values_mut() {
        message.settle(now);
        ambiguous += message.ambiguous;
        if message.news {
            events.push(NewEvent::message(message, now)?);
        }
        *waiting.entry((message.app_id, message.esme)).or_insert(0) +=
            message.waiting() - message.waited;
    }
    save_parts(session, messages).await?;
    save_heads(session, messages).await?;
    if ambiguous > 0 {
        session
            .execute(
                "UPDATE counters SET value = value + $1 WHERE name = 'ambiguous'",
                &[&ambiguous],
            )
            .await?;
    }
    push(session, events, now).await?;
    wait(session, &waiting).await
}

async fn save_parts(session: &mut Session, messages: &Messages) -> Result<(), Failure> {
    let changed: Vec<(i64, &Part)> = messages
        .values()
        .flat_map(|message| message.parts.iter().map(|part| (message.key, part)))
        .filter(|(_, part)| !part.log.is_empty())
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let column =
        |of: fn(&Part) -> i64| -> Vec<i64> { changed.iter().map(|(_, part)| of(part)).collect() };
    let keys: Vec<i64> = changed.iter().map(|(key, _)| *key).collect();
    let numbers = column(|part| i64::from(part.number));
    let statuses = column(|part| i64::from(states::code(part.status)));
    let ambiguous = column(|part| i64::from(part.ambiguous));
    let refusals = column(|part| i64::from(part.refusals));
    let due = column(|part| part.due_at);
    let done: Vec<bool> = changed
        .iter()
        .map(|(_, part)| part.is_done_with_body())
        .collect();
    let submitted: Vec<Option<i64>> = changed.iter().map(|(_, part)| part.submitted_at).collect();
    let links: Vec<Option<i64>> = changed.iter().map(|(_, part)| part.link).collect();
    let providers: Vec<Option<&str>> = changed
        .iter()
        .map(|(_, part)| part.provider.as_deref())
        .collect();
    let ids: Vec<Option<&[u8]>> = changed
        .iter()
        .map(|(_, part)| part.provider_id.as_deref())
        .collect();
    let errors: Vec<Option<&str>> = changed
        .iter()
        .map(|(_, part)| part.error.as_deref())
        .collect();
    let logs: Vec<&str> = changed.iter().map(|(_, part)| part.log.as_str()).collect();
    session
        .execute(
            "UPDATE parts p SET status = c.status, ambiguous = c.ambiguous, due_at = c.due_at,
                 submitted_at = c.submitted_at, link = c.link, provider = c.provider, provider_id = c.provider_id,
                 error = c.error, log = right(p.log, 8000) || c.log,
                 refusals = c.refusals, bridge = CASE WHEN c.status = 1 THEN p.bridge END,
                 short_message = CASE WHEN c.done THEN '' ELSE p.short_message END,
                 payload = CASE WHEN c.done THEN NULL ELSE p.payload END
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                         $8::text[], $9::bytea[], $10::text[], $11::text[], $12::boolean[], $13::bigint[])
                 AS c (message, number, status, ambiguous, due_at, submitted_at, link, provider, provider_id, error, log, done, refusals)
             WHERE p.message = c.message AND p.number = c.number",
            &[
                &keys, &numbers, &statuses, &ambiguous, &due, &submitted, &links, &providers, &ids,
                &errors, &logs, &done, &refusals,
            ],
        )
        .await?;
    Ok(())
}

async fn save_heads(session: &mut Session, messages: &Messages) -> Result<(), Failure> {
    let moved: Vec<&Loaded> = messages.values().filter(|message| message.moved).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let column =
        |of: fn(&Loaded) -> i64| -> Vec<i64> { moved.iter().map(|message| of(message)).collect() };
    session
        .execute(
            "UPDATE messages m SET updated_at = c.updated_at, version = c.version, phase = c.phase, phase_at = c.phase_at
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 AS c (key, updated_at, version, phase, phase_at)
             WHERE m.key = c.key",
            &[
                &column(|message| message.key),
                &column(|message| message.updated_at),
                &column(|message| message.version),
                &column(|message| i64::from(message.phase.code())),
                &column(|message| message.phase_at),
            ],
        )
        .await?;
    Ok(())
}

/// Counts parts that wait, in the order of the rows, as the last thing of a transaction.
pub(super) async fn wait(
    session: &mut Session,
    changes: &BTreeMap<(i64, i64), i64>,
) -> Result<(), Failure> {
    let changes: Vec<_> = changes.iter().filter(|(_, count)| **count != 0).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let apps: Vec<i64> = changes.iter().map(|((app, _), _)| *app).collect();
    let esmes: Vec<i64> = changes.iter().map(|((_, esme), _)| *esme).collect();
    let counts: Vec<i64> = changes.iter().map(|(_, count)| **count).collect();
    session
        .execute(
            "INSERT INTO waiting (app_id, esme, parts)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
             ON CONFLICT (app_id, esme) DO UPDATE SET parts = waiting.parts + excluded.parts",
            &[&apps, &esmes, &counts],
        )
        .await?;
    Ok(())
}

/// Puts events into the outbox.
pub(super) async fn push(
    session: &mut Session,
    events: Vec<NewEvent>,
    now: i64,
) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let topics: Vec<&str> = events.iter().map(|event| event.topic.as_str()).collect();
    let live = session
        .all(
            "SELECT topic, sequence, given FROM events WHERE topic = ANY($1) AND state < 2 ORDER BY sequence FOR UPDATE",
            &[&topics],
        )
        .await?;
    let last: BTreeMap<String, (i64, i64)> = live
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))))
        .collect();
    let (replaced, added): (Vec<_>, Vec<_>) = events.iter().partition(|event| {
        event.replaces && last.get(&event.topic).is_some_and(|(_, given)| *given == 0)
    });
    let text = |events: &[&NewEvent], of: fn(&NewEvent) -> &str| -> Vec<String> {
        events.iter().map(|event| of(event).to_owned()).collect()
    };
    if !replaced.is_empty() {
        let sequences: Vec<i64> = replaced
            .iter()
            .filter_map(|event| last.get(&event.topic).map(|(sequence, _)| *sequence))
            .collect();
        session
            .execute(
                "UPDATE events e SET id = c.id, path = c.path, body = c.body, created_at = $5
                 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS c (sequence, id, path, body)
                 WHERE e.sequence = c.sequence",
                &[
                    &sequences,
                    &text(&replaced, |event| &event.id),
                    &text(&replaced, |event| &event.path),
                    &text(&replaced, |event| &event.body),
                    &now,
                ],
            )
            .await?;
    }
    if !added.is_empty() {
        let behind: Vec<bool> = added
            .iter()
            .map(|event| last.contains_key(&event.topic))
            .collect();
        session
            .execute(
                "INSERT INTO events (id, path, topic, body, state, given, attempts, due_at, created_at)
                 SELECT c.id, c.path, c.topic, c.body, CASE WHEN c.behind THEN 0 ELSE 1 END, 0, 0, $6, $6
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
                     AS c (id, path, topic, body, behind)",
                &[
                    &text(&added, |event| &event.id),
                    &text(&added, |event| &event.path),
                    &text(&added, |event| &event.topic),
                    &text(&added, |event| &event.body),
                    &behind,
                    &now,
                ],
            )
            .await?;
    }
    Ok(())
}
