//! The queues and the bridge, as a Worker reaches them.

use futures_util::future::BoxFuture;
use homeroom_kernel::{Clock, Entropy};
use homeroom_sms_contract::{
    signature,
    submit::{
        CANCELLATIONS_PATH, Cancellation, Cancelled, LINKS_PATH, Links, SUBMISSIONS_PATH,
        Submissions, Submitted,
    },
};
use js_sys::{Array, Promise};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{Env, send::SendFuture};

use super::{Bound, Runtime, failure, text};
use crate::app::{
    Bridge, CallbackJob, CallbackQueue, Outside, PortError, SmsJob, SmsQueue, SmsSettings,
};

#[wasm_bindgen(module = "/src/edge.js")]
extern "C" {
    #[wasm_bindgen(js_name = askBridge)]
    fn ask_bridge(url: &str, method: &str, headers: &str, body: Option<&str>) -> Promise;
    #[wasm_bindgen(js_name = postOutside)]
    fn post_outside(url: &str, headers: &str, body: &str) -> Promise;
    #[wasm_bindgen(js_name = putIntoQueue)]
    fn put_into_queue(queue: &JsValue, jobs: &str) -> Promise;
}

const QUEUE: &str = "SMS_QUEUE";
const CALLBACKS: &str = "SMS_CALLBACKS";
const URL: &str = "BRIDGE_URL";
const SECRET: &str = "BRIDGE_SECRET";
/// Cloudflare's limit of one call.
const MAX_PUT: usize = 100;

/// What a deployment says of text messages; what it does not say is as careful as can be.
pub(super) fn settings(env: &Env) -> SmsSettings {
    let variable = |name: &str| env.var(name).map(|value| value.to_string()).ok();
    let secret = |name: &str| {
        let value = env.secret(name).ok()?.to_string();
        Some(value).filter(|value| !value.trim().is_empty())
    };
    SmsSettings {
        needs_approval: variable("SMS_REGISTRATION").as_deref() != Some("open"),
        admin_key: secret("SMS_ADMIN_KEY").map(SecretString::from),
        bridge_secrets: secret(SECRET).map_or_else(Vec::new, |text| secrets(&text)),
        default_esme: variable("SMS_DEFAULT_ESME").and_then(|number| number.parse().ok()),
        hides_monitoring: variable("MONITORING").as_deref() != Some("public"),
    }
}

/// Several, separated by commas, while one is replaced: so none has a comma in it.
fn secrets(text: &str) -> Vec<SecretString> {
    let good = |one: &&str| one.len() >= signature::MIN_SECRET;
    let each = text.split(',').map(str::trim).filter(good);
    each.map(SecretString::from).collect()
}

impl SmsQueue for Bound {
    fn put<'a>(&'a self, jobs: &'a [SmsJob]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(SendFuture::new(async move {
            for some in jobs.chunks(MAX_PUT) {
                self.put_into(QUEUE, &text(&some)?).await?;
            }
            Ok(())
        }))
    }
}

impl CallbackQueue for Bound {
    fn put(&self, job: CallbackJob) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(SendFuture::new(async move {
            self.put_into(CALLBACKS, &text(&[job])?).await
        }))
    }
}

impl Bridge for Bound {
    fn submit<'a>(
        &'a self,
        messages: &'a Submissions,
    ) -> BoxFuture<'a, Result<Submitted, PortError>> {
        Box::pin(SendFuture::new(async move {
            read(
                &self
                    .ask("POST", SUBMISSIONS_PATH, Some(text(messages)?))
                    .await?,
            )
        }))
    }

    fn cancel<'a>(
        &'a self,
        message: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Cancelled, PortError>> {
        Box::pin(SendFuture::new(async move {
            read(
                &self
                    .ask("POST", CANCELLATIONS_PATH, Some(text(message)?))
                    .await?,
            )
        }))
    }

    fn links(&self) -> BoxFuture<'_, Result<Links, PortError>> {
        Box::pin(SendFuture::new(async move {
            read(&self.ask("GET", LINKS_PATH, None).await?)
        }))
    }

    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String, PortError>> {
        Box::pin(SendFuture::new(self.ask("GET", path, None)))
    }
}

impl Outside for Runtime {
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'a str, String)],
        body: &'a str,
    ) -> BoxFuture<'a, Result<u16, PortError>> {
        Box::pin(SendFuture::new(async move {
            let answer = JsFuture::from(post_outside(url, &text(&headers)?, body)).await;
            let answer = answer.map_err(|error| failure(&error))?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the status of an answer has three digits"
            )]
            Ok(answer.as_f64().unwrap_or_default() as u16)
        }))
    }
}

impl Bound {
    async fn put_into(&self, queue: &str, jobs: &str) -> Result<(), PortError> {
        let put = put_into_queue(&self.binding(queue)?, jobs);
        let done = JsFuture::from(put).await;
        done.map(drop).map_err(|error| failure(&error))
    }

    /// One signed request; whatever is not a success is a failure.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<String, PortError> {
        let setting = |name: &str| {
            let value = self.binding(name)?.as_string();
            value.ok_or_else(|| PortError(format!("{name} is no text")))
        };
        let (base, secrets) = (setting(URL)?, secrets(&setting(SECRET)?));
        let secret = secrets.first().ok_or_else(|| {
            PortError(format!(
                "{SECRET} has fewer than {} bytes",
                signature::MIN_SECRET
            ))
        })?;
        let mut random = [0u8; 16];
        Runtime.fill(&mut random);
        let id = homeroom_domain::credentials::encoding::hex(&random);
        let seconds = Runtime.now().seconds();
        let signed = body.as_deref().unwrap_or_default().as_bytes();
        let signature = signature::sign(secret.expose_secret().as_bytes(), &id, seconds, signed);
        let headers = serde_json::json!({
            "content-type": "application/json",
            signature::ID: id,
            signature::TIMESTAMP: seconds.to_string(),
            signature::SIGNATURE: signature,
        });
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let answer = JsFuture::from(ask_bridge(
            &url,
            method,
            &headers.to_string(),
            body.as_deref(),
        ))
        .await
        .map_err(|error| failure(&error))?;
        let answer = Array::from(&answer);
        let text = answer.get(1).as_string().unwrap_or_default();
        match answer.get(0).as_f64() {
            Some(status) if (200.0..300.0).contains(&status) => Ok(text),
            status => Err(PortError(format!(
                "the bridge answered {}",
                status.unwrap_or_default()
            ))),
        }
    }
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, PortError> {
    serde_json::from_str(answer).map_err(|error| PortError(error.to_string()))
}
