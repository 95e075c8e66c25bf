//! Every route of the area.

use crate::{
    api_keys, audit_logs, auth, permissions, roles, schools, users,
    webhooks::{self, deliveries},
};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: platform administration",
        description = "For the platform's administrators, on the public host only.",
    ),
    components(schemas(homeroom_edge::openapi::ErrorOut, homeroom_edge::openapi::FieldErrorsOut)),
    tags(
        (name = "auth", description = "Signing in as a platform user."),
        (name = "schools", description = "Creating, suspending and watching schools."),
        (name = "users", description = "Platform users."),
        (name = "roles", description = "Platform roles and the permissions that exist."),
        (name = "api-keys", description = "Keys for programs, for one school or all."),
        (name = "webhooks", description = "Servers that are told what happens in schools."),
        (name = "audit-logs", description = "Who changed what."),
    ),
)]
struct Document;

homeroom_edge::routes! { Document;
    auth::login,
    auth::refresh,
    auth::find_me,
    auth::logout,
    auth::logout_all,
    auth::change_password,
    schools::list_schools,
    schools::create_school,
    schools::find_school,
    schools::replace_school,
    schools::update_school,
    schools::delete_school,
    schools::provision_school,
    schools::suspend_school,
    schools::activate_school,
    schools::restore_school,
    schools::find_school_usage,
    users::list_users,
    users::create_user,
    users::find_user,
    users::replace_user,
    users::update_user,
    users::delete_user,
    roles::list_roles,
    roles::create_role,
    roles::find_role,
    roles::replace_role,
    roles::update_role,
    roles::delete_role,
    permissions::list_permissions,
    api_keys::list_api_keys,
    api_keys::create_api_key,
    api_keys::find_api_key,
    api_keys::replace_api_key,
    api_keys::update_api_key,
    api_keys::delete_api_key,
    api_keys::rotate_api_key,
    webhooks::list_webhooks,
    webhooks::create_webhook,
    webhooks::find_webhook,
    webhooks::update_webhook,
    webhooks::delete_webhook,
    webhooks::rotate_webhook_secret,
    deliveries::list_webhook_deliveries,
    deliveries::retry_webhook_delivery,
    deliveries::test_webhook,
    audit_logs::list_audit_logs,
    audit_logs::find_audit_log,
}
