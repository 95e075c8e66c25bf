//! Carrying imports out, portion by portion; by whoever comes by.

use homeroom_edge::{ApiError, App};
use homeroom_kernel::{FieldErrors, IdSource, fields::NON_FIELD};
use homeroom_store::{
    ActorKind, IdentityDb, Stamp, StoreError, TenantDb,
    school::imports::{self as store, Chunk, Job, Sheet},
};

/// How often a portion is judged anew before its rows are blamed for the refusal.
const ATTEMPTS: usize = 2;
/// Imports of one school that one visit looks at.
const IMPORTS_PER_VISIT: u8 = 4;

/// Carries out so many portions of an import, and returns how many it did.
pub(crate) async fn carry_on(
    app: &App,
    db: &TenantDb,
    id: &str,
    portions: usize,
) -> Result<usize, StoreError> {
    let result = carry_out_all(app, db, id, portions).await;
    if let Err(StoreError::Broken(_)) = &result {
        // It would break again.
        store::give_up(id, app.ports.clock.now()).commit(db).await?;
    }
    result
}

async fn carry_out_all(
    app: &App,
    db: &TenantDb,
    id: &str,
    portions: usize,
) -> Result<usize, StoreError> {
    let mut next = store::next(db, id).await?;
    for done in 0..portions {
        let Some((job, chunk)) = next else {
            return Ok(done);
        };
        next = carry_out(app, db, &job, &chunk).await?;
    }
    Ok(portions)
}

/// Carries out a portion, and finds the next one.
async fn carry_out(
    app: &App,
    db: &TenantDb,
    job: &Job,
    chunk: &Chunk,
) -> Result<Option<(Job, Chunk)>, StoreError> {
    let unknown = || StoreError::Broken(format!("an import of {}", job.resource));
    let sheet = store::sheet(&job.resource).ok_or_else(unknown)?;
    let now = app.ports.clock.now();
    let stamp = job.stamp(Stamp {
        ids: IdSource::new(&*app.ports.entropy, now),
        now,
        kind: ActorKind::System,
        actor_id: None,
        actor_name: String::new(),
        ip: None,
        request_id: String::new(),
        plane: db.plane(),
    });
    let mut refusal = String::new();
    for _ in 0..ATTEMPTS {
        let mut known = store::ask(db, sheet, job, &chunk.rows).await?;
        let plan = store::plan(sheet, &stamp, &chunk.rows, &mut known);
        let batch = store::settle(db, &stamp, job, sheet, Some(chunk), &plan)?;
        match store::commit_and_next(db, batch, &job.id).await {
            Err(StoreError::Conflict(rule)) if rule == "import_advanced" => {
                return store::next(db, &job.id).await;
            }
            Err(StoreError::Conflict(rule)) => refusal = rule,
            other => return other,
        }
    }
    let batch = if chunk.rows.len() > 1 {
        store::split(job, chunk)?
    } else {
        let plan = store::refuse(sheet, chunk, &meaning(sheet, refusal)?);
        store::settle(db, &stamp, job, sheet, Some(chunk), &plan)?
    };
    match store::commit_and_next(db, batch, &job.id).await {
        Err(StoreError::Conflict(_)) => store::next(db, &job.id).await,
        other => other,
    }
}

/// What the database's refusal of a row means to whoever sent it.
fn meaning(sheet: &Sheet, rule: String) -> Result<FieldErrors, StoreError> {
    match ApiError::from(StoreError::Conflict(rule)) {
        ApiError::Fields(errors) => Ok(errors),
        ApiError::Conflict(conflict) => Ok(FieldErrors::one(NON_FIELD, conflict.detail())),
        _ => Err(StoreError::Broken(format!(
            "a row of {} is refused",
            sheet.name
        ))),
    }
}

/// Carries on what was cut short in a school, and takes what it did from the portions that are left.
pub(crate) async fn visit(
    app: &App,
    db: &TenantDb,
    portions: &mut usize,
) -> Result<(), StoreError> {
    for id in store::list_running(db, IMPORTS_PER_VISIT).await? {
        *portions -= carry_on(app, db, &id, *portions).await?;
    }
    Ok(())
}
