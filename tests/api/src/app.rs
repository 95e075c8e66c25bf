//! The platform in one process: the areas, each with an isolate of its own, over one set of databases.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

use axum::{Router, body::Body};
use homeroom_domain::credentials::KeyRing;
use homeroom_edge::{
    Served, State,
    app::{App, Ports as EdgePorts, Settings, SmsSettings},
    serve,
};
use homeroom_kernel::Timestamp;
use homeroom_store::{ControlDb, StoreError, Trace, control::registry, sql::Consistency};
use homeroom_store_sqlite::{CONTROL_SCHEMA, SqliteDatabases};
use http::{Request, StatusCode};
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    client::{Client, Credential, Reply},
    people::{School, add_platform_administrator},
    sms::{BRIDGE_SECRET, SMS_ADMIN_KEY},
    world::{BatchNote, Fault, Intrusion, Ports, World},
};

/// The host without a school.
pub const PUBLIC_HOST: &str = "homeroom.example";
/// How many databases there are for schools.
pub const SLOTS: usize = 16;
const START: Timestamp = Timestamp::from_millis(1_768_464_000_000);

/// One Worker's isolate.
pub(crate) struct Isolate {
    pub(crate) app: State,
    router: Router,
}

impl Isolate {
    fn new(world: &Arc<World>, keys: &str, router: fn(State) -> Router) -> Self {
        let ports = Ports(world.clone());
        let app = App::new(
            EdgePorts {
                databases: Box::new(ports.clone()),
                passwords: Box::new(ports.clone()),
                login_guard: Box::new(ports.clone()),
                quotas: Box::new(ports.clone()),
                tries: Box::new(ports.clone()),
                documents: Box::new(ports.clone()),
                sms_queue: Box::new(ports.clone()),
                sms_callbacks: Box::new(ports.clone()),
                bridge: Box::new(ports.clone()),
                outside: Box::new(ports.clone()),
                clock: Box::new(ports.clone()),
                timer: Box::new(ports.clone()),
                entropy: Box::new(ports),
            },
            Settings {
                public_domain: PUBLIC_HOST.to_owned(),
                environment: "test".to_owned(),
                keys: KeyRing::parse(keys).expect("master keys"),
                sms: SmsSettings {
                    needs_approval: world.sms.needs_approval.load(Ordering::Relaxed),
                    admin_key: Some(SMS_ADMIN_KEY.to_owned().into()),
                    bridge_secrets: vec![BRIDGE_SECRET.to_owned().into()],
                    default_esme: Some(100),
                    hides_monitoring: world.sms.hides_monitoring.load(Ordering::Relaxed),
                },
            },
        );
        Self {
            router: router(app.clone()),
            app,
        }
    }
}

pub(crate) struct Platform {
    pub(crate) world: Arc<World>,
    system: RefCell<Isolate>,
    school: RefCell<Isolate>,
    chatbot: RefCell<Isolate>,
    pub(crate) sms: RefCell<Isolate>,
    pub(crate) runtime: tokio::runtime::Runtime,
    loses_deferred: Cell<bool>,
    platform_token: RefCell<Option<String>>,
}

/// A platform with a control database, free databases for schools and one platform administrator.
#[derive(Clone)]
pub struct TestApp(pub(crate) Rc<Platform>);

impl Default for TestApp {
    fn default() -> Self {
        Self::new()
    }
}

impl TestApp {
    /// A fresh platform.
    #[must_use]
    pub fn new() -> Self {
        Self::with_slots(SLOTS)
    }

    /// A fresh platform with so many free databases.
    #[must_use]
    pub fn with_slots(slots: usize) -> Self {
        let mut sqlite = SqliteDatabases::default();
        sqlite
            .add("CONTROL", CONTROL_SCHEMA)
            .expect("schema/control");
        for binding in (1..=slots).map(slot) {
            sqlite.with("CONTROL", |control| {
                control
                    .execute("insert into slots (binding) values (?1)", [&binding])
                    .expect("a slot")
            });
        }
        let world = Arc::new(World::new(sqlite, START, 7));
        let keys = master_keys(1);
        let platform = Platform {
            system: RefCell::new(Isolate::new(&world, &keys, homeroom_system::router)),
            school: RefCell::new(Isolate::new(&world, &keys, homeroom_school::router)),
            chatbot: RefCell::new(Isolate::new(&world, &keys, homeroom_chatbot::router)),
            sms: RefCell::new(Isolate::new(&world, &keys, homeroom_sms::router)),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime"),
            loses_deferred: Cell::new(false),
            platform_token: RefCell::new(None),
            world,
        };
        let app = Self(Rc::new(platform));
        add_platform_administrator(&app);
        app
    }

