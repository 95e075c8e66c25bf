//! Users.

use homeroom_domain::{RoleId, StaffId, UserId, credentials::Plane};
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use super::{
    role_assignments::{self, keep_an_administrator},
    sessions::revoke_all,
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::IdentityDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// A role as a user's record shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldRole {
    /// The role.
    pub id: RoleId,
    /// Its name.
    pub name: String,
}

/// A user's staff record, as a user's record shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeacherProfile {
    /// The staff record.
    pub id: StaffId,
    /// The school's own number for the person.
    pub staff_number: String,
    /// For example "Mrs".
    pub title: String,
    /// For example "Teacher".
    pub position: String,
    /// For example "Mathematics".
    pub department: String,
    /// A date.
    pub hired_on: Option<String>,
}

/// A user as stored, without the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The user.
    pub id: UserId,
    /// Lower case; unique among users who are not deleted.
    pub email: Option<String>,
    /// Normalised; unique among users who are not deleted.
    pub phone_number: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether the user may sign in.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// Whether the password was set by somebody else.
    #[serde(deserialize_with = "rows::flag")]
    pub must_change_password: bool,
    /// The roles, by name.
    #[serde(deserialize_with = "rows::json")]
    pub roles: Vec<HeldRole>,
    /// The staff record, in a school.
    #[serde(deserialize_with = "rows::optional_json")]
    pub teacher_profile: Option<TeacherProfile>,
    /// The last sign-in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

macro_rules! columns {
    ($teacher_profile:literal) => {
        concat!(
            "u.id, u.email, u.phone_number, u.first_name, u.last_name, u.is_active, u.must_change_password, \
             u.last_login_at, u.created_at, u.updated_at, u.created_by, \
             (select json_group_array(json_object('id', r.id, 'name', r.name)) from \
              (select r.id, r.name from user_roles ur join roles r on r.id = ur.role_id \
               where ur.user_id = u.id order by r.name) r) as roles, ",
            $teacher_profile,
            " as teacher_profile"
        )
    };
}

const SYSTEM_COLUMNS: &str = columns!("null");
const SCHOOL_COLUMNS: &str = columns!(
    "(select json_object('id', s.id, 'staff_number', s.staff_number, 'title', s.title, 'position', s.position, \
      'department', s.department, 'hired_on', s.hired_on) from staff s where s.user_id = u.id)"
);

pub(crate) const fn columns(plane: Plane) -> &'static str {
    match plane {
        Plane::System => SYSTEM_COLUMNS,
        Plane::School(_) => SCHOOL_COLUMNS,
    }
}

/// What the list of users can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("first_name", "u.first_name collate nocase"),
        ("last_name", "u.last_name collate nocase"),
        ("email", "u.email"),
        ("is_active", "u.is_active"),
        ("last_login_at", "u.last_login_at"),
        ("created_at", "u.created_at"),
        ("updated_at", "u.updated_at"),
    ],
    default_ordering: "-created_at",
    search: &["u.first_name", "u.last_name", "u.email", "u.phone_number"],
    filters: &[
        ("is_active", FilterKind::Bool, "u.is_active = ?"),
        ("email", FilterKind::Text, "u.email = lower(?)"),
        ("phone_number", FilterKind::Text, "u.phone_number = ?"),
        (
            "role",
            FilterKind::Id,
            "exists (select 1 from user_roles ur where ur.user_id = u.id and ur.role_id = ?)",
        ),
    ],
};

/// One page of users.
pub async fn list(
    db: &impl IdentityDb,
    request: &PageRequest,
) -> Result<Page<UserRow>, StoreError> {
    let source = Source {
        columns: columns(db.plane()),
        from: "users u",
        condition: "u.deleted_at is null",
        key: "u.id",
    };
    list::fetch(db.connection(), &source, LISTING.search, request).await
}

/// One user who is not deleted.
pub async fn find(db: &impl IdentityDb, id: UserId) -> Result<UserRow, StoreError> {
    let text = format!(
        "select {} from users u where u.id = ?1 and u.deleted_at is null",
        columns(db.plane())
    );
    db.connection()
        .first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// How a user is named at sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// An email address, normalised.
    Email(String),
    /// A phone number, normalised.
    Phone(String),
}

impl Identifier {
    /// The normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }
}

/// A user with the stored password hash, for sign-in.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    /// The user.
    #[serde(flatten)]
    pub user: UserRow,
    /// PHC string.
    pub password_hash: String,
}

/// The user with this identifier, active or not.
pub async fn find_credentials(
    db: &impl IdentityDb,
    identifier: &Identifier,
) -> Result<Option<Credentials>, StoreError> {
    let column = match identifier {
        Identifier::Email(_) => "email",
        Identifier::Phone(_) => "phone_number",
    };
    let text = format!(
        "select u.password_hash, {} from users u where u.{column} = ?1 and u.deleted_at is null",
        columns(db.plane())
    );
    db.connection().first(sql!(text, identifier.as_str())).await
}

