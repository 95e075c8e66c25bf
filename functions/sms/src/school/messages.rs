//! One message of the school, and all of them.

use axum::response::Response;
use homeroom_domain::{
    kinds,
    permissions::school::{SendSms, ViewSms},
    sms::{
        number::Address,
        status::{MessageStatus, PartStatus},
    },
};
use homeroom_edge::{
    ApiError, At, Caller, Conflict, Json, List, NoBody, Post, Query, SchoolArea, SchoolCan,
    school_sms::{Sender, Wanted, Weighed, Wishes},
};
use homeroom_kernel::{Fields, Id, Input, Timestamp, fields::NON_FIELD, rules};
use homeroom_sms_contract::submit::{Cancellation, Cancelled};
use homeroom_store::{
    Batch,
    sms::{
        messages::MessageRow,
        school::{
            audience::{self, Pair},
            messages::{self, Addressed, SchoolMessage},
        },
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{app_id, receiver, wishes};
use crate::fields::{MAX_TEXT, shown};

/// A part of a message.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolPartOut {
    /// From 1.
    #[schema(example = 1)]
    number: usize,
    #[schema(example = "DELIVERED")]
    status: &'static str,
    /// The network's error code, where it named one.
    error: Option<String>,
}

/// A text message of the school.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolMessageOut {
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The guardian, where it is known that it is one.
    #[schema(value_type = Option<uuid::Uuid>)]
    guardian: Option<Id<()>>,
    /// The guardian's name.
    guardian_name: Option<String>,
    /// The student whom it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    student: Option<Id<()>>,
    /// The student's name.
    student_name: Option<String>,
    /// The batch that it is part of.
    #[schema(value_type = Option<uuid::Uuid>)]
    batch: Option<String>,
    /// Link or pool.
    #[schema(example = 100)]
    esme: i64,
    /// What the phone shows as the sender.
    #[schema(example = "Greenwood")]
    source: String,
    /// The receiver.
    #[schema(example = "+263771234567")]
    destination: String,
    /// The text; null where it is confidential.
    #[schema(example = "School begins at 8 tomorrow.")]
    message: Option<String>,
    /// Whether the text is for the receiver alone, as a code is: nobody is shown it, and it is forgotten once the message has left.
    #[schema(example = false)]
    confidential: bool,
    /// `GSM7` or `UCS2`.
    #[schema(example = "GSM7")]
    encoding: String,
    /// Parts that the phone gets, which limits count.
    #[schema(example = 1)]
    segments: u32,
    /// 0 to 3.
    #[schema(example = 0)]
    priority: u8,
    transliterate: bool,
    /// Not before this; null: at once.
    #[schema(value_type = Option<String>, format = DateTime)]
    send_at: Option<Timestamp>,
    /// Of all parts together.
    #[schema(example = "DELIVERED")]
    status: &'static str,
    parts: Vec<SchoolPartOut>,
    /// Why it failed; empty where it did not.
    #[schema(example = "")]
    error: String,
    /// When the first part left.
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The user who sent it.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<SchoolMessage> for SchoolMessageOut {
    fn from(row: SchoolMessage) -> Self {
        let SchoolMessage {
            message,
            guardian,
            guardian_name,
            student,
            student_name,
        } = row;
        let part =
            |(number, (status, error)): (usize, (PartStatus, Option<String>))| SchoolPartOut {
                number,
                status: status.name(),
                error,
            };
        Self {
            id: message.id.to_string(),
            guardian,
            guardian_name,
            student,
            student_name,
            batch: message.batch_id.map(|id| id.to_string()),
            esme: message.esme,
            source: Address::sender(&message.source)
                .map_or(message.source, |address| address.display()),
            destination: shown(&message.destination),
            message: message.text,
            confidential: message.confidential,
            encoding: message.encoding,
            segments: message.segments,
            priority: message.priority,
            transliterate: message.transliterate,
            send_at: message.send_at,
            status: message.status.name(),
            parts: (1..).zip(message.parts).map(part).collect(),
            error: message.error,
            sent_at: message.sent_at,
            created_at: message.created_at,
            created_by: message.created_by,
            updated_at: message.updated_at,
        }
    }
}

/// A new message as it is found once it is stored.
fn as_stored(sent: &Addressed, pair: Option<Pair>, now: Timestamp) -> SchoolMessage {
    let new = sent.message.clone();
    let (guardian_name, student_name) = match pair {
        Some(pair) => (pair.guardian_name, pair.student_name),
        None => (None, None),
    };
    SchoolMessage {
        message: MessageRow {
            id: new.id,
            app_id: new.app_id,
            transaction_id: new.transaction_id,
            content_hash: new.content_hash,
            batch_id: new.batch_id,
            task_id: new.task_id,
            esme: new.esme,
            source: new.source,
            destination: new.destination,
            text: Some(new.text).filter(|_| !new.confidential),
            confidential: new.confidential,
            numbering: new.numbering,
            transliterate: new.transliterate,
            encoding: new.length.encoding.name().to_owned(),
            segments: u32::try_from(new.length.on_air).unwrap_or(u32::MAX),
            priority: new.priority,
            send_at: new.send_at,
            valid_until: new.valid_until,
            status: MessageStatus::Accepted,
            parts: vec![(PartStatus::Accepted, None); new.length.segments],
            version: 0,
            error: String::new(),
            claimed_at: None,
            handed_at: None,
            sent_at: None,
            created_at: now,
            created_by: new.created_by,
            updated_at: now,
        },
        guardian: sent.guardian,
        guardian_name,
        student: sent.student,
        student_name,
    }
}

/// A message to one guardian, or to one number.
#[derive(ToSchema)]
#[schema(as = SchoolMessageIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolMessageIn reads it"
)]
pub(crate) struct SmsMessageBody {
    /// The guardian; this, or `destination`.
    #[schema(value_type = Option<uuid::Uuid>)]
    guardian: Option<String>,
    /// The student of the guardian whom it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    student: Option<String>,
    /// The receiver, in international form; this, or `guardian`.
    destination: Option<String>,
    /// The text, in at most 10 parts.
    #[schema(
        example = "School begins at 8 tomorrow.",
        min_length = 1,
        max_length = 10_000
    )]
    message: String,
    /// Not before this; null: at once.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-02-01T06:00:00Z")]
    send_at: Option<String>,
    /// 0 to 3; 3 is sent during quiet hours too.
    #[schema(example = 0, minimum = 0, maximum = 3, nullable = false)]
    priority: Option<u8>,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    #[schema(example = true, nullable = false)]
    transliterate: Option<bool>,
}

