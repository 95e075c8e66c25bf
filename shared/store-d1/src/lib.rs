//! The SQL port over D1: with the edge's adapter, the only place that knows JavaScript values.
#![cfg(target_arch = "wasm32")]

use futures_util::future::BoxFuture;
use homeroom_store::sql::{
    Carried, Consistency, Databases, Outcome, Session, SqlError, Statement, Value,
};
use js_sys::{JSON, Promise, Reflect};
use serde_json::value::RawValue;
use wasm_bindgen::prelude::*;
use worker::{
    Env,
    send::{SendFuture, SendWrapper},
};

#[wasm_bindgen(module = "/src/d1.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = openSession)]
    fn open_session(database: &JsValue, constraint: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = runBatch)]
    fn run_batch(session: &JsValue, statements: &str) -> Promise;
}

/// The databases that are bound to this Worker.
pub struct D1Databases(SendWrapper<Env>);

impl D1Databases {
    /// The databases of a Worker's environment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self(SendWrapper::new(env))
    }
}

impl Databases for D1Databases {
    fn open(&self, binding: &str, consistency: &Consistency) -> Result<Box<dyn Session>, SqlError> {
        let database = Reflect::get(self.0.as_ref(), &binding.into()).unwrap_or(JsValue::UNDEFINED);
        if database.is_undefined() {
            return Err(SqlError::Other(format!("there is no binding {binding}")));
        }
        let constraint = match consistency {
            Consistency::Any => "first-unconstrained",
            Consistency::Latest => "first-primary",
            Consistency::After(bookmark) => bookmark,
        };
        let session = open_session(&database, constraint).map_err(|error| failure(&error))?;
        Ok(Box::new(D1Session(SendWrapper::new(session))))
    }
}

struct D1Session(SendWrapper<JsValue>);

impl Session for D1Session {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Carried, SqlError>> {
        // One string in, one string out: crossing the boundary per row and column costs more than JSON.
        let text: Vec<(&str, &[Value])> = statements
            .iter()
            .map(|statement| (&*statement.sql, &*statement.params))
            .collect();
        let text = serde_json::to_string(&text);
        Box::pin(SendFuture::new(async move {
            let text = text.map_err(|error| SqlError::Other(error.to_string()))?;
            let promise = run_batch(&self.0, &text);
            let answer = worker::wasm_bindgen_futures::JsFuture::from(promise)
                .await
                .map_err(|error| failure(&error))?;
            let answer = answer.as_string().unwrap_or_default();
            let (bookmark, outcomes): (Option<String>, Vec<(u64, Box<RawValue>)>) =
                serde_json::from_str(&answer)
                    .map_err(|error| SqlError::Other(error.to_string()))?;
            let outcomes = outcomes
                .into_iter()
                .map(|(changes, rows)| Outcome {
                    rows: Box::<str>::from(rows).into_string(),
                    changes,
                })
                .collect();
            Ok(Carried { outcomes, bookmark })
        }))
    }
}

fn failure(error: &JsValue) -> SqlError {
    let message = Reflect::get(error, &"message".into())
        .ok()
        .and_then(|message| message.as_string());
    let message = message
        .or_else(|| JSON::stringify(error).ok().map(String::from))
        .unwrap_or_default();
    SqlError::from_message(&message)
}
