//! The platform's own tables.

pub mod api_keys;
pub mod directory;
pub mod registry;
pub mod schools;
pub mod sms_accounts;
pub mod sms_apps;
pub mod sms_links;
pub mod sms_numbers;
pub mod webhooks;
