//! Acceptance: many calls in one transaction.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{
    rows,
    session::{Failure, Operation, Pool, Session},
};
use crate::{
    message::NewMessage,
    store::{Accepted, QueueLimits, StoreError},
};

/// Most calls in one transaction.
const MOST_CALLS: usize = 500;
/// Acceptances of all bridges take this lock one after the other: so the limits hold over all of them.
const LOCK: i64 = 0x686f_6d65_726f_6f6d;

/// A call on its way.
pub(super) struct Call {
    pub(super) messages: Vec<NewMessage>,
    pub(super) limits: QueueLimits,
    pub(super) now: i64,
    pub(super) reply: oneshot::Sender<Result<Vec<Accepted>, StoreError>>,
}

/// Gathers calls and stores them, until nobody can call any more.
pub(super) async fn gather(
    pool: Arc<Pool>,
    mut calls: mpsc::UnboundedReceiver<Call>,
    linger: Duration,
) {
    while let Some(first) = calls.recv().await {
        let mut some = vec![first];
        let _ = tokio::time::timeout(linger, async {
            while some.len() < MOST_CALLS {
                match calls.recv().await {
                    Some(call) => some.push(call),
                    None => break,
                }
            }
        })
        .await;
        let (replies, accept): (Vec<_>, Vec<_>) = some
            .into_iter()
            .map(|call| {
                let count = call.messages.len();
                ((call.reply, count), (call.messages, call.limits, call.now))
            })
            .unzip();
        match pool.run(&Accept(accept)).await {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for (reply, count) in replies {
                    let _ = reply.send(Ok(outcomes.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                for (reply, _) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
}

struct Accept(Vec<(Vec<NewMessage>, QueueLimits, i64)>);

/// A message, its limits and its time.
type Asked<'a> = (&'a NewMessage, QueueLimits, i64);

/// What is known of a transaction id.
struct Known {
    message_id: String,
    parts: u16,
    fingerprint: Vec<u8>,
}

#[async_trait]
impl Operation for Accept {
    type Output = Vec<Accepted>;

    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure> {
        session
            .one("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
            .await?;
        let mut all = Vec::new();
        for (messages, limits, now) in &self.0 {
            for message in messages {
                all.push((message, *limits, *now));
            }
        }
        let mut known = known(session, &all).await?;
        let mut ids = taken(session, &all).await?;
        let mut waiting = Waiting::load(session).await?;
        let mut new = Vec::new();
        let mut outcomes = Vec::new();
        for (message, limits, now) in all {
            let key = (message.app_id, message.transaction_id.clone());
            let parts = u16::try_from(message.parts.len()).unwrap_or(u16::MAX);
            let outcome = match known.get(&key) {
                Some(first) if first.fingerprint == message.fingerprint => Accepted::Repeated {
                    message_id: first.message_id.clone(),
                    parts: first.parts,
                },
                Some(_) => Accepted::Conflict,
                None if !waiting.has_room(message, i64::from(parts), limits) => Accepted::QueueFull,
                None if !ids.insert(message.message_id.clone()) => Accepted::Conflict,
                None => {
                    waiting.add(message.app_id, message.esme, i64::from(parts));
                    known.insert(
                        key,
                        Known {
                            message_id: message.message_id.clone(),
                            parts,
                            fingerprint: message.fingerprint.to_vec(),
                        },
                    );
                    new.push((message, now));
                    Accepted::New
                }
            };
            outcomes.push(outcome);
        }
        insert(session, &new).await?;
        rows::wait(session, &waiting.changes).await?;
        Ok(outcomes)
    }
}

async fn known(
    session: &mut Session,
    messages: &[Asked<'_>],
) -> Result<HashMap<(i64, String), Known>, Failure> {
    let (apps, transactions): (Vec<i64>, Vec<&str>) = messages
        .iter()
        .map(|(message, ..)| (message.app_id, message.transaction_id.as_str()))
        .unzip();
    let found = session
        .all(
            "SELECT m.app_id, m.transaction_id, m.message_id, m.parts, m.fingerprint
             FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[])) AS a (app_id, transaction_id)
             JOIN messages m ON m.app_id = a.app_id AND m.transaction_id = a.transaction_id",
            &[&apps, &transactions],
        )
        .await?;
    Ok(found
        .iter()
        .map(|row| {
            let known = Known {
                message_id: row.get(2),
                parts: rows::small(row.get(3)),
                fingerprint: row.get(4),
            };
            ((row.get(0), row.get(1)), known)
        })
        .collect())
}

async fn taken(session: &mut Session, messages: &[Asked<'_>]) -> Result<HashSet<String>, Failure> {
    let ids: Vec<&str> = messages
        .iter()
        .map(|(message, ..)| message.message_id.as_str())
        .collect();
    let found = session
        .all(
            "SELECT message_id FROM messages WHERE message_id = ANY($1)",
            &[&ids],
        )
        .await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Parts that wait, as far as this transaction knows.
#[derive(Default)]
struct Waiting {
    total: i64,
    apps: HashMap<i64, i64>,
    esmes: HashMap<i64, i64>,
    changes: BTreeMap<(i64, i64), i64>,
}

impl Waiting {
    async fn load(session: &mut Session) -> Result<Self, Failure> {
        let mut waiting = Self::default();
        for row in session
            .all("SELECT app_id, esme, parts FROM waiting", &[])
            .await?
        {
            waiting.add(row.get(0), row.get(1), row.get(2));
        }
        waiting.changes.clear();
        Ok(waiting)
    }

    fn add(&mut self, app: i64, esme: i64, parts: i64) {
        self.total += parts;
        *self.apps.entry(app).or_default() += parts;
        *self.esmes.entry(esme).or_default() += parts;
        *self.changes.entry((app, esme)).or_default() += parts;
    }

    fn has_room(&self, message: &NewMessage, parts: i64, limits: QueueLimits) -> bool {
        let fits = |waits: i64, limit: u64| {
            waits.saturating_add(parts) <= i64::try_from(limit).unwrap_or(i64::MAX)
        };
        let of_app = self.apps.get(&message.app_id).copied().unwrap_or(0);
        let of_esme = self.esmes.get(&message.esme).copied().unwrap_or(0);
        fits(self.total, limits.total)
            && fits(of_app, limits.per_app)
            && fits(of_esme, limits.per_esme)
    }
}

async fn insert(session: &mut Session, new: &[(&NewMessage, i64)]) -> Result<(), Failure> {
    if new.is_empty() {
        return Ok(());
    }
    let number = |of: fn(&NewMessage) -> i64| -> Vec<i64> {
        new.iter().map(|(message, _)| of(message)).collect()
    };
    let text = |of: fn(&NewMessage) -> &str| -> Vec<&str> {
        new.iter().map(|(message, _)| of(message)).collect()
    };
    let tenants: Vec<Option<&str>> = new.iter().map(|(m, _)| m.tenant.as_deref()).collect();
    let tasks: Vec<Option<i64>> = new.iter().map(|(m, _)| m.task_id).collect();
    let prints: Vec<&[u8]> = new.iter().map(|(m, _)| m.fingerprint.as_slice()).collect();
    let times: Vec<i64> = new.iter().map(|(_, now)| *now).collect();
    // Rows come in the order of the arrays, so keys are given in the order of acceptance.
    let inserted = session
        .all(
            "INSERT INTO messages (message_id, app_id, tenant, transaction_id, task_id, esme, fingerprint,
                 source_ton, source_npi, source, destination_ton, destination_npi, destination,
                 data_coding, esm_class, valid_until, parts, accepted_at, updated_at, version, phase, phase_at)
             SELECT c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c18, 0, 0, c16
             FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[],
                 $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::text[],
                 $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
                 WITH ORDINALITY AS c (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, n)
             ORDER BY n RETURNING key, message_id",
            &[
                &text(|m| &m.message_id),
                &number(|m| m.app_id),
                &tenants,
                &text(|m| &m.transaction_id),
                &tasks,
                &number(|m| m.esme),
                &prints,
                &number(|m| i64::from(m.addresses.source.ton)),
                &number(|m| i64::from(m.addresses.source.npi)),
                &text(|m| &m.addresses.source.address),
                &number(|m| i64::from(m.addresses.destination.ton)),
                &number(|m| i64::from(m.addresses.destination.npi)),
                &text(|m| &m.addresses.destination.address),
                &number(|m| i64::from(m.data_coding)),
                &number(|m| i64::from(m.esm_class)),
                &number(|m| m.valid_until),
                &number(|m| i64::try_from(m.parts.len()).unwrap_or(i64::MAX)),
                &times,
            ],
        )
        .await?;
    let keys: HashMap<String, i64> = inserted
        .iter()
        .map(|row| (row.get(1), row.get(0)))
        .collect();
    insert_parts(session, new, &keys).await
}

async fn insert_parts(
    session: &mut Session,
    new: &[(&NewMessage, i64)],
    keys: &HashMap<String, i64>,
) -> Result<(), Failure> {
    let parts: Vec<_> = new
        .iter()
        .filter_map(|(message, now)| Some((keys.get(&message.message_id)?, message, *now)))
        .flat_map(|(key, message, now)| {
            (1_i64..)
                .zip(&message.parts)
                .map(move |(number, body)| (*key, number, message, now, body))
        })
        .collect();
    let (mut messages, mut numbers, mut esmes, mut priorities, mut due) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut bodies, mut payloads) = (Vec::new(), Vec::new());
    let (mut references, mut totals, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (key, number, message, now, body) in &parts {
        messages.push(*key);
        numbers.push(*number);
        esmes.push(message.esme);
        priorities.push(i64::from(message.priority));
        due.push(message.send_at.max(*now));
        bodies.push(body.short_message.as_slice());
        payloads.push(body.payload.as_deref());
        references.push(body.sar.map(|sar| i64::from(sar.0)));
        totals.push(body.sar.map(|sar| i64::from(sar.1)));
        places.push(body.sar.map(|sar| i64::from(sar.2)));
    }
    session
        .execute(
            "INSERT INTO parts (message, number, status, esme, priority, due_at, attempt, ambiguous,
                 short_message, payload, sar_reference, sar_total, sar_number, log)
             SELECT c1, c2, 0, c3, c4, c5, 0, 0, c6, c7, c8, c9, c10, ''
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[],
                 $8::bigint[], $9::bigint[], $10::bigint[]) AS c (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10)",
            &[
                &messages,
                &numbers,
                &esmes,
                &priorities,
                &due,
                &bodies,
                &payloads,
                &references,
                &totals,
                &places,
            ],
        )
        .await?;
    Ok(())
}
