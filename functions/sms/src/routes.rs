//! Every route of the area.

use crate::{
    admin::numbers,
    auth, inbound,
    messages::{cancel, info},
    monitoring, opt_outs,
    school::{batches, contacts, messages, settings, texts},
    send::{check_esme, check_text, single},
    usage, webhooks,
};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: SMS gateway",
        description = "Text messages of apps, and of schools, over the platform's links to message centres.",
    ),
    components(schemas(
        homeroom_edge::openapi::PlainErrorOut,
        homeroom_edge::openapi::ErrorOut,
        homeroom_edge::openapi::FieldErrorsOut
    )),
    tags(
        (name = "auth", description = "Accounts and tokens."),
        (name = "messages", description = "Sending messages, and what became of them."),
        (name = "receivers", description = "Who wants no messages, and messages from phones."),
        (name = "administration", description = "For the gateway's administrators."),
        (name = "monitoring", description = "How the gateway is doing."),
        (name = "school", description = "A school's own messages, on the school's host with the school's sign-in."),
        (name = "school-receivers", description = "Who wants no messages of a school, and messages from phones to it."),
        (name = "school-settings", description = "How a school sends."),
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
    check_text::check_text,
    info::find_message_info,
    cancel::cancel_message,
    usage::show_usage,
    opt_outs::find_opt_outs,
    opt_outs::add_opt_out,
    opt_outs::remove_opt_out,
    inbound::find_inbound,
    numbers::find_numbers,
    numbers::add_number,
    numbers::remove_number,
    settings::find_sms_settings,
    settings::replace_sms_settings,
    settings::update_sms_settings,
    messages::list_sms_messages,
    messages::create_sms_message,
    messages::find_sms_message,
    messages::cancel_sms_message,
    batches::list_sms_batches,
    batches::create_sms_batch,
    batches::find_sms_batch,
    batches::cancel_sms_batch,
    texts::check_sms_text,
    texts::find_sms_usage,
    contacts::list_sms_opt_outs,
    contacts::add_sms_opt_out,
    contacts::delete_sms_opt_out,
    contacts::list_sms_inbound,
    webhooks::receive_receipts,
    inbound::receive_inbound,
    webhooks::receive_link_states,
    monitoring::find_health,
    monitoring::find_metrics,
    monitoring::find_stats,
    monitoring::find_smpp_links,
    monitoring::find_load_balancers,
}
