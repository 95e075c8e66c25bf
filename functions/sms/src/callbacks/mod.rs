//! Callbacks: an app says where it wants to be told what became of its messages, and of messages from phones.

pub(crate) mod deliveries;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod tell;

use std::collections::BTreeSet;

use homeroom_edge::{ApiError, App, app::CallbackJob, sms::AppCaller, telling};
use homeroom_store::sms::{callbacks, messages::Callback};

use crate::adapter::{Fate, delay};

/// Tells apps by jobs, each with how often it was tried, this time included. One of several for a database does it for all.
pub async fn tell_apps(app: &App, jobs: &[(CallbackJob, u32)]) -> Vec<Fate> {
    let mut told = BTreeSet::new();
    let mut fates = Vec::with_capacity(jobs.len());
    for (job, attempts) in jobs {
        fates.push(if told.insert(job.tenant) {
            tell::tell(app, job.tenant, delay(*attempts)).await
        } else {
            Fate::Done
        });
    }
    fates
}

fn check(app: &App, field: &str, url: Option<&str>) -> Result<(), ApiError> {
    url.map_or(Ok(()), |url| telling::check_url(app, field, url))
}

/// Refuses an address of messages that is none, and one of an app that has nothing to sign with.
pub(crate) async fn admit(caller: &AppCaller, wanted: &Callback) -> Result<(), ApiError> {
    let Some(url) = &wanted.url else {
        return Ok(());
    };
    check(&caller.app, "callback_url", Some(url))?;
    let known = callbacks::find_settings(&caller.db, caller.sms_app.id).await?;
    if known.is_none() {
        return Err(ApiError::field(
            "callback_url",
            "This app has no secret to sign with yet: PUT /api/v1/sms/callbacks makes one.",
        ));
    }
    Ok(())
}
