//! Roles with inherited permissions.

use homeroom_domain::{RoleId, permissions::PermissionSet};
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::IdentityDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::{Statement, Value, sql},
};

/// A role as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRow {
    /// The role.
    pub id: RoleId,
    /// Set for the roles that every school starts with.
    pub builtin: Option<String>,
    /// Unique.
    pub name: String,
    /// For people.
    pub description: String,
    /// The role whose permissions this one inherits.
    pub parent_role: Option<RoleId>,
    /// The role's own permissions, sorted.
    #[serde(deserialize_with = "rows::json")]
    pub permission_codenames: Vec<String>,
    /// When the role was created.
    pub created_at: Timestamp,
    /// When the role was last changed.
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "r.id, r.builtin, r.name, r.description, r.parent_id as parent_role, r.created_at, r.updated_at, \
     (select json_group_array(p.codename) from \
      (select codename from role_permissions where role_id = r.id order by codename) p) as permission_codenames";

/// What the list of roles can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("name", "r.name collate nocase"),
        ("created_at", "r.created_at"),
        ("updated_at", "r.updated_at"),
    ],
    default_ordering: "name",
    search: &["r.name", "r.description"],
    filters: &[
        ("name", FilterKind::Text, "r.name = ?"),
        ("parent_role", FilterKind::Id, "r.parent_id = ?"),
    ],
};

/// One page of roles.
pub async fn list(
    db: &impl IdentityDb,
    request: &PageRequest,
) -> Result<Page<RoleRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "roles r",
        condition: "true",
        key: "r.id",
    };
    list::fetch(db.connection(), &source, LISTING.search, request).await
}

/// One role.
pub async fn find(db: &impl IdentityDb, id: RoleId) -> Result<RoleRow, StoreError> {
    let text = format!("select {COLUMNS} from roles r where r.id = ?1");
    db.connection()
        .first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// A role with everything that it inherits, for decisions about granting it.
#[derive(Clone, Debug, Deserialize)]
pub struct GrantableRole {
    /// The role.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// Its own and its ancestors' permissions.
    #[serde(deserialize_with = "rows::json")]
    pub effective: Vec<String>,
}

/// The roles with these ids, in the order of their names; ids without a role are left out.
pub async fn find_grantable(
    db: &impl IdentityDb,
    ids: &[RoleId],
) -> Result<Vec<GrantableRole>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let marks: Vec<&str> = ids.iter().map(|_| "?").collect();
    let text = format!(
        "with recursive held (root, id) as (select id, id from roles where id in ({}) \
         union select held.root, r.parent_id from held join roles r on r.id = held.id where r.parent_id is not null) \
         select r.id, r.name, (select json_group_array(distinct p.codename) from held h \
         join role_permissions p on p.role_id = h.id where h.root = r.id) as effective \
         from roles r where r.id in (select root from held) order by r.name",
        marks.join(", ")
    );
    let params = ids.iter().map(|id| Value::from(*id)).collect();
    db.connection()
        .rows(Statement {
            sql: text.into(),
            params,
        })
        .await
}

/// The permissions that a role has by itself and by inheritance.
impl GrantableRole {
    /// As a set.
    #[must_use]
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::new(self.effective.clone())
    }
}

/// Creates a role.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, role: &RoleRow) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into roles (id, builtin, name, description, parent_id, created_at, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        role.id,
        role.builtin.clone(),
        &role.name,
        &role.description,
        role.parent_role,
        role.created_at,
    ));
    push_permissions(&mut batch, role.id, &role.permission_codenames);
    batch.audit(
        stamp,
        Action::Create,
        "roles",
        &role.id.to_string(),
        None::<&RoleRow>,
        Some(role),
    );
    batch
}

/// Changes a role; `role_cycle` when it would inherit from itself.
#[must_use]
pub fn update(stamp: &Stamp<'_>, before: &RoleRow, after: &RoleRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update roles set name = ?2, description = ?3, parent_id = ?4, updated_at = ?5 \
         where id = ?1 and updated_at = ?6",
        before.id,
        &after.name,
        &after.description,
        after.parent_role,
        after.updated_at,
        before.updated_at,
    ));
    batch.guard(
        "role_cycle",
        "exists (with recursive up (id) as (select parent_id from roles where id = ?1 \
         union select r.parent_id from roles r join up on r.id = up.id) select 1 from up where id = ?1)",
        vec![before.id.into()],
    );
    if before.permission_codenames != after.permission_codenames {
        batch.push(sql!(
            "delete from role_permissions where role_id = ?1",
            before.id
        ));
        push_permissions(&mut batch, before.id, &after.permission_codenames);
    }
    batch.audit(
        stamp,
        Action::Update,
        "roles",
        &before.id.to_string(),
        Some(before),
        Some(after),
    );
    batch
}

/// Deletes a role that nobody holds and none inherits from; the foreign keys refuse it otherwise.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, role: &RoleRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from roles where id = ?1", role.id));
    batch.audit(
        stamp,
        Action::Delete,
        "roles",
        &role.id.to_string(),
        Some(role),
        None::<&RoleRow>,
    );
    batch
}

fn push_permissions(batch: &mut Batch, role: RoleId, codenames: &[String]) {
    if !codenames.is_empty() {
        // One bound array instead of one parameter per row: D1 binds at most 100.
        let list = serde_json::Value::from(codenames.to_vec()).to_string();
        batch.push(sql!(
            "insert into role_permissions (role_id, codename) select ?1, value from json_each(?2)",
            role,
            list
        ));
    }
}
