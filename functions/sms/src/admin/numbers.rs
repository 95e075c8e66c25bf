//! Our own numbers, and whose the messages are that phones send to them.

use axum::extract::Path;
use homeroom_domain::sms::number::Address;
use homeroom_edge::{ApiError, Body, Json, NoContent, Query, sms::SmsAdmin};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    StoreError,
    control::{
        sms_apps,
        sms_numbers::{self, NumberRow},
    },
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    fields::{receiver, shown},
    opt_outs::{in_path, not_found},
    paging::{Part, PartOut},
};

/// A number of ours.
#[derive(Serialize, ToSchema)]
pub(crate) struct NumberOut {
    #[schema(example = "+263771234567")]
    number: String,
    /// The app that its messages are for.
    #[schema(example = 1)]
    app_id: i64,
    /// Since when, in unix seconds.
    #[schema(example = 1_937_082_918)]
    created_at: i64,
}

impl From<NumberRow> for NumberOut {
    fn from(row: NumberRow) -> Self {
        Self {
            number: shown(&row.number),
            app_id: row.app_id,
            created_at: row.created_at.seconds(),
        }
    }
}

/// List our numbers
#[utoipa::path(get, path = "/api/v1/admin/numbers", tag = "administration",
    params(
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<NumberOut>)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn find_numbers(
    admin: SmsAdmin,
    query: Query,
) -> Result<Json<PartOut<NumberOut>>, ApiError> {
    let part: Part = query.read()?;
    let after = part.after.as_deref().unwrap_or_default();
    let rows = sms_numbers::list(&admin.control, after, part.ask()).await?;
    Ok(Json(part.answer(
        rows,
        |row| row.number.clone(),
        Into::into,
    )))
}

pub(crate) struct NumberIn {
    number: Address,
    app_id: i64,
}

impl Input for NumberIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let number = fields.required("number", receiver);
        let app_id = fields.required("app_id", rules::integer(1, i64::MAX));
        Some(Self {
            number: number?,
            app_id: app_id?,
        })
    }
}

/// A number, and whose it is to be.
#[derive(ToSchema)]
#[schema(as = NumberIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; NumberIn reads it"
)]
pub(crate) struct NumberBody {
    /// In international form, or a short code.
    #[schema(example = "+263771234567")]
    number: String,
    /// The app that its messages are for.
    #[schema(example = 1, minimum = 1)]
    app_id: i64,
}

/// Give a number to an app
///
/// Messages that phones send to it are that app's from then on.
#[utoipa::path(post, path = "/api/v1/admin/numbers", tag = "administration", request_body = NumberBody,
    responses((status = 200, body = NumberOut)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn add_number(
    admin: SmsAdmin,
    body: Body<NumberIn>,
) -> Result<Json<NumberOut>, ApiError> {
    let NumberIn { number, app_id } = body.input;
    if sms_apps::find(&admin.control, app_id).await?.is_none() {
        return Err(ApiError::field("app_id", "There is no such app."));
    }
    let row = NumberRow {
        number: number.as_str().to_owned(),
        app_id,
        created_at: admin.context.now,
    };
    match sms_numbers::add(&admin.stamp(), &row)
        .commit(&admin.control)
        .await
    {
        Ok(()) => Ok(Json(row.into())),
        Err(StoreError::Conflict(_)) => Err(ApiError::gateway(
            StatusCode::CONFLICT,
            "number_taken",
            "the number belongs to an app already",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Take a number away
///
/// Messages to it are nobody's then, and a STOP to it counts for every app.
#[utoipa::path(delete, path = "/api/v1/admin/numbers/{number}", tag = "administration",
    params(("number" = String, Path, description = "The number, in international form.")),
    responses((status = 204)), security(("admin_key" = []), ("sms" = [], "app_id" = [])))]
pub(crate) async fn remove_number(
    admin: SmsAdmin,
    Path(number): Path<String>,
) -> Result<NoContent, ApiError> {
    let found = sms_numbers::find(&admin.control, &in_path(&number)?).await;
    let row = found.map_err(|error| match error {
        StoreError::NotFound => not_found(),
        other => other.into(),
    })?;
    sms_numbers::remove(&admin.stamp(), &row)
        .commit(&admin.control)
        .await?;
    Ok(NoContent)
}