/// The stored password hash of a user.
pub async fn find_password_hash(db: &impl IdentityDb, id: UserId) -> Result<String, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        password_hash: String,
    }
    let statement = sql!(
        "select password_hash from users where id = ?1 and deleted_at is null",
        id
    );
    let row: Option<Row> = db.connection().first(statement).await?;
    row.map(|row| row.password_hash).ok_or(StoreError::NotFound)
}

/// Creates a user with roles. The record must not have been stored before; its `roles` are assigned.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, user: &UserRow, password_hash: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into users (id, email, phone_number, first_name, last_name, password_hash, is_active, \
         must_change_password, created_at, updated_at, created_by) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        user.id,
        user.email.clone(),
        user.phone_number.clone(),
        &user.first_name,
        &user.last_name,
        password_hash,
        user.is_active,
        user.must_change_password,
        user.created_at,
        user.created_by.clone(),
    ));
    for role in &user.roles {
        batch.push(role_assignments::insert_statement(
            stamp,
            stamp.ids.next(),
            user.id,
            role.id,
        ));
    }
    batch.audit(
        stamp,
        Action::Create,
        "users",
        &user.id.to_string(),
        None::<&UserRow>,
        Some(user),
    );
    batch
}

/// Changes a user's own columns and, where they differ, the roles. Fails with `changed_meanwhile` when the record is
/// no longer the one that was read, and with `last_administrator` when nobody would be left to administer.
#[must_use]
pub fn update(
    stamp: &Stamp<'_>,
    before: &UserRow,
    after: &UserRow,
    password_hash: Option<&str>,
) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update users set email = ?2, phone_number = ?3, first_name = ?4, last_name = ?5, is_active = ?6, \
         must_change_password = ?7, updated_at = ?8, password_hash = coalesce(?9, password_hash) \
         where id = ?1 and updated_at = ?10 and deleted_at is null",
        before.id,
        after.email.clone(),
        after.phone_number.clone(),
        &after.first_name,
        &after.last_name,
        after.is_active,
        after.must_change_password,
        after.updated_at,
        password_hash,
        before.updated_at,
    ));
    for role in before
        .roles
        .iter()
        .filter(|role| !after.roles.contains(role))
    {
        batch.push(sql!(
            "delete from user_roles where user_id = ?1 and role_id = ?2",
            before.id,
            role.id
        ));
    }
    for role in after
        .roles
        .iter()
        .filter(|role| !before.roles.contains(role))
    {
        batch.push(role_assignments::insert_statement(
            stamp,
            stamp.ids.next(),
            before.id,
            role.id,
        ));
    }
    if !after.is_active || password_hash.is_some() {
        let because = if after.is_active {
            "password_changed"
        } else {
            "deactivated"
        };
        batch.append(revoke_all(stamp.plane, before.id, because, stamp.now));
    }
    keep_an_administrator(&mut batch);
    let after = Recorded {
        user: after,
        password: password_hash.map(|_| "changed"),
    };
    batch.audit(
        stamp,
        Action::Update,
        "users",
        &before.id.to_string(),
        Some(before),
        Some(&after),
    );
    batch
}

/// A user as the audit log records a change: that there is a new password, never which.
#[derive(Serialize)]
struct Recorded<'a> {
    #[serde(flatten)]
    user: &'a UserRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'static str>,
}

/// Marks a user as deleted: the record stays for the audit log, the identifiers are free again, every sign-in ends.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, user: &UserRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update users set deleted_at = ?2, updated_at = ?2, is_active = 0 where id = ?1 and deleted_at is null",
        user.id,
        stamp.now,
    ));
    batch.push(sql!("delete from user_roles where user_id = ?1", user.id));
    batch.append(revoke_all(stamp.plane, user.id, "deleted", stamp.now));
    keep_an_administrator(&mut batch);
    batch.audit(
        stamp,
        Action::Delete,
        "users",
        &user.id.to_string(),
        Some(user),
        None::<&UserRow>,
    );
    batch
}

/// Sets a new password chosen by the user; every sign-in of the user ends. Fails with `changed_meanwhile` when the stored
/// hash is no longer the one that the old password was verified against.
#[must_use]
pub fn change_password(stamp: &Stamp<'_>, user: UserId, verified: &str, new: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update users set password_hash = ?2, must_change_password = 0, updated_at = ?3 \
         where id = ?1 and password_hash = ?4 and is_active = 1 and deleted_at is null",
        user,
        new,
        stamp.now,
        verified,
    ));
    batch.append(revoke_all(stamp.plane, user, "password_changed", stamp.now));
    let change = serde_json::json!({"password": "changed"});
    batch.audit(
        stamp,
        Action::Update,
        "users",
        &user.to_string(),
        None::<&UserRow>,
        Some(&change),
    );
    batch
}