    /// Replaces all isolates by fresh ones, whose caches are empty; with `keys` master keys, the newest first.
    pub fn restart(&self, keys: u8) {
        let keys = master_keys(keys);
        *self.0.system.borrow_mut() = Isolate::new(&self.0.world, &keys, homeroom_system::router);
        *self.0.school.borrow_mut() = Isolate::new(&self.0.world, &keys, homeroom_school::router);
        *self.0.chatbot.borrow_mut() = Isolate::new(&self.0.world, &keys, homeroom_chatbot::router);
        *self.0.sms.borrow_mut() = Isolate::new(&self.0.world, &keys, homeroom_sms::router);
    }

    /// Creates a school with an administrator and a teacher, all signed in.
    #[must_use]
    pub fn school(&self, slug: &str) -> School {
        School::create(self, slug)
    }

    /// Nobody, at a host; paths are relative to the area of the host.
    #[must_use]
    pub fn anonymous(&self, host: &str) -> Client {
        let area = if host == PUBLIC_HOST {
            "/api/v1/system/"
        } else {
            "/api/v1/school/"
        };
        Client::new(self, host, area, Credential::None)
    }

    /// The platform's administrator at the public host.
    #[must_use]
    pub fn platform(&self) -> Client {
        let known = self.0.platform_token.borrow().clone();
        let token = known.unwrap_or_else(|| {
            let token = crate::people::sign_in_platform_administrator(self);
            *self.0.platform_token.borrow_mut() = Some(token.clone());
            token
        });
        self.anonymous(PUBLIC_HOST).bearer(&token)
    }

    /// Forgets the platform administrator's token, after its session ended.
    pub fn forget_platform_token(&self) {
        *self.0.platform_token.borrow_mut() = None;
    }

    /// Runs a request; what it defers is done before this returns.
    #[must_use]
    pub fn run(&self, request: Request<Body>) -> Reply {
        self.run_together(vec![request]).remove(0)
    }

    /// Runs requests at the same time: they take turns at each batch.
    #[must_use]
    pub fn run_together(&self, requests: Vec<Request<Body>>) -> Vec<Reply> {
        let platform = &*self.0;
        platform.world.advance(1);
        platform
            .world
            .interleave
            .store(requests.len() > 1, Ordering::Relaxed);
        let (system, school) = (platform.system.borrow(), platform.school.borrow());
        let (sms, chatbot) = (platform.sms.borrow(), platform.chatbot.borrow());
        let replies =
            platform
                .runtime
                .block_on(futures_util::future::join_all(requests.into_iter().map(
                    |request| async {
                        let isolate = match request.uri().path() {
                            path if path.starts_with("/api/v1/system/") => &system,
                            path if path.starts_with("/api/v1/school/sms/") => &sms,
                            path if path.starts_with("/api/v1/school/") => &school,
                            path if path.starts_with("/api/v1/chatbot/") => &chatbot,
                            path if crate::sms::PREFIXES
                                .iter()
                                .any(|prefix| path.starts_with(prefix)) =>
                            {
                                &sms
                            }
                            _ => return not_routed(),
                        };
                        let Served {
                            response,
                            deferred,
                            log,
                        } = serve(&isolate.app, &isolate.router, request).await;
                        if !platform.loses_deferred.get() {
                            for work in deferred {
                                work.await;
                            }
                        }
                        Reply::read(response, &log).await
                    },
                )));
        platform.world.interleave.store(false, Ordering::Relaxed);
        replies
    }

    /// From now on what is deferred is lost, as when an isolate ends.
    pub fn lose_deferred(&self, lose: bool) {
        self.0.loses_deferred.set(lose);
    }

    /// The visit that a cron trigger pays to every school.
    pub fn visit_schools(&self) {
        self.try_visit_schools().expect("the visit");
    }

    /// The same visit, where something is in its way.
    pub fn try_visit_schools(&self) -> Result<usize, StoreError> {
        let school = self.0.school.borrow();
        self.0
            .runtime
            .block_on(homeroom_school::visit_schools(&school.app))
    }

    /// What the system area does every minute: webhooks are told what waits for them.
    pub fn tell_webhooks(&self) -> Result<usize, StoreError> {
        let system = self.0.system.borrow();
        let telling = homeroom_system::tell_webhooks(&system.app);
        self.0.runtime.block_on(telling)
    }

    /// The schools whose turn it is when `limit` are visited at a time.
    #[must_use]
    pub fn schools_in_turn(&self, turn: i64, limit: u16) -> Vec<String> {
        let isolate = self.0.school.borrow();
        let databases = &*isolate.app.ports.databases;
        let control =
            ControlDb::open(databases, &Consistency::Latest, &Trace::default()).expect("CONTROL");
        let schools = registry::list_active_in_turn(&control, turn, limit);
        let schools = self.0.runtime.block_on(schools).expect("schools");
        schools
            .into_iter()
            .map(|school| school.schema_name)
            .collect()
    }

    /// Asks at the host of every school that is not deleted: the first request finishes a creation that was cut short.
    pub fn knock_everywhere(&self) {
        let sql = "select d.host from tenant_domains d join tenants t on t.id = d.tenant_id where t.deleted_at is null";
        for row in self.rows("CONTROL", sql) {
            let reply = self
                .anonymous(row[0].as_str().expect("a host"))
                .get("auth/me/");
            assert!(
                matches!(reply.status, 401 | 403),
                "{row:?}: {} {}",
                reply.status,
                reply.text
            );
        }
    }

