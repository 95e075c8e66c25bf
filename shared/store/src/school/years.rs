//! How long a session is: for rules on its days, which the school's own calendar counts.

use homeroom_kernel::Timestamp;
use serde::Deserialize;

use crate::{connection::TenantDb, error::StoreError, sql::sql};

/// A session, and the days between which its terms lie.
#[derive(Clone, Debug, Deserialize)]
pub struct Year {
    /// When it begins.
    pub start_date: Timestamp,
    /// When it ends.
    pub end_date: Timestamp,
    /// The first day of its terms, where it has any.
    pub terms_from: Option<String>,
    /// The last.
    pub terms_to: Option<String>,
}

/// The session of this id, where there is one.
pub async fn year(db: &TenantDb, session: &str) -> Result<Option<Year>, StoreError> {
    let found = db.connection.rows(sql!(
        "select s.start_date, s.end_date, (select min(t.start_date) from terms t where t.session = s.id) as terms_from, \
         (select max(t.end_date) from terms t where t.session = s.id) as terms_to \
         from academic_sessions s where s.id = ?1",
        session
    ));
    Ok(found.await?.into_iter().next())
}
