//! What stands between a message that is right and one that is sent: the app's contact policy, and its limits.

use homeroom_domain::{
    SmsMessageId,
    sms::policy::{Contact, Decision, Policy, Refusal, Wish},
};
use homeroom_kernel::Timestamp;
use homeroom_objects::sms_quota::{
    Limit, Limits, QuotaReply, QuotaRequest, object_name, object_name_of_school,
};
use homeroom_store::{
    Batch, ControlDb, StoreError, Trace,
    control::sms_apps::{OF_A_SCHOOL, SmsApp},
    sms::{SmsDb, contacts},
    sql::Consistency,
};
use http::StatusCode;

use crate::{ApiError, App};

/// An app's contact policy, with the time zone that it means.
pub struct Rules {
    policy: Policy,
    timezone: String,
}

impl Rules {
    /// Those of an app whose messages lie in this database.
    pub fn of(app: &SmsApp, db: &SmsDb) -> Result<Self, ApiError> {
        match db {
            SmsDb::Platform(_) => Self::at(app, "UTC"),
            SmsDb::School(db) => Self::at(app, &db.school().school().timezone),
        }
    }

    /// Those of an app, with the time zone of where it is.
    pub fn at(app: &SmsApp, place: &str) -> Result<Self, ApiError> {
        let policy = Policy::from_stored(app.policy.clone()).map_err(|_| {
            ApiError::Internal(format!("the policy of app {} is unreadable", app.id))
        })?;
        let timezone = policy.timezone.clone();
        Ok(Self {
            policy,
            timezone: timezone.unwrap_or_else(|| place.to_owned()),
        })
    }

    /// What refuses messages that break the policy once they are stored, since other requests were faster.
    #[must_use]
    pub fn guard(&self, app_id: i64, ids: &[SmsMessageId], now: Timestamp) -> Batch {
        contacts::guard(app_id, ids, (&self.policy).into(), now)
    }

    /// When a message may leave; now where there is no time.
    pub fn admit(
        &self,
        app: &App,
        wish: impl Into<Wish>,
        contact: &Contact,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let wish = wish.into();
        let clock = |moment| app.ports.clock.local(moment, &self.timezone);
        match self.policy.decide(&wish, contact, now, clock) {
            Decision::Send { at } => Ok(at),
            Decision::Refuse(refusal) => Err(refusal),
        }
    }
}

/// Refuses a policy with a time zone that the runtime does not know, on the field that names it.
pub fn check_timezone(
    app: &App,
    policy: &Policy,
    now: Timestamp,
    field: &str,
) -> Result<(), ApiError> {
    match &policy.timezone {
        Some(zone) if app.ports.clock.local(now, zone).is_none() => {
            Err(ApiError::field(field, "There is no such time zone."))
        }
        _ => Ok(()),
    }
}

/// The answer to a message whose receiver is not written to.
#[must_use]
pub fn refused(refusal: Refusal) -> ApiError {
    ApiError::gateway(StatusCode::FORBIDDEN, refusal.code(), refusal.words())
}

/// Those of these numbers that want no messages from anybody, for a database that does not know them: a school's.
pub async fn opted_out_of_all(
    app: &App,
    db: &SmsDb,
    trace: &Trace,
    numbers: &[&str],
) -> Result<Vec<String>, StoreError> {
    match db {
        SmsDb::Platform(_) => Ok(Vec::new()),
        SmsDb::School(_) => asked_everyone(app, trace, numbers).await,
    }
}

/// Those of these numbers that want no messages from anybody.
pub async fn asked_everyone(
    app: &App,
    trace: &Trace,
    numbers: &[&str],
) -> Result<Vec<String>, StoreError> {
    let databases = &*app.ports.databases;
    let control = ControlDb::open(databases, &Consistency::Latest, &trace.aside())?;
    contacts::list_opted_out_of_all(&control, numbers).await
}

/// Parts that were taken from the limits of an app and of its school.
pub struct Taken<'a> {
    app: &'a App,
    /// What counted them, and when.
    counted: Vec<(String, i64)>,
}

/// What counts an app's messages, what it allows, and whose that is: the app's own counter, and its school's, whose terms are those of the app
/// as which it sends itself. That one has no other.
fn counters(sms_app: &SmsApp) -> Vec<(String, Limits, Whose)> {
    let own = Limits {
        rate_per_second: sms_app.rate_per_second,
        burst: sms_app.burst,
        daily_parts: sms_app.daily_parts,
        monthly_parts: sms_app.monthly_parts,
    };
    let mut counters = Vec::new();
    if sms_app.account_id.is_some() {
        counters.push((object_name(sms_app.id), own, Whose::App));
    }
    if let Some(tenant) = sms_app.tenant {
        let [rate, burst, day, month] = sms_app.of_school.unwrap_or(OF_A_SCHOOL);
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let all = Limits {
            rate_per_second: count(rate),
            burst: count(burst),
            daily_parts: day,
            monthly_parts: month,
        };
        counters.push((
            object_name_of_school(&tenant.to_string()),
            all,
            Whose::School,
        ));
    }
    counters
}

impl<'a> Taken<'a> {
    /// Takes all of this, or nothing: 429 then. Of the rate, a batch takes the burst at most: links pace what leaves.
    pub async fn take(
        app: &'a App,
        sms_app: &SmsApp,
        messages: usize,
        parts: usize,
    ) -> Result<Self, ApiError> {
        let mut taken = Self {
            app,
            counted: Vec::new(),
        };
        for (object, limits, whose) in counters(sms_app) {
            let request = QuotaRequest::Take {
                messages: u32::try_from(messages)
                    .unwrap_or(u32::MAX)
                    .min(limits.burst),
                parts: u32::try_from(parts).unwrap_or(u32::MAX),
                limits,
            };
            let refused = match app.ports.quotas.ask(&object, request).await {
                Ok(QuotaReply::Granted { taken_at }) => {
                    taken.counted.push((object, taken_at));
                    continue;
                }
                Ok(QuotaReply::Refused { limit, retry_after }) => over(whose, limit, retry_after),
                Ok(QuotaReply::Released) => {
                    ApiError::Internal("the limiter answered another question".into())
                }
                Err(error) => error.into(),
            };
            taken.give_back(parts).await;
            return Err(refused);
        }
        Ok(taken)
    }

    /// Gives back parts that were not stored. What does not get through costs the app some of its day, and nobody else anything.
    pub async fn give_back(&self, parts: usize) {
        for (object, taken_at) in &self.counted {
            let request = QuotaRequest::Release {
                parts: u32::try_from(parts).unwrap_or(u32::MAX),
                taken_at: *taken_at,
            };
            let _ = self.app.ports.quotas.ask(object, request).await;
        }
    }
}

#[derive(Clone, Copy)]
enum Whose {
    App,
    School,
}

fn over(whose: Whose, limit: Limit, retry_after: u32) -> ApiError {
    let (code, detail) = match (limit, whose) {
        (Limit::Rate, Whose::App) => ("rate_limited", "rate limit exceeded"),
        (Limit::Day, Whose::App) => ("daily_quota", "daily quota exceeded"),
        (Limit::Month, Whose::App) => ("monthly_quota", "monthly quota exceeded"),
        (Limit::Rate, Whose::School) => ("rate_limited", "rate limit of the school exceeded"),
        (Limit::Day, Whose::School) => ("daily_quota", "daily quota of the school exceeded"),
        (Limit::Month, Whose::School) => ("monthly_quota", "monthly quota of the school exceeded"),
    };
    ApiError::OverLimit {
        code,
        detail,
        retry_after,
    }
}
