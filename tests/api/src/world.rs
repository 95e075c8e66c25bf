//! What the runtime would provide: databases with faults, a clock that is moved by hand, the limiter's objects.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use futures_util::future::{BoxFuture, ready};
use homeroom_documents::{Fonts, scripts};
use homeroom_edge::app::{Documents, LoginGuard, Passwords, PortError, Quotas, Timer, Tries};
use homeroom_kernel::{Clock, Entropy, Timestamp};
use homeroom_objects::{
    documents::{DocumentError, DocumentRequest, Printed},
    kept::Kept,
    login_guard::{self, GuardReply, GuardRequest},
    passwords::{PasswordReply, PasswordRequest},
    sms_quota::{QuotaReply, QuotaRequest, SmsQuota},
    tries::{self, TriesReply, TriesRequest},
};
use homeroom_passwords::Hasher;
use homeroom_store::sql::{Carried, Consistency, Databases, Session, SqlError, Statement};
use homeroom_store_sqlite::{SqliteDatabases, TENANT_SCHEMA};
use rusqlite::Connection;

use crate::sms::SmsWorld;

/// When a batch is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It never ran.
    Before,
    /// It ran, and its answer was lost.
    After,
}

/// The batch that is lost: the `nth` one from now, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which batch.
    pub nth: usize,
    /// Before or after it ran.
    pub moment: Moment,
}

/// A batch that reached a database.
#[derive(Clone, Debug)]
pub struct BatchNote {
    /// The database's binding.
    pub binding: String,
    /// The statements' texts.
    pub statements: Vec<String>,
    /// Rows that it inserted, changed or deleted.
    pub changes: u64,
    /// Which copy of the database was asked for.
    pub consistency: Consistency,
}

/// What somebody else does just before the `nth` batch from now, counted from 1.
#[derive(Clone, Debug)]
pub struct Intrusion {
    /// Which batch.
    pub nth: usize,
    /// The database.
    pub binding: String,
    /// What is done to it.
    pub sql: String,
}

#[derive(Default)]
struct Watch {
    fault: Option<Fault>,
    fired: bool,
    intrusion: Option<Intrusion>,
    notes: Vec<BatchNote>,
}

/// Everything outside the Workers.
pub(crate) struct World {
    sqlite: Mutex<SqliteDatabases>,
    pub(crate) clock: AtomicI64,
    pub(crate) interleave: AtomicBool,
    pub(crate) broken_guard: AtomicBool,
    pub(crate) broken_passwords: AtomicBool,
    pub(crate) broken_documents: AtomicBool,
    watch: Mutex<Watch>,
    bookmarks: AtomicU64,
    entropy: Mutex<u64>,
    hasher: Hasher,
    guards: Mutex<HashMap<String, login_guard::LoginGuard>>,
    quotas: Mutex<HashMap<String, SmsQuota>>,
    tries: Mutex<HashMap<String, tries::Tries>>,
    passwords: Mutex<BTreeMap<&'static str, u32>>,
    pub(crate) sms: SmsWorld,
}

impl World {
    pub(crate) fn new(sqlite: SqliteDatabases, now: Timestamp, seed: u64) -> Self {
        Self {
            sqlite: Mutex::new(sqlite),
            clock: AtomicI64::new(now.millis()),
            interleave: AtomicBool::default(),
            broken_guard: AtomicBool::default(),
            broken_passwords: AtomicBool::default(),
            broken_documents: AtomicBool::default(),
            watch: Mutex::default(),
            bookmarks: AtomicU64::new(1),
            entropy: Mutex::new(seed),
            hasher: Hasher::new(8, 1, 1).expect("the cheapest parameters"),
            guards: Mutex::default(),
            quotas: Mutex::default(),
            tries: Mutex::default(),
            passwords: Mutex::default(),
            sms: SmsWorld::default(),
        }
    }

    /// The database of a binding; those of schools are made when they are first used.
    pub(crate) fn with_database<T>(
        &self,
        binding: &str,
        work: impl FnOnce(&Connection) -> T,
    ) -> Option<T> {
        self.sqlite(binding).with(binding, work)
    }

    fn sqlite(&self, binding: &str) -> SqliteDatabases {
        let mut sqlite = self.sqlite.lock().unwrap();
        if binding.starts_with("SLOT_") && sqlite.with(binding, |_| ()).is_none() {
            sqlite.add(binding, TENANT_SCHEMA).expect("schema/tenant");
        }
        sqlite.clone()
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        let mut watch = self.watch.lock().unwrap();
        watch.fired &= fault.is_none();
        watch.fault = fault;
    }