pub(crate) struct SchoolMessageIn {
    to: To,
    text: String,
    wishes: Wishes,
}

enum To {
    Guardian(Id<()>, Option<Id<()>>),
    Number(Address),
}

impl Input for SchoolMessageIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let guardian = fields.nullable("guardian", rules::id::<()>);
        let student = fields.nullable("student", rules::id::<()>);
        let destination = fields.nullable("destination", receiver);
        let text = fields.required("message", rules::text(1, MAX_TEXT));
        let wishes = wishes(fields);
        let student = student?.flatten();
        let to = match (guardian?.flatten(), destination?.flatten()) {
            (Some(guardian), None) => To::Guardian(guardian, student),
            (None, Some(number)) if student.is_none() => To::Number(number),
            (None, Some(_)) => {
                fields.fail("student", "Name the guardian instead of the number.");
                return None;
            }
            _ => {
                fields.fail(NON_FIELD, "Give a guardian or a destination.");
                return None;
            }
        };
        Some(Self {
            to,
            text: text?,
            wishes: wishes?,
        })
    }
}

/// Whom a message goes to, with the guardian whose number it is, if any.
async fn addressee(
    caller: &Caller<SchoolArea>,
    input: &SchoolMessageIn,
) -> Result<(Wanted, Option<Pair>), ApiError> {
    let (pair, number) = match &input.to {
        To::Guardian(guardian, student) => {
            let pair = audience::find_one(&caller.db, *guardian, *student).await?;
            let pair =
                pair.ok_or_else(|| ApiError::field("guardian", "There is no such record."))?;
            if student.is_some() && pair.student.is_none() {
                return Err(ApiError::field(
                    "student",
                    "This is no student of the guardian.",
                ));
            }
            let number = pair.phone_number.clone();
            (Some(pair), number)
        }
        // Whoever writes to a guardian's number writes to the guardian.
        To::Number(address) => {
            let number = address.display();
            let pair = audience::find_by_number(&caller.db, &number).await?;
            (pair, Some(number))
        }
    };
    let wanted = Wanted {
        guardian: pair.as_ref().and_then(|pair| pair.guardian),
        student: pair.as_ref().and_then(|pair| pair.student),
        name: String::new(),
        number,
        agrees: pair.as_ref().is_none_or(|pair| pair.agrees),
        text: input.text.clone(),
    };
    Ok((wanted, pair))
}

