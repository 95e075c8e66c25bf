//! Which user holds which role.

use homeroom_domain::{RoleAssignmentId, RoleId, UserId, permissions::ADMINISTRATOR};
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::IdentityDb,
    error::StoreError,
    list::{self, Page, Source},
    sql::{Statement, sql},
};

/// An assignment as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRow {
    /// The assignment.
    pub id: RoleAssignmentId,
    /// Who holds the role.
    pub user: UserId,
    /// Which role.
    pub role: RoleId,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

const COLUMNS: &str = "a.id, a.user_id as user, a.role_id as role, a.created_at, a.created_by";

/// What the list of assignments can be ordered and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[("created_at", "a.created_at")],
    default_ordering: "-created_at",
    search: &[],
    filters: &[
        ("user", FilterKind::Id, "a.user_id = ?"),
        ("role", FilterKind::Id, "a.role_id = ?"),
    ],
};

/// One page of assignments.
pub async fn list(
    db: &impl IdentityDb,
    request: &PageRequest,
) -> Result<Page<AssignmentRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "user_roles a",
        condition: "true",
        key: "a.id",
    };
    list::fetch(db.connection(), &source, LISTING.search, request).await
}

/// One assignment.
pub async fn find(db: &impl IdentityDb, id: RoleAssignmentId) -> Result<AssignmentRow, StoreError> {
    let text = format!("select {COLUMNS} from user_roles a where a.id = ?1");
    db.connection()
        .first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

pub(crate) fn insert_statement(
    stamp: &Stamp<'_>,
    id: RoleAssignmentId,
    user: UserId,
    role: RoleId,
) -> Statement {
    sql!(
        "insert into user_roles (id, user_id, role_id, created_at, created_by) values (?1, ?2, ?3, ?4, ?5)",
        id,
        user,
        role,
        stamp.now,
        stamp.created_by(),
    )
}

/// Gives a user a role.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, assignment: &AssignmentRow) -> Batch {
    let mut batch = Batch::default();
    batch.push(insert_statement(
        stamp,
        assignment.id,
        assignment.user,
        assignment.role,
    ));
    let id = assignment.id.to_string();
    batch.audit(
        stamp,
        Action::Create,
        "user_roles",
        &id,
        None::<&AssignmentRow>,
        Some(assignment),
    );
    batch
}

/// Points an assignment at another user or role.
#[must_use]
pub fn update(stamp: &Stamp<'_>, before: &AssignmentRow, after: &AssignmentRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update user_roles set user_id = ?2, role_id = ?3 where id = ?1 and user_id = ?4 and role_id = ?5",
        before.id,
        after.user,
        after.role,
        before.user,
        before.role,
    ));
    keep_an_administrator(&mut batch);
    batch.audit(
        stamp,
        Action::Update,
        "user_roles",
        &before.id.to_string(),
        Some(before),
        Some(after),
    );
    batch
}

/// Takes the role away, unless nobody would be left to administer.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, assignment: &AssignmentRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from user_roles where id = ?1", assignment.id));
    keep_an_administrator(&mut batch);
    let id = assignment.id.to_string();
    batch.audit(
        stamp,
        Action::Delete,
        "user_roles",
        &id,
        Some(assignment),
        None::<&AssignmentRow>,
    );
    batch
}

/// Refuses the batch when it leaves nobody active who holds the administrator's role.
pub(crate) fn keep_an_administrator(batch: &mut Batch) {
    batch.guard(
        "last_administrator",
        "not exists (select 1 from roles r join user_roles ur on ur.role_id = r.id join users u on u.id = ur.user_id \
         where r.builtin = ?1 and u.is_active = 1 and u.deleted_at is null)",
        vec![ADMINISTRATOR.into()],
    );
}
