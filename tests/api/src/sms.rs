//! The SMS gateway's surroundings: queues that are emptied by hand, a bridge that records, and accounts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, atomic::AtomicBool, atomic::Ordering},
};

use futures_util::future::{BoxFuture, ready};
use homeroom_domain::sms::cut::Cut;
use homeroom_edge::app::{
    App, Bridge, CallbackJob, CallbackQueue, Outside, PortError, SmsJob, SmsQueue,
};
use homeroom_sms::Fate;
use homeroom_sms_contract::{
    signature,
    submit::{
        Cancellation, Cancelled, Link, LinkStatus, Links, Outcome, Pool, Submission, Submissions,
        Submitted,
    },
};
use homeroom_store::StoreError;
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{PUBLIC_HOST, TestApp},
    client::{Client, Credential, Reply},
    people::PASSWORD,
    world::Ports,
};

/// What the bridge of the tests signs with.
pub const BRIDGE_SECRET: &str = "a secret of the tests, long enough";
/// What opens the gateway's administration.
pub const SMS_ADMIN_KEY: &str = "the key of the gateway's administrators";
/// Where the gateway is, beside a school's own messages.
pub(crate) const PREFIXES: &[&str] = &[
    "/api/v1/sms/",
    "/api/v1/auth/",
    "/api/v1/admin/",
    "/dashboard/",
    "/healthy",
    "/metrics",
];

/// How the bridge answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    #[default]
    Taking,
    /// It is away.
    Away,
    /// It takes a body, and its answer is lost.
    Mute,
    /// It refuses everything with a code.
    Refusing(&'static str),
    /// Its queue is full for so many seconds.
    Full(u32),
}

#[derive(Default)]
pub(crate) struct SmsWorld {
    pub(crate) needs_approval: AtomicBool,
    pub(crate) hides_monitoring: AtomicBool,
    broken_queue: AtomicBool,
    queue: Mutex<Vec<SmsJob>>,
    callbacks: Mutex<Vec<CallbackJob>>,
    mood: Mutex<Mood>,
    bodies: Mutex<Vec<Submissions>>,
    off: Mutex<Vec<i64>>,
    pages: Mutex<BTreeMap<String, String>>,
    /// What it has on disk, by id, and whether a part of it has left.
    kept: Mutex<BTreeMap<String, bool>>,
    posts: Mutex<Vec<Post>>,
    /// What servers of clients answer; nothing: no answer at all.
    answers: Mutex<BTreeMap<String, Option<u16>>>,
    /// Servers that take a request and never answer.
    hanging: Mutex<BTreeSet<String>>,
}

/// A request to a client's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where it went.
    pub url: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Post {
    /// The body, which is JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

impl Outside for Ports {
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'a str, String)],
        body: &'a str,
    ) -> BoxFuture<'a, Result<u16, PortError>> {
        let sms = &self.0.sms;
        let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        sms.posts.lock().unwrap().push(Post {
            url: url.to_owned(),
            headers: headers.iter().map(header).collect(),
            body: body.to_owned(),
        });
        let answer = sms.answers.lock().unwrap().get(url).copied();
        let answer = answer.unwrap_or(Some(204));
        let hangs = sms.hanging.lock().unwrap().contains(url);
        Box::pin(async move {
            let answer = if hangs {
                self.hang().await;
                None
            } else {
                answer
            };
            answer.ok_or_else(|| PortError("injected: the server does not answer".into()))
        })
    }
}

impl SmsQueue for Ports {
    fn put<'a>(&'a self, jobs: &'a [SmsJob]) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(ready(self.0.sms.put(&self.0.sms.queue, jobs)))
    }
}

impl CallbackQueue for Ports {
    fn put(&self, job: CallbackJob) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(ready(self.0.sms.put(&self.0.sms.callbacks, &[job])))
    }
}

fn away<T>() -> Result<T, PortError> {
    Err(PortError("injected: the bridge is away".into()))
}

