//! Idempotency keys: the answer is stored in the very batch that makes the change, so there is no moment at which the
//! change exists and its answer does not. The second of two parallel requests fails on the primary key and replays.

use homeroom_kernel::Timestamp;
use serde::Deserialize;

use crate::{batch::Batch, connection::IdentityDb, error::StoreError, sql::sql};

/// The constraint that a second request with the same key breaks.
pub const TAKEN: &str = "idempotency_keys.actor_id, idempotency_keys.route, idempotency_keys.key";
/// How long a key is remembered, in seconds.
pub const KEPT_SECONDS: i64 = 24 * 3600;

/// Whose key, for which route.
#[derive(Clone, Debug)]
pub struct KeyScope {
    /// The actor.
    pub actor_id: String,
    /// Method and path.
    pub route: String,
    /// The client's key.
    pub key: String,
}

/// A stored answer.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredAnswer {
    /// SHA-256 of the request's body.
    pub request_hash: String,
    /// HTTP status.
    pub status: u16,
    /// The sealed answer.
    pub response: String,
}

/// The answer stored under a key.
pub async fn find(
    db: &impl IdentityDb,
    scope: &KeyScope,
    now: Timestamp,
) -> Result<Option<StoredAnswer>, StoreError> {
    db.connection()
        .first(sql!(
            "select request_hash, status, response from idempotency_keys \
             where actor_id = ?1 and route = ?2 and key = ?3 and created_at > ?4",
            &scope.actor_id,
            &scope.route,
            &scope.key,
            now.plus_seconds(-KEPT_SECONDS),
        ))
        .await
}

/// Stores the answer with the change in `batch`.
pub fn remember(batch: &mut Batch, scope: &KeyScope, answer: &StoredAnswer, now: Timestamp) {
    batch.push(sql!(
        "delete from idempotency_keys where actor_id = ?1 and route = ?2 and key = ?3 and created_at <= ?4",
        &scope.actor_id,
        &scope.route,
        &scope.key,
        now.plus_seconds(-KEPT_SECONDS),
    ));
    batch.push(sql!(
        "insert into idempotency_keys (actor_id, route, key, request_hash, status, response, created_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &scope.actor_id,
        &scope.route,
        &scope.key,
        &answer.request_hash,
        i64::from(answer.status),
        &answer.response,
        now,
    ));
}
