//! Reading report cards and broadsheets.

use axum::response::{IntoResponse, Response};
use homeroom_domain::permissions::school::ViewReportCard;
use homeroom_edge::{ApiError, Caller, Ids, Json, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_objects::documents::{Letterhead, Packaging};
use homeroom_store::school::report_cards::{Depth, Loaded, Which};
use utoipa::IntoParams;

use super::{
    broadsheet::BroadsheetOut,
    build,
    card::ReportCardOut,
    class_of,
    format::{self, Format},
    letterhead, school_name, sees, sheet, sources,
};

/// The cards that the caller may see, as a reader sees them: frozen where they are published.
pub(super) async fn seen(
    caller: &Caller<SchoolArea>,
    ids: &Ids,
    about: &Which,
    version: Option<u32>,
    depth: Depth,
) -> Result<(Loaded, Vec<ReportCardOut>), ApiError> {
    let loaded = sources(caller, ids, "exam_session", about, version, depth).await?;
    let wanted: build::Wanted<'_> = &|student, class| match about {
        Which::Classes(wanted) => wanted.iter().any(|wanted| wanted == class),
        Which::Student(wanted) => student == wanted,
        Which::All | Which::Form(_) => true,
    };
    let mut cards = match version {
        None => build::present(school_name(caller), &loaded, wanted)?.cards,
        Some(_) => build::published(&loaded, wanted)?,
    };
    cards.retain(|card| {
        loaded
            .class(&card.body.academic_class)
            .is_some_and(|class| sees(caller, class))
    });
    Ok((loaded, cards))
}

/// In which form, and which version.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; CardQuery reads them"
)]
pub(crate) struct CardParameters {
    /// `json`, `html`, `csv` or `pdf`; `json` where absent.
    #[param(pattern = "^(json|html|csv|pdf)$")]
    format: Option<String>,
    /// A published version; the newest where absent.
    #[param(minimum = 1)]
    version: Option<u32>,
}

/// In which form, and which version.
pub(crate) struct CardQuery {
    format: Format,
    version: Option<u32>,
}

impl Input for CardQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let format = fields.optional("format", Format::rule);
        let version = fields.optional("version", rules::integer(1, 1_000_000));
        Some(Self {
            format: format?.unwrap_or_default(),
            version: version?.and_then(|version| version.try_into().ok()),
        })
    }
}

/// One report card
///
/// The id is the student's registration, before and after publication.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/{id}/",
    tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path), CardParameters),
    responses((status = 200, content((ReportCardOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_report_card(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let CardQuery { format, version } = query.read()?;
    let id = ids.get::<()>("id")?.to_string();
    let about = Which::Student(id.clone());
    let (loaded, cards) = seen(&caller, &ids, &about, version, format.depth()).await?;
    let card = cards.iter().find(|card| card.id == id);
    let card = card.ok_or(ApiError::NotFound)?;
    format::answer_card(&caller.app, format, card, loaded.facts.logo).await
}

/// Which class, and how it is packed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; PrintQuery reads them"
)]
pub(crate) struct PrintParameters {
    /// The class.
    academic_class: uuid::Uuid,
    /// Whether each card is a file of its own, in a ZIP.
    separate: Option<bool>,
}

pub(crate) struct PrintQuery {
    academic_class: String,
    separate: bool,
}

impl Input for PrintQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class = fields.required("academic_class", rules::id::<()>);
        let separate = fields.optional("separate", rules::boolean);
        Some(Self {
            academic_class: class?.to_string(),
            separate: separate?.unwrap_or(false),
        })
    }
}

pub(crate) struct ClassQuery {
    academic_class: String,
    format: Format,
}

impl Input for ClassQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class = fields.required("academic_class", rules::id::<()>);
        let format = fields.optional("format", Format::rule);
        Some(Self {
            academic_class: class?.to_string(),
            format: format?.unwrap_or_default(),
        })
    }
}

/// The cards of one class, the name of the class, and what stands at their head.
async fn of_class(
    caller: &Caller<SchoolArea>,
    ids: &Ids,
    class: &str,
    depth: Depth,
) -> Result<(String, Vec<ReportCardOut>, Letterhead), ApiError> {
    let about = Which::Classes(vec![class.to_owned()]);
    let (loaded, mut cards) = seen(caller, ids, &about, None, depth).await?;
    let name = class_of(caller, &loaded, class)?.name.clone();
    cards.retain(|card| card.body.academic_class == class);
    if cards.is_empty() {
        return Err(ApiError::field(
            "academic_class",
            "The class has no report cards: no student is registered in it.",
        ));
    }
    let letterhead = letterhead(school_name(caller), loaded.facts.logo);
    Ok((name, cards, letterhead))
}

/// The report cards of a class as PDF
///
/// One document with a card on each page, or with `separate` a ZIP of one document each.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/pdf/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), PrintParameters),
    responses((status = 200, content((Vec<u8> = "application/pdf"), (Vec<u8> = "application/zip")))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn print_report_cards(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let PrintQuery {
        academic_class,
        separate,
    } = query.read()?;
    let (name, cards, letterhead) = of_class(&caller, &ids, &academic_class, Depth::Print).await?;
    let title = format!("Report cards {name}");
    let mut request = sheet::of_cards(letterhead, title, &cards);
    if separate {
        request.packaging = Packaging::Separate;
    }
    format::print(&caller.app, request).await
}

/// Which class.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; ClassQuery reads them"
)]
pub(crate) struct ClassParameter {
    /// The class.
    academic_class: uuid::Uuid,
}

/// Which class, and in which form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; ClassQuery reads them"
)]
pub(crate) struct BroadsheetParameters {
    /// The class.
    academic_class: uuid::Uuid,
    /// `json`, `html`, `csv` or `pdf`; `json` where absent.
    #[param(pattern = "^(json|html|csv|pdf)$")]
    format: Option<String>,
}

/// The report cards of a class as a page for browsers and printers
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/html/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ClassParameter),
    responses((status = 200, content((String = "text/html")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn render_report_cards(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let ClassQuery { academic_class, .. } = query.read()?;
    let (name, cards, letterhead) = of_class(&caller, &ids, &academic_class, Depth::Print).await?;
    let title = format!("Report cards {name}");
    Ok(format::web_page(&sheet::of_cards(
        letterhead, title, &cards,
    )))
}

/// The students of a class against its subjects
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/broadsheet/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), BroadsheetParameters),
    responses((status = 200, content((BroadsheetOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_broadsheet(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let ClassQuery {
        academic_class,
        format,
    } = query.read()?;
    let (_, cards, letterhead) = of_class(&caller, &ids, &academic_class, format.depth()).await?;
    let broadsheet = BroadsheetOut::new(&cards).ok_or(ApiError::NotFound)?;
    let wide = || sheet::of_broadsheet(letterhead, &broadsheet);
    match format {
        Format::Json => Ok(Json(&broadsheet).into_response()),
        Format::Csv => Ok(format::table(
            &format!("Broadsheet {}", broadsheet.class_name),
            broadsheet.csv(),
        )),
        Format::Html => Ok(format::web_page(&wide())),
        Format::Pdf => format::print(&caller.app, wide()).await,
    }
}
