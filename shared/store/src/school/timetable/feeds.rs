//! Calendar feeds: secret addresses at which a user's calendar program reads a timetable.

use homeroom_domain::{UserId, credentials::feed_token::FeedToken, permissions::PermissionSet};
use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterValue};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// What feeds can be ordered by.
pub static FEEDS: Listing = Listing {
    orderings: &[("created_at", "t.created_at"), ("name", "t.name")],
    default_ordering: "-created_at",
    search: &[],
    filters: &[],
};

/// A feed, without its token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedRow {
    /// The feed.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// What the user calls it.
    pub name: String,
    /// The class whose lessons it shows.
    pub academic_class: Option<String>,
    /// The teacher whose lessons it shows; neither: the user's own.
    pub teacher: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "t.id, t.user, t.name, t.academic_class, t.teacher, t.created_at";

/// One page of a user's feeds.
pub async fn list(
    db: &TenantDb,
    user: UserId,
    request: &PageRequest,
) -> Result<Page<FeedRow>, StoreError> {
    let mut request = request.clone();
    let own = FilterValue::Text(user.to_string());
    request.filters.insert(0, ("t.user = ?", own));
    let source = Source {
        columns: COLUMNS,
        from: "calendar_feeds t",
        condition: "true",
        key: "t.id",
    };
    list::fetch(&db.connection, &source, FEEDS.search, &request).await
}

/// One of a user's feeds.
pub async fn find(db: &TenantDb, user: UserId, id: Id<()>) -> Result<FeedRow, StoreError> {
    let text = format!("select {COLUMNS} from calendar_feeds t where t.id = ?1 and t.user = ?2");
    let found = db.connection.first(sql!(text, id, user)).await?;
    found.ok_or(StoreError::NotFound)
}

/// Makes a feed. The audit log has everything but the token.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, feed: &FeedRow, token: &FeedToken) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into calendar_feeds (id, user, name, academic_class, teacher, token_hash, created_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &feed.id,
        feed.user,
        &feed.name,
        feed.academic_class.as_deref(),
        feed.teacher.as_deref(),
        token.digest(),
        feed.created_at,
    ));
    batch.audit(
        stamp,
        Action::Create,
        "calendar_feeds",
        &feed.id,
        None::<&FeedRow>,
        Some(feed),
    );
    batch
}

/// Ends a feed: its address shows nothing from now on.
#[must_use]
pub fn delete(stamp: &Stamp<'_>, feed: &FeedRow) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!("delete from calendar_feeds where id = ?1", &feed.id));
    batch.audit(
        stamp,
        Action::Delete,
        "calendar_feeds",
        &feed.id,
        Some(feed),
        None::<&FeedRow>,
    );
    batch
}

/// What a token opens.
#[derive(Clone, Debug, Deserialize)]
pub struct OpenFeed {
    /// Whose feed it is.
    pub user: UserId,
    /// The class whose lessons it shows.
    pub academic_class: Option<String>,
    /// The teacher whose lessons it shows; neither: the user's own.
    pub teacher: Option<String>,
    /// What the user may do now.
    #[serde(deserialize_with = "rows::json")]
    pub permissions: PermissionSet,
}

/// The feed of a token, if its user may sign in and use more than the password.
pub async fn open(db: &TenantDb, token: &FeedToken) -> Result<Option<OpenFeed>, StoreError> {
    let statement = sql!(
        "with recursive held (id) as (select o.role_id from calendar_feeds f join user_roles o on o.user_id = f.user \
         where f.token_hash = ?1 union select r.parent_id from roles r join held on r.id = held.id \
         where r.parent_id is not null) select t.user, t.academic_class, t.teacher, \
         (select json_group_array(distinct p.codename) from role_permissions p join held on held.id = p.role_id) \
         as permissions from calendar_feeds t join users u on u.id = t.user where t.token_hash = ?1 \
         and u.is_active = 1 and u.must_change_password = 0 and u.deleted_at is null",
        token.digest(),
    );
    db.connection.first(statement).await
}

/// Whether there is such a class or teacher.
pub async fn exists(db: &TenantDb, feed: &FeedRow) -> Result<bool, StoreError> {
    let statement = match (&feed.academic_class, &feed.teacher) {
        (Some(class), _) => sql!(
            "select 1 as found from academic_classes where id = ?1",
            class
        ),
        (None, Some(teacher)) => sql!("select 1 as found from staff where id = ?1", teacher),
        (None, None) => return Ok(true),
    };
    let found: Option<serde_json::Value> = db.connection.first(statement).await?;
    Ok(found.is_some())
}
