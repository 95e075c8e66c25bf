//! A school's own text messages, for every area that writes to guardians: a request finds out who may be written to, takes what it needs of
//! the school's limits, and puts the messages into its own batch, so that they are stored with what they tell of or not at all.

use std::collections::{HashMap, HashSet};

use homeroom_domain::{
    SmsBatchId, SmsMessageId, credentials,
    sms::{
        number::Address,
        policy::{Contact, Refusal, Wish},
        school::{Template, sender_of},
        text::{self, TextLength},
    },
};
use homeroom_kernel::{Id, IdSource, Timestamp};
use homeroom_store::{
    Batch, ControlDb, TenantDb,
    control::sms_apps::{self, SmsApp},
    sms::{
        contacts,
        messages::{NewMessage, Numbering},
        school::{
            audience::{Audience, Found, MAX_PAIRS, Pair},
            batches::{self, LeftOut, NewBatch},
            messages::{self, Addressed},
            settings::{self, SettingsRow},
        },
    },
    sql::Consistency,
};
use http::StatusCode;
use serde_json::{Map, json};

use crate::{
    ApiError, App, Caller, Conflict, SchoolArea,
    app::SmsJob,
    sms_rules::{Rules, Taken, asked_everyone},
};

/// Most messages of one batch.
pub const MAX_RECEIVERS: usize = 2_000;
/// Parts of one message.
pub const MAX_SEGMENTS: usize = 10;
/// How long a message is tried.
const VALIDITY_SECONDS: i64 = 24 * 3_600;

/// How a school sends.
pub struct Sender {
    /// The app as which it sends.
    pub sms_app: SmsApp,
    /// Link or pool.
    pub esme: i64,
    /// What phones show.
    pub source: String,
    /// Whether guardians hear of absences as they are entered.
    pub tells_absences: bool,
    rules: Rules,
}

/// The link or pool and the sender of a school that has chosen none.
#[must_use]
pub fn defaults(app: &App, db: &TenantDb) -> (Option<i64>, String) {
    let source = sender_of(&db.school().school().name);
    (app.settings.sms.default_esme, source)
}

impl Sender {
    /// How the caller's school sends: as its settings say, or by the platform's own link under its name. Its app is made where it has none.
    pub async fn of(caller: &Caller<SchoolArea>) -> Result<Self, ApiError> {
        let saved = settings::find(&caller.db).await?;
        Self::with(caller, saved).await
    }

    /// The same for settings that were read already.
    pub async fn with(
        caller: &Caller<SchoolArea>,
        saved: Option<SettingsRow>,
    ) -> Result<Self, ApiError> {
        let app = &caller.app;
        let (esme, source, tells_absences) = match saved {
            Some(row) => (row.esme, row.source, row.tells_absences),
            None => {
                let (esme, source) = defaults(app, &caller.db);
                let esme = esme.ok_or(Conflict::SmsNotSetUp)?;
                (esme, source, false)
            }
        };
        let sms_app = match app.school_sms_app(&caller.context, &caller.db).await? {
            Some(known) => known,
            None => make_app(caller).await?,
        };
        if !sms_app.is_active {
            return Err(ApiError::Forbidden {
                code: "sms_disabled",
                detail:
                    "The platform's administrators have switched text messages off for this school."
                        .into(),
            });
        }
        let link = app.sms_link(&caller.context, esme).await?;
        if link.is_some_and(|link| !link.is_enabled) {
            return Err(Conflict::LinkDisabled.into());
        }
        let rules = Rules::at(&sms_app, &caller.db.school().school().timezone)?;
        Ok(Self {
            sms_app,
            esme,
            source,
            tells_absences,
            rules,
        })
    }
}

/// Makes the app as which a school sends. Somebody else may be faster.
pub async fn make_app(caller: &Caller<SchoolArea>) -> Result<SmsApp, ApiError> {
    let school = caller.db.school();
    let control = ControlDb::open(
        &*caller.app.ports.databases,
        &Consistency::Latest,
        &caller.context.trace.aside(),
    )?;
    if let Some(known) = sms_apps::find_of_school(&control, school.id()).await? {
        return Ok(known);
    }
    sms_apps::make_of_school(school.id(), &school.school().name, caller.context.now)
        .commit(&control)
        .await?;
    let made = sms_apps::find_of_school(&control, school.id()).await?;
    made.ok_or_else(|| ApiError::Internal("an app that was made is not there".into()))
}

/// What is the same for all messages of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// 0 to 3; 3 is sent during quiet hours too.
    pub priority: u8,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    pub transliterate: bool,
}

/// A text that somebody is to get.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The guardian, where it is one.
    pub guardian: Option<Id<()>>,
    /// The student whom it is about.
    pub student: Option<Id<()>>,
    /// Who that is, for people.
    pub name: String,
    /// The phone number; none: it has none.
    pub number: Option<String>,
    /// Whether it agreed to text messages.
    pub agrees: bool,
    /// The text.
    pub text: String,
}