    pub(crate) fn fault_fired(&self) -> bool {
        self.watch.lock().unwrap().fired
    }

    pub(crate) fn set_intrusion(&self, intrusion: Option<Intrusion>) {
        self.watch.lock().unwrap().intrusion = intrusion;
    }

    pub(crate) fn intrusion_waits(&self) -> bool {
        self.watch.lock().unwrap().intrusion.is_some()
    }

    /// Lets somebody else come between, where it is the turn.
    fn intrude(&self) {
        let due = {
            let mut watch = self.watch.lock().unwrap();
            if let Some(intrusion) = &mut watch.intrusion {
                intrusion.nth -= 1;
            }
            watch.intrusion.take_if(|intrusion| intrusion.nth == 0)
        };
        if let Some(Intrusion { binding, sql, .. }) = due {
            let done = self.with_database(&binding, |db| db.execute_batch(&sql));
            done.expect("a database").expect(&sql);
        }
    }

    pub(crate) fn take_notes(&self) -> Vec<BatchNote> {
        std::mem::take(&mut self.watch.lock().unwrap().notes)
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    /// How often a password was hashed and how often one was verified.
    pub(crate) fn password_work(&self) -> BTreeMap<&'static str, u32> {
        self.passwords.lock().unwrap().clone()
    }

    pub(crate) fn hash(&self, password: &str) -> String {
        match self.work(&PasswordRequest::Hash {
            password: password.to_owned(),
        }) {
            Ok(PasswordReply::Hashed { phc }) => phc,
            other => panic!("{other:?}"),
        }
    }

    fn work(&self, request: &PasswordRequest) -> Result<PasswordReply, PortError> {
        let kind = match request {
            PasswordRequest::Hash { .. } => "hash",
            PasswordRequest::Verify { .. } => "verify",
        };
        if self.broken_passwords.load(Ordering::Relaxed) {
            return Err(PortError("injected: the passwords Worker is away".into()));
        }
        *self.passwords.lock().unwrap().entry(kind).or_default() += 1;
        let mut salt = [0; 16];
        self.fill(&mut salt);
        self.hasher
            .answer(request, salt)
            .map_err(|error| PortError(error.to_string()))
    }

    fn print(&self, request: &DocumentRequest) -> Result<Printed, DocumentError> {
        if self.broken_documents.load(Ordering::Relaxed) {
            return Err(DocumentError::Unavailable(
                "injected: the documents Worker is away".into(),
            ));
        }
        request.check()?;
        let wanted = scripts::wanted(request, &Fonts::base()?);
        let fonts = Fonts::with_files(&wanted)?;
        Ok(homeroom_documents::render(request, &fonts)?.printed)
    }

    /// Asks an object of the limiter.
    fn ask_kept<T: Kept>(
        &self,
        objects: &Mutex<HashMap<String, T>>,
        name: &str,
        request: &T::Request,
    ) -> Result<T::Reply, PortError> {
        if self.broken_guard.load(Ordering::Relaxed) {
            return Err(PortError("injected: the limiter is away".into()));
        }
        let now = self.clock.load(Ordering::Relaxed);
        let mut objects = objects.lock().unwrap();
        let object = objects.entry(name.to_owned()).or_default();
        Ok(object.answer(request, now))
    }

    /// `SplitMix64`: the same seed gives the same run.
    pub(crate) fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.entropy.lock().unwrap();
        for byte in buffer {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z ^ (z >> 31)).to_le_bytes()[0];
        }
    }

    fn next_bookmark(&self, binding: &str) -> String {
        let number = self.bookmarks.fetch_add(1, Ordering::Relaxed);
        format!(
            "{number:08x}-{}",
            data_encoding::HEXLOWER.encode(binding.as_bytes())
        )
    }
}

/// The world as the ports of one isolate.
#[derive(Clone)]
pub(crate) struct Ports(pub(crate) Arc<World>);

impl Databases for Ports {
    fn open(&self, binding: &str, consistency: &Consistency) -> Result<Box<dyn Session>, SqlError> {
        let inner = self.0.sqlite(binding).open(binding, consistency)?;
        Ok(Box::new(Watched {
            world: self.0.clone(),
            inner,
            binding: binding.to_owned(),
            consistency: consistency.clone(),
        }))
    }
}

struct Watched {
    world: Arc<World>,
    inner: Box<dyn Session>,
    binding: String,
    consistency: Consistency,
}

