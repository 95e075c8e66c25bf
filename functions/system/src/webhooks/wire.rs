//! Webhooks as clients write and read them.

use homeroom_domain::{
    TenantId, WebhookId,
    webhooks::{EVENTS, MAX_URL},
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::control::webhooks::WebhookRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A webhook, without what it is signed with.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookOut {
    /// The webhook.
    #[schema(value_type = uuid::Uuid)]
    id: WebhookId,
    /// Where it is.
    #[schema(example = "https://hooks.example.org/homeroom")]
    url: String,
    /// For people.
    #[schema(example = "Results into the parents' app")]
    description: String,
    /// What it is told of.
    #[schema(example = json!(["results.published"]))]
    events: Vec<String>,
    /// The school that it is told of; null: every school.
    #[schema(value_type = Option<uuid::Uuid>)]
    client: Option<TenantId>,
    /// Whether it is told.
    #[schema(example = true)]
    is_active: bool,
    /// Since when the secret is good.
    #[schema(value_type = String, format = DateTime)]
    secret_at: Timestamp,
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

impl From<WebhookRow> for WebhookOut {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            events: row.events,
            client: row.client,
            is_active: row.is_active,
            secret_at: row.secret_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        }
    }
}

/// A new webhook, with what it is signed with, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewWebhookOut {
    #[serde(flatten)]
    pub(super) record: WebhookOut,
    /// What deliveries are signed with. Keep it now: it cannot be shown again.
    #[schema(example = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")]
    pub(super) secret: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookSecretOut {
    /// What deliveries are signed with. Keep it now: it cannot be shown again.
    #[schema(example = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")]
    pub(super) secret: String,
}

/// The body of a webhook.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; WebhookIn reads it"
)]
pub(crate) struct WebhookBody {
    /// Where it is: HTTPS, and a server that everybody can reach.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "https://hooks.example.org/homeroom"
    )]
    url: String,
    /// For people.
    #[schema(max_length = 200, nullable = false, example = "")]
    description: Option<String>,
    /// What it is told of, at least one: `results.published`, `results.unpublished`, `attendance.recorded`, `promotion.executed` or
    /// `promotion.undone`.
    #[schema(min_items = 1, max_items = 20, example = json!(["results.published"]))]
    events: Vec<String>,
    /// The school that it is told of; null: every school.
    client: Option<uuid::Uuid>,
    /// Whether it is told.
    #[schema(nullable = false, example = true)]
    is_active: Option<bool>,
}

/// Changes to a webhook; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; WebhookIn reads it"
)]
pub(crate) struct WebhookPatch {
    /// Where it is: HTTPS, and a server that everybody can reach.
    #[schema(
        min_length = 1,
        max_length = 500,
        nullable = false,
        example = "https://hooks.example.org/homeroom"
    )]
    url: Option<String>,
    /// For people.
    #[schema(max_length = 200, nullable = false, example = "")]
    description: Option<String>,
    /// What it is told of, at least one.
    #[schema(min_items = 1, max_items = 20, nullable = false, example = json!(["results.published"]))]
    events: Option<Vec<String>>,
    /// The school that it is told of; null: every school.
    client: Option<uuid::Uuid>,
    /// Whether it is told.
    #[schema(nullable = false, example = true)]
    is_active: Option<bool>,
}

/// What a client says of a webhook.
pub(crate) struct WebhookIn {
    pub(super) url: Option<String>,
    pub(super) description: Option<String>,
    pub(super) events: Option<Vec<String>>,
    pub(super) client: Option<Option<TenantId>>,
    pub(super) is_active: Option<bool>,
}

impl Input for WebhookIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&["id", "secret_at", "created_at", "updated_at", "created_by"]);
        let url = fields.settable("url", rules::text(1, MAX_URL));
        let description = fields.optional("description", rules::text(0, 200));
        let events = fields.settable("events", events);
        let client = fields.nullable("client", rules::id);
        let is_active = fields.optional("is_active", rules::boolean);
        Some(Self {
            url: url?,
            description: description?,
            events: events?,
            client: client?,
            is_active: is_active?,
        })
    }
}

/// Events, each once.
fn events(value: &Value) -> Result<Vec<String>, String> {
    let mut events = rules::list(20, event)(value)?;
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err("Name at least one event.".to_owned());
    }
    Ok(events)
}

fn event(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 100)(value)?;
    if EVENTS.contains(&&*text) {
        Ok(text)
    } else {
        Err(format!("One of {}.", EVENTS.join(", ")))
    }
}

/// What webhooks can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct WebhookFilters {
    /// Text in address or description.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Webhooks of one school alone.
    client: Option<uuid::Uuid>,
    /// Whether the webhook is told.
    is_active: Option<bool>,
}
