//! The platform's audit log.

use homeroom_domain::permissions::system::ViewAuditLog;
use homeroom_edge::{
    ApiError, At, Json, List, Query, SystemCan,
    identity::audit_logs::{AuditLogFilters, AuditLogOut},
};
use homeroom_store::identity::audit_logs;

/// Who changed what on the platform
#[utoipa::path(get, path = "/api/v1/system/audit-logs/", tag = "audit-logs", params(AuditLogFilters),
    responses((status = 200, body = List<AuditLogOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_audit_logs(
    caller: SystemCan<ViewAuditLog>,
    query: Query,
) -> Result<Json<List<AuditLogOut>>, ApiError> {
    let request = query.page(&audit_logs::LISTING)?;
    let page = audit_logs::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// One line of the audit log
#[utoipa::path(get, path = "/api/v1/system/audit-logs/{id}/", tag = "audit-logs",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = AuditLogOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_audit_log(
    caller: SystemCan<ViewAuditLog>,
    id: At<homeroom_domain::kinds::AuditEntry>,
) -> Result<Json<AuditLogOut>, ApiError> {
    Ok(Json(audit_logs::find(&caller.db, id.0).await?.into()))
}
