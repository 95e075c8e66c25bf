//! The platform's own tables.

pub mod api_keys;
pub mod directory;
pub mod registry;
pub mod schools;