impl Watched {
    /// Whether this batch is the lost one, and when it is lost.
    fn loses(&self) -> Option<Moment> {
        let mut watch = self.world.watch.lock().unwrap();
        let fault = watch.fault.as_mut()?;
        fault.nth -= 1;
        if fault.nth > 0 {
            return None;
        }
        let moment = fault.moment;
        watch.fault = None;
        watch.fired = true;
        Some(moment)
    }
}

impl Session for Watched {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Carried, SqlError>> {
        Box::pin(async move {
            if self.world.interleave.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            self.world.intrude();
            let loses = self.loses();
            if loses == Some(Moment::Before) {
                return Err(SqlError::Unavailable(
                    "injected: Network connection lost before the batch".into(),
                ));
            }
            let texts = statements
                .iter()
                .map(|statement| statement.sql.to_string())
                .collect();
            let result = self.inner.batch(statements).await;
            let changes = match &result {
                Ok(carried) => carried.outcomes.iter().map(|outcome| outcome.changes).sum(),
                Err(_) => 0,
            };
            self.world.watch.lock().unwrap().notes.push(BatchNote {
                binding: self.binding.clone(),
                statements: texts,
                changes,
                consistency: self.consistency.clone(),
            });
            if loses == Some(Moment::After) {
                return Err(SqlError::Unavailable(
                    "injected: Network connection lost after the batch".into(),
                ));
            }
            let bookmark = Some(self.world.next_bookmark(&self.binding));
            result.map(|carried| Carried {
                bookmark,
                ..carried
            })
        })
    }
}

impl Passwords for Ports {
    fn work(&self, request: PasswordRequest) -> BoxFuture<'_, Result<PasswordReply, PortError>> {
        Box::pin(ready(self.0.work(&request)))
    }
}

impl Documents for Ports {
    fn print(&self, request: DocumentRequest) -> BoxFuture<'_, Result<Printed, DocumentError>> {
        Box::pin(ready(self.0.print(&request)))
    }
}

impl LoginGuard for Ports {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: GuardRequest,
    ) -> BoxFuture<'a, Result<GuardReply, PortError>> {
        Box::pin(ready(self.0.ask_kept(&self.0.guards, name, &request)))
    }
}

impl Quotas for Ports {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: QuotaRequest,
    ) -> BoxFuture<'a, Result<QuotaReply, PortError>> {
        Box::pin(ready(self.0.ask_kept(&self.0.quotas, name, &request)))
    }
}

impl Tries for Ports {
    fn ask<'a>(
        &'a self,
        name: &'a str,
        request: TriesRequest,
    ) -> BoxFuture<'a, Result<TriesReply, PortError>> {
        Box::pin(ready(self.0.ask_kept(&self.0.tries, name, &request)))
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.clock.load(Ordering::Relaxed))
    }

    fn local(&self, moment: Timestamp, zone: &str) -> Option<String> {
        let zone: chrono_tz::Tz = zone.parse().ok()?;
        let moment = chrono::DateTime::from_timestamp_millis(moment.millis())?;
        let local = Timestamp::from_millis(
            moment
                .with_timezone(&zone)
                .naive_local()
                .and_utc()
                .timestamp_millis(),
        );
        Some(local.to_rfc3339().chars().take(16).collect())
    }
}

impl Timer for Ports {
    fn sleep(&self, millis: u32) -> BoxFuture<'_, ()> {
        self.0.advance(millis.into());
        Box::pin(ready(()))
    }
}

impl Entropy for Ports {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use homeroom_objects::documents::{PDF, Sheet};

    use super::*;

    #[test]
    fn documents_are_printed_in_tests_too_unless_the_worker_is_away() {
        let world = World::new(SqliteDatabases::default(), Timestamp::from_millis(0), 1);
        let ports = Ports(Arc::new(world));
        let request = DocumentRequest {
            sheets: vec![Sheet {
                title: "ብርሃነ".into(),
                ..Sheet::default()
            }],
            ..DocumentRequest::default()
        };
        let print = || Documents::print(&ports, request.clone()).now_or_never();
        let printed = print().expect("at once").expect("a file");
        assert_eq!(printed.content_type, PDF);
        assert!(printed.bytes.starts_with(b"%PDF-"));

        ports.0.broken_documents.store(true, Ordering::Relaxed);
        let refused = print().expect("at once");
        assert!(matches!(refused, Err(DocumentError::Unavailable(_))));
    }
}
