//! What became of a message.

use std::collections::BTreeMap;

use homeroom_domain::sms::status::PartStatus;
use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::sms::messages::{self, MessageRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::{found, id};

pub(crate) struct InfoIn {
    message_id: String,
}

impl Input for InfoIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message_id = fields.required("message_id", rules::text(1, 64));
        // A hint that nothing needs: a message that was sent by a pool may be asked for by its link.
        let esme = fields.nullable("esme", rules::integer(0, i64::MAX));
        esme?;
        Some(Self {
            message_id: message_id?,
        })
    }
}

/// A message.
#[derive(ToSchema)]
#[schema(as = InfoIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; InfoIn reads it"
)]
pub(crate) struct InfoBody {
    /// Link or pool; a hint that nothing needs.
    #[schema(example = 100, minimum = 0)]
    esme: Option<i64>,
    /// Its id.
    #[schema(example = "01900000-0000-7000-8000-000000000001", max_length = 64)]
    message_id: String,
}

/// What became of a message. Times are unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct InfoOut {
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    message_id: String,
    /// `single`, or `multipart`.
    #[schema(example = "single")]
    mode: &'static str,
    /// The status of every part, by its number.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"1": "DELIVERED"}))]
    parts: BTreeMap<usize, &'static str>,
    /// Parts that the phone has.
    #[schema(example = 1)]
    delivered_count: usize,
    /// When the first part left; until then, when the message was accepted.
    #[schema(example = 1_937_082_918)]
    sent_at: i64,
    /// When it last changed.
    #[schema(example = 1_937_082_925)]
    updated_at: i64,
    #[schema(example = "tx-001")]
    transaction_id: String,
    /// Your campaign; 0 where there is none.
    #[schema(example = 12345)]
    task_id: i64,
    /// Of all parts together.
    #[schema(example = "DELIVERED")]
    status: &'static str,
    /// Why it failed; empty where it did not.
    #[schema(example = "")]
    error: String,
}

impl InfoOut {
    pub(crate) fn new(row: MessageRow) -> Self {
        let delivered = |status: &PartStatus| *status == PartStatus::Delivered;
        let statuses: Vec<PartStatus> = row.parts.iter().map(|(status, _)| *status).collect();
        Self {
            message_id: row.id.to_string(),
            mode: if statuses.len() > 1 {
                "multipart"
            } else {
                "single"
            },
            delivered_count: statuses.iter().filter(|status| delivered(status)).count(),
            parts: (1..)
                .zip(statuses.iter().map(|status| status.name()))
                .collect(),
            sent_at: row.sent_at.unwrap_or(row.created_at).seconds(),
            updated_at: row.updated_at.seconds(),
            transaction_id: row.transaction_id,
            task_id: row.task_id.unwrap_or_default(),
            status: row.status.name(),
            error: row.error,
        }
    }
}

/// What became of a message
///
/// It is found by `message_id` among the messages of this app.
#[utoipa::path(post, path = "/api/v1/sms/info", tag = "messages", request_body = InfoBody,
    responses((status = 200, body = InfoOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_message_info(
    caller: AppCaller,
    body: Body<InfoIn>,
) -> Result<Json<InfoOut>, ApiError> {
    let id = id(&body.input.message_id)?;
    let row = found(messages::find(&caller.db, caller.sms_app.id, id).await)?;
    Ok(Json(InfoOut::new(row)))
}
