//! Who gets a text of a school, and who does not.

use std::collections::{HashMap, HashSet};

use homeroom_domain::sms::{
    cut::NOTHING_LEFT,
    number::Address,
    policy::{Contact, Refusal, Wish},
    school::Template,
    segments::TextError,
    text::{self, TextLength},
};
use homeroom_kernel::{Id, Timestamp};
use homeroom_store::sms::{
    contacts,
    school::{
        audience::{Audience, Found, MAX_PAIRS, Pair},
        batches::LeftOut,
    },
};
use http::StatusCode;

use super::{Sender, Wishes};
use crate::{ApiError, Caller, SchoolArea, sms_rules::asked_everyone};

/// Most messages of one batch.
pub const MAX_RECEIVERS: usize = 2_000;

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
    /// Nothing of the text is left once it is written in the GSM alphabet.
    Blank,
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
            Self::Blank => "blank",
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
            Self::TooLong => "the text takes too many parts with these names in it",
            Self::Blank => "nothing of the text is left once it is written in the GSM alphabet",
            Self::Policy(refusal) => refusal.words(),
        }
    }

    /// The answer where there is only one receiver.
    #[must_use]
    pub fn refusal(self) -> ApiError {
        match self {
            Self::TooLong => ApiError::field(
                "message",
                "The message takes more parts than are sent of one.",
            ),
            Self::Blank => ApiError::field("message", NOTHING_LEFT),
            _ => ApiError::gateway(StatusCode::FORBIDDEN, self.code(), self.words()),
        }
    }
}

impl From<TextError> for Why {
    fn from(error: TextError) -> Self {
        match error {
            TextError::TooLong { .. } => Self::TooLong,
            TextError::Empty | TextError::Unwritable(_) => Self::Blank,
        }
    }
}

/// A text that can be sent.
#[derive(Clone, Debug)]
pub struct Fit {
    pub(super) wanted: Wanted,
    pub(super) address: Address,
    pub(super) length: TextLength,
    pub(super) send_at: Option<Timestamp>,
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
        self.fit.iter().map(|fit| fit.length.on_air).sum()
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
        // Without a plus it may be as it is dialled within a country, its zero lost in a spreadsheet: read as another one it is somebody else's.
        let number = wanted
            .number
            .as_deref()
            .filter(|number| number.starts_with('+'));
        let address = number.map(Address::receiver);
        match address {
            Some(Ok(address)) if wanted.agrees => {
                let length = text::measure(&wanted.text);
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
            let admitted = self.cuts.admit(&fit.wanted.text, wishes.transliterate);
            fit.length = match admitted {
                Ok(length) => length,
                Err(error) => {
                    left_out.push((fit.wanted, error.into()));
                    continue;
                }
            };
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
