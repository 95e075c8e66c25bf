//! Telling servers of others: signed as Standard Webhooks says, at least once, each by one deliverer at a time, for a day.

use std::collections::BTreeMap;

use futures_util::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
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
/// Of one owner, of these, while others may have something to be told.
const OF_EACH: usize = 3;
/// What is taken at once: four times as many requests, each of at most ten seconds.
const MAX_CLAIM: u16 = 24;
/// Until whoever may not be told is looked at again.
const HELD_SECONDS: i64 = 3_600;
/// Longer than those take that are of one owner.
const LEASE_SECONDS: i64 = 120;

/// What to take now, but nothing of some owners.
#[must_use]
pub fn claim(now: Timestamp, except: Vec<String>) -> Claim {
    Claim {
        limit: MAX_CLAIM,
        except,
        until: lease(now),
    }
}

/// Until when what is taken now is nobody else's.
#[must_use]
pub fn lease(now: Timestamp) -> Timestamp {
    now.plus_seconds(LEASE_SECONDS)
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
    owner: String,
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
    pub fn new<O: ToString, T>(
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
            owner: told.owner.to_string(),
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
            Some(url) if !self.is_held => Some(self.send(app, url, app.ports.clock.now()).await),
            _ => None,
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
            delivered: answered.is_some_and(|status| (200..300).contains(&status)),
            again,
            held: self.is_held && self.url.is_some(),
        }
    }
}

/// What is being told: some at once, of whoever has the fewest under way first, so that a slow server holds up nobody else.
pub struct Telling<'a> {
    app: &'a App,
    waiting: Vec<Letter>,
    under_way: FuturesUnordered<BoxFuture<'a, (String, Attempt)>>,
    of_owner: BTreeMap<String, usize>,
}

impl<'a> Telling<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(app: &'a App) -> Self {
        Self {
            app,
            waiting: Vec::new(),
            under_way: FuturesUnordered::new(),
            of_owner: BTreeMap::new(),
        }
    }

    /// More to be told.
    pub fn add(&mut self, letters: impl IntoIterator<Item = Letter>) {
        self.waiting.extend(letters);
    }

    /// Begins what can begin now; whether there is room for somebody else. Where nobody else can come, one owner may have all connections.
    pub fn begin(&mut self, alone: bool) -> bool {
        let most = if alone { TOGETHER } else { OF_EACH };
        while self.under_way.len() < TOGETHER {
            let of_owner = |letter: &Letter| self.of_owner.get(&letter.owner).copied();
            let held = self.waiting.iter().map(|one| of_owner(one).unwrap_or(0));
            let next = held.enumerate().filter(|(_, held)| *held < most);
            let Some((next, _)) = next.min_by_key(|(_, held)| *held) else {
                break;
            };
            let (app, letter) = (self.app, self.waiting.remove(next));
            *self.of_owner.entry(letter.owner.clone()).or_default() += 1;
            self.under_way.push(Box::pin(async move {
                let attempt = letter.deliver(app).await;
                (letter.owner, attempt)
            }));
        }
        self.under_way.len() <= OF_EACH
    }

    /// The owners of what waits for a connection.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.waiting.iter().map(|one| one.owner.clone()).collect()
    }

    /// What came of the next attempt; none is under way: nothing.
    pub async fn next(&mut self) -> Option<Attempt> {
        let (owner, attempt) = self.under_way.next().await?;
        if let Some(count) = self.of_owner.get_mut(&owner) {
            *count = count.saturating_sub(1);
        }
        Some(attempt)
    }
}

/// Tells this much; what came of each.
pub async fn deliver(app: &App, letters: Vec<Letter>) -> Vec<Attempt> {
    let mut attempts = Vec::with_capacity(letters.len());
    let mut telling = Telling::new(app);
    telling.add(letters);
    loop {
        telling.begin(true);
        match telling.next().await {
            Some(attempt) => attempts.push(attempt),
            None => return attempts,
        }
    }
}
