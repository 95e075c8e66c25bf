//! One message.

use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::IdSource;
use homeroom_store::{
    StoreError,
    sms::{
        contacts,
        messages::{self, MessageRow},
    },
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    admit,
    draft::{Draft, unsendable},
    rules::{Rules, Taken, check_sender, opted_out_of_all, refused},
};
use crate::{callbacks, outbound};

/// A message.
#[derive(ToSchema)]
#[schema(as = SendIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; Draft reads it"
)]
pub(crate) struct SendBody {
    /// Link or pool that sends it.
    #[schema(example = 1000, minimum = 1)]
    esme: i64,
    /// Sender: a phone number, a short code, or a name of up to 11 letters and digits.
    #[schema(example = "+123456789")]
    source: String,
    /// Receiver, in international form.
    #[schema(example = "+987654321")]
    destination: String,
    /// The text, in at most 10 parts.
    #[schema(example = "Hello world", min_length = 1, max_length = 10_000)]
    message: String,
    /// Your own id of the message: a repetition sends nothing again. Made here where it is absent.
    #[schema(example = "tx-001", max_length = 64)]
    transaction_id: Option<String>,
    /// Your campaign.
    #[schema(example = 12345, minimum = 0)]
    task_id: Option<i64>,
    /// Not before this: unix seconds, or RFC 3339.
    #[schema(example = 1_900_000_000)]
    send_at: Option<i64>,
    /// Not after this; a day after it may leave, where absent.
    valid_until: Option<i64>,
    /// The same in seconds.
    #[schema(minimum = 1, maximum = 604_800)]
    validity_seconds: Option<i64>,
    /// 0 to 3.
    #[schema(maximum = 3, minimum = 0)]
    priority: Option<u8>,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    transliterate: Option<bool>,
    /// Where to tell what became of it, instead of where the app says.
    #[schema(example = "https://hooks.example.org/sms", max_length = 500)]
    callback_url: Option<String>,
    /// Of what: 1: the first change, 2: the last, 3: all.
    #[schema(minimum = 1, maximum = 3)]
    callback_level: Option<u8>,
    /// Type of number of the sender.
    #[schema(maximum = 7, minimum = 0)]
    ston: Option<u8>,
    /// Numbering plan of the sender.
    #[schema(maximum = 18, minimum = 0)]
    snpi: Option<u8>,
    /// Type of number of the receiver.
    #[schema(maximum = 7, minimum = 0)]
    dton: Option<u8>,
    /// Numbering plan of the receiver.
    #[schema(maximum = 18, minimum = 0)]
    dnpi: Option<u8>,
}

/// A message that was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct SendOut {
    #[schema(example = true)]
    success: bool,
    /// Empty.
    #[schema(example = "")]
    error: &'static str,
    #[schema(example = 1000)]
    esme: i64,
    #[schema(example = "tx-001")]
    transaction_id: String,
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    message_id: String,
    #[schema(example = "submitted")]
    status: &'static str,
    /// One for each part.
    #[schema(example = json!(["01900000-0000-7000-8000-000000000001-1"]))]
    sms_ids: Vec<String>,
    /// Your campaign; 0 where there is none.
    #[schema(example = 12345)]
    task_id: i64,
}

impl SendOut {
    pub(crate) fn new(row: &MessageRow) -> Self {
        Self {
            success: true,
            error: "",
            esme: row.esme,
            transaction_id: row.transaction_id.clone(),
            message_id: row.id.to_string(),
            status: "submitted",
            sms_ids: row.sms_ids(),
            task_id: row.task_id.unwrap_or_default(),
        }
    }
}

/// Another message has the same transaction id.
pub(crate) fn conflict() -> ApiError {
    ApiError::gateway(
        StatusCode::CONFLICT,
        "transaction_id_reused",
        "transaction_id was used with another message",
    )
}

/// Send a message
///
/// It is stored before the answer. The same `transaction_id` with the same content gives the same answer and sends nothing again; with
/// another content it is refused. 403 where the receiver has opted out, had its messages of the day or week, or the same text a moment ago;
/// 429 over the app's rate or quota. During the policy's quiet hours it is kept until they end, unless its priority is 3.
#[utoipa::path(post, path = "/api/v1/sms/send", tag = "messages", request_body = SendBody,
    responses((status = 200, body = SendOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn send_message(
    caller: AppCaller,
    body: Body<Draft>,
) -> Result<Json<SendOut>, ApiError> {
    let draft = body.input;
    let (app, now, app_id) = (&caller.app, caller.context.now, caller.sms_app.id);
    let receiver = (draft.destination.as_str(), draft.text.as_str());
    let transaction_id = draft.transaction_id.as_deref();
    let (known, mut contact) =
        contacts::prepare(&caller.db, app_id, transaction_id, receiver, now).await?;
    if let Some(known) = known {
        return repeated(&draft.content_hash(), &known);
    }
    // A repetition is answered as the first was, whatever may have changed since.
    admit(app, &caller.context, draft.envelope.esme).await?;
    check_sender(&caller.sms_app, &draft.envelope.source)?;
    callbacks::admit(&caller, &draft.envelope.callback).await?;
    draft.envelope.check_validity(now)?;
    let cuts = app.cuts(&caller.context, draft.envelope.esme).await?;
    let length = draft.measure(&cuts);
    let length = length.map_err(|error| ApiError::field("message", &unsendable(error)))?;
    let (trace, number) = (&caller.context.trace, receiver.0);
    let everywhere = opted_out_of_all(app, &caller.db, trace, &[number]).await?;
    contact.opted_out |= !everywhere.is_empty();
    let rules = Rules::of(&caller.sms_app, &caller.db)?;
    let send_at = rules.admit(app, &draft, &contact, now).map_err(refused)?;
    let parts = length.on_air;
    let taken = Taken::take(app, &caller.sms_app, 1, parts).await?;
    let id = IdSource::new(&*app.ports.entropy, now).next();
    let message = draft
        .clone()
        .into_message(length, id, app_id, None, now, send_at);
    let guard = rules.guard(app_id, &[id], now);
    let one = std::slice::from_ref(&message);
    let stored = messages::store(&caller.db, app_id, one, guard, now).await;
    let rows = match stored {
        Ok(rows) => rows,
        Err(error) => {
            // What may have been stored after all stays counted.
            if !matches!(error, StoreError::Unavailable(_)) {
                taken.give_back(parts).await;
            }
            if matches!(&error, StoreError::Conflict(rule) if rule == "changed_meanwhile") {
                // Another request to this receiver was faster: what it left says why this one is too much.
                let receiver = (message.destination.as_str(), message.text.as_str());
                let (_, contact) =
                    contacts::prepare(&caller.db, app_id, None, receiver, now).await?;
                rules.admit(app, &draft, &contact, now).map_err(refused)?;
            }
            return Err(error.into());
        }
    };
    let row = rows
        .first()
        .ok_or_else(|| ApiError::Internal("a message that was stored is not there".into()))?;
    if row.id != id {
        // A request with the same transaction id was faster.
        taken.give_back(parts).await;
        return repeated(&message.content_hash, row);
    }
    outbound::announce(&caller.app, caller.sms_app.tenant, &[id]).await;
    Ok(Json(SendOut::new(row)))
}

fn repeated(content_hash: &str, known: &MessageRow) -> Result<Json<SendOut>, ApiError> {
    if known.content_hash == content_hash {
        Ok(Json(SendOut::new(known)))
    } else {
        Err(conflict())
    }
}
