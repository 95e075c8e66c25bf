//! What happens to messages: find the rows, let `work` decide, write what changed.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use homeroom_sms_contract::submit::{Cancelled, SwitchedOff};

use super::{
    rows::{self, Messages},
    session::{Failure, Operation, Session},
};
use crate::{
    message::{AttemptResult, Attempted, PartStatus, Receipt},
    store::{
        Ambiguity, Policy, Provider, StoreError, states,
        work::{Named, Orphan, Phase},
    },
};

/// A centre's id with its group.
type Id = (String, Vec<u8>);

/// Lets one transaction at a time know of an id: a receipt and the response that names its part come on different
/// connections, and neither would see the other.
async fn hold(session: &mut Session, ids: &[(&str, &[u8])]) -> Result<(), Failure> {
    let (providers, ids): (Vec<&str>, Vec<&[u8]>) = ids.iter().copied().unzip();
    session
        .all(
            "SELECT pg_advisory_xact_lock(k) FROM (
                 SELECT DISTINCT hashtextextended(provider || ' ' || encode(id, 'hex'), 0) AS k
                 FROM unnest($1::text[], $2::bytea[]) AS c (provider, id) ORDER BY k) AS locks",
            &[&providers, &ids],
        )
        .await?;
    Ok(())
}

pub(super) struct Record<'a> {
    pub(super) attempts: &'a [(Attempted, Provider)],
    pub(super) policy: &'a Policy,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Record<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let ids: Vec<(&str, &[u8])> = self
            .attempts
            .iter()
            .filter_map(|(attempted, provider)| match &attempted.result {
                AttemptResult::Submitted { provider_id } => {
                    Some((provider.0.as_str(), provider_id.as_slice()))
                }
                _ => None,
            })
            .collect();
        hold(session, &ids).await?;
        let mut orphans = adopt(session, &ids).await?;
        let names: Vec<&str> = self
            .attempts
            .iter()
            .map(|(attempted, _)| attempted.key.message_id.as_str())
            .collect();
        let keys = keys_of(session, &names).await?;
        let mut messages = rows::lock(session, &keys.values().copied().collect::<Vec<_>>()).await?;
        let mut used = Vec::new();
        for (attempted, provider) in self.attempts {
            let Some(message) = keys
                .get(&attempted.key.message_id)
                .and_then(|key| messages.get_mut(key))
            else {
                // Past its retention.
                continue;
            };
            let number = attempted.key.number;
            let ambiguity = (self.policy)(attempted.link);
            let named = message.attempted(attempted, &provider.0, ambiguity, self.now);
            let (AttemptResult::Submitted { provider_id }, true) =
                (&attempted.result, named != Named::No)
            else {
                continue;
            };
            if named == Named::Late {
                session
                    .execute(
                        "INSERT INTO late_ids (provider, provider_id, message, number, submitted_at)
                         VALUES ($1, $2, $3, $4, $5)
                         ON CONFLICT (provider, provider_id, message, number) DO UPDATE SET submitted_at = excluded.submitted_at",
                        &[
                            &provider.0,
                            provider_id,
                            &message.key,
                            &i32::from(number),
                            &self.now,
                        ],
                    )
                    .await?;
            }
            let since = message.receipts_since(number);
            let id = (provider.0.clone(), provider_id.clone());
            let found = orphans.remove(&id).unwrap_or_default();
            let (ours, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|one| one.received_at >= since);
            for orphan in &ours {
                message.receipt(number, named == Named::Current, orphan, self.now);
            }
            if ours.is_empty() {
                orphans.insert(id, others);
            } else {
                used.push(id);
            }
        }
        forget(session, &used).await?;
        rows::save(session, &mut messages, self.now).await
    }
}

pub(super) async fn keys_of(
    session: &mut Session,
    ids: &[&str],
) -> Result<HashMap<String, i64>, Failure> {
    let found = session
        .all(
            "SELECT message_id, key FROM messages WHERE message_id = ANY($1)",
            &[&ids],
        )
        .await?;
    Ok(found.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The receipts that came before their ids were known.
async fn adopt(
    session: &mut Session,
    ids: &[(&str, &[u8])],
) -> Result<HashMap<Id, Vec<Orphan>>, Failure> {
    let (providers, ids): (Vec<&str>, Vec<&[u8]>) = ids.iter().copied().unzip();
    let found = session
        .all(
            "SELECT o.provider, o.provider_id, o.status, o.error, o.received_at
             FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::bytea[])) AS c (provider, provider_id)
             JOIN orphans o ON o.provider = c.provider AND o.provider_id = c.provider_id
             ORDER BY o.received_at",
            &[&providers, &ids],
        )
        .await?;
    let mut orphans: HashMap<Id, Vec<Orphan>> = HashMap::new();
    for row in &found {
        orphans
            .entry((row.get(0), row.get(1)))
            .or_default()
            .push(Orphan {
                status: states::from_code(row.get(2)),
                error: row.get(3),
                received_at: row.get(4),
            });
    }
    Ok(orphans)
}

