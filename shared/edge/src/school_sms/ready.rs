//! Texts of a school that are counted, and stored with what they tell of.

use homeroom_domain::{SmsBatchId, SmsMessageId, credentials};
use homeroom_kernel::IdSource;
use homeroom_store::{
    Batch,
    sms::{
        messages::{Callback, NewMessage, Numbering},
        school::{
            batches::{self, NewBatch},
            messages::{self, Addressed},
        },
    },
};
use serde_json::{Map, json};

use super::{Fit, Sender, Weighed, Wishes};
use crate::{ApiError, Caller, Conflict, SchoolArea, app::SmsJob, sms_rules::Taken};

/// How long a message is tried.
const VALIDITY_SECONDS: i64 = 24 * 3_600;

impl Sender {
    /// Takes what the texts need of the school's limits and makes messages of them: 429 where there is not enough.
    pub async fn prepare<'a>(
        &'a self,
        caller: &'a Caller<SchoolArea>,
        fit: Vec<Fit>,
        wishes: &Wishes,
        batch_id: Option<SmsBatchId>,
    ) -> Result<Prepared<'a>, ApiError> {
        let parts = fit.iter().map(|fit| fit.length.on_air).sum();
        let taken = if fit.is_empty() {
            None
        } else {
            Some(Taken::take(&caller.app, &self.sms_app, fit.len(), parts).await?)
        };
        let now = caller.context.now;
        let ids = IdSource::new(&*caller.app.ports.entropy, now);
        let created_by = caller.stamp().created_by();
        let message = |fit: Fit| {
            let id: SmsMessageId = ids.next();
            let leaves = fit.send_at.unwrap_or(now);
            Addressed {
                guardian: fit.wanted.guardian,
                student: fit.wanted.student,
                message: NewMessage {
                    id,
                    app_id: self.sms_app.id,
                    // An idempotency key tells repetitions here.
                    transaction_id: id.to_string(),
                    content_hash: credentials::digest(&fit.wanted.text),
                    batch_id,
                    task_id: None,
                    esme: self.esme,
                    source: self.source.clone(),
                    destination: fit.address.as_str().to_owned(),
                    text: fit.wanted.text,
                    confidential: false,
                    numbering: Numbering::default(),
                    transliterate: wishes.transliterate,
                    length: fit.length,
                    priority: wishes.priority,
                    send_at: fit.send_at,
                    valid_until: Some(leaves.plus_seconds(VALIDITY_SECONDS)),
                    created_by: created_by.clone(),
                    callback: Callback::default(),
                },
            }
        };
        Ok(Prepared {
            caller,
            sender: self,
            messages: fit.into_iter().map(message).collect(),
            taken,
            parts,
        })
    }
}

/// A batch with its messages, which are counted and not stored yet.
#[must_use = "what was taken of the limits is given back by `settle` where nothing was stored"]
pub struct PreparedBatch<'a> {
    /// The batch.
    pub new: NewBatch,
    /// Its messages.
    pub prepared: Prepared<'a>,
}

impl Sender {
    /// Makes a batch of who gets a text, and notes who does not; 409 where nobody does.
    pub async fn prepare_batch<'a>(
        &'a self,
        caller: &'a Caller<SchoolArea>,
        name: &str,
        weighed: Weighed,
        wishes: &Wishes,
    ) -> Result<PreparedBatch<'a>, ApiError> {
        let rejected = weighed.rejected();
        if weighed.fit.is_empty() {
            return Err(ApiError::Refused {
                conflict: Conflict::NoReceivers,
                which: String::new(),
                records: Map::from_iter([("rejected".to_owned(), json!(rejected))]),
            });
        }
        let ids = IdSource::new(&*caller.app.ports.entropy, caller.context.now);
        let new = NewBatch {
            id: ids.next(),
            name: name.to_owned(),
            count: weighed.fit.len(),
            rejected,
        };
        let prepared = self
            .prepare(caller, weighed.fit, wishes, Some(new.id))
            .await?;
        Ok(PreparedBatch { new, prepared })
    }
}

impl PreparedBatch<'_> {
    /// What stores the batch and its messages.
    #[must_use]
    pub fn batch(&self) -> Batch {
        let stamp = self.prepared.caller.stamp();
        let mut batch = batches::insert(&stamp, self.prepared.sender.sms_app.id, &self.new);
        batch.append(self.prepared.batch());
        batch
    }

    /// Parts of all messages.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.prepared.parts
    }
}

/// Messages that are counted and not stored yet.
#[must_use = "what was taken of the limits is given back by `settle` where nothing was stored"]
pub struct Prepared<'a> {
    caller: &'a Caller<SchoolArea>,
    sender: &'a Sender,
    /// The messages.
    pub messages: Vec<Addressed>,
    taken: Option<Taken<'a>>,
    parts: usize,
}

impl Prepared<'_> {
    fn ids(&self) -> Vec<SmsMessageId> {
        self.messages.iter().map(|each| each.message.id).collect()
    }

    /// What stores them, to be put into the batch of what they tell of.
    #[must_use]
    pub fn batch(&self) -> Batch {
        let (app_id, now) = (self.sender.sms_app.id, self.caller.context.now);
        let mut batch = messages::insert(app_id, &self.messages, now);
        let ids = self.ids();
        if !ids.is_empty() {
            batch.append(self.sender.rules.guard(app_id, &ids, now));
        }
        batch
    }

    /// Once that batch was carried out, puts the messages into the queue; where it was refused, gives back what they took. What does not get
    /// into the queue is found by the sweep.
    pub async fn settle<T>(self, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
        match &outcome {
            Ok(_) => {
                let ids = self.ids();
                let tenant = Some(self.caller.db.school().id());
                let jobs = SmsJob::all(tenant, &ids);
                if !jobs.is_empty() {
                    let _ = self.caller.app.ports.sms_queue.put(&jobs).await;
                }
            }
            // What may have been stored after all stays counted.
            Err(ApiError::Unavailable(_)) => {}
            Err(_) => {
                if let Some(taken) = &self.taken {
                    taken.give_back(self.parts).await;
                }
            }
        }
        outcome
    }
}
