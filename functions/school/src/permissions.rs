//! The permissions that exist in a school.

use homeroom_domain::permissions::{Entry, of_schools};
use homeroom_edge::{Caller, Json, SchoolArea};
use serde::Serialize;
use utoipa::ToSchema;

/// A permission.
#[derive(Serialize, ToSchema)]
pub(crate) struct PermissionOut {
    /// Stable number.
    #[schema(example = 101)]
    id: i64,
    /// `<area>.<verb>_<resource>`; roles name permissions by it.
    #[schema(example = "school.view_user")]
    codename: &'static str,
    /// For people.
    #[schema(example = "View users")]
    name: &'static str,
}

/// The permissions that a school's roles can have.
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
#[utoipa::path(get, path = "/api/v1/school/permissions/", tag = "roles",
    responses((status = 200, body = PermissionsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_permissions(_: Caller<SchoolArea>) -> Json<PermissionsOut> {
    let results: Vec<PermissionOut> = of_schools()
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