/// Why somebody is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The student has no guardian, or none who is called first where only those are meant.
    NoGuardian,
    /// The text names a student, and the guardian has none.
    NoStudent,
    /// There is no phone number, or none in international form.
    NoNumber,
    /// The guardian did not agree to text messages.
    NoConsent,
    /// The text has too many parts.
    TooLong,
    /// The contact policy forbids it, or the receiver.
    Policy(Refusal),
}

impl Why {
    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoGuardian => "no_guardian",
            Self::NoStudent => "no_student",
            Self::NoNumber => "no_number",
            Self::NoConsent => "no_consent",
            Self::TooLong => "too_long",
            Self::Policy(refusal) => refusal.code(),
        }
    }

    /// It in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoGuardian => "there is no guardian to write to",
            Self::NoStudent => "the text names a student, and the guardian has none at the school",
            Self::NoNumber => "there is no phone number in international form",
            Self::NoConsent => "the guardian did not agree to text messages",
            Self::TooLong => "the text has more than 10 parts with these names in it",
            Self::Policy(refusal) => refusal.words(),
        }
    }

    /// The answer where there is only one receiver.
    #[must_use]
    pub fn refusal(self) -> ApiError {
        match self {
            Self::TooLong => ApiError::field(
                "message",
                &format!("The message takes more than {MAX_SEGMENTS} parts."),
            ),
            _ => ApiError::gateway(StatusCode::FORBIDDEN, self.code(), self.words()),
        }
    }
}

/// A text that can be sent.
#[derive(Clone, Debug)]
pub struct Fit {
    wanted: Wanted,
    address: Address,
    length: TextLength,
    send_at: Option<Timestamp>,
}

/// Who gets a text, and who does not.
#[derive(Clone, Debug, Default)]
pub struct Weighed {
    /// Who does.
    pub fit: Vec<Fit>,
    /// Who does not.
    pub left_out: Vec<(Wanted, Why)>,
}

impl Weighed {
    /// Parts of all texts together.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.fit.iter().map(|fit| fit.length.segments).sum()
    }

    /// Who is left out, as it is told.
    #[must_use]
    pub fn rejected(&self) -> Vec<LeftOut> {
        let told = |(wanted, why): &(Wanted, Why)| LeftOut {
            guardian: wanted.guardian,
            student: wanted.student,
            name: wanted.name.clone(),
            code: why.code().to_owned(),
            error: why.words().to_owned(),
        };
        self.left_out.iter().map(told).collect()
    }
}

/// The texts for an audience: one for each guardian and student where it says something else of every student, otherwise one for each
/// guardian.
pub fn texts(found: &Found, template: &Template, school: &str) -> Result<Weighed, ApiError> {
    if found.pairs.len() > MAX_PAIRS {
        return Err(too_many());
    }
    let mut seen: HashSet<Id<()>> = HashSet::new();
    let mut texts = Weighed::default();
    let mut wanted = Vec::new();
    for pair in &found.pairs {
        let (Some(guardian), student) = (pair.guardian, pair.student) else {
            texts
                .left_out
                .push((addressed(pair, String::new(), true), Why::NoGuardian));
            continue;
        };
        if template.is_personal() {
            if student.is_none() {
                texts
                    .left_out
                    .push((addressed(pair, String::new(), true), Why::NoStudent));
                continue;
            }
        } else if !seen.insert(guardian) {
            continue;
        }
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let text = template.fill(&name(&pair.student_name), &name(&pair.class_name), school);
        wanted.push(addressed(pair, text, template.is_personal()));
    }
    if wanted.len() > MAX_RECEIVERS {
        return Err(too_many());
    }
    for wanted in wanted {
        texts.add(wanted);
    }
    Ok(texts)
}

fn too_many() -> ApiError {
    ApiError::field(
        "audience",
        &format!("These are more than {MAX_RECEIVERS} receivers: write to them in parts."),
    )
}

fn addressed(pair: &Pair, text: String, is_about_student: bool) -> Wanted {
    let name = pair.guardian_name.as_ref().or(pair.student_name.as_ref());
    Wanted {
        guardian: pair.guardian,
        student: pair.student.filter(|_| is_about_student),
        name: name.cloned().unwrap_or_default(),
        number: pair.phone_number.clone(),
        agrees: pair.agrees,
        text,
    }
}

impl Weighed {
    /// Adds a text, by what it says of its receiver itself; the length is counted by [`Sender::weigh`].
    pub fn add(&mut self, wanted: Wanted) {
        // A number as it is dialled within a country is none that can be sent to, however short.
        let number = wanted
            .number
            .as_deref()
            .filter(|number| !number.starts_with('0'));
        let address = number.map(Address::receiver);
        match address {
            Some(Ok(address)) if wanted.agrees => {
                let length = text::check(&wanted.text, false);
                self.fit.push(Fit {
                    wanted,
                    address,
                    length,
                    send_at: None,
                });
            }
            Some(Ok(_)) => self.left_out.push((wanted, Why::NoConsent)),
            _ => self.left_out.push((wanted, Why::NoNumber)),
        }
    }
}

