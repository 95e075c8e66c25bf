//! Telling apps: signed, at least once, each by one deliverer at a time, for a day.

use homeroom_domain::TenantId;
use homeroom_edge::{
    App,
    app::CallbackJob,
    telling::{self, Letter},
};
use homeroom_store::{
    ControlDb, IdentityDb, StoreError, Trace,
    control::sms_apps,
    sms::{
        SmsDb,
        callbacks::{self, ToldApp},
        inbound::InboundRow,
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

/// What is posted to an app, of which `active` says whether it may be told.
fn letter<T: Clone, B: Serialize>(
    (app, db, active): (&App, &SmsDb, &[i64]),
    told: &ToldApp<T>,
    r#type: &'static str,
    version: Option<u64>,
    data: impl Fn(T) -> B,
) -> Letter {
    let body = Body {
        r#type,
        id: &told.callback,
        at: told.at.seconds(),
        version,
        data: data(told.what.clone()),
    };
    let place = secret::place(told.owner);
    let is_held = !active.contains(&told.owner);
    Letter::new((app, db.plane(), &place), told, is_held, &body)
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
    let ids = callbacks::claim(&db, telling::claim(now, Vec::new()), now).await?;
    if ids.is_empty() {
        return Ok(Fate::Done);
    }
    let (statuses, inbound, more) = callbacks::load(&db, &ids, now).await?;
    if more {
        // Others may tell the rest meanwhile.
        let _ = app.ports.sms_callbacks.put(CallbackJob { tenant }).await;
    }
    let owners = statuses.iter().map(|told| told.owner);
    let owners: Vec<i64> = owners
        .chain(inbound.iter().map(|told| told.owner))
        .collect();
    let control = ControlDb::open(
        &*app.ports.databases,
        &Consistency::Latest,
        &Trace::default(),
    )?;
    let active = sms_apps::list_active(&control, &owners).await?;
    let to = (app, &db, active.as_slice());
    let mut letters: Vec<Letter> = Vec::with_capacity(ids.len());
    for told in &statuses {
        let version = Some(told.what.version);
        letters.push(letter(to, told, "message.status", version, MessageOut::new));
    }
    for told in &inbound {
        let data = |row: InboundRow| InboundOut::from(row);
        letters.push(letter(to, told, "message.inbound", None, data));
    }
    let attempts = telling::deliver(app, letters).await;
    callbacks::note(&attempts).commit(&db).await?;
    let failed = attempts.iter().filter(|attempt| !attempt.delivered);
    let next = failed.filter_map(|attempt| attempt.again).min();
    let seconds = next.and_then(|next| u32::try_from(next.seconds() - now.seconds()).ok());
    Ok(seconds
        .filter(|seconds| *seconds <= LONGEST_DELAY)
        .map_or(Fate::Done, |seconds| Fate::Retry { seconds }))
}