impl SmsWorld {
    fn put<T: Clone>(&self, queue: &Mutex<Vec<T>>, jobs: &[T]) -> Result<(), PortError> {
        if self.broken_queue.load(Ordering::Relaxed) {
            return Err(PortError("injected: the queue is away".into()));
        }
        queue.lock().unwrap().extend_from_slice(jobs);
        Ok(())
    }

    fn submit(&self, body: &Submissions) -> Result<Submitted, PortError> {
        let mood = self.mood.lock().unwrap().clone();
        if mood == Mood::Away {
            return away();
        }
        if let Some(said) = &body.switched_off {
            self.off.lock().unwrap().clone_from(&said.esmes);
        }
        if !body.messages.is_empty() {
            self.bodies.lock().unwrap().push(body.clone());
        }
        let answer = |message: &Submission| {
            let message_id = message.message_id.clone();
            match mood {
                Mood::Refusing(code) => Outcome::Refused {
                    message_id,
                    code: code.to_owned(),
                    error: format!("the bridge says {code}"),
                },
                Mood::Full(retry_after) => Outcome::Later {
                    message_id,
                    code: "queue_full".to_owned(),
                    retry_after,
                },
                Mood::Taking | Mood::Mute | Mood::Away => {
                    let mut kept = self.kept.lock().unwrap();
                    kept.entry(message_id.clone()).or_insert(false);
                    Outcome::Accepted {
                        sms_ids: vec![format!("{message_id}-1")],
                        message_id,
                    }
                }
            }
        };
        let outcomes = body.messages.iter().map(answer).collect();
        if mood == Mood::Mute {
            return away();
        }
        Ok(Submitted { outcomes })
    }

    fn cancel(&self, message: &Cancellation) -> Result<Cancelled, PortError> {
        if *self.mood.lock().unwrap() == Mood::Away {
            return away();
        }
        Ok(match self.kept.lock().unwrap().get(&message.message_id) {
            None => Cancelled::Unknown,
            Some(true) => Cancelled::TooLate,
            Some(false) => Cancelled::Cancelled,
        })
    }

    fn links(&self) -> Result<Links, PortError> {
        if *self.mood.lock().unwrap() == Mood::Away {
            return away();
        }
        let link = |id, status| Link {
            id,
            system_id: format!("system{id}"),
            status,
            rate: 50.0,
            in_flight: 0,
            window: 10,
            last_check: 0,
            cut: Cut::default(),
            sends_by: None,
        };
        Ok(Links {
            links: vec![
                link(100, LinkStatus::Up),
                link(101, LinkStatus::Down),
                link(102, LinkStatus::Disabled),
            ],
            pools: vec![Pool {
                id: 1000,
                rate: 50.0,
                links: vec![101, 100],
                distribution: vec![0, 1],
                queued: 0,
            }],
        })
    }

    fn page(&self, path: &str) -> Result<String, PortError> {
        if *self.mood.lock().unwrap() == Mood::Away {
            return away();
        }
        if let Some(page) = self.pages.lock().unwrap().get(path) {
            return Ok(page.clone());
        }
        Ok(match path {
            "/metrics" => "# TYPE bridge_links gauge\nbridge_links 3\n".to_owned(),
            _ => json!({"success": true, "data": {"page": path}}).to_string(),
        })
    }
}

impl Bridge for Ports {
    fn submit<'a>(
        &'a self,
        messages: &'a Submissions,
    ) -> BoxFuture<'a, Result<Submitted, PortError>> {
        Box::pin(ready(self.0.sms.submit(messages)))
    }

    fn cancel<'a>(
        &'a self,
        message: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Cancelled, PortError>> {
        Box::pin(ready(self.0.sms.cancel(message)))
    }

    fn links(&self) -> BoxFuture<'_, Result<Links, PortError>> {
        Box::pin(ready(self.0.sms.links()))
    }

    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String, PortError>> {
        Box::pin(ready(self.0.sms.page(path)))
    }
}

