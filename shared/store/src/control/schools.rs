//! Schools as the platform's administrators manage them.

use homeroom_domain::TenantId;
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use super::registry::Status;
use crate::{
    batch::{Action, Batch, Stamp},
    connection::ControlDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    school::{outbox::SetupProgress, provision::FirstAdmin},
    sql::{Statement, sql},
};

/// The constraint that fails when no database is free.
pub const NO_FREE_SLOT: &str = "tenants.slot";
/// How long a deleted school can be restored, in seconds.
pub const RESTORABLE_SECONDS: i64 = 30 * 24 * 3600;

/// A school as stored, with its hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolRow {
    /// The school.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Its slug, for ever.
    pub schema_name: String,
    /// Its short code, unique.
    pub code: String,
    /// Host names, the default one first.
    #[serde(deserialize_with = "rows::json")]
    pub domain: Vec<String>,
    /// `provisioning`, `active`, `suspended` or `deleted`.
    pub status: String,
    /// `not_started`, `in_progress` or `completed`.
    pub setup_progress: String,
    /// IANA name.
    pub timezone: String,
    /// BCP 47.
    pub locale: String,
    /// Origins whose pages may call the school's API.
    #[serde(deserialize_with = "rows::json")]
    pub cors_origins: Vec<String>,
    /// When the school was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

const COLUMNS: &str = "t.id, t.name, t.schema_name, t.code, t.status, t.setup_progress, t.timezone, t.locale, \
     t.cors_origins, t.created_at, t.updated_at, t.created_by, t.deleted_at, \
     (select json_group_array(d.host) from \
      (select host from tenant_domains where tenant_id = t.id order by is_default desc, host) d) as domain";

/// What the list of schools can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("name", "t.name collate nocase"),
        ("schema_name", "t.schema_name"),
        ("code", "t.code"),
        ("setup_progress", "t.setup_progress"),
        ("created_at", "t.created_at"),
        ("updated_at", "t.updated_at"),
    ],
    default_ordering: "name",
    search: &["t.name", "t.schema_name", "t.code"],
    filters: &[
        ("is_active", FilterKind::Bool, "(t.status = 'active') = ?"),
        ("status", FilterKind::Text, "t.status = ?"),
        ("setup_progress", FilterKind::Text, "t.setup_progress = ?"),
        ("schema_name", FilterKind::Text, "t.schema_name = ?"),
        ("code", FilterKind::Text, "t.code = ?"),
    ],
};

/// One page of schools; `deleted` ones only when a status filter asks for them.
pub async fn list(db: &ControlDb, request: &PageRequest) -> Result<Page<SchoolRow>, StoreError> {
    let asks_for_status = request
        .filters
        .iter()
        .any(|(condition, _)| *condition == "t.status = ?");
    let condition = if asks_for_status {
        "true"
    } else {
        "t.deleted_at is null"
    };
    let source = Source {
        columns: COLUMNS,
        from: "tenants t",
        condition,
        key: "t.id",
    };
    list::fetch(&db.0, &source, LISTING.search, request).await
}

