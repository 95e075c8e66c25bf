//! The Worker's events: requests, jobs of the queues, and the minute.

use homeroom_edge::{
    App,
    worker::{self as edge, Area},
};
use js_sys::{Array, JSON, Reflect};
use serde::de::DeserializeOwned;
use serde_json::json;
use wasm_bindgen::prelude::*;
use worker::web_sys::{Request, Response};
use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event};

use super::{Fate, deliver, router, sweep, tell_apps};

thread_local! {
    static AREA: Area = const { Area::new() };
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    edge::fetch(request, env, context, &AREA, router).await
}

#[wasm_bindgen]
extern "C" {
    /// A message of the queue, with the two ways in which it ends.
    type Message;
    #[wasm_bindgen(method)]
    fn ack(this: &Message);
    #[wasm_bindgen(method)]
    fn retry(this: &Message, options: &JsValue);
}

/// How the name of the queue of callbacks ends in `wrangler.toml`; the other is the bridge's.
const CALLBACKS: &str = "-callbacks";

/// Jobs of a queue.
#[wasm_bindgen]
pub async fn queue(batch: JsValue, env: Env, _: JsValue) {
    let name = property(&batch, "queue").as_string().unwrap_or_default();
    if name.ends_with(CALLBACKS) {
        work(&batch, &name, env, tell_apps).await;
    } else {
        work(&batch, &name, env, deliver).await;
    }
}

/// Each message is ended by itself; what the macro of `worker` would make of an error is a panic.
async fn work<T: DeserializeOwned>(
    batch: &JsValue,
    name: &str,
    env: Env,
    does: impl AsyncFnOnce(&App, &[(T, u32)]) -> Vec<Fate>,
) {
    let mut messages: Vec<Message> = Vec::new();
    let mut jobs: Vec<(T, u32)> = Vec::new();
    for message in Array::from(&property(batch, "messages")) {
        let attempts = property(&message, "attempts").as_f64().unwrap_or(1.0);
        let body = JSON::stringify(&property(&message, "body"));
        let body = body.ok().and_then(|text| text.as_string());
        let job = body.and_then(|text| serde_json::from_str(&text).ok());
        let message: Message = message.unchecked_into();
        match job {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a queue gives up after at most 100 attempts"
            )]
            Some(job) => {
                messages.push(message);
                jobs.push((job, attempts as u32));
            }
            // Nobody can make anything of it, now or later.
            None => message.ack(),
        }
    }
    edge::scheduled(env, async |app| {
        let fates = does(&app, &jobs).await;
        let waiting = fates.iter().filter(|fate| **fate != Fate::Done).count();
        for (message, fate) in messages.iter().zip(&fates) {
            match fate {
                Fate::Done => message.ack(),
                Fate::Retry { seconds } => message.retry(&delay(*seconds)),
            }
        }
        let level = if waiting == 0 { "info" } else { "warn" };
        edge::log_line(
            &json!({"level": level, "event": "queue", "queue": name, "jobs": jobs.len(), "waiting": waiting}),
        );
    })
    .await;
}

fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn delay(seconds: u32) -> JsValue {
    let options = js_sys::Object::new();
    // A plain object takes every property.
    let _ = Reflect::set(&options, &"delaySeconds".into(), &seconds.into());
    options.into()
}

#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    edge::scheduled(env, async |app| {
        let line = match sweep(&app).await {
            Ok(found) => json!({"level": "info", "event": "sms_sweep", "found": found}),
            Err(error) => {
                json!({"level": "error", "event": "sms_sweep", "error": error.to_string()})
            }
        };
        edge::log_line(&line);
    })
    .await;
}
