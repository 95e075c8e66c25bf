//! Filling a claimed database: default roles and the first administrator. Doing it twice changes nothing, so that a
//! creation cut short can be finished by anyone at any time.

use homeroom_domain::{
    RoleId, UserId,
    credentials::Plane,
    permissions::{ADMINISTRATOR, DEFAULT_SCHOOL_ROLES},
};
use serde::{Deserialize, Serialize};

use super::outbox::DirectoryEntry;
use crate::{
    batch::{Action, Batch, Stamp},
    connection::{Connection, ControlDb, Trace},
    control::{registry::School, schools},
    error::StoreError,
    sql::{Consistency, Databases, sql},
};

/// A school's first administrator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FirstAdmin {
    /// The user.
    pub id: UserId,
    /// Normalised.
    pub email: Option<String>,
    /// Normalised.
    pub phone_number: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// PHC string.
    pub password_hash: String,
    /// Whether the password was made by the platform.
    pub must_change_password: bool,
    /// What the directory will know the person by.
    pub identifier_hashes: Vec<String>,
}

/// Fills a claimed school's database and opens the school. Does nothing for a school that is open already.
pub async fn finish(
    databases: &dyn Databases,
    control: &ControlDb,
    school: &School,
    stamp: &Stamp<'_>,
    trace: &Trace,
) -> Result<(), StoreError> {
    let Some(admin) = schools::find_pending_admin(control, school.id).await? else {
        return Ok(());
    };
    let connection = Connection::open(databases, &school.slot, &Consistency::Latest, trace)?;
    let stamp = Stamp {
        plane: Plane::School(school.id),
        kind: crate::ActorKind::System,
        ..stamp.clone()
    };
    match connection
        .batch(seed(&stamp, &admin).into_statements())
        .await
    {
        Ok(_) => {}
        // Somebody else was faster.
        Err(StoreError::Conflict(rule)) if rule == "changed_meanwhile" => {}
        Err(error) => return Err(error),
    }
    schools::open(school.id, stamp.now).commit(control).await
}

fn seed(stamp: &Stamp<'_>, admin: &FirstAdmin) -> Batch {
    let mut batch = Batch::default();
    for role in DEFAULT_SCHOOL_ROLES {
        let id: RoleId = stamp.ids.next();
        // The first of these fails in a database that is filled already, and nothing happens twice.
        batch.push_effective(sql!(
            "insert into roles (id, builtin, name, description, parent_id, created_at, updated_at) \
             values (?1, ?2, ?3, ?4, (select id from roles where builtin = ?5), ?6, ?6) \
             on conflict do nothing",
            id,
            role.builtin,
            role.name,
            role.description,
            role.parent,
            stamp.now,
        ));
        let codenames = serde_json::Value::from(role.permissions).to_string();
        batch.push(sql!(
            "insert into role_permissions (role_id, codename) select ?1, value from json_each(?2)",
            id,
            codenames,
        ));
    }
    batch.push(sql!(
        "insert into users (id, email, phone_number, first_name, last_name, password_hash, is_active, \
         must_change_password, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8)",
        admin.id,
        admin.email.clone(),
        admin.phone_number.clone(),
        &admin.first_name,
        &admin.last_name,
        &admin.password_hash,
        admin.must_change_password,
        stamp.now,
    ));
    batch.push(sql!(
        "insert into user_roles (id, user_id, role_id, created_at) \
         select ?1, ?2, id, ?3 from roles where builtin = ?4",
        stamp.ids.next::<()>(),
        admin.id,
        stamp.now,
        ADMINISTRATOR,
    ));
    for identifier_hash in &admin.identifier_hashes {
        let entry = DirectoryEntry {
            identifier_hash: identifier_hash.clone(),
            user_id: admin.id,
            present: true,
        };
        batch.announce(&entry, stamp.now);
    }
    let record = serde_json::json!({"email": admin.email, "phone_number": admin.phone_number, "role": ADMINISTRATOR});
    batch.audit(
        stamp,
        Action::Create,
        "users",
        &admin.id.to_string(),
        None::<&()>,
        Some(&record),
    );
    batch
}
