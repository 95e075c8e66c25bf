//! The permissions that exist.

use homeroom_domain::permissions::{self, Entry};
use homeroom_edge::{Caller, Json, SystemArea};
use serde::Serialize;
use utoipa::ToSchema;

/// A permission.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionOut {
    /// Stable number; roles name permissions by it.
    #[schema(example = 1)]
    id: i64,
    /// `<area>.<verb>_<resource>`; API keys name permissions by it.
    #[schema(example = "system.view_school")]
    codename: &'static str,
    /// For people.
    #[schema(example = "View schools")]
    name: &'static str,
}

/// The permissions that platform roles can have, and those that API keys can have besides.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionsOut {
    /// How many there are.
    count: usize,
    /// Always null: the list has one page.
    next: Option<String>,
    /// Always null.
    previous: Option<String>,
    /// The permissions.
    results: Vec<PermissionOut>,
}

/// The permissions that exist
///
/// Those of the system area are for platform roles, all others for API keys.
#[utoipa::path(get, path = "/api/v1/system/permissions/", tag = "roles",
    responses((status = 200, body = PermissionsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_permissions(_: Caller<SystemArea>) -> Json<PermissionsOut> {
    let results: Vec<PermissionOut> = permissions::all()
        .map(|Entry { id, codename, name }| PermissionOut {
            id: *id,
            codename,
            name,
        })
        .collect();
    Json(PermissionsOut {
        count: results.len(),
        next: None,
        previous: None,
        results,
    })
}