async fn forget(session: &mut Session, ids: &[Id]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let (providers, ids): (Vec<&str>, Vec<&[u8]>) = ids
        .iter()
        .map(|(p, id)| (p.as_str(), id.as_slice()))
        .unzip();
    session
        .execute(
            "DELETE FROM orphans o USING unnest($1::text[], $2::bytea[]) AS c (provider, provider_id)
             WHERE o.provider = c.provider AND o.provider_id = c.provider_id",
            &[&providers, &ids],
        )
        .await?;
    Ok(())
}

pub(super) struct Receipts<'a> {
    pub(super) receipts: &'a [Receipt],
    pub(super) now: i64,
}

/// The part that an id means.
#[derive(Clone, Copy)]
struct Target {
    key: i64,
    number: u16,
    current: bool,
}

#[async_trait]
impl Operation for Receipts<'_> {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let ids: Vec<(&str, &[u8])> = self
            .receipts
            .iter()
            .map(|one| (one.provider.as_str(), one.provider_id.as_slice()))
            .collect();
        hold(session, &ids).await?;
        let targets = targets(session, &ids).await?;
        let keys: Vec<i64> = targets.values().map(|target| target.key).collect();
        let mut messages = rows::lock(session, &keys).await?;
        let mut news = 0;
        let mut parked = BTreeMap::new();
        for receipt in self.receipts {
            let id = (receipt.provider.clone(), receipt.provider_id.clone());
            let repeated = match targets.get(&id) {
                None => false,
                Some(target) => {
                    let (finished, new) = take(&mut messages, *target, receipt, self.now);
                    news += usize::from(new);
                    if !finished {
                        continue;
                    }
                    true
                }
            };
            parked.insert((id, states::code(receipt.status)), (receipt, repeated));
        }
        news += park(session, &parked.into_values().collect::<Vec<_>>()).await?;
        rows::save(session, &mut messages, self.now).await?;
        Ok(news)
    }
}

/// Whether the part was final already, and whether the receipt is news.
fn take(messages: &mut Messages, target: Target, receipt: &Receipt, now: i64) -> (bool, bool) {
    let Some(message) = messages.get_mut(&target.key) else {
        return (false, false);
    };
    let finished = message
        .parts
        .iter()
        .any(|part| part.number == target.number && part.status.is_final());
    let orphan = Orphan {
        status: receipt.status,
        error: receipt.error.as_ref().map(|text| text.replace('\0', " ")),
        received_at: receipt.received_at,
    };
    let news = message.receipt(target.number, target.current, &orphan, now);
    (finished, news)
}

/// A centre gives an id again the next day: the newest part that has it is meant.
async fn targets(
    session: &mut Session,
    ids: &[(&str, &[u8])],
) -> Result<HashMap<Id, Target>, Failure> {
    let (providers, ids): (Vec<&str>, Vec<&[u8]>) = ids.iter().copied().unzip();
    let found = session
        .all(
            "SELECT c.provider, c.provider_id, t.message, t.number, t.current
             FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::bytea[])) AS c (provider, provider_id)
             CROSS JOIN LATERAL (
                 SELECT message, number, submitted_at, true AS current FROM parts p
                 WHERE p.provider = c.provider AND p.provider_id = c.provider_id
                 UNION ALL
                 SELECT message, number, submitted_at, false FROM late_ids l
                 WHERE l.provider = c.provider AND l.provider_id = c.provider_id
                 ORDER BY submitted_at DESC, message DESC, number DESC LIMIT 1) AS t",
            &[&providers, &ids],
        )
        .await?;
    Ok(found
        .iter()
        .map(|row| {
            let target = Target {
                key: row.get(2),
                number: rows::small(row.get(3)),
                current: row.get(4),
            };
            ((row.get(0), row.get(1)), target)
        })
        .collect())
}

/// Keeps receipts until their ids are known. Says how many are the first of their kind.
async fn park(session: &mut Session, receipts: &[(&Receipt, bool)]) -> Result<usize, Failure> {
    if receipts.is_empty() {
        return Ok(0);
    }
    let providers: Vec<&str> = receipts.iter().map(|(r, _)| r.provider.as_str()).collect();
    let ids: Vec<&[u8]> = receipts
        .iter()
        .map(|(r, _)| r.provider_id.as_slice())
        .collect();
    let statuses: Vec<i64> = receipts
        .iter()
        .map(|(r, _)| i64::from(states::code(r.status)))
        .collect();
    let errors: Vec<Option<String>> = receipts
        .iter()
        .map(|(r, _)| r.error.as_ref().map(|text| text.replace('\0', " ")))
        .collect();
    let times: Vec<i64> = receipts.iter().map(|(r, _)| r.received_at).collect();
    let repeated: Vec<bool> = receipts.iter().map(|(_, repeated)| *repeated).collect();
    let rows = session
        .all(
            "INSERT INTO orphans (provider, provider_id, status, error, received_at, repeated)
             SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::boolean[])
             ON CONFLICT (provider, provider_id, status) DO UPDATE SET received_at = excluded.received_at, error = excluded.error
             RETURNING xmax = 0 AND NOT repeated",
            &[&providers, &ids, &statuses, &errors, &times, &repeated],
        )
        .await?;
    Ok(rows.iter().filter(|row| row.get(0)).count())
}

