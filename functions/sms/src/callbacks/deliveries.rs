//! What became of an app's callbacks.

use axum::extract::Path;
use homeroom_edge::{ApiError, Json, Query, sms::AppCaller};
use homeroom_kernel::{Fields, Input, Timestamp};
use homeroom_store::{
    StoreError,
    sms::callbacks::{self, DeliveryRow},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    outbound,
    paging::{Part, PartOut},
};

const STATES: &[&str] = &["waiting", "delivered", "dead"];

/// A callback. Times are unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryOut {
    /// Its id, which the receiver sees.
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    id: String,
    /// `message.status`, or `message.inbound`.
    #[schema(example = "message.status")]
    r#type: &'static str,
    /// The message that it is about, or empty.
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    message_id: String,
    /// The message from a phone that it is, or empty.
    #[schema(example = "")]
    inbound_id: String,
    /// The message's status at the time, or empty.
    #[schema(example = "DELIVERED")]
    message_status: String,
    /// When it happened.
    #[schema(example = 1_937_082_918)]
    at: i64,
    /// `waiting`, `delivered`, or `dead`: given up.
    #[schema(example = "delivered")]
    status: String,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: u32,
    /// When it was last tried; 0: never.
    #[schema(example = 1_937_082_919)]
    tried_at: i64,
    /// When it is tried again; 0: at once, or never.
    #[schema(example = 0)]
    next_at: i64,
    /// The status of the last answer; 0: there was none.
    #[schema(example = 200)]
    answered: u16,
}

impl From<DeliveryRow> for DeliveryOut {
    fn from(row: DeliveryRow) -> Self {
        let waits = row.state == "waiting";
        Self {
            id: row.id,
            r#type: if row.message.is_some() {
                "message.status"
            } else {
                "message.inbound"
            },
            message_id: row.message.map_or_else(String::new, |id| id.to_string()),
            inbound_id: row.inbound.unwrap_or_default(),
            message_status: row.status.unwrap_or_default(),
            at: row.at.seconds(),
            status: row.state,
            attempts: row.attempts,
            tried_at: row.tried_at.map_or(0, Timestamp::seconds),
            next_at: if waits { row.due_at.seconds() } else { 0 },
            answered: row.answered.unwrap_or_default(),
        }
    }
}

pub(crate) struct DeliveriesIn {
    part: Part,
    state: Option<&'static str>,
}

impl Input for DeliveriesIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let state = fields.nullable("status", |value| {
            let state = STATES.iter().find(|state| value == **state);
            let wrong = || format!("One of {}.", STATES.join(", "));
            state.copied().ok_or_else(wrong)
        });
        let part = Part::read(fields);
        Some(Self {
            part: part?,
            state: state?.flatten(),
        })
    }
}

/// List callbacks
///
/// Of this app, the newest first.
#[utoipa::path(get, path = "/api/v1/sms/callbacks/deliveries", tag = "callbacks",
    params(
        ("status" = Option<String>, Query, description = "`waiting`, `delivered` or `dead`."),
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<DeliveryOut>)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_deliveries(
    caller: AppCaller,
    query: Query,
) -> Result<Json<PartOut<DeliveryOut>>, ApiError> {
    let DeliveriesIn { part, state } = query.read()?;
    let (app_id, after) = (caller.sms_app.id, part.after.as_deref());
    let rows = callbacks::list(&caller.db, app_id, state, after, part.ask()).await?;
    Ok(Json(part.answer(rows, |row| row.id.clone(), Into::into)))
}

/// Deliver a callback again
///
/// At once, and for a day, whatever became of it before.
#[utoipa::path(post, path = "/api/v1/sms/callbacks/deliveries/{id}/retry", tag = "callbacks",
    params(("id" = String, Path, description = "The callback.")),
    responses((status = 200, body = DeliveryOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn retry_delivery(
    caller: AppCaller,
    Path(id): Path<String>,
) -> Result<Json<DeliveryOut>, ApiError> {
    let row = callbacks::retry(&caller.db, caller.sms_app.id, &id, caller.context.now).await;
    let row = row.map_err(|error| match error {
        StoreError::NotFound => {
            ApiError::gateway(StatusCode::NOT_FOUND, "not_found", "callback not found")
        }
        other => other.into(),
    })?;
    outbound::tell(&caller.app, caller.sms_app.tenant, true).await;
    Ok(Json(row.into()))
}
