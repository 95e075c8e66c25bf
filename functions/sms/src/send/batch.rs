//! Many messages in one request.

use std::collections::{BTreeMap, HashMap, HashSet};

use homeroom_domain::{
    SmsBatchId, credentials,
    sms::{cut::Cuts, segments::TextError, text::TextLength},
};
use homeroom_edge::{ApiError, Body, Json, sms::AppCaller};
use homeroom_kernel::{IdSource, Timestamp};
use homeroom_store::{
    StoreError,
    sms::{
        batches::{self, BatchRow, Before, Member, NewBatch, Rejected},
        messages::NewMessage,
    },
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    admit,
    draft::unsendable,
    recipients::{BatchIn, Recipient},
    rules::{Rules, Taken, check_sender, opted_out_of_all},
    single::conflict,
};
use crate::{callbacks, fields::shown, messages::batch::RejectedOut, outbound};

/// A message that was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct TakenOut {
    /// Its place in `recipients`, from 0.
    #[schema(example = 0)]
    index: usize,
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    message_id: String,
    /// Yours, or made of the batch's and the place.
    #[schema(example = "term-2-0")]
    transaction_id: String,
}

/// A batch that was taken: each receiver is in `messages` or in `rejected`.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchOut {
    #[schema(example = "01900000-0000-7000-8000-000000000001")]
    batch_id: String,
    /// Yours, or made here: the id of the batch.
    #[schema(example = "term-2")]
    transaction_id: String,
    /// Messages that were taken.
    #[schema(example = 1)]
    count: u32,
    /// Receivers that are not written to.
    rejected: Vec<RejectedOut>,
    /// The messages.
    messages: Vec<TakenOut>,
}

