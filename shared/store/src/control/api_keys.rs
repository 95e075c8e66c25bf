//! API keys.

use homeroom_domain::{
    ApiKeyId, TenantId,
    credentials::api_key::{Grant, parse_network},
    permissions::PermissionSet,
};
use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::ControlDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// A key as stored, without the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// The key.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// The school that it opens; `None`: all, and the platform.
    pub client: Option<TenantId>,
    /// The public part.
    pub prefix: String,
    /// Permission codenames and patterns.
    #[serde(deserialize_with = "rows::json")]
    pub scopes: Vec<String>,
    /// Addresses and networks; empty: anywhere.
    #[serde(deserialize_with = "rows::json")]
    pub allowed_ips: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

const COLUMNS: &str = "k.id, k.name, k.tenant_id as client, k.prefix, k.scopes, k.allowed_ips, k.expires_at, \
     k.last_used_at, k.revoked_at, k.created_at, k.updated_at, k.created_by";

/// What the list of keys can be ordered, searched and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("name", "k.name collate nocase"),
        ("last_used_at", "k.last_used_at"),
        ("expires_at", "k.expires_at"),
        ("created_at", "k.created_at"),
    ],
    default_ordering: "-created_at",
    search: &["k.name", "k.prefix"],
    filters: &[
        ("client", FilterKind::Id, "k.tenant_id = ?"),
        (
            "is_revoked",
            FilterKind::Bool,
            "(k.revoked_at is not null) = ?",
        ),
    ],
};

/// One page of keys, revoked ones included.
pub async fn list(db: &ControlDb, request: &PageRequest) -> Result<Page<ApiKeyRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "api_keys k",
        condition: "true",
        key: "k.id",
    };
    list::fetch(&db.0, &source, LISTING.search, request).await
}

/// One key.
pub async fn find(db: &ControlDb, id: ApiKeyId) -> Result<ApiKeyRow, StoreError> {
    let text = format!("select {COLUMNS} from api_keys k where k.id = ?1");
    db.0.first(sql!(text, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// A key with what verifies it.
#[derive(Clone, Debug, Deserialize)]
pub struct VerifiableKey {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKeyRow,
    /// SHA-256 of its secret.
    pub secret_hash: String,
}

impl VerifiableKey {
    /// What decides whether it opens a door.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            tenant: self.key.client,
            expires_at: self.key.expires_at,
            revoked: self.key.revoked_at.is_some(),
            allowed_ips: self
                .key
                .allowed_ips
                .iter()
                .filter_map(|text| parse_network(text))
                .collect(),
        }
    }

    /// What it allows.
    #[must_use]
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::new(self.key.scopes.clone())
    }
}

/// The key with this public part.
pub async fn find_by_prefix(
    db: &ControlDb,
    prefix: &str,
) -> Result<Option<VerifiableKey>, StoreError> {
    let text = format!("select k.secret_hash, {COLUMNS} from api_keys k where k.prefix = ?1");
    db.0.first(sql!(text, prefix)).await
}

/// Creates a key.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, key: &ApiKeyRow, secret_hash: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into api_keys (id, name, tenant_id, prefix, secret_hash, scopes, allowed_ips, expires_at, \
         created_at, updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        key.id,
        &key.name,
        key.client,
        &key.prefix,
        secret_hash,
        serde_json::Value::from(key.scopes.clone()).to_string(),
        serde_json::Value::from(key.allowed_ips.clone()).to_string(),
        key.expires_at,
        key.created_at,
        key.created_by.clone(),
    ));
    batch.audit(
        stamp,
        Action::Create,
        "api_keys",
        &key.id.to_string(),
        None::<&ApiKeyRow>,
        Some(key),
    );
    batch
}

/// Changes or revokes a key; `secret_hash` replaces the secret.
#[must_use]
pub fn update(
    stamp: &Stamp<'_>,
    before: &ApiKeyRow,
    after: &ApiKeyRow,
    secret_hash: Option<&str>,
) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update api_keys set name = ?2, prefix = ?3, secret_hash = coalesce(?4, secret_hash), scopes = ?5, \
         allowed_ips = ?6, expires_at = ?7, revoked_at = ?8, updated_at = ?9 where id = ?1 and updated_at = ?10",
        before.id,
        &after.name,
        &after.prefix,
        secret_hash,
        serde_json::Value::from(after.scopes.clone()).to_string(),
        serde_json::Value::from(after.allowed_ips.clone()).to_string(),
        after.expires_at,
        after.revoked_at,
        after.updated_at,
        before.updated_at,
    ));
    let ended = after.revoked_at.is_some() && before.revoked_at.is_none();
    let action = if ended {
        Action::Delete
    } else {
        Action::Update
    };
    batch.audit(
        stamp,
        action,
        "api_keys",
        &before.id.to_string(),
        Some(before),
        Some(after),
    );
    batch
}

/// Notes that a key was used, at most once a minute.
#[must_use]
pub fn touch(id: ApiKeyId, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update api_keys set last_used_at = ?2 where id = ?1 and (last_used_at is null or last_used_at < ?3)",
        id,
        now,
        now.plus_seconds(-60),
    ));
    batch
}
