//! Sign-ins: refresh token families, and who stands behind an access token.

use homeroom_domain::{
    SessionId, UserId,
    credentials::Plane,
    credentials::refresh_token::{LIFETIME_SECONDS, Presented, RefreshToken},
    permissions::PermissionSet,
};
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use crate::{
    batch::Batch,
    connection::IdentityDb,
    error::StoreError,
    rows,
    sql::{Statement, sql},
};

/// A new sign-in.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// The sign-in.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub now: Timestamp,
    /// From which address.
    pub ip: Option<&'a str>,
    /// With which program, at most 200 characters.
    pub user_agent: Option<&'a str>,
    /// The first refresh token.
    pub token: &'a RefreshToken,
    /// The stored hash of the password that was verified.
    pub password_hash: &'a str,
}

/// Starts a sign-in; `rehash` replaces the password hash where its parameters are out of date. Fails with
/// `changed_meanwhile` when the password was changed or the user deactivated since it was verified: that ended every
/// sign-in, and must end this one.
#[must_use]
pub fn insert(session: &NewSession<'_>, rehash: Option<&str>) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "insert into sessions (id, user_id, created_at, expires_at, ip_address, user_agent) \
         select ?1, ?2, ?3, ?4, ?5, ?6 where exists (select 1 from users where id = ?2 and password_hash = ?7 \
         and is_active = 1 and deleted_at is null)",
        session.id,
        session.user,
        session.now,
        session.now.plus_seconds(LIFETIME_SECONDS),
        session.ip,
        session.user_agent,
        session.password_hash,
    ));
    batch.push(sql!(
        "insert into refresh_tokens (token_hash, session_id, issued_at) values (?1, ?2, ?3)",
        session.token.digest(),
        session.id,
        session.now,
    ));
    batch.push(sql!(
        "update users set last_login_at = ?2, password_hash = coalesce(?3, password_hash) where id = ?1",
        session.user,
        session.now,
        rehash,
    ));
    batch
}

/// What is known of a presented refresh token.
#[derive(Clone, Copy, Debug)]
pub struct TokenState {
    /// The sign-in that it belongs to.
    pub session: SessionId,
    /// The user.
    pub user: UserId,
    /// What decides about it.
    pub presented: Presented,
}

/// Looks a refresh token up.
pub async fn find_token(
    db: &impl IdentityDb,
    token: &RefreshToken,
) -> Result<Option<TokenState>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        session_id: SessionId,
        user_id: UserId,
        used_at: Option<Timestamp>,
        expires_at: Timestamp,
        #[serde(deserialize_with = "rows::flag")]
        revoked: bool,
        #[serde(deserialize_with = "rows::flag")]
        active: bool,
    }
    let row: Option<Row> = db
        .connection()
        .first(sql!(
            "select t.session_id, s.user_id, t.used_at, s.expires_at, s.revoked_at is not null as revoked, \
             u.is_active = 1 and u.deleted_at is null as active \
             from refresh_tokens t join sessions s on s.id = t.session_id join users u on u.id = s.user_id \
             where t.token_hash = ?1",
            token.digest(),
        ))
        .await?;
    Ok(row.map(|row| TokenState {
        session: row.session_id,
        user: row.user_id,
        presented: Presented {
            used_at: row.used_at,
            session_expires_at: row.expires_at,
            session_revoked: row.revoked,
            user_active: row.active,
        },
    }))
}

/// Exchanges a token for its successor, once: of parallel tries one changes the row and the others find it used.
pub async fn rotate(
    db: &impl IdentityDb,
    state: &TokenState,
    token: &RefreshToken,
    successor: &RefreshToken,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let statements: Vec<Statement> = vec![
        sql!(
            "update refresh_tokens set used_at = ?2 where token_hash = ?1 and used_at is null \
             and exists (select 1 from sessions where id = ?3 and revoked_at is null)",
            token.digest(),
            now,
            state.session,
        ),
        sql!(
            "insert into refresh_tokens (token_hash, session_id, issued_at) \
             select ?1, ?2, ?3 where changes() = 1 on conflict do nothing",
            successor.digest(),
            state.session,
            now,
        ),
        sql!(
            "update sessions set expires_at = ?2 where id = ?1 and revoked_at is null",
            state.session,
            now.plus_seconds(LIFETIME_SECONDS),
        ),
    ];
    Ok(db.connection().batch(statements).await?.changes() == 1)
}

/// Which of these tokens the store knows: finds the successor that was handed out.
pub async fn is_known(db: &impl IdentityDb, token: &RefreshToken) -> Result<bool, StoreError> {
    let statement = sql!(
        "select 1 as found from refresh_tokens where token_hash = ?1",
        token.digest()
    );
    let found: Option<serde_json::Value> = db.connection().first(statement).await?;
    Ok(found.is_some())
}

/// Ends one sign-in.
#[must_use]
pub fn revoke(session: SessionId, because: &str, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update sessions set revoked_at = ?2, revoked_because = ?3 where id = ?1 and revoked_at is null",
        session,
        now,
        because,
    ));
    batch
}

/// Ends every sign-in of a user, and what else lets somebody in without the password.
#[must_use]
pub fn revoke_all(plane: Plane, user: UserId, because: &str, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update sessions set revoked_at = ?2, revoked_because = ?3 where user_id = ?1 and revoked_at is null",
        user,
        now,
        because,
    ));
    if let Plane::School(_) = plane {
        batch.push(sql!("delete from calendar_feeds where user = ?1", user));
    }
    batch
}

/// Removes what has ended more than a day ago.
#[must_use]
pub fn delete_ended(now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    let yesterday = now.plus_seconds(-24 * 3600);
    batch.push(sql!(
        "delete from sessions where expires_at < ?1 or revoked_at < ?1",
        yesterday
    ));
    batch.push(sql!(
        "delete from idempotency_keys where created_at < ?1",
        yesterday
    ));
    batch
}

/// The user behind a sign-in that is alive, with effective permissions.
#[derive(Clone, Debug, Deserialize)]
pub struct SignedIn {
    /// The user.
    pub id: UserId,
    /// For the audit log.
    pub name: String,
    /// Whether only the password may be changed.
    #[serde(deserialize_with = "rows::flag")]
    pub must_change_password: bool,
    /// Own and inherited permissions of all roles.
    #[serde(deserialize_with = "rows::json")]
    pub permissions: PermissionSet,
}

/// Who stands behind an access token: `None` when the sign-in has ended or the user may not sign in.
pub async fn find_signed_in(
    db: &impl IdentityDb,
    session: SessionId,
    user: UserId,
    now: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    db.connection()
        .first(sql!(
            "with recursive held (id) as (select role_id from user_roles where user_id = ?2 \
             union select r.parent_id from roles r join held on r.id = held.id where r.parent_id is not null) \
             select u.id, trim(u.first_name || ' ' || u.last_name) as name, u.must_change_password, \
             (select json_group_array(distinct p.codename) from role_permissions p join held on held.id = p.role_id) \
             as permissions from sessions s join users u on u.id = s.user_id where s.id = ?1 and s.user_id = ?2 \
             and s.revoked_at is null and s.expires_at > ?3 and u.is_active = 1 and u.deleted_at is null",
            session,
            user,
            now,
        ))
        .await
}