/// Send many messages
///
/// Up to 1,000 receivers, each with an answer of its own. The quota is taken once for all that can be sent, or the whole batch is refused.
/// The same `transaction_id` with the same content gives the same answer and sends nothing again.
#[utoipa::path(post, path = "/api/v1/sms/send-batch", tag = "messages", request_body = super::recipients::BatchBody,
    responses((status = 200, body = BatchOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn send_batch(
    caller: AppCaller,
    body: Body<BatchIn>,
) -> Result<Json<BatchOut>, ApiError> {
    let input = body.input;
    let (app, now, app_id) = (&caller.app, caller.context.now, caller.sms_app.id);
    let ids = IdSource::new(&*app.ports.entropy, now);
    let id: SmsBatchId = ids.next();
    let content_hash = input.content_hash();
    let transaction_id = input.transaction_id.unwrap_or_else(|| id.to_string());
    let recipients: Vec<Recipient> = input
        .recipients
        .into_iter()
        .map(|one| one.within(&transaction_id))
        .collect();
    let places = places(&recipients);

    let own: Vec<&str> = recipients.iter().map(Recipient::transaction_id).collect();
    let receivers: Vec<(&str, &str)> = recipients.iter().map(Recipient::receiver).collect();
    let before =
        batches::find_before(&caller.db, app_id, &transaction_id, &own, &receivers, now).await?;
    if let Some((row, members)) = before.batch {
        return repeated(&content_hash, row, members, &places);
    }
    // A repetition is answered as the first was, whatever may have changed since.
    admit(app, &caller.context, input.esme).await?;
    check_sender(&caller.sms_app, &input.source)?;
    callbacks::admit(&caller, &input.callback).await?;
    for one in &recipients {
        one.draft.envelope.check_validity(now)?;
    }
    let numbers: Vec<&str> = receivers.iter().map(|(number, _)| *number).collect();
    let everywhere = opted_out_of_all(app, &caller.db, &caller.context.trace, &numbers).await?;
    let rules = Rules::of(&caller.sms_app, &caller.db)?;
    let cuts = app.cuts(&caller.context, input.esme).await?;
    let decided = decide(
        &caller,
        (&rules, &cuts),
        recipients,
        before,
        &everywhere,
        now,
    );

    let mut rejected = input.unreadable;
    rejected.extend(decided.rejected);
    rejected.sort_by_key(|one| one.index);
    let messages: Vec<NewMessage> = decided
        .accepted
        .into_iter()
        .map(|(one, length, send_at)| {
            one.draft
                .into_message(length, ids.next(), app_id, Some(id), now, send_at)
        })
        .collect();
    let parts = messages.iter().map(|message| message.length.on_air).sum();
    let taken = match messages.len() {
        0 => None,
        count => Some(Taken::take(app, &caller.sms_app, count, parts).await?),
    };
    let batch = NewBatch {
        id,
        name: input.name,
        transaction_id,
        content_hash,
        rejected,
        created_by: None,
    };
    let new: Vec<_> = messages.iter().map(|message| message.id).collect();
    let guard = rules.guard(app_id, &new, now);
    let stored = batches::store(&caller.db, app_id, &batch, &messages, guard, now).await;
    let give_back = async |parts: usize| {
        if let Some(taken) = taken.as_ref().filter(|_| parts > 0) {
            taken.give_back(parts).await;
        }
    };
    let (mut row, members) = match stored {
        Ok(stored) => stored,
        Err(error) => {
            // What may have been stored after all stays counted.
            if !matches!(error, StoreError::Unavailable(_)) {
                give_back(parts).await;
            }
            return Err(error.into());
        }
    };
    if row.id != id {
        // A request with the same transaction id was faster.
        give_back(parts).await;
        return repeated(&batch.content_hash, row, members, &places);
    }
    let late = overtaken(&messages, &members, &places);
    if !late.is_empty() {
        give_back(late.iter().map(|(_, parts)| parts).sum()).await;
        row.rejected.extend(late.into_iter().map(|(one, _)| one));
        row.rejected.sort_by_key(|one| one.index);
        batches::note_rejected(&caller.db, id, &row.rejected).await?;
    }
    let sent: Vec<_> = members.iter().map(|member| member.id).collect();
    outbound::announce(app, caller.sms_app.tenant, &sent).await;
    Ok(Json(answer(row, members, &places)))
}

/// Where in the request a transaction id stands.
type Places = HashMap<String, usize>;

fn places(recipients: &[Recipient]) -> Places {
    let mut places = Places::new();
    for one in recipients {
        // The first of two is the one that is sent.
        places
            .entry(one.transaction_id().to_owned())
            .or_insert(one.index);
    }
    places
}

struct Decided {
    accepted: Vec<(Recipient, TextLength, Option<Timestamp>)>,
    rejected: Vec<Rejected>,
}

/// Who is written to, and when. What comes earlier in the batch counts for what comes later.
fn decide(
    caller: &AppCaller,
    (rules, cuts): (&Rules, &Cuts),
    recipients: Vec<Recipient>,
    before: Before,
    everywhere: &[String],
    now: Timestamp,
) -> Decided {
    let known: HashMap<String, String> = before
        .messages
        .into_iter()
        .map(|known| (known.transaction_id, known.content_hash))
        .collect();
    let everywhere: HashSet<&str> = everywhere.iter().map(String::as_str).collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut written_to: HashMap<String, u32> = HashMap::new();
    let mut texts: HashSet<(String, String)> = HashSet::new();
    let mut decided = Decided {
        accepted: Vec::new(),
        rejected: Vec::new(),
    };
    for (one, mut contact) in recipients.into_iter().zip(before.contacts) {
        let transaction_id = one.transaction_id();
        let refusal = match known.get(transaction_id) {
            Some(hash) if *hash == one.draft.content_hash() => Some((
                "already_sent",
                "this message was sent before under its transaction_id",
            )),
            Some(_) => Some(REUSED),
            None if used.contains(transaction_id) => Some(REUSED),
            None => None,
        };
        if let Some((code, words)) = refusal {
            decided.rejected.push(one.rejected(code, words));
            continue;
        }
        let length = match one.draft.measure(cuts) {
            Ok(length) => length,
            Err(error) => {
                let code = match error {
                    TextError::TooLong { .. } => "too_long",
                    TextError::Empty | TextError::Unwritable(_) => "invalid",
                };
                let words = format!("message: {}", unsendable(error).trim_end_matches('.'));
                decided.rejected.push(one.rejected(code, &words));
                continue;
            }
        };
        let (number, text) = one.receiver();
        let so_far = written_to.get(number).copied().unwrap_or_default();
        contact.last_day = contact.last_day.saturating_add(so_far);
        contact.last_week = contact.last_week.saturating_add(so_far);
        contact.opted_out |= everywhere.contains(number);
        if so_far > 0 && texts.contains(&(number.to_owned(), text.to_owned())) {
            contact.same_text_at = Some(now);
        }
        match rules.admit(&caller.app, &one.draft, &contact, now) {
            Err(refusal) => {
                let rejected = one.rejected(refusal.code(), refusal.words());
                decided.rejected.push(rejected);
            }
            Ok(send_at) => {
                used.insert(transaction_id.to_owned());
                *written_to.entry(number.to_owned()).or_default() += 1;
                texts.insert((number.to_owned(), text.to_owned()));
                decided.accepted.push((one, length, send_at));
            }
        }
    }
    decided
}

const REUSED: (&str, &str) = (
    "transaction_id_reused",
    "transaction_id was used with another message",
);

/// Messages whose transaction ids other requests took between the look and the writing, with their parts.
fn overtaken(
    messages: &[NewMessage],
    members: &[Member],
    places: &Places,
) -> Vec<(Rejected, usize)> {
    let stored: HashSet<_> = members.iter().map(|member| member.id).collect();
    let missing = messages
        .iter()
        .filter(|message| !stored.contains(&message.id));
    let rejected = |message: &NewMessage| Rejected {
        index: places
            .get(&message.transaction_id)
            .copied()
            .unwrap_or_default(),
        destination: shown(&message.destination),
        code: REUSED.0.to_owned(),
        error: REUSED.1.to_owned(),
    };
    missing
        .map(|message| (rejected(message), message.length.on_air))
        .collect()
}

fn repeated(
    content_hash: &str,
    row: BatchRow,
    members: Vec<Member>,
    places: &Places,
) -> Result<Json<BatchOut>, ApiError> {
    if row.content_hash.as_deref() == Some(content_hash) {
        Ok(Json(answer(row, members, places)))
    } else {
        Err(conflict())
    }
}

fn answer(row: BatchRow, members: Vec<Member>, places: &Places) -> BatchOut {
    let messages: BTreeMap<usize, TakenOut> = members
        .into_iter()
        .map(|member| {
            let index = places.get(&member.transaction_id).copied();
            let index = index.unwrap_or_default();
            let out = TakenOut {
                index,
                message_id: member.id.to_string(),
                transaction_id: member.transaction_id,
            };
            (index, out)
        })
        .collect();
    BatchOut {
        batch_id: row.id.to_string(),
        transaction_id: row.transaction_id.unwrap_or_default(),
        count: row.count,
        rejected: row.rejected.into_iter().map(Into::into).collect(),
        messages: messages.into_values().collect(),
    }
}

impl BatchIn {
    /// What a repetition under the same transaction id must have in common.
    fn content_hash(&self) -> String {
        let rows: Vec<_> = self.recipients.iter().map(Recipient::content).collect();
        let content = json!([self.name, rows, self.unreadable]);
        credentials::digest(&content.to_string())
    }
}
