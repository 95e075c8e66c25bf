//! Receivers that want no messages.

use axum::extract::Path;
use homeroom_domain::{TenantId, sms::number::Address};
use homeroom_edge::{ApiError, App, Body, Json, NoContent, Query, sms::AppCaller};
use homeroom_kernel::{Fields, Input, Timestamp};
use homeroom_store::{
    IdentityDb,
    sms::{
        callbacks,
        contacts::{self, OptOut},
        stops::{self, Pair},
    },
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    fields::{receiver, shown},
    messages::withdraw::ask,
    outbound,
    paging::{Part, PartOut},
};

/// A receiver that wants no messages of this app.
#[derive(Serialize, ToSchema)]
pub(crate) struct OptOutOut {
    #[schema(example = "+263771234567")]
    number: String,
    /// `stop`: it said so itself; `api`: it was added here.
    #[schema(example = "stop")]
    reason: String,
    /// Since when, in unix seconds.
    #[schema(example = 1_937_082_918)]
    created_at: i64,
}

impl From<OptOut> for OptOutOut {
    fn from(row: OptOut) -> Self {
        Self {
            number: shown(&row.number),
            reason: row.reason,
            created_at: row.created_at.seconds(),
        }
    }
}

/// A number in a path; what is none is not found.
pub(crate) fn in_path(text: &str) -> Result<String, ApiError> {
    let number = Address::receiver(text).map_err(|_| not_found())?;
    Ok(number.as_str().to_owned())
}

/// Takes back from the bridge what has not left for receivers that have opted out; how many messages may leave yet. The opt-outs must be stored
/// before, for what is handed over from then on is withheld. That the bridge is away keeps nobody from opting out.
pub(crate) async fn take_back(
    app: &App,
    tenant: Option<TenantId>,
    db: &impl IdentityDb,
    pairs: &[Pair<'_>],
    now: Timestamp,
) -> Result<usize, ApiError> {
    let at_bridge = stops::list_elsewhere(db, pairs, now).await?;
    let messages = at_bridge.messages.iter().map(|one| (one.app_id, one.id));
    let asked = ask(app, messages).await;
    if !asked.withdrawn.is_empty() {
        let batch = stops::withdraw(pairs, &asked.withdrawn, now);
        let tells = callbacks::carry_out(batch, db, now).await?;
        outbound::tell(app, tenant, tells).await;
    }
    Ok(asked.remaining(&at_bridge))
}

/// Opts receivers of an app out, and takes back what waits for them; how many messages may leave yet.
pub(crate) async fn opt_out(caller: &AppCaller, numbers: &[&str]) -> Result<usize, ApiError> {
    let (app, db, now) = (&caller.app, &caller.db, caller.context.now);
    let (app_id, tenant) = (caller.sms_app.id, caller.sms_app.tenant);
    let batch = contacts::add(&caller.stamp(), app_id, numbers);
    let tells = callbacks::carry_out(batch, db, now).await?;
    outbound::tell(app, tenant, tells).await;
    let pairs: Vec<Pair<'_>> = numbers.iter().map(|number| (app_id, *number)).collect();
    take_back(app, tenant, db, &pairs, now).await
}

pub(crate) fn not_found() -> ApiError {
    ApiError::gateway(StatusCode::NOT_FOUND, "not_found", "number not found")
}

/// List opt-outs
///
/// Receivers that want no messages of this app, by number.
#[utoipa::path(get, path = "/api/v1/sms/opt-outs", tag = "receivers",
    params(
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<OptOutOut>)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_opt_outs(
    caller: AppCaller,
    query: Query,
) -> Result<Json<PartOut<OptOutOut>>, ApiError> {
    let part: Part = query.read()?;
    let after = part.after.as_deref().unwrap_or_default();
    let rows = contacts::list(&caller.db, caller.sms_app.id, after, part.ask()).await?;
    Ok(Json(part.answer(
        rows,
        |row| row.number.clone(),
        Into::into,
    )))
}

pub(crate) struct OptOutIn {
    number: Address,
}

impl Input for OptOutIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            number: fields.required("number", receiver)?,
        })
    }
}

/// A receiver.
#[derive(ToSchema)]
#[schema(as = OptOutIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; OptOutIn reads it"
)]
pub(crate) struct OptOutBody {
    /// In international form.
    #[schema(example = "+263771234567")]
    number: String,
}

/// Opt a receiver out
///
/// It gets no more messages of this app, and what has not left for it yet is withdrawn: asked again, what the bridge did not answer about.
/// One that has opted out stays as it is.
#[utoipa::path(post, path = "/api/v1/sms/opt-outs", tag = "receivers", request_body = OptOutBody,
    responses((status = 200, body = OptOutOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn add_opt_out(
    caller: AppCaller,
    body: Body<OptOutIn>,
) -> Result<Json<OptOutOut>, ApiError> {
    let (app_id, number) = (caller.sms_app.id, body.input.number.as_str());
    opt_out(&caller, &[number]).await?;
    let row = contacts::find(&caller.db, app_id, number).await?;
    // Taken away by another request in the meantime.
    Ok(Json(row.ok_or_else(not_found)?.into()))
}

/// Opt a receiver in again
///
/// Only with its consent: a receiver that sent STOP asks for messages again with START.
#[utoipa::path(delete, path = "/api/v1/sms/opt-outs/{number}", tag = "receivers",
    params(("number" = String, Path, description = "The receiver, in international form.")),
    responses((status = 204)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn remove_opt_out(
    caller: AppCaller,
    Path(number): Path<String>,
) -> Result<NoContent, ApiError> {
    let (app_id, number) = (caller.sms_app.id, in_path(&number)?);
    let known = contacts::find(&caller.db, app_id, &number).await?;
    let known = known.ok_or_else(not_found)?;
    contacts::remove(&caller.stamp(), app_id, &known)
        .commit(&caller.db)
        .await?;
    Ok(NoContent)
}
