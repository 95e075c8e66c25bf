//! Every route of the area.

use crate::{
    auth,
    messages::{cancel, info},
    monitoring,
    send::{check_esme, single},
    webhooks,
};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: SMS gateway",
        description = "Text messages of apps, and of schools, over the platform's links to message centres.",
    ),
    components(schemas(homeroom_edge::openapi::ErrorOut, homeroom_edge::openapi::FieldErrorsOut)),
    tags(
        (name = "auth", description = "Accounts and tokens."),
        (name = "messages", description = "Sending messages, and what became of them."),
        (name = "monitoring", description = "How the gateway is doing."),
        (name = "bridge", description = "What the bridge tells the platform, signed."),
    ),
)]
struct Document;

homeroom_edge::routes! { Document;
    auth::register,
    auth::login,
    auth::is_admin,
    auth::delete_user,
    single::send_message,
    check_esme::check_esme,
    info::find_message_info,
    cancel::cancel_message,
    webhooks::receive_receipts,
    webhooks::receive_link_states,
    monitoring::find_health,
    monitoring::find_metrics,
    monitoring::find_stats,
    monitoring::find_smpp_links,
    monitoring::find_load_balancers,
}
