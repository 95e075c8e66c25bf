//! The outbound adapter: takes jobs from the queue and hands their messages to the bridge.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use homeroom_domain::{SmsMessageId, TenantId, sms::status::MessageStatus};
use homeroom_edge::{App, app::SmsJob};
use homeroom_kernel::Timestamp;
use homeroom_sms_contract::submit::{
    MAX_DELAY_SECONDS, MAX_SUBMISSIONS, Outcome, Submission, Submissions, SwitchedOff,
};
use homeroom_store::{
    ControlDb, IdentityDb, StoreError, TenantDb, Trace,
    control::{registry, sms_apps},
    sms::{
        SmsDb, callbacks,
        events::{self, Handed},
        messages::{self, Claimed},
    },
    sql::Consistency,
};

use crate::outbound;

/// Largest body that the bridge takes, less what surrounds the messages.
const MAX_BYTES: usize = 256_000;
/// First delay after a failure, and the longest.
const FIRST_DELAY: u32 = 5;
pub(crate) const LONGEST_DELAY: u32 = 300;
/// Ids that are taken at once.
const MAX_CLAIM: usize = 500;

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is left to do.
    Done,
    /// It is to come again.
    Retry {
        /// In so many seconds.
        seconds: u32,
    },
}

/// Delays by message: what is not in here is done.
type Waiting = HashMap<SmsMessageId, u32>;

/// Hands over the messages of jobs, each with how often it was tried, this time included. A job is done when the bridge has
/// or refuses all of its messages; handing one over twice changes nothing, there and here.
pub async fn deliver(app: &App, jobs: &[(SmsJob, u32)]) -> Vec<Fate> {
    let mut planes: BTreeMap<Option<TenantId>, Vec<(SmsMessageId, u32)>> = BTreeMap::new();
    for (job, attempts) in jobs {
        let delay = delay(*attempts);
        let ids = job.message_ids.iter().map(|id| (*id, delay));
        planes.entry(job.tenant).or_default().extend(ids);
    }
    let mut waiting = Waiting::new();
    let off = outbound::switched_off(app).await;
    for (tenant, wanted) in planes {
        match &off {
            Ok(off) => hand_over_all(app, tenant, &wanted, off, &mut waiting).await,
            Err(_) => waiting.extend(wanted),
        }
    }
    let fate = |(job, _): &(SmsJob, u32)| {
        let delays = job.message_ids.iter().filter_map(|id| waiting.get(id));
        delays
            .max()
            .map_or(Fate::Done, |seconds| Fate::Retry { seconds: *seconds })
    };
    jobs.iter().map(fate).collect()
}

/// Until when what is to leave is handed over: what comes later is kept here, for the bridge keeps it for so long only. A day less than that,
/// since clocks differ and a body may be on its way for a while.
pub(crate) fn horizon(now: Timestamp) -> Timestamp {
    now.plus_seconds(MAX_DELAY_SECONDS - 86_400)
}

/// Doubles with every attempt.
pub(crate) fn delay(attempts: u32) -> u32 {
    let doubled = 1u32
        .checked_shl(attempts.saturating_sub(1))
        .unwrap_or(u32::MAX);
    FIRST_DELAY
        .saturating_mul(doubled.max(1))
        .min(LONGEST_DELAY)
}

async fn hand_over_all(
    app: &App,
    tenant: Option<TenantId>,
    wanted: &[(SmsMessageId, u32)],
    off: &SwitchedOff,
    waiting: &mut Waiting,
) {
    let db = match open(app, tenant).await {
        Ok(Some(db)) => db,
        // A school that is closed keeps its messages; the sweep finds them once it is open again.
        Ok(None) => return,
        Err(_) => return waiting.extend(wanted.iter().copied()),
    };
    for some in wanted.chunks(MAX_CLAIM) {
        let delays: Waiting = some.iter().copied().collect();
        let ids: Vec<SmsMessageId> = delays.keys().copied().collect();
        let now = app.ports.clock.now();
        match messages::claim(&db, &ids, horizon(now), now).await {
            Ok((rows, tells)) => {
                outbound::tell(app, tenant, tells).await;
                let Ok(active) = active(app, &rows).await else {
                    waiting.extend(delays);
                    continue;
                };
                let (mut ended, mut left) = (Vec::new(), Vec::new());
                for row in rows {
                    match end(&row, &active, now) {
                        Some(end) => ended.push((row.message.id, end)),
                        None => left.push(row),
                    }
                }
                waiting.extend(note(app, tenant, &db, ended, now).await);
                for portion in portions(left, tenant) {
                    let said = Submissions {
                        messages: portion,
                        switched_off: Some(off.clone()),
                    };
                    let result = hand_over(app, tenant, &db, said).await;
                    waiting.extend(result.into_iter().map(|(id, least)| {
                        let usual = delays.get(&id).copied().unwrap_or(FIRST_DELAY);
                        (id, usual.max(least))
                    }));
                }
            }
            Err(_) => waiting.extend(delays),
        }
    }
}

pub(crate) async fn open(app: &App, tenant: Option<TenantId>) -> Result<Option<SmsDb>, StoreError> {
    let (databases, trace) = (&*app.ports.databases, Trace::default());
    let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
    let Some(tenant) = tenant else {
        return Ok(Some(SmsDb::Platform(control)));
    };
    let school = registry::find_by_id(&control, tenant).await?;
    let Some(school) = school.and_then(|school| school.active().ok()) else {
        return Ok(None);
    };
    TenantDb::open(databases, &school, &Consistency::Latest, &trace)
        .map(|db| Some(SmsDb::School(db)))
}

