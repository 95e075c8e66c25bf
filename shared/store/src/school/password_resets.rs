//! Codes by which users set a forgotten password anew: the newest of a user is the only one that may be good.

use homeroom_domain::{
    SmsMessageId, UserId,
    credentials::reset_code::{LIFETIME_SECONDS, MAX_TRIES, PER_DAY, PER_HOUR},
};
use homeroom_kernel::{Id, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    identity::users::{self, Identifier},
    sql::sql,
};

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;
const TABLE: &str = "password_resets";

/// A user who asks for a code.
#[derive(Clone, Debug, Deserialize)]
pub struct Asking {
    /// The user.
    pub id: UserId,
    /// The phone.
    pub phone_number: String,
    /// The stored hash of the password.
    pub password_hash: String,
}

fn column(identifier: &Identifier) -> &'static str {
    match identifier {
        Identifier::Email(_) => "email",
        Identifier::Phone(_) => "phone_number",
    }
}

/// The user with this identifier, where there is one who may sign in and has a phone.
pub async fn find_asking(
    db: &TenantDb,
    identifier: &Identifier,
) -> Result<Option<Asking>, StoreError> {
    let text = format!(
        "select id, phone_number, password_hash from users where {} = ?1 and phone_number is not null \
         and is_active = 1 and deleted_at is null",
        column(identifier)
    );
    let statement = sql!(text, identifier.as_str());
    db.connection.first(statement).await
}

/// A code that is to be sent.
#[derive(Clone, Debug)]
pub struct NewReset<'a> {
    /// The request for it.
    pub id: Id<()>,
    /// Who asks for it.
    pub asking: &'a Asking,
    /// The keyed hash of it.
    pub code_hash: &'a str,
    /// The message that takes it to the phone.
    pub message: SmsMessageId,
    /// Where that goes, as opt-outs name it.
    pub destination: &'a str,
    /// The app that sends it.
    pub app_id: i64,
}

/// Stores a code in the place of the one before. Fails with `changed_meanwhile` where the user may have none: there is no such user with this
/// phone any more, the phone wants no messages, or there were enough codes.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, reset: &NewReset<'_>) -> Batch {
    let mut batch = Batch::default();
    let expires_at = stamp.now.plus_seconds(LIFETIME_SECONDS);
    let text = format!(
        "insert into password_resets (id, user_id, code_hash, created_at, expires_at) select ?1, u.id, ?3, ?4, ?5 \
         from users u where u.id = ?2 and u.phone_number = ?6 and u.is_active = 1 and u.deleted_at is null \
         and not exists (select 1 from sms_opt_outs o where o.app_id in (?7, 0) and o.number = ?10) \
         and (select count(*) from password_resets r where r.user_id = ?2 and r.created_at > ?8) < {PER_HOUR} \
         and (select count(*) from password_resets r where r.user_id = ?2 and r.created_at > ?9) < {PER_DAY}"
    );
    batch.push_effective(sql!(
        text,
        reset.id,
        reset.asking.id,
        reset.code_hash,
        stamp.now,
        expires_at,
        &reset.asking.phone_number,
        reset.app_id,
        stamp.now.plus_seconds(-HOUR_SECONDS),
        stamp.now.plus_seconds(-DAY_SECONDS),
        reset.destination,
    ));
    let record =
        json!({"user": reset.asking.id, "message": reset.message, "expires_at": expires_at});
    batch.audit(
        stamp,
        Action::Create,
        TABLE,
        &reset.id.to_string(),
        None::<&()>,
        Some(&record),
    );
    batch
}

/// A try at a code, which is counted.
#[derive(Clone, Debug, Deserialize)]
pub struct Tried {
    /// The request for the code.
    pub reset: String,
    /// The keyed hash of the code.
    pub code_hash: String,
    /// Whose it is.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The user's email address.
    pub email: Option<String>,
    /// The user's phone.
    pub phone_number: Option<String>,
    /// The stored hash of the password.
    pub password_hash: String,
}

/// Counts a try before anybody looks at the code, so that tries at the same time cannot outrun the count. None: the user with this identifier
/// has no code that may be good, or there is no such user.
pub async fn begin_try(
    db: &TenantDb,
    identifier: &Identifier,
    now: Timestamp,
) -> Result<Option<Tried>, StoreError> {
    let newest = format!(
        "(select max(r.id) from users u join password_resets r on r.user_id = u.id where u.{} = ?1 \
         and u.is_active = 1 and u.deleted_at is null)",
        column(identifier)
    );
    let count = format!(
        "update password_resets set tries = tries + 1 where id = {newest} and used_at is null and tries < {MAX_TRIES} \
         and expires_at > ?2"
    );
    let read = format!(
        "select r.id as reset, r.code_hash, u.id as user, trim(u.first_name || ' ' || u.last_name) as name, u.email, \
         u.phone_number, u.password_hash from password_resets r join users u on u.id = r.user_id where r.id = {newest}"
    );
    let statements = vec![
        sql!(count, identifier.as_str(), now),
        sql!(read, identifier.as_str()),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let is_live = outcomes.changes() > 0;
    let rows: Vec<Tried> = outcomes.rows()?;
    Ok(rows.into_iter().next().filter(|_| is_live))
}

/// Sets the new password of whoever had the code: the code is dead, and every sign-in of the user ends. Fails with `changed_meanwhile` where
/// the code was used or the password changed since.
#[must_use]
pub fn finish(stamp: &Stamp<'_>, tried: &Tried, password_hash: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "update password_resets set used_at = ?2 where id = ?1 and used_at is null",
        &tried.reset,
        stamp.now,
    ));
    batch.audit(
        stamp,
        Action::Update,
        TABLE,
        &tried.reset,
        None::<&()>,
        Some(&json!({"used_at": stamp.now})),
    );
    batch.append(users::change_password(
        stamp,
        tried.user,
        &tried.password_hash,
        password_hash,
    ));
    batch
}

/// Forgets codes that count for nothing any more.
#[must_use]
pub fn delete_old(now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "delete from password_resets where created_at <= ?1",
        now.plus_seconds(-DAY_SECONDS)
    ));
    batch
}
