//! The cards of who is signed in as a student or a guardian.

use axum::response::Response;
use homeroom_edge::{ApiError, At, Json, List, Own, Query, SchoolArea};
use homeroom_kernel::{Fields, Input};
use homeroom_store::{
    Page,
    school::report_cards::{Depth, OWN_LISTING, find_own, list_own},
};
use utoipa::IntoParams;

use super::{
    card::ReportCardOut,
    format::{self, Format},
};

/// What own cards can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct OwnCardFilters {
    /// The exam session.
    exam_session: Option<uuid::Uuid>,
    /// One of the guardian's children.
    student: Option<uuid::Uuid>,
}

/// In which form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; FormatQuery reads them"
)]
pub(crate) struct FormatParameter {
    /// `json`, `html`, `csv` or `pdf`; `json` where absent.
    #[param(pattern = "^(json|html|csv|pdf)$")]
    format: Option<String>,
}

pub(crate) struct FormatQuery(Format);

impl Input for FormatQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let format = fields.optional("format", Format::rule);
        Some(Self(format?.unwrap_or_default()))
    }
}

/// The caller's own report cards
///
/// Of who is signed in as a student, or of a guardian's children: published, released and not withheld. Needs no
/// permission.
#[utoipa::path(get, path = "/api/v1/school/my/report-cards/", tag = "report-cards", params(OwnCardFilters),
    responses((status = 200, body = List<ReportCardOut>)), security(("bearer" = [])))]
pub(crate) async fn list_own_report_cards(
    caller: Own<SchoolArea>,
    query: Query,
) -> Result<Json<List<ReportCardOut>>, ApiError> {
    let request = query.page(&OWN_LISTING)?;
    let page = list_own(&caller.db, caller.user, caller.context.now, &request).await?;
    let rows = page.rows.into_iter().map(ReportCardOut::own);
    let rows: Result<Vec<_>, _> = rows.collect();
    let page = Page {
        count: page.count,
        rows: rows?,
    };
    Ok(List::new(&caller.context, &query, &request, page))
}

/// One of the caller's own report cards
///
/// The id of an older version leads to the newest one.
#[utoipa::path(get, path = "/api/v1/school/my/report-cards/{id}/", tag = "report-cards",
    params(("id" = uuid::Uuid, Path), FormatParameter),
    responses((status = 200, content((ReportCardOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = [])))]
pub(crate) async fn find_own_report_card(
    caller: Own<SchoolArea>,
    id: At<()>,
    query: Query,
) -> Result<Response, ApiError> {
    let FormatQuery(format) = query.read()?;
    let with_logo = format.depth() == Depth::Print;
    let mut card = find_own(&caller.db, caller.user, caller.context.now, id.0, with_logo).await?;
    let logo = card.logo.take();
    format::answer_card(&caller.app, format, &ReportCardOut::own(card)?, logo).await
}
