//! What an area's handlers work with: ports, keys and the caches of one isolate.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use homeroom_domain::{SmsMessageId, TenantId, credentials::KeyRing};
use homeroom_kernel::{Clock, Entropy, Timestamp};
use homeroom_objects::{
    documents::{DocumentError, DocumentRequest, Printed},
    login_guard::{GuardReply, GuardRequest},
    passwords::{PasswordReply, PasswordRequest},
    sms_quota::{QuotaReply, QuotaRequest},
    tries::{TriesReply, TriesRequest},
};
use homeroom_sms_contract::submit::{Cancellation, Cancelled, Links, Submissions, Submitted};
use homeroom_store::sql::Databases;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use homeroom_store::control::registry::{ActiveSchool, School};

use crate::{actor::ActorCache, recent::Recent, sms::SmsCache, tenancy};

/// Another Worker or object that a request depends on could not be asked.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// Hashes and verifies passwords, in another isolate.
pub trait Passwords: Send + Sync {
    /// Carries out one piece of password work.
    fn work(&self, request: PasswordRequest) -> BoxFuture<'_, Result<PasswordReply, PortError>>;
}

/// Counts sign-in attempts, one object per plane and identifier.
pub trait LoginGuard: Send + Sync {
    /// Asks the guard with this name.
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: GuardRequest,
    ) -> BoxFuture<'a, Result<GuardReply, PortError>>;
}

/// Counts what apps send, one object per app.
pub trait Quotas: Send + Sync {
    /// Asks the object with this name.
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: QuotaRequest,
    ) -> BoxFuture<'a, Result<QuotaReply, PortError>>;
}

/// Counts failures, one object per subject.
pub trait Tries: Send + Sync {
    /// Asks the object with this name.
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: TriesRequest,
    ) -> BoxFuture<'a, Result<TriesReply, PortError>>;
}

/// Prints documents, in another isolate.
pub trait Documents: Send + Sync {
    /// Prints sheets; [`DocumentError::Unavailable`] where the documents Worker is not bound or does not answer.
    fn print(&self, request: DocumentRequest) -> BoxFuture<'_, Result<Printed, DocumentError>>;
}

/// Most messages of one [`SmsJob`].
pub const MAX_JOB: usize = 100;

/// Messages that wait for the bridge: no text and no number of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsJob {
    /// The school whose database holds them; none: the platform's does.
    pub tenant: Option<TenantId>,
    /// The messages, at most [`MAX_JOB`].
    pub message_ids: Vec<SmsMessageId>,
}

impl SmsJob {
    /// Messages in jobs.
    #[must_use]
    pub fn all(tenant: Option<TenantId>, ids: &[SmsMessageId]) -> Vec<Self> {
        let job = |ids: &[SmsMessageId]| Self {
            tenant,
            message_ids: ids.to_vec(),
        };
        ids.chunks(MAX_JOB).map(job).collect()
    }
}

/// Callbacks that wait: apps are to be told what a database holds for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackJob {
    /// The school whose database it is; none: the platform's.
    pub tenant: Option<TenantId>,
}

/// The queue between the platform and the bridge.
pub trait SmsQueue: Send + Sync {
    /// Puts jobs into the queue. What fails here is found by the next sweep.
    fn put<'a>(&'a self, jobs: &'a [SmsJob]) -> BoxFuture<'a, Result<(), PortError>>;
}

/// The queue of callbacks. It is not the bridge's, so that messages wait for no stranger's server.
pub trait CallbackQueue: Send + Sync {
    /// Puts a job into the queue. What fails here is found by the next sweep.
    fn put(&self, job: CallbackJob) -> BoxFuture<'_, Result<(), PortError>>;
}

/// The bridge to the message centres.
pub trait Bridge: Send + Sync {
    /// Hands messages over: at most 100, and 256 kB.
    fn submit<'a>(
        &'a self,
        messages: &'a Submissions,
    ) -> BoxFuture<'a, Result<Submitted, PortError>>;

    /// Withdraws a message.
    fn cancel<'a>(
        &'a self,
        message: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Cancelled, PortError>>;

    /// Every link and pool.
    fn links(&self) -> BoxFuture<'_, Result<Links, PortError>>;

    /// One of the bridge's public pages, as text.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String, PortError>>;
}

