//! Telling servers of others: signed as Standard Webhooks says, at least once, each by one deliverer at a time, for a day.

use futures_util::future::join_all;
use homeroom_domain::{
    credentials::{Plane, sealed},
    webhooks,
};
use homeroom_kernel::{IdSource, Timestamp};
use homeroom_sms_contract::signature;
use homeroom_store::telling::{Attempt, Claim, Told};
use serde::Serialize;

use crate::{app::App, error::ApiError};

/// Requests at once, as many as a Worker has connections.
const TOGETHER: usize = 6;
/// What is taken at once: four rounds of requests, each of at most ten seconds.
const MAX_CLAIM: u16 = 24;
/// Of one owner, of these.
const OF_EACH: u16 = 6;
/// Until whoever may not be told is looked at again.
const HELD_SECONDS: i64 = 3_600;
/// Longer than those rounds take.
const LEASE_SECONDS: i64 = 60;

/// What to take now.
#[must_use]
pub fn claim(now: Timestamp) -> Claim {
    Claim {
        limit: MAX_CLAIM,
        of_each: OF_EACH,
        until: now.plus_seconds(LEASE_SECONDS),
    }
}

/// Refuses an address at which nobody may be told.
pub fn check_url(app: &App, field: &str, url: &str) -> Result<(), ApiError> {
    webhooks::check_url(url, app.is_development()).map_err(|words| ApiError::field(field, words))
}

/// A new secret, as it is shown and as it is stored at its place.
#[must_use]
pub fn new_secret(app: &App, plane: Plane, place: &str, now: Timestamp) -> (String, String) {
    let entropy = &*app.ports.entropy;
    let secret = webhooks::new_secret(IdSource::new(entropy, now).secret());
    let mut nonce = [0u8; 12];
    entropy.fill(&mut nonce);
    let sealed = sealed::seal_lasting(&app.settings.keys, plane, place, &secret, nonce);
    (secret, sealed)
}

/// The key that a stored secret stands for.
#[must_use]
pub fn open_secret(app: &App, plane: Plane, place: &str, stored: &str) -> Option<Vec<u8>> {
    let secret = sealed::open(&app.settings.keys, plane, place, stored)?;
    webhooks::key(&secret)
}

/// A request that is to be made.
pub struct Letter {
    callback: String,
    attempts: u32,
    since: Timestamp,
    /// None where its owner wants to be told no more.
    url: Option<String>,
    keys: Vec<Vec<u8>>,
    is_held: bool,
    body: String,
}

impl Letter {
    /// What is told, signed with what lies at the place; held back where its owner may not be told now.
    #[must_use]
    pub fn new<O, T>(
        (app, plane, place): (&App, Plane, &str),
        told: &Told<O, T>,
        is_held: bool,
        body: &impl Serialize,
    ) -> Self {
        let until = told
            .secret_at
            .map(|at| at.plus_seconds(webhooks::BOTH_SECONDS));
        let both = until.is_some_and(|until| app.ports.clock.now() < until);
        let before = told.secret_before.iter().filter(|_| both);
        let secrets = told.secret.iter().chain(before);
        let open = |sealed: &String| open_secret(app, plane, place, sealed);
        let keys: Vec<_> = secrets.filter_map(open).collect();
        Self {
            callback: told.callback.clone(),
            attempts: told.attempts,
            since: told.since,
            url: told.url.clone(),
            is_held: is_held || keys.is_empty(),
            keys,
            body: serde_json::to_string(body).unwrap_or_default(),
        }
    }

    /// The status of the answer; 0: there was none.
    async fn send(&self, app: &App, url: &str, now: Timestamp) -> u16 {
        let (id, seconds) = (&self.callback, now.seconds());
        let sign = |key: &Vec<u8>| signature::sign(key, id, seconds, self.body.as_bytes());
        let signatures: Vec<String> = self.keys.iter().map(sign).collect();
        let headers = [
            ("content-type", "application/json".to_owned()),
            (signature::ID, id.clone()),
            (signature::TIMESTAMP, seconds.to_string()),
            (signature::SIGNATURE, signatures.join(" ")),
        ];
        app.ports
            .outside
            .post(url, &headers, &self.body)
            .await
            .unwrap_or_default()
    }

    async fn deliver(&self, app: &App) -> Attempt {
        let answered = match &self.url {
            Some(url) if !self.is_held => self.send(app, url, app.ports.clock.now()).await,
            _ => 0,
        };
        let now = app.ports.clock.now();
        let again = if self.url.is_none() {
            None
        } else if self.is_held {
            Some(now.plus_seconds(HELD_SECONDS))
        } else {
            webhooks::again(self.attempts, self.since, now)
        };
        Attempt {
            callback: self.callback.clone(),
            attempts: self.attempts,
            answered,
            delivered: (200..300).contains(&answered),
            again,
            held: self.is_held && self.url.is_some(),
        }
    }
}

/// Posts what is to be told, some at once; what came of each.
pub async fn deliver(app: &App, letters: &[Letter]) -> Vec<Attempt> {
    let mut attempts = Vec::with_capacity(letters.len());
    for some in letters.chunks(TOGETHER) {
        attempts.extend(join_all(some.iter().map(|letter| letter.deliver(app))).await);
    }
    attempts
}
