//! API keys: shown once, then known by their prefix.

use axum::response::Response;
use homeroom_domain::{
    ApiKeyId, TenantId,
    credentials::api_key::{ApiKey, parse_network},
    kinds,
    permissions::{
        system::{AddApiKey, ChangeApiKey, DeleteApiKey, ViewApiKey},
        unknown_scope,
    },
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Conflict, Json, List, NoBody, NoContent, Post, Query, SystemArea,
    SystemCan,
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::control::api_keys::{self, ApiKeyRow};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::schools::refuse_missing;

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyOut {
    /// The key.
    #[schema(value_type = uuid::Uuid)]
    id: ApiKeyId,
    /// For people.
    #[schema(example = "Chatbot")]
    name: String,
    /// The school that it opens; null: all schools, and the platform.
    #[schema(value_type = Option<uuid::Uuid>)]
    client: Option<TenantId>,
    /// The public part of the key.
    #[schema(example = "hr_live_0123456789ab")]
    prefix: String,
    /// Permission codenames; a star at the end stands for all that begin so.
    #[schema(example = json!(["school.view_*"]))]
    scopes: Vec<String>,
    /// Addresses and networks that may use it; empty: any.
    #[schema(example = json!(["203.0.113.0/24"]))]
    allowed_ips: Vec<String>,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
}

impl From<ApiKeyRow> for ApiKeyOut {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            client: row.client,
            prefix: row.prefix,
            scopes: row.scopes,
            allowed_ips: row.allowed_ips,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        }
    }
}

/// A new or rotated API key, with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewApiKeyOut {
    #[serde(flatten)]
    record: ApiKeyOut,
    /// The whole key, sent as `X-API-KEY`. Keep it now: it cannot be shown again.
    #[schema(example = "hr_live_0123456789ab_…_1a2b3c4d")]
    key: String,
}

/// The body of an API key.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ApiKeyIn reads it"
)]
pub(crate) struct ApiKeyBody {
    /// For people.
    #[schema(min_length = 1, max_length = 100, example = "Chatbot")]
    name: String,
    /// The school that it opens; null: all schools, and the platform. It cannot be changed later.
    client: Option<uuid::Uuid>,
    /// Permission codenames; a star at the end stands for all that begin so.
    #[schema(max_items = 100, example = json!(["school.view_*"]))]
    scopes: Vec<String>,
    /// Addresses and networks that may use it; empty: any.
    #[schema(max_items = 100, nullable = false, example = json!([]))]
    allowed_ips: Option<Vec<String>>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Changes to an API key; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ApiKeyIn reads it"
)]
pub(crate) struct ApiKeyPatch {
    /// For people.
    #[schema(
        min_length = 1,
        max_length = 100,
        nullable = false,
        example = "Chatbot"
    )]
    name: Option<String>,
    /// Permission codenames; a star at the end stands for all that begin so.
    #[schema(max_items = 100, nullable = false, example = json!(["school.view_*"]))]
    scopes: Option<Vec<String>>,
    /// Addresses and networks that may use it; empty: any.
    #[schema(max_items = 100, nullable = false, example = json!([]))]
    allowed_ips: Option<Vec<String>>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What a client says of a key.
pub(crate) struct ApiKeyIn {
    name: Option<String>,
    client: Option<Option<TenantId>>,
    scopes: Option<Vec<String>>,
    allowed_ips: Option<Vec<String>>,
    expires_at: Option<Option<Timestamp>>,
}

impl Input for ApiKeyIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&[
            "id",
            "prefix",
            "last_used_at",
            "revoked_at",
            "created_at",
            "updated_at",
            "created_by",
        ]);
        let name = fields.settable("name", rules::text(1, 100));
        let client = fields.nullable("client", rules::id);
        let scopes = fields.settable("scopes", rules::list(100, scope));
        let allowed_ips = fields.optional("allowed_ips", rules::list(100, network));
        let expires_at = fields.nullable("expires_at", rules::timestamp);
        Some(Self {
            name: name?,
            client: client?,
            scopes: scopes?,
            allowed_ips: allowed_ips?,
            expires_at: expires_at?,
        })
    }
}

