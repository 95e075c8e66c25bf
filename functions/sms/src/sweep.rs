//! Every minute: what waits longer than it should, for the bridge or for an app to be told, is put into its queue again, and the bridge hears
//! again what is switched off.

use homeroom_domain::TenantId;
use homeroom_edge::{
    App,
    app::{CallbackJob, PortError},
};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    ControlDb, IdentityDb, StoreError, TenantDb, Trace, control::registry, sms::messages,
    sql::Consistency,
};

use crate::{adapter, outbound};

/// Longer than the queues usually takes.
const WAITING_SECONDS: i64 = 120;
/// Messages of one database and visit; the rest has its turn a minute later.
const MESSAGES_PER_VISIT: u16 = 1_000;
/// One event may make 1,000 queries to D1, and a school takes two.
const SCHOOLS_PER_VISIT: u16 = 200;
/// The `crons` of wrangler.toml.
const VISIT_SECONDS: i64 = 60;

/// Puts what waits into its queue again, of the platform and of the open schools whose turn it is; how many messages that
/// were. A database that fails keeps none of the others waiting; the first failure is reported at the end.
pub async fn sweep(app: &App) -> Result<usize, StoreError> {
    let trace = Trace::default();
    let databases = &*app.ports.databases;
    let now = app.ports.clock.now();
    let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
    outbound::tell_bridge(app).await;
    let mut found = put_again(app, &control, None, now).await;
    let turn = now.seconds() / VISIT_SECONDS;
    for school in registry::list_active_in_turn(&control, turn, SCHOOLS_PER_VISIT).await? {
        let Ok(school) = school.active() else {
            continue;
        };
        let more = match TenantDb::open(databases, &school, &Consistency::Latest, &trace) {
            Ok(db) => put_again(app, &db, Some(school.id()), now).await,
            Err(error) => Err(error),
        };
        found = match (found, more) {
            (Ok(found), Ok(more)) => Ok(found + more),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
    }
    found
}

async fn put_again(
    app: &App,
    db: &impl IdentityDb,
    tenant: Option<TenantId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let before = now.plus_seconds(-WAITING_SECONDS);
    let (horizon, limit) = (adapter::horizon(now), MESSAGES_PER_VISIT);
    let (waiting, tells) = messages::list_waiting(db, before, horizon, limit, now).await?;
    let failed = |error: PortError| StoreError::Unavailable(error.0);
    if !waiting.is_empty() {
        let jobs = outbound::jobs(tenant, &waiting);
        app.ports.sms_queue.put(&jobs).await.map_err(failed)?;
    }
    if tells {
        let job = CallbackJob { tenant };
        app.ports.sms_callbacks.put(job).await.map_err(failed)?;
    }
    Ok(waiting.len())
}