/// Send a text message
///
/// It is stored before the answer. 403 where the guardian did not agree to text messages (`no_consent`), has no number in international form
/// (`no_number`), has opted out (`opted_out`), had its messages of the day or week (`daily_cp`, `weekly_cp`) or the same text a moment ago
/// (`duplicate`); 429 over the school's rate or quota. During quiet hours it is kept until they end, unless its priority is 3.
#[utoipa::path(post, path = "/api/v1/school/sms/messages/", tag = "school", request_body = SmsMessageBody,
    responses((status = 201, body = SchoolMessageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_sms_message(
    post: Post<SchoolArea, SendSms, SchoolMessageIn>,
) -> Result<Response, ApiError> {
    let (wanted, pair) = addressee(&post, &post.input).await?;
    let sender = Sender::of(&post).await?;
    let wishes = post.input.wishes;
    let mut texts = Weighed::default();
    texts.add(wanted);
    let weighed = sender.weigh(&post, texts, &wishes).await?;
    if let Some((_, why)) = weighed.left_out.first() {
        return Err(why.refusal());
    }
    let prepared = sender.prepare(&post, weighed.fit, &wishes, None).await?;
    let Some(sent) = prepared.messages.first() else {
        return Err(ApiError::Internal("a message was lost".into()));
    };
    let mut batch = prepared.batch();
    messages::audit_sent(&mut batch, &post.stamp(), sent);
    let out = SchoolMessageOut::from(as_stored(sent, pair, post.context.now));
    let location = format!("/api/v1/school/sms/messages/{}/", out.id);
    let outcome = post.create(batch, &location, &out).await;
    prepared.settle(outcome).await
}

/// What messages can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct SmsMessageFilters {
    /// Text in the message, the number or the names.
    #[param(max_length = 100)]
    search: Option<String>,
    /// `ACCEPTED`, `DELIVERED`, ….
    #[param(max_length = 255)]
    status: Option<String>,
    /// The receiver's number.
    #[param(max_length = 255)]
    destination: Option<String>,
    /// The guardian.
    guardian: Option<uuid::Uuid>,
    /// The student whom they are about.
    student: Option<uuid::Uuid>,
    /// The batch.
    batch: Option<uuid::Uuid>,
    /// First day, in UTC.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<String>,
    /// Last day, in UTC.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<String>,
}

/// Text messages of the school
#[utoipa::path(get, path = "/api/v1/school/sms/messages/", tag = "school", params(SmsMessageFilters),
    responses((status = 200, body = List<SchoolMessageOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_sms_messages(
    caller: SchoolCan<ViewSms>,
    query: Query,
) -> Result<Json<List<SchoolMessageOut>>, ApiError> {
    let request = query.page(&messages::LISTING)?;
    let page = messages::list(&caller.db, app_id(&caller).await?, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// One text message
#[utoipa::path(get, path = "/api/v1/school/sms/messages/{id}/", tag = "school", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SchoolMessageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_sms_message(
    caller: SchoolCan<ViewSms>,
    id: At<kinds::SmsMessage>,
) -> Result<Json<SchoolMessageOut>, ApiError> {
    let row = messages::find(&caller.db, app_id(&caller).await?, id.0).await?;
    Ok(Json(row.into()))
}

/// Withdraw a text message
///
/// No part of it leaves any more. Where one may have left it is refused: `too_late`; where it is on its way to the bridge right now:
/// `in_progress`. Withdrawing it again changes nothing.
#[utoipa::path(post, path = "/api/v1/school/sms/messages/{id}/cancel/", tag = "school",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SchoolMessageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn cancel_sms_message(
    id: At<kinds::SmsMessage>,
    post: Post<SchoolArea, SendSms, NoBody>,
) -> Result<Response, ApiError> {
    let mut row = messages::find(&post.db, app_id(&post).await?, id.0).await?;
    let batch = match row.message.status {
        MessageStatus::Deleted => {
            return post
                .done(Batch::default(), &SchoolMessageOut::from(row))
                .await;
        }
        MessageStatus::Accepted => {
            let here = row.message.claimed_at.is_none() && row.message.handed_at.is_none();
            if !here {
                withdraw_there(&post, &row.message).await?;
            }
            messages::withdraw(&post.stamp(), &row.message, !here)
        }
        _ => return Err(TOO_LATE),
    };
    row.message.status = MessageStatus::Deleted;
    row.message.updated_at = post.context.now;
    for (status, _) in &mut row.message.parts {
        *status = PartStatus::Deleted;
    }
    post.done(batch, &SchoolMessageOut::from(row)).await
}

const TOO_LATE: ApiError = ApiError::Conflict(Conflict::MessageLeft);

async fn withdraw_there(caller: &Caller<SchoolArea>, message: &MessageRow) -> Result<(), ApiError> {
    let cancellation = Cancellation {
        message_id: message.id.to_string(),
        app_id: message.app_id,
    };
    match caller.app.ports.bridge.cancel(&cancellation).await? {
        Cancelled::Cancelled => Ok(()),
        Cancelled::TooLate => Err(TOO_LATE),
        Cancelled::Unknown => Err(Conflict::MessageLeaving.into()),
    }
}
