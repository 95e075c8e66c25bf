//! Callbacks: an app says where it wants to be told what became of its messages, and of messages from phones.

pub(crate) mod deliveries;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod tell;

use std::collections::BTreeSet;

use homeroom_domain::webhooks::MAX_URL;
use homeroom_edge::{ApiError, App, app::CallbackJob, sms::AppCaller, telling};
use homeroom_kernel::{Fields, rules};
use homeroom_store::sms::{callbacks, messages::Callback};
use serde_json::Value;

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

/// Reads an address. That it is somewhere is checked with what the deployment says.
fn url(value: &Value) -> Result<String, String> {
    rules::text(1, MAX_URL)(value)
}

fn level(value: &Value) -> Result<u8, String> {
    let level = rules::integer(1, 3)(value)?;
    u8::try_from(level).map_err(|error| error.to_string())
}

/// Reads where the sender of messages wants to be told of them.
pub(crate) fn read(fields: &mut Fields) -> Option<Callback> {
    let url = fields.nullable("callback_url", url);
    let level = fields.nullable("callback_level", level);
    Some(Callback {
        url: url?.flatten(),
        level: level?.flatten(),
    })
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