fn scope(value: &serde_json::Value) -> Result<String, String> {
    let text = rules::text(1, 100)(value)?;
    if unknown_scope(&text) {
        Err(format!("There is no permission {text}."))
    } else {
        Ok(text)
    }
}

fn network(value: &serde_json::Value) -> Result<String, String> {
    let text = rules::text(1, 50)(value)?;
    let network =
        parse_network(&text).ok_or("Enter an address or a network such as 203.0.113.0/24.")?;
    Ok(network.to_string())
}

/// What keys can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct ApiKeyFilters {
    /// Text in name or prefix.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Keys of one school.
    client: Option<uuid::Uuid>,
    /// Whether the key was revoked.
    is_revoked: Option<bool>,
}

/// API keys, revoked ones included
#[utoipa::path(get, path = "/api/v1/system/api-keys/", tag = "api-keys", params(ApiKeyFilters),
    responses((status = 200, body = List<ApiKeyOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_api_keys(
    caller: SystemCan<ViewApiKey>,
    query: Query,
) -> Result<Json<List<ApiKeyOut>>, ApiError> {
    let request = query.page(&api_keys::LISTING)?;
    let page = api_keys::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create an API key
///
/// The answer shows the key, this once.
#[utoipa::path(post, path = "/api/v1/system/api-keys/", tag = "api-keys", request_body = ApiKeyBody,
    responses((status = 201, body = NewApiKeyOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_api_key(
    post: Post<SystemArea, AddApiKey, ApiKeyIn>,
) -> Result<Response, ApiError> {
    let input = &post.input;
    let scopes = input.scopes.clone().unwrap_or_default();
    post.may_grant(&scopes, "scopes")?;
    let client = input.client.flatten();
    if let Some(client) = client {
        refuse_missing(&post, client).await?;
    }
    let stamp = post.stamp();
    let secret = generate(&post);
    let row = ApiKeyRow {
        id: stamp.ids.next(),
        name: input.name.clone().unwrap_or_default(),
        client,
        prefix: secret.prefix.clone(),
        scopes,
        allowed_ips: input.allowed_ips.clone().unwrap_or_default(),
        expires_at: input.expires_at.flatten(),
        last_used_at: None,
        revoked_at: None,
        created_at: stamp.now,
        updated_at: stamp.now,
        created_by: stamp.created_by(),
    };
    refuse_past(row.expires_at, stamp.now)?;
    let batch = api_keys::insert(&stamp, &row, secret.secret_hash());
    let location = format!("/api/v1/system/api-keys/{}/", row.id);
    post.create(
        batch,
        &location,
        &NewApiKeyOut {
            record: row.into(),
            key: secret.expose().to_owned(),
        },
    )
    .await
}

fn generate(caller: &Caller<SystemArea>) -> ApiKey {
    let ids = caller.stamp().ids;
    ApiKey::generate(&caller.app.settings.environment, ids.secret(), ids.secret())
}

fn refuse_past(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    match expires_at {
        Some(end) if end <= now => Err(ApiError::field("expires_at", "Choose a time to come.")),
        _ => Ok(()),
    }
}

fn refuse_revoked(key: &ApiKeyRow) -> Result<(), ApiError> {
    if key.revoked_at.is_some() {
        return Err(Conflict::KeyRevoked.into());
    }
    Ok(())
}

/// One API key
#[utoipa::path(get, path = "/api/v1/system/api-keys/{id}/", tag = "api-keys", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ApiKeyOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_api_key(
    caller: SystemCan<ViewApiKey>,
    id: At<kinds::ApiKey>,
) -> Result<Json<ApiKeyOut>, ApiError> {
    Ok(Json(api_keys::find(&caller.db, id.0).await?.into()))
}

/// Replace an API key's name, scopes, addresses and end
#[utoipa::path(put, path = "/api/v1/system/api-keys/{id}/", tag = "api-keys", params(("id" = uuid::Uuid, Path)),
    request_body = ApiKeyBody, responses((status = 200, body = ApiKeyOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_api_key(
    caller: SystemCan<ChangeApiKey>,
    id: At<kinds::ApiKey>,
    body: Body<ApiKeyIn>,
) -> Result<Json<ApiKeyOut>, ApiError> {
    change(&caller, id, body).await
}

/// Change an API key
#[utoipa::path(patch, path = "/api/v1/system/api-keys/{id}/", tag = "api-keys", params(("id" = uuid::Uuid, Path)),
    request_body = ApiKeyPatch, responses((status = 200, body = ApiKeyOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_api_key(
    caller: SystemCan<ChangeApiKey>,
    id: At<kinds::ApiKey>,
    body: Body<ApiKeyIn>,
) -> Result<Json<ApiKeyOut>, ApiError> {
    change(&caller, id, body).await
}

async fn change(
    caller: &Caller<SystemArea>,
    id: At<kinds::ApiKey>,
    Body { input, partial }: Body<ApiKeyIn>,
) -> Result<Json<ApiKeyOut>, ApiError> {
    let before = api_keys::find(&caller.db, id.0).await?;
    refuse_revoked(&before)?;
    if input.client.is_some_and(|client| client != before.client) {
        return Err(ApiError::field(
            "client",
            "A key stays with its school. Create another one.",
        ));
    }
    let keep = |new: Option<Vec<String>>, old: &Vec<String>| match new {
        Some(list) => list,
        None if partial => old.clone(),
        None => Vec::new(),
    };
    let after = ApiKeyRow {
        name: input.name.unwrap_or_else(|| before.name.clone()),
        scopes: input.scopes.unwrap_or_else(|| before.scopes.clone()),
        allowed_ips: keep(input.allowed_ips, &before.allowed_ips),
        expires_at: input
            .expires_at
            .unwrap_or(if partial { before.expires_at } else { None }),
        updated_at: caller.context.now,
        ..before.clone()
    };
    caller.may_grant(&after.scopes, "scopes")?;
    if after.expires_at != before.expires_at {
        refuse_past(after.expires_at, caller.context.now)?;
    }
    caller
        .commit_identity(api_keys::update(&caller.stamp(), &before, &after, None))
        .await?;
    Ok(Json(after.into()))
}

/// Revoke an API key
///
/// It ends within five seconds everywhere; the record stays.
#[utoipa::path(delete, path = "/api/v1/system/api-keys/{id}/", tag = "api-keys", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_api_key(
    caller: SystemCan<DeleteApiKey>,
    id: At<kinds::ApiKey>,
) -> Result<NoContent, ApiError> {
    let before = api_keys::find(&caller.db, id.0).await?;
    if before.revoked_at.is_none() {
        let now = caller.context.now;
        let after = ApiKeyRow {
            revoked_at: Some(now),
            updated_at: now,
            ..before.clone()
        };
        caller
            .commit_identity(api_keys::update(&caller.stamp(), &before, &after, None))
            .await?;
    }
    Ok(NoContent)
}

/// Give an API key a new secret
///
/// The old one ends within five seconds; the answer shows the new key, this once.
#[utoipa::path(post, path = "/api/v1/system/api-keys/{id}/rotate/", tag = "api-keys",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = NewApiKeyOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn rotate_api_key(
    id: At<kinds::ApiKey>,
    post: Post<SystemArea, ChangeApiKey, NoBody>,
) -> Result<Response, ApiError> {
    let before = api_keys::find(&post.db, id.0).await?;
    refuse_revoked(&before)?;
    // Whoever gets the new secret gets what the key may do.
    post.may_grant(&before.scopes, "scopes")?;
    let secret = generate(&post);
    let after = ApiKeyRow {
        prefix: secret.prefix.clone(),
        updated_at: post.context.now,
        last_used_at: None,
        ..before.clone()
    };
    let batch = api_keys::update(&post.stamp(), &before, &after, Some(secret.secret_hash()));
    let answer = post
        .done(
            batch,
            &NewApiKeyOut {
                record: after.into(),
                key: secret.expose().to_owned(),
            },
        )
        .await;
    post.app
        .forget_actors(homeroom_domain::credentials::Plane::System);
    answer
}
