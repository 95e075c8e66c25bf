//! What stands between a message that is right and one that is sent: the app's contact policy, and its limits.

use homeroom_domain::sms::policy::{Contact, Decision, Policy, Refusal, Wish};
use homeroom_kernel::Timestamp;
use homeroom_objects::sms_quota::{Limit, Limits, QuotaReply, QuotaRequest, object_name};
use homeroom_store::{
    ControlDb, StoreError, Trace,
    control::sms_apps::SmsApp,
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

/// Parts that were taken from an app's limits.
pub struct Taken<'a> {
    app: &'a App,
    object: String,
    at: i64,
}

impl<'a> Taken<'a> {
    /// Takes all of this, or nothing: 429 then. Of the rate, a batch takes the burst at most: links pace what leaves.
    pub async fn take(
        app: &'a App,
        sms_app: &SmsApp,
        messages: usize,
        parts: usize,
    ) -> Result<Self, ApiError> {
        let object = object_name(sms_app.id);
        let request = QuotaRequest::Take {
            messages: u32::try_from(messages)
                .unwrap_or(u32::MAX)
                .min(sms_app.burst),
            parts: u32::try_from(parts).unwrap_or(u32::MAX),
            limits: Limits {
                rate_per_second: sms_app.rate_per_second,
                burst: sms_app.burst,
                daily_parts: sms_app.daily_parts,
                monthly_parts: sms_app.monthly_parts,
            },
        };
        match app.ports.quotas.ask(&object, request).await? {
            QuotaReply::Granted { taken_at } => Ok(Self {
                app,
                object,
                at: taken_at,
            }),
            QuotaReply::Refused { limit, retry_after } => Err(over(limit, retry_after)),
            QuotaReply::Released => Err(ApiError::Internal(
                "the limiter answered another question".into(),
            )),
        }
    }

    /// Gives back parts that were not stored. What does not get through costs the app some of its day, and nobody else anything.
    pub async fn give_back(&self, parts: usize) {
        let request = QuotaRequest::Release {
            parts: u32::try_from(parts).unwrap_or(u32::MAX),
            taken_at: self.at,
        };
        let _ = self.app.ports.quotas.ask(&self.object, request).await;
    }
}

fn over(limit: Limit, retry_after: u32) -> ApiError {
    let (code, detail) = match limit {
        Limit::Rate => ("rate_limited", "rate limit exceeded"),
        Limit::Day => ("daily_quota", "daily quota exceeded"),
        Limit::Month => ("monthly_quota", "monthly quota exceeded"),
    };
    ApiError::OverLimit {
        code,
        detail,
        retry_after,
    }
}