/// Expires messages whose time has ended; says how many it looked at.
pub(super) struct Expire {
    pub(super) limit: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Expire {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let found = session
            .all(
                "SELECT key FROM messages WHERE phase = 0 AND phase_at < $1 LIMIT $2",
                &[&self.now, &self.limit],
            )
            .await?;
        if found.is_empty() {
            return Ok(0);
        }
        let keys: Vec<i64> = found.iter().map(|row| row.get(0)).collect();
        let mut messages = rows::lock(session, &keys).await?;
        for message in messages.values_mut() {
            message.expire(self.now);
        }
        rows::save(session, &mut messages, self.now).await?;
        Ok(keys.len())
    }
}

pub(super) struct Recover {
    pub(super) esme: i64,
    pub(super) ambiguity: Ambiguity,
    pub(super) bridge: i64,
    /// What others were sending whose lease has ended is meant.
    pub(super) others: bool,
    /// What this bridge itself sends since before then is meant too.
    pub(super) own_before: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Recover {
    type Output = u64;

    async fn run(&self, session: &mut Session) -> Result<u64, Failure> {
        let found = session
            .all(
                "SELECT p.message, p.number, p.attempt FROM parts p JOIN bridges b ON b.key = p.bridge
                 WHERE p.bridge IS NOT NULL AND p.esme = $1 AND CASE WHEN b.key = $2 THEN p.sent_at < $4
                     ELSE $3 AND b.lease_until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint END
                 ORDER BY p.message, p.number",
                &[&self.esme, &self.bridge, &self.others, &self.own_before],
            )
            .await?;
        let mut attempts: BTreeMap<i64, Vec<(u16, u32)>> = BTreeMap::new();
        for row in &found {
            attempts
                .entry(row.get(0))
                .or_default()
                .push((rows::small(row.get(1)), rows::count(row.get(2))));
        }
        let keys: Vec<i64> = attempts.keys().copied().collect();
        let mut messages = rows::lock(session, &keys).await?;
        let mut count = 0;
        for (key, attempts) in &attempts {
            if let Some(message) = messages.get_mut(key) {
                count += message.recover(attempts, self.ambiguity, self.now);
            }
        }
        rows::save(session, &mut messages, self.now).await?;
        Ok(count)
    }
}

pub(super) struct Cancel<'a> {
    pub(super) app_id: i64,
    pub(super) message_id: &'a str,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Cancel<'_> {
    type Output = Cancelled;

    async fn run(&self, session: &mut Session) -> Result<Cancelled, Failure> {
        let keys = keys_of(session, &[self.message_id]).await?;
        let keys: Vec<i64> = keys.values().copied().collect();
        let mut messages = rows::lock(session, &keys).await?;
        let outcome = match messages.values_mut().next() {
            Some(message) if message.app_id == self.app_id => message.cancel(self.now),
            _ => return Ok(Cancelled::Unknown),
        };
        rows::save(session, &mut messages, self.now).await?;
        Ok(outcome)
    }
}

pub(super) struct SwitchOff<'a>(pub(super) &'a SwitchedOff);

#[async_trait]
impl Operation for SwitchOff<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let later = session
            .execute(
                "UPDATE counters SET value = $1 WHERE name = 'switched_off_at' AND value <= $1",
                &[&self.0.at],
            )
            .await?;
        if later == 0 {
            return Ok(());
        }
        session.execute("DELETE FROM switched_off", &[]).await?;
        session
            .execute(
                "INSERT INTO switched_off (esme) SELECT DISTINCT unnest($1::bigint[])",
                &[&self.0.esmes],
            )
            .await?;
        Ok(())
    }
}

/// Drops messages that were finished, or whose time ended, before a time.
pub(super) struct Forget {
    pub(super) limit: i64,
    pub(super) before: i64,
}

#[async_trait]
impl Operation for Forget {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let mut count = 0;
        for phase in [Phase::Overdue, Phase::Finished] {
            // What is being sent keeps its message: its result is still to come.
            count += session
                .execute(
                    "DELETE FROM messages WHERE key IN (
                         SELECT key FROM messages m WHERE phase = $1 AND phase_at < $2
                         AND NOT EXISTS (SELECT 1 FROM parts WHERE message = m.key AND status = $3)
                         LIMIT $4 FOR UPDATE SKIP LOCKED)",
                    &[
                        &phase.code(),
                        &self.before,
                        &states::code(PartStatus::Sending),
                        &self.limit,
                    ],
                )
                .await?;
        }
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// One statement with a limit and a time, such as one that drops what is old.
pub(super) struct Drop {
    pub(super) sql: &'static str,
    pub(super) limit: i64,
    pub(super) before: i64,
}

#[async_trait]
impl Operation for Drop {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let count = session
            .execute(self.sql, &[&self.before, &self.limit])
            .await?;
        usize::try_from(count)
            .map_err(|error| Failure::Other(StoreError::Failed(error.to_string())))
    }
}
