//! Handles: a session with the platform's database, or with one school's.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use homeroom_domain::credentials::Plane;
use serde::de::DeserializeOwned;

use crate::{
    control::registry::ActiveSchool,
    error::StoreError,
    rows,
    sql::{Carried, Consistency, Databases, Outcome, Session, Statement},
};

/// The binding of the platform's database.
const CONTROL: &str = "CONTROL";

/// What one request did to databases: its round trips, and where its session ended.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    trips: Arc<AtomicU32>,
    bookmark: Option<Arc<Mutex<Option<String>>>>,
}

impl Trace {
    /// A trace that also keeps the bookmark: for the database that the client's session is about.
    #[must_use]
    pub fn with_bookmark() -> Self {
        Self {
            trips: Arc::default(),
            bookmark: Some(Arc::default()),
        }
    }

    /// The same trace for a database that the client's session is not about.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self {
            trips: self.trips.clone(),
            bookmark: None,
        }
    }

    /// Round trips so far.
    #[must_use]
    pub fn trips(&self) -> u32 {
        self.trips.load(Ordering::Relaxed)
    }

    /// Where the session stands.
    #[must_use]
    pub fn bookmark(&self) -> Option<String> {
        let cell = self.bookmark.as_ref()?;
        cell.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, bookmark: Option<String>) {
        if let (Some(cell), Some(bookmark)) = (&self.bookmark, bookmark) {
            *cell.lock().unwrap_or_else(PoisonError::into_inner) = Some(bookmark);
        }
    }
}

/// A session that is traced.
pub(crate) struct Connection {
    session: Box<dyn Session>,
    trace: Trace,
}

impl Connection {
    pub(crate) fn open(
        databases: &dyn Databases,
        binding: &str,
        consistency: &Consistency,
        trace: &Trace,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            session: databases.open(binding, consistency)?,
            trace: trace.clone(),
        })
    }

    pub(crate) async fn batch(&self, statements: Vec<Statement>) -> Result<Outcomes, StoreError> {
        self.trace.trips.fetch_add(1, Ordering::Relaxed);
        let expected = statements.len();
        let Carried { outcomes, bookmark } = self.session.batch(statements).await?;
        self.trace.note(bookmark);
        if outcomes.len() == expected {
            Ok(Outcomes(outcomes.into_iter()))
        } else {
            Err(StoreError::Broken(format!(
                "{} outcomes for {expected} statements",
                outcomes.len()
            )))
        }
    }

    pub(crate) async fn rows<T: DeserializeOwned>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        self.batch(vec![statement]).await?.rows()
    }

    pub(crate) async fn first<T: DeserializeOwned>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.rows(statement).await?.into_iter().next())
    }
}

/// The outcomes of a batch, taken one after the other.
pub(crate) struct Outcomes(std::vec::IntoIter<Outcome>);

impl Outcomes {
    pub(crate) fn rows<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, StoreError> {
        let outcome = self
            .0
            .next()
            .ok_or_else(|| StoreError::Broken("an outcome is missing".into()))?;
        rows::read(&outcome.rows)
    }

    pub(crate) fn changes(&mut self) -> u64 {
        self.0.next().map_or(0, |outcome| outcome.changes)
    }
}

/// The platform's database: schools, hosts, platform users, API keys. No school's data.
pub struct ControlDb(pub(crate) Connection);

impl ControlDb {
    /// Opens a session.
    pub fn open(
        databases: &dyn Databases,
        consistency: &Consistency,
        trace: &Trace,
    ) -> Result<Self, StoreError> {
        Connection::open(databases, CONTROL, consistency, trace).map(Self)
    }
}

/// One active school's database.
pub struct TenantDb {
    pub(crate) connection: Connection,
    school: ActiveSchool,
}

impl TenantDb {
    /// Opens a session with the database of a school that the registry found active.
    pub fn open(
        databases: &dyn Databases,
        school: &ActiveSchool,
        consistency: &Consistency,
        trace: &Trace,
    ) -> Result<Self, StoreError> {
        let connection = Connection::open(databases, school.slot(), consistency, trace)?;
        Ok(Self {
            connection,
            school: school.clone(),
        })
    }

    /// The school whose data this is.
    #[must_use]
    pub fn school(&self) -> &ActiveSchool {
        &self.school
    }
}

pub(crate) trait Connected {
    fn connection(&self) -> &Connection;
}

impl Connected for ControlDb {
    fn connection(&self) -> &Connection {
        &self.0
    }
}

impl Connected for TenantDb {
    fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A database with the identity tables: the platform's, or a school's.
#[expect(
    private_bounds,
    reason = "sealed: only the two handles of this crate are databases"
)]
pub trait IdentityDb: Connected + Send + Sync {
    /// Whose identities these are.
    fn plane(&self) -> Plane;
}

impl IdentityDb for ControlDb {
    fn plane(&self) -> Plane {
        Plane::System
    }
}

impl IdentityDb for TenantDb {
    fn plane(&self) -> Plane {
        Plane::School(self.school.id())
    }
}
