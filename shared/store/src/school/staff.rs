//! Staff.

use homeroom_domain::{StaffId, UserId};
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// A member of staff as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRow {
    /// The staff record.
    pub id: StaffId,
    /// The user who signs in as this person.
    pub user: Option<UserId>,
    /// The user's names; none without a user.
    #[serde(skip_serializing)]
    pub user_name: Option<String>,
    /// The school's own number, unique.
    pub staff_number: String,
    /// For example "Mrs".
    pub title: String,
    /// For example "Teacher".
    pub position: String,
    /// For example "Mathematics".
    pub department: String,
    /// A date, `2026-01-31`.
    pub hired_on: Option<String>,
    /// Whether the person works here now.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// When the record was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

impl StaffRow {
    /// A new record with nothing in it yet.
    #[must_use]
    pub fn blank(stamp: &Stamp<'_>) -> Self {
        Self {
            id: stamp.ids.next(),
            user: None,
            user_name: None,
            staff_number: String::new(),
            title: String::new(),
            position: String::new(),
            department: String::new(),
            hired_on: None,
            is_active: true,
            created_at: stamp.now,
            updated_at: stamp.now,
            created_by: stamp.created_by(),
        }
    }

    /// What people call the person, as `staff_name!` does in SQL: the record may not be stored yet.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.user_name.as_ref().unwrap_or(&self.staff_number);
        format!("{} {name}", self.title).trim().to_owned()
    }
}

const COLUMNS: &str = "s.id, s.user_id as user, \
     (select n.first_name || ' ' || n.last_name from users n where n.id = s.user_id) as user_name, s.staff_number, s.title, s.position, s.department, s.hired_on, \
     s.is_active, s.created_at, s.updated_at, s.created_by";

/// What the list of staff can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("staff_number", "s.staff_number"),
        ("position", "s.position collate nocase"),
        ("department", "s.department collate nocase"),
        ("hired_on", "s.hired_on"),
        ("created_at", "s.created_at"),
        ("updated_at", "s.updated_at"),
    ],
    default_ordering: "staff_number",
    search: &[
        "s.staff_number",
        "s.title",
        "s.position",
        "s.department",
        "u.first_name",
        "u.last_name",
    ],
    filters: &[
        ("user", FilterKind::Id, "s.user_id = ?"),
        ("position", FilterKind::Text, "s.position = ?"),
        ("department", FilterKind::Text, "s.department = ?"),
        ("is_active", FilterKind::Bool, "s.is_active = ?"),
    ],
};

/// One page of staff.
pub async fn list(db: &TenantDb, request: &PageRequest) -> Result<Page<StaffRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "staff s left join users u on u.id = s.user_id",
        condition: "true",
        key: "s.id",
    };
    list::fetch(&db.connection, &source, LISTING.search, request).await
}

/// One member of staff.
pub async fn find(db: &TenantDb, id: StaffId) -> Result<StaffRow, StoreError> {
    let text = format!("select {COLUMNS} from staff s where s.id = ?1");
    db.connection
        .first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// The numbers of staff whose users have the same names as this user.
pub async fn alike(db: &TenantDb, user: UserId) -> Result<Vec<String>, StoreError> {
    #[derive(Deserialize)]
    struct Alike {
        staff_number: String,
    }
    let found = db.connection.rows::<Alike>(sql!(
        "select member.staff_number from users u cross join staff member cross join users n on n.id = member.user_id \
         and n.id <> u.id and lower(n.first_name || ' ' || n.last_name) = lower(u.first_name || ' ' || u.last_name) \
         where u.id = ?1 order by member.staff_number limit 20",
        user
    ));
    Ok(found
        .await?
        .into_iter()
        .map(|row| row.staff_number)
        .collect())
}

/// Creates a staff record.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, staff: &StaffRow) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into staff (id, user_id, staff_number, title, position, department, hired_on, is_active, \
         created_at, updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        staff.id,
        staff.user,
        &staff.staff_number,
        &staff.title,
        &staff.position,
        &staff.department,
        staff.hired_on.clone(),
        staff.is_active,
        staff.created_at,
        staff.created_by.clone(),
    ));
    batch.audit(
        stamp,
        Action::Create,
        "staff",
        &staff.id.to_string(),
        None::<&StaffRow>,
        Some(staff),
    );
    batch
}

/// Changes a staff record; `changed_meanwhile` when it is no longer the one that was read.
#[must_use]
pub fn update(stamp: &Stamp<'_>, before: &StaffRow, after: &StaffRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update staff set user_id = ?2, staff_number = ?3, title = ?4, position = ?5, department = ?6, hired_on = ?7, \
         is_active = ?8, updated_at = ?9 where id = ?1 and updated_at = ?10",
        before.id,
        after.user,
        &after.staff_number,
        &after.title,
        &after.position,
        &after.department,
        after.hired_on.clone(),
        after.is_active,
        after.updated_at,
        before.updated_at,
    ));
    batch.audit(
        stamp,
        Action::Update,
        "staff",
        &before.id.to_string(),
        Some(before),
        Some(after),
    );
    batch
}

/// Deletes a staff record; what refers to it refuses.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, staff: &StaffRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from staff where id = ?1", staff.id));
    batch.audit(
        stamp,
        Action::Delete,
        "staff",
        &staff.id.to_string(),
        Some(staff),
        None::<&StaffRow>,
    );
    batch
}
