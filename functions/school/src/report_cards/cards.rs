//! Reading report cards and broadsheets.

use std::cmp::Ordering;

use axum::response::{IntoResponse, Response};
use homeroom_domain::{academics::marks::Hundredths, permissions::school::ViewReportCard};
use homeroom_edge::{ApiError, Caller, Ids, Json, List, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{
    Fields, Input, Listing, PageRequest,
    page::{FilterKind, FilterValue},
    rules, search,
};
use homeroom_objects::documents::{Letterhead, Packaging};
use homeroom_store::{
    Page, StoreError,
    school::report_cards::{ClassSize, Depth, Loaded, Which, find_page, find_published},
};
use utoipa::IntoParams;

use super::{
    broadsheet::BroadsheetOut,
    build,
    card::ReportCardOut,
    class_of,
    format::{self, Format},
    letterhead, school_name, sees, sees_all, sheet, sources, which,
};

/// What cards can be filtered and ordered by; applied to cards and not by the database.
static LISTING: Listing = Listing {
    orderings: &[
        ("position", "position"),
        ("student_name", "student_name"),
        ("student_number", "student_number"),
        ("average", "average"),
    ],
    default_ordering: "position",
    search: &["student"],
    filters: &[
        ("academic_class", FilterKind::Id, "academic_class"),
        ("is_complete", FilterKind::Bool, "is_complete"),
        ("is_outdated", FilterKind::Bool, "is_outdated"),
        ("is_withheld", FilterKind::Bool, "is_withheld"),
    ],
};

/// What cards can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct ReportCardFilters {
    /// Text in the student's name or number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The class.
    academic_class: Option<uuid::Uuid>,
    /// Whether no mark is missing.
    is_complete: Option<bool>,
    /// Whether something was corrected since the card was published.
    is_outdated: Option<bool>,
    /// Whether only the staff may see it.
    is_withheld: Option<bool>,
}

/// The cards that the caller may see, as a reader sees them: frozen where they are published.
async fn seen(
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

/// What cards are ordered by.
struct Key {
    place: (Option<usize>, (bool, bool, Option<u32>)),
    name: String,
    number: String,
    average: Option<Hundredths>,
}

fn ordered(
    loaded: &Loaded,
    cards: Vec<ReportCardOut>,
    ordering: &[(&'static str, bool)],
) -> Vec<ReportCardOut> {
    let key = |card: ReportCardOut| {
        let body = &card.body;
        let mut classes = loaded.classes.iter();
        let class = classes.position(|class| class.id == body.academic_class);
        let key = Key {
            place: (class, body.place()),
            name: body.student_name.to_lowercase(),
            number: body.student_number.clone(),
            average: body.average,
        };
        (key, card)
    };
    let mut keyed: Vec<(Key, ReportCardOut)> = cards.into_iter().map(key).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let mut orders = ordering.iter().map(|(name, descending)| {
            let order = match *name {
                "student_name" => a.name.cmp(&b.name),
                "student_number" => a.number.cmp(&b.number),
                "average" => a.average.cmp(&b.average),
                _ => a.place.cmp(&b.place),
            };
            if *descending { order.reverse() } else { order }
        });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    keyed.into_iter().map(|(_, card)| card).collect()
}

/// Which classes have to be worked out for a page of cards.
struct Span {
    which: Which,
    /// How many cards there are; none: as many as are found.
    count: Option<u64>,
    /// How many come before those of these classes.
    before: u64,
}

impl Span {
    fn of(which: Which) -> Self {
        Self {
            which,
            count: None,
            before: 0,
        }
    }
}

/// By class and position a page is of a few classes, which the number of cards in each tells; whatever else is asked for,
/// everybody whom the caller may see has to be looked at.
fn span(classes: &[ClassSize], sees_all: bool, request: &PageRequest) -> Span {
    let names = |classes: &[ClassSize]| classes.iter().map(|class| class.id.clone()).collect();
    let is_plain = request.search.is_none()
        && request.filters.is_empty()
        && request.ordering == [("position", false)];
    if !is_plain {
        return Span::of(if sees_all {
            Which::All
        } else {
            Which::Classes(names(classes))
        });
    }
    let (mut first, mut before, mut count) = (0, 0, 0);
    let mut end = 0;
    let last = request.offset() + u64::from(request.page_size);
    for (number, class) in classes.iter().enumerate() {
        if count + class.cards() <= request.offset() {
            (first, before) = (number + 1, count + class.cards());
        }
        if count < last {
            end = number + 1;
        }
        count += class.cards();
    }
    let on_page = classes.get(first..end.max(first)).unwrap_or_default();
    Span {
        which: Which::Classes(names(on_page)),
        count: Some(count),
        before,
    }
}

/// Report cards of an exam session
///
/// Worked out now until they are published; then as they were published. Class teachers see the classes that they
/// lead; who publishes, withholds or corrects marks sees all. By class and position where no other order is asked for.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ReportCardFilters),
    responses((status = 200, body = List<ReportCardOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_report_cards(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Json<List<ReportCardOut>>, ApiError> {
    let request = query.page(&LISTING)?;
    let class = request.filters.iter().find_map(|filter| match filter {
        ("academic_class", FilterValue::Text(id)) => Some(id.clone()),
        _ => None,
    });
    let span = match class {
        Some(class) => Span::of(which(Some(&class))),
        None => {
            let (session, exam_session) = (ids.get("session")?, ids.get("exam_session")?);
            let (db, user, sees_all) = (&caller.db, caller.actor.user, sees_all(&caller));
            let found = find_page(db, session, exam_session, user, sees_all, &request);
            let (mut classes, page) = found.await?;
            classes.retain(|class| sees_all || class.is_led != 0);
            let live: u64 = classes.iter().map(|class| class.live).sum();
            // Where every card is published, the database knows what is on the page.
            if live == 0 && classes.iter().any(|class| class.published > 0) {
                let Page { count, rows } = page.within(&request)?;
                let rows = find_published(db, exam_session, &rows).await?;
                let rows = rows.iter().map(build::listed).collect::<Result<_, _>>()?;
                let page = Page { count, rows };
                return Ok(List::new(&caller.context, &query, &request, page));
            }
            span(&classes, sees_all, &request)
        }
    };
    let (loaded, mut cards) = seen(&caller, &ids, &span.which, None, Depth::Cards).await?;
    let needle = request.search.as_deref().map(search::folded);
    cards.retain(|card| {
        let is = |value: &FilterValue, truth: bool| *value == FilterValue::Bool(truth);
        let fits = |(name, value): &(&str, FilterValue)| match *name {
            "academic_class" => *value == FilterValue::Text(card.body.academic_class.clone()),
            "is_complete" => is(value, card.body.is_complete),
            "is_outdated" => is(value, card.is_outdated),
            _ => is(value, card.is_withheld),
        };
        let named = needle.as_ref().is_none_or(|needle| {
            [&card.body.student_name, &card.body.student_number]
                .iter()
                .any(|text| search::folded(text).contains(needle))
        });
        named && request.filters.iter().all(fits)
    });
    let cards = ordered(&loaded, cards, &request.ordering);
    let count = span.count.unwrap_or(cards.len() as u64);
    if request.page > 1 && request.offset() >= count {
        return Err(StoreError::NoSuchPage.into());
    }
    let skipped = usize::try_from(request.offset() - span.before).unwrap_or(usize::MAX);
    let rows = cards
        .into_iter()
        .skip(skipped)
        .take(request.page_size as usize)
        .collect();
    let page = Page { count, rows };
    Ok(List::new(&caller.context, &query, &request, page))
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
