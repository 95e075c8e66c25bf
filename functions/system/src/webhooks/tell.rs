//! Telling webhooks what waits for them: every minute, and right after somebody asked for it.

use homeroom_domain::{TenantId, WebhookId, credentials::Plane};
use homeroom_edge::{
    App,
    telling::{self, Letter},
};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    ControlDb, StoreError, Trace,
    control::webhooks::{self, Happened},
    sql::Consistency,
    telling::Told,
};
use serde::Serialize;
use serde_json::Value;

use super::place;

/// One event may make 1,000 requests; each round makes 24 and three queries.
const MAX_ROUNDS: usize = 20;
/// No round begins later, since the next minute begins with its own.
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
    tell(app, MAX_ROUNDS).await
}

pub(super) async fn tell(app: &App, rounds: usize) -> Result<usize, StoreError> {
    let databases = &*app.ports.databases;
    let control = ControlDb::open(databases, &Consistency::Latest, &Trace::default())?;
    let end = app.ports.clock.now().plus_seconds(MAX_SECONDS);
    let mut tried = 0;
    for _ in 0..rounds {
        let now = app.ports.clock.now();
        if now >= end {
            break;
        }
        let ids = webhooks::claim(&control, telling::claim(now), now).await?;
        if ids.is_empty() {
            break;
        }
        let (told, more) = webhooks::load(&control, &ids, now).await?;
        let letters: Vec<Letter> = told.iter().map(|told| letter(app, told)).collect();
        let attempts = telling::deliver(app, &letters).await;
        tried += attempts.len();
        webhooks::note(&attempts).commit(&control).await?;
        if !more {
            break;
        }
    }
    Ok(tried)
}
