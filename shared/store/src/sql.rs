//! The port that a database engine implements: batches of statements in, rows as JSON text out.

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use serde::Serialize;
use thiserror::Error;

/// D1's limit of bound parameters per statement.
pub const MAX_PARAMETERS: usize = 100;

/// A bound value. Integers beyond 2^53 do not survive the way through JavaScript; ids are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// SQL null.
    Null,
    /// A whole number, also for times and truth values.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<homeroom_kernel::Timestamp> for Value {
    fn from(value: homeroom_kernel::Timestamp) -> Self {
        Self::Int(value.millis())
    }
}
impl<T> From<homeroom_kernel::Id<T>> for Value {
    fn from(value: homeroom_kernel::Id<T>) -> Self {
        Self::Text(value.to_string())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One SQL statement with its values.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text, with `?` or `?1` for the values.
    pub sql: Cow<'static, str>,
    /// The values.
    pub params: Vec<Value>,
}

/// Makes a statement: `sql!("select … where id = ?1", id)`.
macro_rules! sql {
    ($text:expr $(, $param:expr)* $(,)?) => {
        $crate::sql::Statement { sql: ($text).into(), params: vec![$($crate::sql::Value::from($param)),*] }
    };
}
pub(crate) use sql;

/// An expression that gives each row an id of its own, for rows that a statement makes out of others; the parameter
/// holds the moment in milliseconds.
pub(crate) fn new_ids(moment: &str) -> String {
    format!(
        "lower(printf('%08x-%04x-7%.3s-8%.3s-%s', {moment} >> 16, {moment} & 65535, hex(randomblob(2)), \
         hex(randomblob(2)), hex(randomblob(6))))"
    )
}

/// What one statement gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// A JSON array: the names of the columns, then each row as an array of values; an empty one where there is no row.
    pub rows: String,
    /// Rows inserted, updated or deleted.
    pub changes: u64,
}

/// What a batch gave.
#[derive(Clone, Debug)]
pub struct Carried {
    /// One outcome per statement.
    pub outcomes: Vec<Outcome>,
    /// Where the session stands now, for a later one.
    pub bookmark: Option<String>,
}

/// Why a batch was not carried out. Engines sort their own errors into these.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SqlError {
    /// A constraint refused a row: `users.email` for a unique column, the name for a check or an index.
    #[error("constraint {0} failed")]
    Constraint(String),
    /// The engine could not be reached or is overloaded; a read may be tried again.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// Anything else: a mistake of ours.
    #[error("database error: {0}")]
    Other(String),
}

/// Which copy of a database may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Any replica.
    Any,
    /// The primary first.
    Latest,
    /// A copy at least as new as this bookmark of an earlier session.
    After(String),
}

impl SqlError {
    /// Sorts an engine's message. SQLite names the columns of unique and not-null constraints and the check itself;
    /// a foreign key that fails goes unnamed and is called `foreign_key`.
    #[must_use]
    pub fn from_message(message: &str) -> Self {
        let after = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
        for mark in [
            "UNIQUE constraint failed: ",
            "CHECK constraint failed: ",
            "NOT NULL constraint failed: ",
        ] {
            if let Some(rest) = after(mark) {
                let name = rest.split(": SQLITE").next().unwrap_or(rest);
                return Self::Constraint(name.trim().to_owned());
            }
        }
        if message.contains("FOREIGN KEY constraint failed") {
            return Self::Constraint("foreign_key".to_owned());
        }
        let passing = [
            "Network connection lost",
            "object to be reset",
            "code was updated",
            "transient",
            "overloaded",
        ];
        if passing.iter().any(|mark| message.contains(mark)) {
            return Self::Unavailable(message.to_owned());
        }
        Self::Other(message.to_owned())
    }
}

/// One session with one database: what it reads is never older than what it wrote.
pub trait Session: Send + Sync {
    /// Carries out the statements in order, in one round trip and one transaction: all of them or none.
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Carried, SqlError>>;
}

/// Opens sessions with databases by the name of their binding.
pub trait Databases: Send + Sync {
    /// Opens a session; nothing is sent yet.
    fn open(&self, binding: &str, consistency: &Consistency) -> Result<Box<dyn Session>, SqlError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_engines_are_sorted_alike() {
        let table = [
            ("UNIQUE constraint failed: users.email", "users.email"),
            (
                "D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT",
                "users.email",
            ),
            (
                "D1_ERROR: CHECK constraint failed: role_cycle: SQLITE_CONSTRAINT",
                "role_cycle",
            ),
            ("NOT NULL constraint failed: tenants.slot", "tenants.slot"),
            (
                "D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT",
                "foreign_key",
            ),
        ];
        for (message, name) in table {
            assert_eq!(
                SqlError::from_message(message),
                SqlError::Constraint(name.to_owned())
            );
        }
        assert!(matches!(
            SqlError::from_message("Network connection lost."),
            SqlError::Unavailable(_)
        ));
        assert!(matches!(
            SqlError::from_message("no such table: x"),
            SqlError::Other(_)
        ));
    }
}
