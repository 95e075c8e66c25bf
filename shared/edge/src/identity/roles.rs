//! What roles of both areas have in common.

use homeroom_store::identity::roles::RoleRow;
use utoipa::IntoParams;

use crate::{conflicts::Conflict, error::ApiError};

/// Refuses changes to roles that must stay as they are.
pub fn refuse_builtin(role: &RoleRow, fixed: &[&str]) -> Result<(), ApiError> {
    if role
        .builtin
        .as_deref()
        .is_some_and(|builtin| fixed.contains(&builtin))
    {
        return Err(Conflict::BuiltinRole.into());
    }
    Ok(())
}

/// What roles can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub struct RoleFilters {
    /// Text in name or description.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The exact name.
    #[param(max_length = 255)]
    name: Option<String>,
    /// Roles that inherit from this one.
    parent_role: Option<uuid::Uuid>,
}
