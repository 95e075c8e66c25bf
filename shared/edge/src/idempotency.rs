//! `Idempotency-Key`: the first answer to a key is the answer to all its repetitions.

use axum::response::{IntoResponse, Response};
use homeroom_domain::credentials::{self, sealed};
use homeroom_store::{
    Batch, IdentityDb, StoreError,
    identity::idempotency::{self, KeyScope, StoredAnswer},
};
use http::{HeaderValue, request::Parts};

use crate::{
    actor::Actor,
    error::ApiError,
    extract::{Area, Caller},
    reply::Answer,
};

const HEADER: &str = "idempotency-key";
const REPLAYED: &str = "idempotent-replayed";
const MAX_LENGTH: usize = 255;

/// The client's key, if it sent one.
pub(crate) struct Idempotency(Option<Keyed>);

struct Keyed {
    scope: KeyScope,
    request_hash: String,
}

impl Idempotency {
    pub(crate) fn read(parts: &Parts, actor: &Actor, body: &[u8]) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let key = value.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > MAX_LENGTH {
            return Err(ApiError::Malformed(
                "An Idempotency-Key is 1 to 255 visible ASCII characters.",
            ));
        }
        let scope = KeyScope {
            actor_id: actor.id.clone(),
            route: format!("{} {}", parts.method, parts.uri.path()),
            key: key.to_owned(),
        };
        // What the query says is part of what is asked for.
        let mut request = String::from_utf8_lossy(body);
        if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
            request = format!("{query}\n{request}").into();
        }
        let request_hash = credentials::digest(&request);
        Ok(Self(Some(Keyed {
            scope,
            request_hash,
        })))
    }

    /// Answers from the store when the key was used before.
    pub(crate) async fn replay<A: Area>(&self, caller: &Caller<A>) -> Result<(), ApiError> {
        let Some(keyed) = &self.0 else { return Ok(()) };
        match idempotency::find(&caller.db, &keyed.scope, caller.context.now).await? {
            None => Ok(()),
            Some(stored) => Err(keyed.answer_again(caller, &stored)),
        }
    }

    /// Carries out a change together with its answer. Of parallel requests with one key, one does and all answer alike.
    pub(crate) async fn commit<A: Area>(
        &self,
        caller: &Caller<A>,
        mut batch: Batch,
        answer: Answer,
    ) -> Result<Response, ApiError> {
        if let Some(keyed) = &self.0 {
            idempotency::remember(
                &mut batch,
                &keyed.scope,
                &keyed.seal(caller, &answer)?,
                caller.context.now,
            );
        }
        match batch.commit(&caller.db).await {
            Ok(()) => Ok(answer.into_response()),
            Err(error) => {
                if matches!(error, StoreError::Conflict(_)) {
                    // Perhaps the race against a request with the same key was lost: then its answer is ours too.
                    self.replay(caller).await?;
                }
                Err(error.into())
            }
        }
    }
}

impl Keyed {
    fn place(&self) -> String {
        format!(
            "{}\n{}\n{}",
            self.scope.actor_id, self.scope.route, self.scope.key
        )
    }

    fn seal<A: Area>(&self, caller: &Caller<A>, answer: &Answer) -> Result<StoredAnswer, ApiError> {
        let text =
            serde_json::to_string(answer).map_err(|error| ApiError::Internal(error.to_string()))?;
        let mut nonce = [0u8; 12];
        caller.app.ports.entropy.fill(&mut nonce);
        let keys = &caller.app.settings.keys;
        Ok(StoredAnswer {
            request_hash: self.request_hash.clone(),
            status: answer.status,
            response: sealed::seal(keys, caller.db.plane(), &self.place(), &text, nonce),
        })
    }

    fn answer_again<A: Area>(&self, caller: &Caller<A>, stored: &StoredAnswer) -> ApiError {
        if stored.request_hash != self.request_hash {
            return ApiError::KeyReused;
        }
        let keys = &caller.app.settings.keys;
        let answer = sealed::open(keys, caller.db.plane(), &self.place(), &stored.response)
            .and_then(|text| serde_json::from_str::<Answer>(&text).ok());
        match answer {
            Some(answer) => {
                let mut response = answer.into_response();
                response
                    .headers_mut()
                    .insert(REPLAYED, HeaderValue::from_static("true"));
                ApiError::Replay(Box::new(response))
            }
            None => ApiError::Internal("a stored answer cannot be opened".into()),
        }
    }
}
