//! Telling apps: signed, at least once, each by one deliverer at a time, for a day.

use futures_util::future::join_all;
use homeroom_domain::{TenantId, sms::callback};
use homeroom_edge::{App, app::CallbackJob};
use homeroom_kernel::Timestamp;
use homeroom_sms_contract::signature;
use homeroom_store::{
    ControlDb, IdentityDb, StoreError, Trace,
    control::sms_apps,
    sms::{
        SmsDb,
        callbacks::{self, Attempt, Told},
        inbound::InboundRow,
        messages::MessageRow,
    },
    sql::Consistency,
};
use serde::Serialize;

use super::secret;
use crate::{
    adapter::{Fate, LONGEST_DELAY, open},
    inbound::InboundOut,
    messages::search::MessageOut,
};

/// Requests at once, as many as a Worker has connections.
const TOGETHER: usize = 6;
/// What one job takes: four rounds of requests, each of at most ten seconds.
const MAX_CLAIM: u16 = 24;
/// Of one app, of these.
const OF_EACH: u16 = 6;
/// Until an app that may not be told is looked at again.
const HELD_SECONDS: i64 = 3_600;
/// Longer than those take.
const LEASE_SECONDS: i64 = 60;

/// What is posted.
#[derive(Serialize)]
struct Body<'a, T> {
    /// `message.status` or `message.inbound`.
    r#type: &'static str,
    /// The same in every repetition.
    id: &'a str,
    /// When it happened, in unix seconds.
    at: i64,
    /// The highest of a message is the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    data: T,
}

/// A request that is to be made.
struct Letter {
    callback: String,
    owner: i64,
    attempts: u32,
    since: Timestamp,
    /// None where the app wants to be told no more.
    url: Option<String>,
    keys: Vec<Vec<u8>>,
    body: String,
}

impl Letter {
    fn new<T, B: Serialize>(
        (app, db, now): (&App, &SmsDb, Timestamp),
        told: Told<T>,
        r#type: &'static str,
        version: impl Fn(&T) -> Option<u64>,
        data: impl Fn(T) -> B,
    ) -> Self {
        let both = told
            .secret_at
            .is_some_and(|at| now < at.plus_seconds(callback::BOTH_SECONDS));
        let before = told.secret_before.filter(|_| both);
        let secrets = told.secret.iter().chain(&before);
        let open = |sealed: &String| secret::open(app, db.plane(), told.owner, sealed);
        let keys: Vec<_> = secrets.filter_map(open).collect();
        let version = version(&told.what);
        let body = Body {
            r#type,
            id: &told.callback,
            at: told.at.seconds(),
            version,
            data: data(told.what),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        Self {
            url: told.url,
            callback: told.callback,
            owner: told.owner,
            attempts: told.attempts,
            since: told.since,
            keys,
            body,
        }
    }

    /// The status of the answer; 0: there was none.
    async fn send(&self, app: &App, url: &str, now: Timestamp) -> u16 {
        let (id, seconds) = (&self.callback, now.seconds());
        let sign = |key: &Vec<u8>| signature::sign(key, id, seconds, self.body.as_bytes());
        let signatures: Vec<String> = self.keys.iter().map(sign).collect();
        let headers = [
            ("content-type", "application/json".to_owned()),
            (signature::ID, id.clone()),
            (signature::TIMESTAMP, seconds.to_string()),
            (signature::SIGNATURE, signatures.join(" ")),
        ];
        app.ports
            .outside
            .post(url, &headers, &self.body)
            .await
            .unwrap_or_default()
    }

    async fn deliver(&self, app: &App, active: &[i64]) -> Attempt {
        let held = !active.contains(&self.owner) || self.keys.is_empty();
        let answered = match &self.url {
            Some(url) if !held => self.send(app, url, app.ports.clock.now()).await,
            _ => 0,
        };
        let now = app.ports.clock.now();
        let again = if self.url.is_none() {
            None
        } else if held {
            Some(now.plus_seconds(HELD_SECONDS))
        } else {
            callback::again(self.attempts, self.since, now)
        };
        Attempt {
            callback: self.callback.clone(),
            attempts: self.attempts,
            answered,
            delivered: (200..300).contains(&answered),
            again,
            held: held && self.url.is_some(),
        }
    }
}

/// Tells the apps of a plane what waits for them now. What fails comes again by itself: soon by this job, later by the sweep.
pub(crate) async fn tell(app: &App, tenant: Option<TenantId>, delay: u32) -> Fate {
    tell_some(app, tenant)
        .await
        .unwrap_or(Fate::Retry { seconds: delay })
}

async fn tell_some(app: &App, tenant: Option<TenantId>) -> Result<Fate, StoreError> {
    // A school that is closed keeps what waits.
    let Some(db) = open(app, tenant).await? else {
        return Ok(Fate::Done);
    };
    let now = app.ports.clock.now();
    let until = now.plus_seconds(LEASE_SECONDS);
    let ids = callbacks::claim(&db, (MAX_CLAIM, OF_EACH), until, now).await?;
    if ids.is_empty() {
        return Ok(Fate::Done);
    }
    let (statuses, inbound, more) = callbacks::load(&db, &ids, now).await?;
    if more {
        // Others may tell the rest meanwhile.
        let _ = app.ports.sms_callbacks.put(CallbackJob { tenant }).await;
    }
    let mut letters: Vec<Letter> = Vec::with_capacity(ids.len());
    for told in statuses {
        let version = |row: &MessageRow| Some(row.version);
        let place = (app, &db, now);
        letters.push(Letter::new(
            place,
            told,
            "message.status",
            version,
            MessageOut::new,
        ));
    }
    for told in inbound {
        let place = (app, &db, now);
        letters.push(Letter::new(
            place,
            told,
            "message.inbound",
            |_| None,
            |row: InboundRow| InboundOut::from(row),
        ));
    }
    let owners: Vec<i64> = letters.iter().map(|letter| letter.owner).collect();
    let control = ControlDb::open(
        &*app.ports.databases,
        &Consistency::Latest,
        &Trace::default(),
    )?;
    let active = sms_apps::list_active(&control, &owners).await?;
    let mut attempts: Vec<Attempt> = Vec::with_capacity(letters.len());
    for some in letters.chunks(TOGETHER) {
        let round = some.iter().map(|letter| letter.deliver(app, &active));
        attempts.extend(join_all(round).await);
    }
    callbacks::note(&attempts).commit(&db).await?;
    let failed = attempts.iter().filter(|attempt| !attempt.delivered);
    let next = failed.filter_map(|attempt| attempt.again).min();
    let seconds = next.and_then(|next| u32::try_from(next.seconds() - now.seconds()).ok());
    Ok(seconds
        .filter(|seconds| *seconds <= LONGEST_DELAY)
        .map_or(Fate::Done, |seconds| Fate::Retry { seconds }))
}