impl Sender {
    /// Leaves out who may not be written to now. Only reads.
    pub async fn weigh(
        &self,
        caller: &Caller<SchoolArea>,
        texts: Weighed,
        wishes: &Wishes,
    ) -> Result<Weighed, ApiError> {
        let (app, now) = (&*caller.app, caller.context.now);
        let Weighed { fit, mut left_out } = texts;
        let receivers: Vec<(&str, &str)> = fit
            .iter()
            .map(|fit| (fit.address.as_str(), fit.wanted.text.as_str()))
            .collect();
        let numbers: Vec<&str> = receivers.iter().map(|(number, _)| *number).collect();
        let known = contacts::look_up(&caller.db, self.sms_app.id, &receivers, now).await?;
        let everywhere = if numbers.is_empty() {
            Vec::new()
        } else {
            asked_everyone(app, &caller.context.trace, &numbers).await?
        };
        // What is sent with this very request counts as well.
        let mut here: HashMap<String, Vec<String>> = HashMap::new();
        let mut good = Vec::with_capacity(fit.len());
        for (mut fit, mut contact) in fit.into_iter().zip(known) {
            fit.length = text::check(&fit.wanted.text, wishes.transliterate);
            if fit.length.segments > MAX_SEGMENTS {
                left_out.push((fit.wanted, Why::TooLong));
                continue;
            }
            let number = fit.address.as_str().to_owned();
            let before = here.entry(number.clone()).or_default();
            count_in(&mut contact, before, &fit.wanted.text, now);
            contact.opted_out |= everywhere.contains(&number);
            let wish = Wish {
                priority: wishes.priority,
                send_at: wishes.send_at,
                valid_until: None,
            };
            match self.rules.admit(app, wish, &contact, now) {
                Ok(send_at) => {
                    before.push(fit.wanted.text.clone());
                    good.push(Fit { send_at, ..fit });
                }
                Err(refusal) => left_out.push((fit.wanted, Why::Policy(refusal))),
            }
        }
        Ok(Weighed {
            fit: good,
            left_out,
        })
    }

    /// Takes what the texts need of the school's limits and makes messages of them: 429 where there is not enough.
    pub async fn prepare<'a>(
        &'a self,
        caller: &'a Caller<SchoolArea>,
        fit: Vec<Fit>,
        wishes: &Wishes,
        batch_id: Option<SmsBatchId>,
    ) -> Result<Prepared<'a>, ApiError> {
        let parts = fit.iter().map(|fit| fit.length.segments).sum();
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
                    numbering: Numbering::default(),
                    transliterate: wishes.transliterate,
                    encoding: fit.length.encoding.name(),
                    segments: fit.length.segments,
                    priority: wishes.priority,
                    send_at: fit.send_at,
                    valid_until: Some(leaves.plus_seconds(VALIDITY_SECONDS)),
                    created_by: created_by.clone(),
                },
            }
        };
        Ok(Prepared {
            caller,
            app_id: self.sms_app.id,
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
        let mut batch = batches::insert(&stamp, self.prepared.app_id, &self.new);
        batch.append(self.prepared.batch());
        batch
    }

    /// Parts of all messages.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.prepared.parts
    }
}

/// Adds to what is known of a receiver what the same request sends it.
fn count_in(contact: &mut Contact, before: &[String], text: &str, now: Timestamp) {
    let count = u32::try_from(before.len()).unwrap_or(u32::MAX);
    contact.last_day = contact.last_day.saturating_add(count);
    contact.last_week = contact.last_week.saturating_add(count);
    if before.iter().any(|known| known == text) {
        contact.same_text_at = Some(now);
    }
}

/// Messages that are counted and not stored yet.
#[must_use = "what was taken of the limits is given back by `settle` where nothing was stored"]
pub struct Prepared<'a> {
    caller: &'a Caller<SchoolArea>,
    app_id: i64,
    /// The messages.
    pub messages: Vec<Addressed>,
    taken: Option<Taken<'a>>,
    parts: usize,
}

impl Prepared<'_> {
    /// What stores them, to be put into the batch of what they tell of.
    #[must_use]
    pub fn batch(&self) -> Batch {
        messages::insert(self.app_id, &self.messages, self.caller.context.now)
    }

    /// Once that batch was carried out, puts the messages into the queue; where it was refused, gives back what they took. What does not get
    /// into the queue is found by the sweep.
    pub async fn settle<T>(self, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
        match &outcome {
            Ok(_) => {
                let ids: Vec<SmsMessageId> =
                    self.messages.iter().map(|each| each.message.id).collect();
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

/// Refuses an audience of which something does not exist.
pub fn all_exist(found: &Found, audience: &Audience) -> Result<(), ApiError> {
    let Some(first) = found.missing.first() else {
        return Ok(());
    };
    let kind = match audience {
        Audience::Everyone | Audience::Students(_) => "student",
        Audience::Registrations(_) => "registration",
        Audience::Classes(_) => "class of a session",
        Audience::Forms(_) => "form",
        Audience::Guardians(_) => "guardian",
    };
    Err(ApiError::field(
        "audience.ids",
        &format!("There is no such {kind}: {first}."),
    ))
}