/// An account that is signed in with its app.
#[derive(Clone)]
pub struct SmsUser {
    /// Presents token and app; relative paths begin at `/api/v1/`.
    pub client: Client,
    /// The account.
    pub user_id: i64,
    /// The app.
    pub app_id: i64,
    /// Its address.
    pub email: String,
}

impl SmsUser {
    /// The same with a new token: one is good for 12 hours.
    #[must_use]
    pub fn signed_in_again(&self) -> Self {
        let body = json!({"email": self.email, "password": PASSWORD, "app_id": self.app_id});
        let reply = self.client.anonymous().post("auth/login", &body);
        let client = self.client.bearer(&reply.status(200).str("token"));
        Self {
            client,
            ..self.clone()
        }
    }

    /// Sends a text to a number by link 100.
    #[must_use]
    pub fn send(&self, destination: &str, message: &str) -> Reply {
        self.client.post("sms/send", &text_to(destination, message))
    }

    /// Sends a text and gives its id.
    #[must_use]
    pub fn sent(&self, message: &str) -> String {
        let reply = self.send("+263771234567", message).status(200);
        reply.str("message_id")
    }

    /// What became of a message.
    #[must_use]
    pub fn info(&self, id: &str) -> Value {
        let body = json!({"esme": 100, "message_id": id});
        self.client.post("sms/info", &body).status(200).json
    }
}

/// The body of a text to a number.
#[must_use]
pub fn text_to(destination: &str, message: &str) -> Value {
    json!({"esme": 100, "source": "Greenwood", "destination": destination, "message": message})
}

impl TestApp {
    /// Nobody, at the SMS gateway of a host.
    #[must_use]
    pub fn gateway(&self, host: &str) -> Client {
        Client::new(self, host, "/api/v1/", Credential::None)
    }

    /// A new account of the gateway at a host, signed in. Each comes from an address of its own.
    #[must_use]
    pub fn sms_user(&self, host: &str, name: &str) -> SmsUser {
        let door = self.gateway(host);
        let email = format!("{name}@sms.example");
        let body = json!({"email": email, "password": PASSWORD, "app_name": name});
        let number = self.count("CONTROL", "select count(*) from sms_accounts");
        let made = door
            .from(&format!("198.51.100.{}", number % 250))
            .post("auth/register", &body)
            .status(200);
        let id = |name: &str| made.json[name].as_i64().expect("a number");
        let (user_id, app_id) = (id("user_id"), id("app_id"));
        let body = json!({"email": email, "password": PASSWORD, "app_id": app_id});
        let token = door.post("auth/login", &body).status(200).str("token");
        SmsUser {
            client: door.bearer(&token).with("x-app-id", &app_id.to_string()),
            user_id,
            app_id,
            email,
        }
    }

    /// The same at the public host.
    #[must_use]
    pub fn public_sms_user(&self, name: &str) -> SmsUser {
        self.sms_user(PUBLIC_HOST, name)
    }

    /// How the bridge answers from now on.
    pub fn bridge_is(&self, mood: Mood) {
        *self.0.world.sms.mood.lock().unwrap() = mood;
    }

    /// What one of the bridge's pages says from now on.
    pub fn bridge_shows(&self, path: &str, page: &str) {
        let mut pages = self.0.world.sms.pages.lock().unwrap();
        pages.insert(path.to_owned(), page.to_owned());
    }

    /// Says that a part of a message has left the bridge.
    pub fn bridge_sends(&self, id: &str) {
        let mut kept = self.0.world.sms.kept.lock().unwrap();
        kept.insert(id.to_owned(), true);
    }

    /// The bodies that reached the bridge since this was last asked.
    #[must_use]
    pub fn take_submissions(&self) -> Vec<Vec<Submission>> {
        let bodies = std::mem::take(&mut *self.0.world.sms.bodies.lock().unwrap());
        bodies.into_iter().map(|body| body.messages).collect()
    }

    /// What is switched off, as the bridge last heard.
    #[must_use]
    pub fn bridge_heard_off(&self) -> Vec<i64> {
        self.0.world.sms.off.lock().unwrap().clone()
    }

