//! Connections, and transactions that are tried again where two bridges met.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};
use tokio_postgres::{
    Client, Config, Connection, NoTls, Row, Statement,
    config::SslMode,
    error::{Error, SqlState},
    types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{store::StoreError, tls::Tls};

/// Times that a transaction is tried.
const TRIES: u32 = 8;

/// A queue grows and shrinks faster than the server counts its rows, so plans must not depend on the counts: every
/// statement has its index. A server that does not see that a bridge is gone would keep its name from it. A bridge that
/// stands still within a transaction loses its locks before others give up waiting for them.
const SETTINGS: &str =
    "SET synchronous_commit = on; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '5s';
     SET enable_seqscan = off;
     SET plan_cache_mode = force_generic_plan; SET jit = off;
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// How long a server may take to answer the connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long what was sent to it may stay without its acknowledgement.
const ACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Where the database is, and how to be sure that it is that one.
pub(super) struct Server {
    config: Config,
    tls: Option<Tls>,
}

impl Server {
    pub(super) fn new(config: &str, tls: Option<Tls>) -> Result<Self, StoreError> {
        let mut config: Config = config.parse()?;
        if tls.is_some() {
            // Otherwise whoever is in between could say that the server has no TLS.
            config.ssl_mode(SslMode::Require);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.keepalives_idle(ACKNOWLEDGED / 2);
        config.tcp_user_timeout(ACKNOWLEDGED);
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(&self) -> Result<Session, StoreError> {
        let session = match &self.tls {
            None => Session::over(self.config.connect(NoTls).await.map_err(because)?).await,
            Some(tls) => {
                let tls = tls
                    .load()
                    .map_err(|error| StoreError::Failed(error.to_string()))?;
                let tls = MakeRustlsConnect::new(Arc::unwrap_or_clone(tls));
                Session::over(self.config.connect(tls).await.map_err(because)?).await
            }
        };
        Ok(session?)
    }
}

/// The whole reason: "error performing TLS handshake" alone helps nobody.
fn because(error: Error) -> StoreError {
    if error.as_db_error().is_some() {
        return error.into();
    }
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    StoreError::Away(text)
}

/// A connection that remembers what it has prepared.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl Session {
    async fn over<S, T>((client, connection): (Client, Connection<S, T>)) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to the store has ended");
            }
        });
        client.batch_execute(SETTINGS).await?;
        Ok(Self {
            client,
            statements: HashMap::new(),
        })
    }

    pub(super) async fn all(
        &mut self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        self.client.query(&statement, values).await
    }

    pub(super) async fn maybe(
        &mut self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Option<Row>, Error> {
        let statement = self.statement(sql).await?;
        self.client.query_opt(&statement, values).await
    }

    pub(super) async fn one(
        &mut self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Row, Error> {
        let statement = self.statement(sql).await?;
        self.client.query_one(&statement, values).await
    }

    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, Error> {
        let statement = self.statement(sql).await?;
        self.client.execute(&statement, values).await
    }

    /// The server ended it, or is gone.
    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Several statements without values.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    async fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

/// A transaction: it may run more than once, of which one is kept.
#[async_trait]
pub(super) trait Operation: Sync {
    type Output: Send;
    /// How it begins.
    const BEGIN: &'static str = "BEGIN";
    async fn run(&self, session: &mut Session) -> Result<Self::Output, Failure>;
}

/// How a reading transaction begins: it sees one state.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Why a transaction failed.
pub(super) enum Failure {
    Sql(Error),
    Other(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(error.into())
    }
}

impl Failure {
    /// Two transactions met: the same again gives an answer.
    fn is_conflict(&self) -> bool {
        let Self::Sql(error) = self else {
            return false;
        };
        error.code().is_some_and(|code| {
            [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::UNIQUE_VIOLATION,
            ]
            .contains(code)
        })
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sql(error) => error.into(),
            Failure::Other(error) => error,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let text = match error.as_db_error() {
            // Not its detail, which repeats values of the row.
            Some(of_server) => format!("{}: {}", of_server.code().code(), of_server.message()),
            None => error.to_string(),
        };
        let is_one_of = |codes: &[SqlState]| error.code().is_some_and(|code| codes.contains(code));
        if is_one_of(&[
            SqlState::DISK_FULL,
            SqlState::IO_ERROR,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]) {
            Self::Full(text)
        } else if error.is_closed()
            || is_one_of(&[
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                SqlState::LOCK_NOT_AVAILABLE,
            ])
            || std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        {
            Self::Away(text)
        } else {
            Self::Failed(text)
        }
    }
}

/// Some connections, opened when they are needed.
pub(super) struct Pool {
    server: Server,
    idle: Mutex<Vec<Session>>,
    permits: Semaphore,
}

impl Pool {
    pub(super) fn new(server: Server, size: usize) -> Self {
        Self {
            server,
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(size),
        }
    }

    /// Runs a transaction and commits it.
    pub(super) async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output, StoreError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut session = self.session().await?;
            match once(&mut session, operation).await {
                Ok(value) => {
                    self.give_back(session);
                    return Ok(value);
                }
                Err(failure) => {
                    let again = failure.is_conflict() && tries < TRIES;
                    if session.batch("ROLLBACK").await.is_ok() {
                        self.give_back(session);
                    }
                    if !again {
                        return Err(failure.into());
                    }
                }
            }
        }
    }

    /// A connection beside those of the pool.
    pub(super) async fn connect(&self) -> Result<Session, StoreError> {
        self.server.connect().await
    }

    async fn session(&self) -> Result<Session, StoreError> {
        loop {
            let idle = self.lock().pop();
            match idle {
                Some(session) if session.is_over() => {}
                Some(session) => return Ok(session),
                None => return self.connect().await,
            }
        }
    }

    fn give_back(&self, session: Session) {
        self.lock().push(session);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn once<O: Operation>(session: &mut Session, operation: &O) -> Result<O::Output, Failure> {
    session.batch(O::BEGIN).await?;
    let value = operation.run(session).await?;
    session.batch("COMMIT").await?;
    Ok(value)
}