/// Of the apps of these messages those that may send: one may have been switched off, or its account deleted, while a message waited.
async fn active(app: &App, rows: &[Claimed]) -> Result<HashSet<i64>, StoreError> {
    let apps: BTreeSet<i64> = rows.iter().map(|row| row.message.app_id).collect();
    if apps.is_empty() {
        return Ok(HashSet::new());
    }
    let (databases, trace) = (&*app.ports.databases, Trace::default());
    let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
    let apps: Vec<i64> = apps.into_iter().collect();
    let active = sms_apps::list_active(&control, &apps).await?;
    Ok(active.into_iter().collect())
}

/// Why a message ends here instead of at the bridge, if it does. A confidential text is not kept for a bridge that is away.
fn end(row: &Claimed, active: &HashSet<i64>, now: Timestamp) -> Option<Handed> {
    let row = &row.message;
    if !active.contains(&row.app_id) {
        let error = "the app that sent it is switched off".to_owned();
        let status = MessageStatus::Rejected;
        return Some(Handed::Refused { status, error });
    }
    let is_over = row.confidential && row.valid_until.is_some_and(|end| end <= now);
    is_over.then(|| {
        let error = "it could not be sent in time".to_owned();
        let status = MessageStatus::Expired;
        Handed::Refused { status, error }
    })
}

/// Notes what ended here; what must come again, with the least delay.
async fn note(
    app: &App,
    tenant: Option<TenantId>,
    db: &SmsDb,
    ended: Vec<(SmsMessageId, Handed)>,
    now: Timestamp,
) -> Vec<(SmsMessageId, u32)> {
    if ended.is_empty() {
        return Vec::new();
    }
    match callbacks::carry_out(events::note_handed(&ended, now), db, now).await {
        Ok(tells) => {
            outbound::tell(app, tenant, tells).await;
            Vec::new()
        }
        Err(_) => ended.into_iter().map(|(id, _)| (id, 0)).collect(),
    }
}

/// Messages in bodies that the bridge takes.
fn portions(rows: Vec<Claimed>, tenant: Option<TenantId>) -> Vec<Vec<Submission>> {
    let mut portions: Vec<Vec<Submission>> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let submission = submission(row, tenant);
        let size = serde_json::to_vec(&submission).map_or(MAX_BYTES, |json| json.len() + 1);
        match portions.last_mut() {
            Some(last) if last.len() < MAX_SUBMISSIONS && bytes + size <= MAX_BYTES => {
                bytes += size;
                last.push(submission);
            }
            _ => {
                bytes = size;
                portions.push(vec![submission]);
            }
        }
    }
    portions
}

fn submission(claimed: Claimed, tenant: Option<TenantId>) -> Submission {
    let row = claimed.message;
    Submission {
        message_id: row.id.to_string(),
        app_id: row.app_id,
        tenant: tenant.map(|id| id.to_string()),
        transaction_id: row.transaction_id,
        task_id: row.task_id,
        esme: row.esme,
        source: row.source,
        destination: row.destination,
        text: claimed.words,
        ston: row.numbering.ston,
        snpi: row.numbering.snpi,
        dton: row.numbering.dton,
        dnpi: row.numbering.dnpi,
        priority: row.priority,
        send_at: row.send_at.map(Timestamp::millis),
        valid_until: row.valid_until.map(Timestamp::millis),
        transliterate: row.transliterate,
    }
}

/// Hands one body over; what must come again, with the least delay.
async fn hand_over(
    app: &App,
    tenant: Option<TenantId>,
    db: &impl IdentityDb,
    said: Submissions,
) -> Vec<(SmsMessageId, u32)> {
    let all: Vec<SmsMessageId> = said
        .messages
        .iter()
        .filter_map(|message| SmsMessageId::parse(&message.message_id))
        .collect();
    let later = |ids: &[SmsMessageId]| ids.iter().map(|id| (*id, 0)).collect();
    let Ok(submitted) = app.ports.bridge.submit(&said).await else {
        return later(&all);
    };
    let mut handed: Vec<(SmsMessageId, Handed)> = Vec::new();
    let mut waiting: HashMap<SmsMessageId, u32> = all.iter().map(|id| (*id, 0)).collect();
    for outcome in submitted.outcomes {
        match outcome {
            Outcome::Accepted { message_id, .. } => {
                if let Some(id) = ours(&mut waiting, &message_id) {
                    handed.push((id, Handed::Taken));
                }
            }
            Outcome::Refused {
                message_id,
                code,
                error,
            } => {
                if let Some(id) = ours(&mut waiting, &message_id) {
                    let status = match code.as_str() {
                        "expired" => MessageStatus::Expired,
                        _ => MessageStatus::Rejected,
                    };
                    handed.push((id, Handed::Refused { status, error }));
                }
            }
            Outcome::Later {
                message_id,
                retry_after,
                ..
            } => {
                let id = SmsMessageId::parse(&message_id);
                if let Some(delay) = id.and_then(|id| waiting.get_mut(&id)) {
                    *delay = retry_after.min(LONGEST_DELAY);
                }
            }
        }
    }
    let now = app.ports.clock.now();
    let noted = events::note_handed(&handed, now);
    match callbacks::carry_out(noted, db, now).await {
        Ok(tells) => outbound::tell(app, tenant, tells).await,
        // The bridge says the same again.
        Err(_) => return later(&all),
    }
    waiting.into_iter().collect()
}

fn ours(waiting: &mut Waiting, message_id: &str) -> Option<SmsMessageId> {
    let id = SmsMessageId::parse(message_id)?;
    waiting.remove(&id).map(|_| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_end() {
        let delays: Vec<u32> = [0, 1, 2, 3, 6, 7, 31, 32, 33, u32::MAX]
            .into_iter()
            .map(delay)
            .collect();
        assert_eq!(delays, [5, 5, 10, 20, 160, 300, 300, 300, 300, 300]);
    }
}
