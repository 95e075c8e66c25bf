//! What can go wrong below the edge.

use thiserror::Error;

use crate::sql::SqlError;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// There is no such row.
    #[error("not found")]
    NotFound,
    /// The list ends before the page that was asked for.
    #[error("no such page")]
    NoSuchPage,
    /// A constraint refused the change; the name says which.
    #[error("constraint {0} failed")]
    Conflict(String),
    /// The database could not be reached; nothing was changed, or it is not known whether.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A statement or a stored value is wrong: a mistake of ours.
    #[error("store failure: {0}")]
    Broken(String),
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Constraint(name) => Self::Conflict(name),
            SqlError::Unavailable(reason) => Self::Unavailable(reason),
            SqlError::Other(reason) => Self::Broken(reason),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("a row did not have the expected form: {error}"))
    }
}