/// One school, deleted ones included.
pub async fn find(db: &ControlDb, id: TenantId) -> Result<SchoolRow, StoreError> {
    let text = format!("select {COLUMNS} from tenants t where t.id = ?1");
    db.0.first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// Which of these unique values are taken by another school: `schema_name`, `code`, or a host.
pub async fn find_taken(
    db: &ControlDb,
    except: Option<TenantId>,
    schema_name: &str,
    code: &str,
    hosts: &[String],
) -> Result<Vec<(String, String)>, StoreError> {
    #[derive(Deserialize)]
    struct Taken {
        field: String,
        value: String,
    }
    let hosts = serde_json::Value::from(hosts.to_vec()).to_string();
    let rows: Vec<Taken> = db
        .0
        .rows(sql!(
            "select 'schema_name' as field, schema_name as value from tenants where schema_name = ?2 and id <> ?1 \
             union all select 'code', code from tenants where code = ?3 and id <> ?1 \
             union all select 'domain', host from tenant_domains \
             where host in (select value from json_each(?4)) and tenant_id <> ?1",
            except.map_or_else(String::new, |id| id.to_string()),
            schema_name,
            code,
            hosts,
        ))
        .await?;
    Ok(rows.into_iter().map(|row| (row.field, row.value)).collect())
}

/// Creates a school in the first free database: of parallel creations each gets another one, and
/// [`NO_FREE_SLOT`] fails when none is left.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, school: &SchoolRow, admin: &FirstAdmin) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into tenants (id, name, schema_name, code, slot, status, setup_progress, timezone, locale, \
         pending_admin, cors_origins, created_at, updated_at, created_by) values (?1, ?2, ?3, ?4, \
         (select binding from slots where tenant_id is null order by binding limit 1), \
         'provisioning', ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
        school.id,
        &school.name,
        &school.schema_name,
        &school.code,
        &school.setup_progress,
        &school.timezone,
        &school.locale,
        serde_json::to_value(admin).unwrap_or_default().to_string(),
        serde_json::Value::from(school.cors_origins.clone()).to_string(),
        school.created_at,
        school.created_by.clone(),
    ));
    batch.push_effective(sql!(
        "update slots set tenant_id = ?1, claimed_at = ?2 \
         where binding = (select slot from tenants where id = ?1) and tenant_id is null",
        school.id,
        stamp.now,
    ));
    push_domains(&mut batch, school, stamp.now);
    batch.audit(
        stamp,
        Action::Create,
        "schools",
        &school.id.to_string(),
        None::<&SchoolRow>,
        Some(school),
    );
    batch
}

/// Changes a school.
#[must_use]
pub fn update(stamp: &Stamp<'_>, before: &SchoolRow, after: &SchoolRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update tenants set name = ?2, code = ?3, status = ?4, timezone = ?5, locale = ?6, cors_origins = ?7, \
         updated_at = ?8, deleted_at = ?9 where id = ?1 and updated_at = ?10 and status = ?11",
        before.id,
        &after.name,
        &after.code,
        &after.status,
        &after.timezone,
        &after.locale,
        serde_json::Value::from(after.cors_origins.clone()).to_string(),
        after.updated_at,
        after.deleted_at,
        before.updated_at,
        &before.status,
    ));
    if before.domain != after.domain {
        batch.push(sql!(
            "delete from tenant_domains where tenant_id = ?1",
            before.id
        ));
        push_domains(&mut batch, after, stamp.now);
    }
    let action = if after.deleted_at.is_some() {
        Action::Delete
    } else {
        Action::Update
    };
    batch.audit(
        stamp,
        action,
        "schools",
        &before.id.to_string(),
        Some(before),
        Some(after),
    );
    batch
}

fn push_domains(batch: &mut Batch, school: &SchoolRow, now: Timestamp) {
    let hosts = serde_json::Value::from(school.domain.clone()).to_string();
    batch.push(sql!(
        "insert into tenant_domains (host, tenant_id, is_default, created_at) \
         select value, ?1, key = 0, ?3 from json_each(?2)",
        school.id,
        hosts,
        now,
    ));
}

/// The first administrator of a school whose database is not filled yet.
pub(crate) async fn find_pending_admin(
    db: &ControlDb,
    id: TenantId,
) -> Result<Option<FirstAdmin>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "rows::json")]
        pending_admin: FirstAdmin,
    }
    let statement = sql!(
        "select pending_admin from tenants where id = ?1 and pending_admin is not null",
        id
    );
    let row: Option<Row> = db.0.first(statement).await?;
    Ok(row.map(|row| row.pending_admin))
}

/// Opens a school whose database is filled.
pub(crate) fn open(id: TenantId, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update tenants set pending_admin = null, updated_at = ?2, \
         status = case status when 'provisioning' then 'active' else status end where id = ?1",
        id,
        now,
    ));
    batch
}

/// Moves the set-up's progress forward, never back.
pub(crate) fn progress_statement(id: TenantId, progress: SetupProgress) -> Statement {
    sql!(
        "update tenants set setup_progress = ?2 where id = ?1 and case ?2 when 'completed' then 2 \
         when 'in_progress' then 1 else 0 end > case setup_progress when 'completed' then 2 \
         when 'in_progress' then 1 else 0 end",
        id,
        progress.as_str(),
    )
}

impl Status {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}
