//! Text messages: the same tables, and the same statements, in the platform's database and in every school's.

pub mod batches;
pub mod callbacks;
pub mod contacts;
mod due;
pub mod events;
pub mod inbound;
pub mod messages;
pub mod school;
pub mod search;
pub mod stops;
pub mod usage;

use homeroom_domain::credentials::Plane;

use crate::{
    connection::{Connected, Connection, ControlDb, IdentityDb, TenantDb, Trace},
    control::registry::ReceivingSchool,
    error::StoreError,
    sql::{Consistency, Databases},
};

/// The database that holds an app's messages.
pub enum SmsDb {
    /// The platform's: the app belongs to no school.
    Platform(ControlDb),
    /// A school's.
    School(TenantDb),
}

impl Connected for SmsDb {
    fn connection(&self) -> &Connection {
        match self {
            Self::Platform(db) => db.connection(),
            Self::School(db) => db.connection(),
        }
    }
}

impl IdentityDb for SmsDb {
    fn plane(&self) -> Plane {
        match self {
            Self::Platform(db) => db.plane(),
            Self::School(db) => db.plane(),
        }
    }
}

/// A database as far as news of messages go: they are stored for suspended schools too, who can read and send nothing.
pub struct EventsDb(Connection);

impl EventsDb {
    /// The platform's.
    pub fn platform(databases: &dyn Databases, trace: &Trace) -> Result<Self, StoreError> {
        Ok(Self(
            ControlDb::open(databases, &Consistency::Latest, trace)?.0,
        ))
    }

    /// A school's.
    pub fn school(
        databases: &dyn Databases,
        school: &ReceivingSchool,
        trace: &Trace,
    ) -> Result<Self, StoreError> {
        Connection::open(databases, school.slot(), &Consistency::Latest, trace).map(Self)
    }
}

impl Connected for EventsDb {
    fn connection(&self) -> &Connection {
        &self.0
    }
}

/// The app that numbers belong to which are nobody's: who stops there, stops for everyone.
pub const EVERYONE: i64 = 0;

/// What is set of a message that was withdrawn at `?3`.
pub(crate) const DELETED: &str = "status = 'DELETED', updated_at = ?3, \
     parts = (select json_group_array(json_array('DELETED', null)) from json_each(m.parts))";

/// The statuses after which nothing changes, as a list for `in (…)`.
pub(crate) const FINAL: &str =
    "('DELIVERED', 'PARTIALLY_DELIVERED', 'EXPIRED', 'DELETED', 'UNDELIVERABLE', 'REJECTED')";
/// Those that usage counts as failed: not what the sender withdrew.
pub(crate) const FAILED: &str = "('PARTIALLY_DELIVERED', 'EXPIRED', 'UNDELIVERABLE', 'REJECTED')";

/// The day that usage counts a moment under, an expression over a column with milliseconds.
pub(crate) fn day(column: &str) -> String {
    format!("date({column} / 1000, 'unixepoch')")
}
