//! Every route of the area.

use crate::{
    admin::{apps, links, numbers, users, waiting},
    auth, inbound,
    messages::{batch as batches, cancel, info, search},
    monitoring, opt_outs,
    send::{batch, check_esme, check_text, single},
    usage, webhooks,
};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: SMS gateway",
        description = "Text messages of apps, and of schools, over the platform's links to message centres.",
    ),
    components(schemas(homeroom_edge::openapi::PlainErrorOut)),
    tags(
        (name = "auth", description = "Accounts and tokens."),
        (name = "messages", description = "Sending messages, and what became of them."),
        (name = "receivers", description = "Who wants no messages, and messages from phones."),
        (name = "administration", description = "For the gateway's administrators."),
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
    batch::send_batch,
    batches::find_batch,
    batches::cancel_batch,
    search::find_messages,
    check_esme::check_esme,
    check_text::check_text,
    info::find_message_info,
    cancel::cancel_message,
    usage::show_usage,
    opt_outs::find_opt_outs,
    opt_outs::add_opt_out,
    opt_outs::remove_opt_out,
    inbound::find_inbound,
    apps::find_apps,
    apps::find_app,
    apps::update_app,
    users::find_users,
    users::update_user,
    users::remove_user,
    links::find_links,
    links::update_link,
    links::find_pools,
    links::find_whitelist,
    links::replace_allowed,
    waiting::count_waiting,
    numbers::find_numbers,
    numbers::add_number,
    numbers::remove_number,
    webhooks::receive_receipts,
    inbound::receive_inbound,
    webhooks::receive_link_states,
    monitoring::find_health,
    monitoring::find_metrics,
    monitoring::find_stats,
    monitoring::find_smpp_links,
    monitoring::find_load_balancers,
}
