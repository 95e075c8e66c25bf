//! Telling the platform what changed here: after the answer, and again every few minutes for what was missed.

use homeroom_domain::UserId;
use homeroom_edge::{App, Caller, Context, SchoolArea, State};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    Batch, ControlDb, StoreError, TenantDb, Trace,
    control::registry::{self, ActiveSchool},
    identity::{sessions, users::UserRow},
    school::outbox::{self, DirectoryEntry},
    sql::Consistency,
};

use crate::import_runs;

/// Effects are carried out in portions; a school with more left has its turn again at the next visit.
const MAX_PORTIONS: usize = 10;
/// One event may make 1,000 queries to D1, and a school takes a handful.
const SCHOOLS_PER_VISIT: u16 = 100;
/// Portions of imports that were cut short, over all schools of a visit; each takes some twenty queries.
const PORTIONS_PER_VISIT: usize = 20;
/// The `crons` of wrangler.toml.
const VISIT_SECONDS: i64 = 5 * 60;

/// Has the directory told how a user can be found now.
pub(crate) fn announce(
    batch: &mut Batch,
    app: &App,
    user: UserId,
    before: Option<&UserRow>,
    after: Option<&UserRow>,
    now: Timestamp,
) {
    let hashes = |row: Option<&UserRow>| {
        row.map(|row| homeroom_edge::identity::users::identifier_hashes(app, row))
    };
    let (before, after) = (
        hashes(before).unwrap_or_default(),
        hashes(after).unwrap_or_default(),
    );
    for identifier_hash in before.iter().filter(|hash| !after.contains(hash)) {
        let entry = DirectoryEntry {
            identifier_hash: identifier_hash.clone(),
            user_id: user,
            present: false,
        };
        batch.announce(&entry, now);
    }
    for identifier_hash in after.iter().filter(|hash| !before.contains(hash)) {
        let entry = DirectoryEntry {
            identifier_hash: identifier_hash.clone(),
            user_id: user,
            present: true,
        };
        batch.announce(&entry, now);
    }
}

/// Has webhooks told of what the batch does, once it is there.
pub(crate) fn announce_event(
    caller: &Caller<SchoolArea>,
    batch: &mut Batch,
    event: &str,
    data: &serde_json::Value,
) {
    batch.announce_event(event, data, caller.context.now);
    deliver_later(&caller.app, &caller.context, caller.db.school());
}

/// Has the outbox carried out after the answer.
pub(crate) fn deliver_later(app: &State, context: &Context, school: &ActiveSchool) {
    let (app, school, trace) = (app.clone(), school.clone(), context.trace.aside());
    context.defer(Box::pin(async move {
        // What fails here waits in the outbox for the next visit.
        let _ = deliver(&app, &school, &trace).await;
    }));
}

pub(crate) async fn deliver(
    app: &App,
    school: &ActiveSchool,
    trace: &Trace,
) -> Result<(), StoreError> {
    let databases = &*app.ports.databases;
    let db = TenantDb::open(databases, school, &Consistency::Latest, trace)?;
    let control = ControlDb::open(databases, &Consistency::Latest, trace)?;
    for _ in 0..MAX_PORTIONS {
        if !outbox::deliver(&db, &control).await? {
            break;
        }
    }
    Ok(())
}

/// Visits the open schools whose turn it is: what waits is carried out, what has ended is removed. A school that fails
/// keeps none of the others waiting; the first failure is reported at the end.
pub async fn visit_schools(app: &App) -> Result<usize, StoreError> {
    let trace = Trace::default();
    let databases = &*app.ports.databases;
    let now = app.ports.clock.now();
    let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
    sessions::delete_ended(now).commit(&control).await?;
    let turn = now.seconds() / VISIT_SECONDS;
    let (mut visited, mut failure) = (0, None);
    let mut portions = PORTIONS_PER_VISIT;
    for school in registry::list_active_in_turn(&control, turn, SCHOOLS_PER_VISIT).await? {
        let Ok(school) = school.active() else {
            continue;
        };
        match visit(app, &school, &trace, &mut portions).await {
            Ok(()) => visited += 1,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(visited), Err)
}

async fn visit(
    app: &App,
    school: &ActiveSchool,
    trace: &Trace,
    portions: &mut usize,
) -> Result<(), StoreError> {
    deliver(app, school, trace).await?;
    let db = TenantDb::open(&*app.ports.databases, school, &Consistency::Latest, trace)?;
    import_runs::visit(app, &db, portions).await?;
    let now = app.ports.clock.now();
    let mut ended = sessions::delete_ended(now);
    ended.append(homeroom_store::school::imports::delete_old(now));
    ended.append(homeroom_store::school::password_resets::delete_old(now));
    ended.commit(&db).await
}