/// Servers of the platform's clients.
pub trait Outside: Send + Sync {
    /// Posts JSON and gives the status of the answer, which is not read; a redirection is an answer like any other.
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'a str, String)],
        body: &'a str,
    ) -> BoxFuture<'a, Result<u16, PortError>>;
}

/// Lets time pass.
pub trait Timer: Send + Sync {
    /// Resolves after so many milliseconds.
    fn sleep(&self, millis: u32) -> BoxFuture<'_, ()>;
}

/// What the runtime provides.
pub struct Ports {
    /// Databases by binding.
    pub databases: Box<dyn Databases>,
    /// The passwords Worker.
    pub passwords: Box<dyn Passwords>,
    /// The limits Worker's objects.
    pub login_guard: Box<dyn LoginGuard>,
    /// Others of them.
    pub quotas: Box<dyn Quotas>,
    /// And others.
    pub tries: Box<dyn Tries>,
    /// The documents Worker, which areas that print are bound to.
    pub documents: Box<dyn Documents>,
    /// The queue to the bridge, which areas that send messages are bound to.
    pub sms_queue: Box<dyn SmsQueue>,
    /// The queue of callbacks, which the SMS gateway is bound to.
    pub sms_callbacks: Box<dyn CallbackQueue>,
    /// The bridge.
    pub bridge: Box<dyn Bridge>,
    /// Servers of clients.
    pub outside: Box<dyn Outside>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Waiting.
    pub timer: Box<dyn Timer>,
    /// Randomness.
    pub entropy: Box<dyn Entropy>,
}

/// What a deployment says.
pub struct Settings {
    /// The host without a school.
    pub public_domain: String,
    /// Shown in API keys: `dev`, `live`.
    pub environment: String,
    /// Master keys.
    pub keys: KeyRing,
    /// What concerns text messages.
    pub sms: SmsSettings,
}

/// What a deployment says of text messages.
#[derive(Debug, Default)]
pub struct SmsSettings {
    /// Whether a new app waits until an administrator activates it.
    pub needs_approval: bool,
    /// What opens the administration without an account.
    pub admin_key: Option<SecretString>,
    /// What the bridge and the platform sign with; the first one signs, all are good.
    pub bridge_secrets: Vec<SecretString>,
    /// The link or pool of schools that have chosen none.
    pub default_esme: Option<i64>,
    /// Whether monitoring is for administrators only.
    pub hides_monitoring: bool,
}

/// Ports, settings and caches, one per isolate.
pub struct App {
    /// What the runtime provides.
    pub ports: Ports,
    /// What the deployment says.
    pub settings: Settings,
    pub(crate) schools: Recent<School>,
    pub(crate) actors: ActorCache,
    pub(crate) sms: SmsCache,
}

impl App {
    /// Joins ports and settings.
    #[must_use]
    pub fn new(ports: Ports, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            sms: SmsCache::new(&settings.keys),
            ports,
            settings,
            schools: tenancy::school_cache(),
            actors: ActorCache::default(),
        })
    }
}

impl App {
    /// Whether this deployment is somebody's own machine.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.settings.environment == "dev"
    }

    /// The wall clock of a school at a moment, `2026-01-31T08:00`; UTC where its time zone is unknown to the runtime.
    #[must_use]
    pub fn local_time(&self, school: &ActiveSchool, moment: Timestamp) -> String {
        let local = self.ports.clock.local(moment, &school.school().timezone);
        local.unwrap_or_else(|| moment.to_rfc3339().chars().take(16).collect())
    }

    /// Forgets who was seen on a plane, after a change that may concern them.
    pub fn forget_actors(&self, plane: homeroom_domain::credentials::Plane) {
        self.actors.forget(plane);
    }
}

/// The state of every router.
pub type State = Arc<App>;
