//! The SQL port over SQLite with D1's limits asserted, for native tests.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;
use homeroom_store::sql::{
    Carried, Consistency, Databases, MAX_PARAMETERS, Outcome, Session, SqlError, Statement, Value,
};
use rusqlite::{Connection, limits::Limit, params_from_iter, types::ValueRef};
use serde_json::Value as Json;

/// D1's limit of the text of a statement, in bytes.
const MAX_SQL_BYTES: i32 = 100_000;

/// The migrations of the platform's database, in order.
pub const CONTROL_SCHEMA: &[&str] = &[
    include_str!("../../../schema/control/0001_platform.sql"),
    include_str!("../../../schema/control/0002_sms.sql"),
    include_str!("../../../schema/control/0003_sms_senders.sql"),
    include_str!("../../../schema/control/0004_sms_callbacks.sql"),
    include_str!("../../../schema/control/0005_sms_confidential.sql"),
    include_str!("../../../schema/control/0006_webhooks.sql"),
    include_str!("../../../schema/control/0007_sms_indexes.sql"),
];
/// The migrations of a school's database, in order.
pub const TENANT_SCHEMA: &[&str] = &[
    include_str!("../../../schema/tenant/0001_school.sql"),
    include_str!("../../../schema/tenant/0002_structure.sql"),
    include_str!("../../../schema/tenant/0003_people.sql"),
    include_str!("../../../schema/tenant/0004_attendance.sql"),
    include_str!("../../../schema/tenant/0005_exams.sql"),
    include_str!("../../../schema/tenant/0006_promotion.sql"),
    include_str!("../../../schema/tenant/0007_notices_and_imports.sql"),
    include_str!("../../../schema/tenant/0008_default_roles.sql"),
    include_str!("../../../schema/tenant/0009_card_digests.sql"),
    include_str!("../../../schema/tenant/0010_logo.sql"),
    include_str!("../../../schema/tenant/0011_promotion_and_roles.sql"),
    include_str!("../../../schema/tenant/0012_calendar_feeds.sql"),
    include_str!("../../../schema/tenant/0013_required_subjects.sql"),
    include_str!("../../../schema/tenant/0014_withdrawn_cards.sql"),
    include_str!("../../../schema/tenant/0015_card_lists.sql"),
    include_str!("../../../schema/tenant/0016_sms.sql"),
    include_str!("../../../schema/tenant/0017_sms_callbacks.sql"),
    include_str!("../../../schema/tenant/0018_student_pins.sql"),
    include_str!("../../../schema/tenant/0019_substitutions.sql"),
    include_str!("../../../schema/tenant/0020_password_resets.sql"),
    include_str!("../../../schema/tenant/0021_events.sql"),
    include_str!("../../../schema/tenant/0022_erasure.sql"),
    include_str!("../../../schema/tenant/0023_corrected_attendance.sql"),
    include_str!("../../../schema/tenant/0024_cancelled_lessons.sql"),
    include_str!("../../../schema/tenant/0025_year_results.sql"),
    include_str!("../../../schema/tenant/0026_applications.sql"),
    include_str!("../../../schema/tenant/0027_sms_indexes.sql"),
    include_str!("../../../schema/tenant/0028_attendance_of_parts.sql"),
];

/// In-memory databases by the name of their binding.
#[derive(Clone, Default)]
pub struct SqliteDatabases {
    connections: HashMap<String, Arc<Mutex<Connection>>>,
}

impl SqliteDatabases {
    /// Adds an empty database and applies the migrations, in order.
    pub fn add(&mut self, binding: &str, migrations: &[&str]) -> Result<(), rusqlite::Error> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "foreign_keys", true)?;
        for migration in migrations {
            connection.execute_batch(migration)?;
        }
        // The limits that D1's runtime sets in code.
        for (limit, value) in [
            (
                Limit::SQLITE_LIMIT_VARIABLE_NUMBER,
                i32::try_from(MAX_PARAMETERS).unwrap_or(100),
            ),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES),
            // The longest value or row.
            (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_COLUMN, 100),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
        ] {
            connection.set_limit(limit, value)?;
        }
        self.connections
            .insert(binding.to_owned(), Arc::new(Mutex::new(connection)));
        Ok(())
    }

    /// Direct access for a test's own statements.
    pub fn with<T>(&self, binding: &str, work: impl FnOnce(&Connection) -> T) -> Option<T> {
        self.connections
            .get(binding)
            .map(|connection| work(&lock(connection)))
    }
}

impl Databases for SqliteDatabases {
    fn open(&self, binding: &str, _: &Consistency) -> Result<Box<dyn Session>, SqlError> {
        match self.connections.get(binding) {
            Some(connection) => Ok(Box::new(SqliteSession(connection.clone()))),
            None => Err(SqlError::Other(format!("there is no database {binding}"))),
        }
    }
}

struct SqliteSession(Arc<Mutex<Connection>>);

impl Session for SqliteSession {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Carried, SqlError>> {
        let result = run(&mut lock(&self.0), &statements);
        Box::pin(std::future::ready(
            result
                .map(|outcomes| Carried {
                    outcomes,
                    bookmark: None,
                })
                .map_err(|error| SqlError::from_message(&error.to_string())),
        ))
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(
    connection: &mut Connection,
    statements: &[Statement],
) -> Result<Vec<Outcome>, rusqlite::Error> {
    let transaction = connection.transaction()?;
    let outcomes = statements
        .iter()
        .map(|statement| execute(&transaction, statement))
        .collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn execute(connection: &Connection, statement: &Statement) -> Result<Outcome, rusqlite::Error> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    // D1 makes objects of rows, in which one of two columns of a name is lost.
    let distinct: HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{}", statement.sql);
    let params = params_from_iter(statement.params.iter().map(|value| match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Int(number) => rusqlite::types::Value::Integer(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    }));
    let before = connection.total_changes();
    let mut rows = prepared.query(params)?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        if list.is_empty() {
            list.push(Json::from(names.clone()));
        }
        let cells = (0..names.len()).map(|n| row.get_ref(n).map(to_json));
        list.push(Json::Array(cells.collect::<Result<_, _>>()?));
    }
    drop(rows);
    Ok(Outcome {
        rows: Json::Array(list).to_string(),
        changes: connection.total_changes() - before,
    })
}

fn to_json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => Json::from(number),
        ValueRef::Real(number) => Json::from(number),
        ValueRef::Text(text) | ValueRef::Blob(text) => Json::from(String::from_utf8_lossy(text)),
    }
}
