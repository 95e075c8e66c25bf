//! The school's logo: one row, or none.

use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::sql,
};

const TABLE: &str = "logos";

/// The picture as an expression, for who needs it along with something else.
pub(crate) const LOGO: &str = "(select data from logos)";

/// The logo.
#[derive(Clone, Debug, Deserialize)]
pub struct Logo {
    /// The SHA-256 of `data` in hexadecimal.
    pub digest: String,
    /// The picture in base64; none: whoever asks has it.
    pub data: Option<String>,
}

/// The logo. `known` are the entity tags of what the caller has, as a header lists them.
pub async fn find(db: &TenantDb, known: &str) -> Result<Logo, StoreError> {
    let row = db.connection.first(sql!(
        "select digest, iif(instr(?1, '\"' || digest || '\"') > 0, null, data) as data from logos",
        known.to_owned(),
    ));
    row.await?.ok_or(StoreError::NotFound)
}

/// What the audit log says of a logo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogoNote {
    /// The SHA-256 of the picture in base64.
    pub digest: String,
}

/// Which logo there is.
pub async fn find_note(db: &TenantDb) -> Result<Option<LogoNote>, StoreError> {
    let row = db.connection.first(sql!("select digest from logos"));
    row.await
}

/// Puts a logo in the place of the one that was read; `changed_meanwhile` where there is another one now.
#[must_use]
pub fn save(stamp: &Stamp<'_>, before: Option<&LogoNote>, data: String, after: &LogoNote) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "insert into logos (id, data, digest, updated_at) select 1, ?1, ?2, ?3 where ?4 is null \
         or exists (select 1 from logos) \
         on conflict (id) do update set data = excluded.data, digest = excluded.digest, updated_at = excluded.updated_at \
         where logos.digest is ?4",
        data,
        after.digest.clone(),
        stamp.now,
        before.map(|note| note.digest.clone()),
    ));
    let action = if before.is_some() {
        Action::Update
    } else {
        Action::Create
    };
    batch.audit(stamp, action, TABLE, "1", before, Some(after));
    batch
}

/// Removes the logo that was read.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, before: &LogoNote) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "delete from logos where digest = ?1",
        before.digest.clone()
    ));
    batch.audit(
        stamp,
        Action::Delete,
        TABLE,
        "1",
        Some(before),
        None::<&LogoNote>,
    );
    batch
}