    /// Takes the queues away, or brings them back.
    pub fn break_queue(&self, broken: bool) {
        self.0
            .world
            .sms
            .broken_queue
            .store(broken, Ordering::Relaxed);
    }

    /// What waits in the queue to the bridge.
    #[must_use]
    pub fn queued(&self) -> Vec<SmsJob> {
        self.0.world.sms.queue.lock().unwrap().clone()
    }

    /// What waits in the queue of callbacks.
    #[must_use]
    pub fn queued_callbacks(&self) -> Vec<CallbackJob> {
        self.0.world.sms.callbacks.lock().unwrap().clone()
    }

    /// The consumer of the queue to the bridge, once: jobs that are to come again are in the queue again afterwards.
    pub fn work_queue(&self) -> Vec<Fate> {
        self.work(&self.0.world.sms.queue, homeroom_sms::deliver)
    }

    /// The same of the queue of callbacks.
    pub fn work_callbacks(&self) -> Vec<Fate> {
        self.work(&self.0.world.sms.callbacks, homeroom_sms::tell_apps)
    }

    fn work<T>(
        &self,
        queue: &Mutex<Vec<T>>,
        consumer: impl AsyncFnOnce(&App, &[(T, u32)]) -> Vec<Fate>,
    ) -> Vec<Fate> {
        let jobs = std::mem::take(&mut *queue.lock().unwrap());
        let jobs: Vec<(T, u32)> = jobs.into_iter().map(|job| (job, 1)).collect();
        let isolate = self.0.sms.borrow();
        let fates = self.0.runtime.block_on(consumer(&isolate.app, &jobs));
        let again = jobs.into_iter().zip(&fates);
        let again = again.filter(|(_, fate)| **fate != Fate::Done);
        queue.lock().unwrap().extend(again.map(|((job, _), _)| job));
        fates
    }

    /// What a client's server answers from now on; nothing: it does not.
    pub fn outside_answers(&self, url: &str, answer: Option<u16>) {
        let mut answers = self.0.world.sms.answers.lock().unwrap();
        answers.insert(url.to_owned(), answer);
    }

    /// From now on a client's server takes requests and answers none, for as long as it is waited for.
    pub fn outside_hangs(&self, url: &str) {
        let mut hanging = self.0.world.sms.hanging.lock().unwrap();
        hanging.insert(url.to_owned());
    }

    /// The requests to clients' servers since this was last asked.
    #[must_use]
    pub fn take_posts(&self) -> Vec<Post> {
        std::mem::take(&mut *self.0.world.sms.posts.lock().unwrap())
    }

    /// The visit of every minute.
    pub fn sweep(&self) -> Result<usize, StoreError> {
        let isolate = self.0.sms.borrow();
        self.0.runtime.block_on(homeroom_sms::sweep(&isolate.app))
    }

    /// Restarts the gateway with other settings.
    pub fn configure_sms(&self, needs_approval: bool, hides_monitoring: bool) {
        let sms = &self.0.world.sms;
        sms.needs_approval.store(needs_approval, Ordering::Relaxed);
        sms.hides_monitoring
            .store(hides_monitoring, Ordering::Relaxed);
        self.restart(1);
    }

    /// What the bridge tells the platform, signed.
    #[must_use]
    pub fn webhook(&self, path: &str, body: &Value) -> Reply {
        let body = body.to_string();
        let seconds = self.now().seconds();
        let signature = signature::sign(
            BRIDGE_SECRET.as_bytes(),
            "evt-request",
            seconds,
            body.as_bytes(),
        );
        self.gateway(PUBLIC_HOST)
            .with(signature::ID, "evt-request")
            .with(signature::TIMESTAMP, &seconds.to_string())
            .with(signature::SIGNATURE, &signature)
            .raw(
                &Method::POST,
                path,
                Some("application/json"),
                body.as_bytes(),
            )
    }
}
