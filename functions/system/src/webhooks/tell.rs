//! Telling webhooks what waits for them: every minute, and right after somebody asked for it.

use homeroom_domain::{TenantId, WebhookDeliveryId, WebhookId, credentials::Plane};
use homeroom_edge::{
    App,
    telling::{self, Letter, Telling},
};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    ControlDb, StoreError, Trace,
    control::webhooks::{self, Happened},
    sql::Consistency,
    telling::{Attempt, Told},
};
use serde::Serialize;
use serde_json::Value;

use super::place;

/// One event may make 1,000 requests; what is taken at once are 24, and three queries.
const MAX_CLAIMS: usize = 20;
/// Nothing is taken later, since the next minute takes its own.
const MAX_SECONDS: i64 = 60;

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    /// The same in every repetition.
    id: &'a str,
    /// When it happened.
    at: Timestamp,
    /// Where; null: of a ping.
    school: Option<School<'a>>,
    /// Ids and figures.
    data: &'a Value,
}

#[derive(Serialize)]
struct School<'a> {
    id: TenantId,
    schema_name: &'a str,
}

fn letter(app: &App, told: &Told<WebhookId, Happened>) -> Letter {
    let what = &told.what;
    let school = what.tenant.map(|id| School {
        id,
        schema_name: what.schema_name.as_deref().unwrap_or_default(),
    });
    let body = Body {
        r#type: &what.event,
        id: &told.callback,
        at: told.at,
        school,
        data: &what.data,
    };
    let place = place(told.owner);
    Letter::new((app, Plane::System, &place), told, !what.is_open, &body)
}

/// Tells webhooks what waits for them now; how much that was. What fails comes again by itself.
pub async fn tell_webhooks(app: &App) -> Result<usize, StoreError> {
    let control = open(app)?;
    let end = app.ports.clock.now().plus_seconds(MAX_SECONDS);
    let mut telling = Telling::new(app);
    let (mut tried, mut attempts) = (0, Vec::new());
    let (mut claims, mut alone) = (MAX_CLAIMS, false);
    loop {
        let now = app.ports.clock.now();
        let takes = claims > 0 && now < end;
        let has_room = telling.begin(alone || !takes);
        if takes && has_room {
            note(&control, std::mem::take(&mut attempts)).await?;
            let waiting = telling.waiting();
            let is_all = waiting.is_empty();
            let claim = telling::claim(now, waiting);
            let ids = webhooks::claim(&control, &claim, now).await?;
            let (letters, more) = read(app, &control, &ids, now).await?;
            telling.add(letters);
            // What is due may be of those alone of whom something waits here already.
            alone = ids.is_empty();
            claims = if more && !(alone && is_all) {
                claims - 1
            } else {
                0
            };
        } else if let Some(attempt) = telling.next().await {
            tried += 1;
            attempts.push(attempt);
        } else {
            break;
        }
    }
    note(&control, attempts).await?;
    Ok(tried)
}

/// Tells this one delivery, if it waits.
pub(super) async fn tell_one(app: &App, id: WebhookDeliveryId) -> Result<(), StoreError> {
    let (control, now) = (open(app)?, app.ports.clock.now());
    let ids = webhooks::claim_one(&control, id, telling::lease(now), now).await?;
    let (letters, _) = read(app, &control, &ids, now).await?;
    note(&control, telling::deliver(app, letters).await).await
}

fn open(app: &App) -> Result<ControlDb, StoreError> {
    ControlDb::open(
        &*app.ports.databases,
        &Consistency::Latest,
        &Trace::default(),
    )
}

/// What these deliveries tell, and whether more is due.
async fn read(
    app: &App,
    control: &ControlDb,
    ids: &[String],
    now: Timestamp,
) -> Result<(Vec<Letter>, bool), StoreError> {
    if ids.is_empty() {
        return Ok((Vec::new(), true));
    }
    let (told, more) = webhooks::load(control, ids, now).await?;
    Ok((told.iter().map(|told| letter(app, told)).collect(), more))
}

async fn note(control: &ControlDb, attempts: Vec<Attempt>) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    webhooks::note(&attempts).commit(control).await
}
