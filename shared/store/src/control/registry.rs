//! From a host name to a school, and from a school to the right to read its data.

use homeroom_domain::TenantId;
use serde::Deserialize;

use crate::{
    connection::ControlDb, error::StoreError, rows, school::outbox::SetupProgress, sql::sql,
};

/// What a school's state means for its routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its database is being filled.
    Provisioning,
    /// Open.
    Active,
    /// Closed by the platform; nothing is deleted.
    Suspended,
    /// Gone for everyone but the platform, which can restore it.
    Deleted,
}

/// A school as the registry knows it. No right to its data comes with it.
#[derive(Clone, Debug, Deserialize)]
pub struct School {
    /// The school.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub schema_name: String,
    /// Its short code.
    pub code: String,
    pub(crate) slot: String,
    /// Its state.
    pub status: Status,
    /// How far its set-up had come.
    pub setup_progress: SetupProgress,
    /// IANA name.
    pub timezone: String,
    /// BCP 47.
    pub locale: String,
    /// Origins whose pages may call the school's API.
    #[serde(deserialize_with = "rows::json")]
    pub cors_origins: Vec<String>,
}

/// A school that is open: the only thing that [`crate::TenantDb`] can be made from.
#[derive(Clone, Debug)]
pub struct ActiveSchool {
    school: School,
}

/// A school that news of its messages is stored for: also while it is suspended, since what was sent before goes on.
#[derive(Clone, Debug)]
pub struct ReceivingSchool {
    school: School,
}

/// Why a school's data is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// There is no such school for the world.
    Missing,
    /// It exists, but nobody may use it.
    Suspended,
}

impl School {
    /// The right to read the school's data, if it is open.
    pub fn active(self) -> Result<ActiveSchool, Closed> {
        match self.status {
            Status::Active => Ok(ActiveSchool { school: self }),
            Status::Suspended => Err(Closed::Suspended),
            Status::Provisioning | Status::Deleted => Err(Closed::Missing),
        }
    }

    /// The right to store news of the school's messages, unless it is gone.
    pub fn receiving(self) -> Result<ReceivingSchool, Closed> {
        match self.status {
            Status::Active | Status::Suspended => Ok(ReceivingSchool { school: self }),
            Status::Provisioning | Status::Deleted => Err(Closed::Missing),
        }
    }
}

impl ReceivingSchool {
    pub(crate) fn slot(&self) -> &str {
        &self.school.slot
    }
}

impl ActiveSchool {
    /// The school.
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.school.id
    }

    /// What the registry knows of it.
    #[must_use]
    pub fn school(&self) -> &School {
        &self.school
    }

    pub(crate) fn slot(&self) -> &str {
        &self.school.slot
    }
}

pub(crate) const COLUMNS: &str = "t.id, t.name, t.schema_name, t.code, t.slot, t.status, t.setup_progress, t.timezone, t.locale, t.cors_origins";

/// The school with this host name, normalised.
pub async fn find_by_host(db: &ControlDb, host: &str) -> Result<Option<School>, StoreError> {
    let text = format!(
        "select {COLUMNS} from tenant_domains d join tenants t on t.id = d.tenant_id where d.host = ?1"
    );
    db.0.first(sql!(text, host)).await
}

/// The school with this slug.
pub async fn find_by_slug(db: &ControlDb, slug: &str) -> Result<Option<School>, StoreError> {
    let text = format!("select {COLUMNS} from tenants t where t.schema_name = ?1");
    db.0.first(sql!(text, slug)).await
}

/// The school with this id.
pub async fn find_by_id(db: &ControlDb, id: TenantId) -> Result<Option<School>, StoreError> {
    let text = format!("select {COLUMNS} from tenants t where t.id = ?1");
    db.0.first(sql!(text, id)).await
}

/// The open schools whose turn it is: `limit` of them in the order of their ids, the next ones at the next turn, then from
/// the beginning again.
pub async fn list_active_in_turn(
    db: &ControlDb,
    turn: i64,
    limit: u16,
) -> Result<Vec<School>, StoreError> {
    let text = format!(
        "select {COLUMNS} from tenants t where t.status = 'active' order by t.id limit ?2 offset ?2 * (?1 %
           max(1, ((select count(*) from tenants where status = 'active') + ?2 - 1) / ?2))"
    );
    db.0.rows(sql!(text, turn, i64::from(limit))).await
}