    /// Moves the clock.
    pub fn pass_seconds(&self, seconds: i64) {
        self.pass_millis(seconds * 1_000);
    }

    /// Moves the clock.
    pub fn pass_millis(&self, millis: i64) {
        self.0.world.advance(millis);
    }

    /// The time on the clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.world.clock.load(Ordering::Relaxed))
    }

    /// Loses a batch of the requests to come.
    pub fn inject(&self, fault: Option<Fault>) {
        self.0.world.set_fault(fault);
    }

    /// Whether the injected fault has happened.
    #[must_use]
    pub fn fault_fired(&self) -> bool {
        self.0.world.fault_fired()
    }

    /// Lets somebody else change a database between two batches of the requests to come.
    pub fn intrude(&self, intrusion: Option<Intrusion>) {
        self.0.world.set_intrusion(intrusion);
    }

    /// Whether the intrusion has not had its turn yet.
    #[must_use]
    pub fn intrusion_waits(&self) -> bool {
        self.0.world.intrusion_waits()
    }

    /// Takes the limiter away, or brings it back.
    pub fn break_login_guard(&self, broken: bool) {
        self.0.world.broken_guard.store(broken, Ordering::Relaxed);
    }

    /// Takes the passwords Worker away, or brings it back.
    pub fn break_passwords(&self, broken: bool) {
        self.0
            .world
            .broken_passwords
            .store(broken, Ordering::Relaxed);
    }

    /// Takes the documents Worker away, or brings it back.
    pub fn break_documents(&self, broken: bool) {
        self.0
            .world
            .broken_documents
            .store(broken, Ordering::Relaxed);
    }

    /// The batches since this was last asked.
    #[must_use]
    pub fn take_batches(&self) -> Vec<BatchNote> {
        self.0.world.take_notes()
    }

    /// How often passwords were hashed and verified so far.
    #[must_use]
    pub fn password_work(&self) -> BTreeMap<&'static str, u32> {
        self.0.world.password_work()
    }

    /// A password's hash with the parameters of the tests.
    #[must_use]
    pub fn hash(&self, password: &str) -> String {
        self.0.world.hash(password)
    }

    /// Works on a database directly.
    pub fn with_db<T>(&self, binding: &str, work: impl FnOnce(&Connection) -> T) -> T {
        self.0
            .world
            .with_database(binding, work)
            .unwrap_or_else(|| panic!("there is no database {binding}"))
    }

    /// Runs SQL on a database.
    pub fn execute(&self, binding: &str, sql: &str) {
        self.with_db(binding, |db| db.execute_batch(sql))
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows of a query, each as a list of its columns.
    #[must_use]
    pub fn rows(&self, binding: &str, sql: &str) -> Vec<Vec<Value>> {
        self.with_db(binding, |db| query(db, sql))
    }

    /// The first column of the first row of a query.
    #[must_use]
    pub fn value(&self, binding: &str, sql: &str) -> Value {
        let rows = self.rows(binding, sql);
        rows.first()
            .and_then(|row| row.first())
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// A number that a query gives.
    #[must_use]
    pub fn count(&self, binding: &str, sql: &str) -> i64 {
        self.value(binding, sql)
            .as_i64()
            .unwrap_or_else(|| panic!("not a number: {sql}"))
    }

    /// The database of a school.
    #[must_use]
    pub fn slot_of(&self, slug: &str) -> String {
        let sql = format!("select slot from tenants where schema_name = '{slug}'");
        self.value("CONTROL", &sql)
            .as_str()
            .unwrap_or_else(|| panic!("{slug} has no slot"))
            .to_owned()
    }
}

/// What the gateway answers where no area is.
fn not_routed() -> Reply {
    Reply::bare(StatusCode::NOT_FOUND)
}

fn slot(number: usize) -> String {
    format!("SLOT_{number:04}")
}

/// Master keys `k1` to `kn`, the newest first.
fn master_keys(n: u8) -> String {
    let key = |n: u8| format!("k{n}:{}", data_encoding::BASE64URL_NOPAD.encode(&[n; 32]));
    (1..=n).rev().map(key).collect::<Vec<_>>().join(",")
}

fn query(db: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = db
        .prepare(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|n| {
                Ok(match row.get_ref(n)? {
                    rusqlite::types::ValueRef::Null => Value::Null,
                    rusqlite::types::ValueRef::Integer(number) => number.into(),
                    rusqlite::types::ValueRef::Real(number) => number.into(),
                    rusqlite::types::ValueRef::Text(text)
                    | rusqlite::types::ValueRef::Blob(text) => {
                        String::from_utf8_lossy(text).into_owned().into()
                    }
                })
            })
            .collect()
    });
    rows.and_then(Iterator::collect)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}
