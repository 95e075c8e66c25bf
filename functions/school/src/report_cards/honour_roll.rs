//! The best of an exam session, by the positions that stand on their cards.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    academics::marks::{Hundredths, Mark},
    csv,
    permissions::school::ViewReportCard,
};
use homeroom_edge::{ApiError, Ids, Json, Query, SchoolCan};
use homeroom_kernel::{Fields, Input, PageRequest, page::FilterValue, rules};
use homeroom_store::{
    StoreError,
    school::{
        logo,
        report_cards::{Depth, Which, find_page, find_published},
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    build,
    card::ReportCardOut,
    cards::seen,
    format::{self, Format},
    letterhead, papers, school_name, sees_all,
};

/// Most students of one answer: each is read from a card of several kilobytes.
const MAX_STUDENTS: u32 = 1_000;
/// How many positions where it is not said.
const DEFAULT_TOP: u32 = 10;

/// The best of an exam session.
#[derive(Serialize, ToSchema)]
pub(crate) struct HonourRollOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    exam_session: String,
    /// Its name; null: nobody is on the roll.
    pub(crate) exam_session_name: Option<String>,
    /// The session's name.
    pub(crate) session_name: Option<String>,
    /// The term.
    pub(crate) term: Option<String>,
    /// Whose positions count: `class` or `form`.
    #[schema(pattern = "^(class|form)$")]
    pub(crate) by: &'static str,
    /// The last position.
    top: u32,
    /// The lowest average; null: any.
    #[schema(value_type = Option<f64>)]
    min_average: Option<Mark>,
    /// The students: by class, or by form, and position; equals by name.
    pub(crate) students: Vec<HonouredOut>,
}

/// A student on an honour roll, with the figures of the card.
#[derive(Serialize, ToSchema)]
pub(crate) struct HonouredOut {
    /// The student's registration, which is the card's id.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The school's number of the student.
    pub(crate) student_number: String,
    /// The student's name, family name last.
    pub(crate) student_name: String,
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    pub(crate) class_name: String,
    /// The form's name.
    pub(crate) form_name: String,
    /// Among the class.
    pub(crate) position_in_class: Option<u32>,
    /// Everybody in the class.
    pub(crate) class_size: u32,
    /// Among the form.
    pub(crate) position_in_form: Option<u32>,
    /// Everybody in the form.
    pub(crate) form_size: u32,
    /// The average.
    #[schema(value_type = Option<f64>)]
    pub(crate) average: Option<Hundredths>,
    /// Sum of the points of the grades; null without a scale.
    pub(crate) points: Option<u32>,
    /// Subjects with a mark.
    pub(crate) subjects_taken: u32,
    /// Subjects passed.
    pub(crate) subjects_passed: u32,
    /// `live`: worked out now; `published`: frozen, whatever has changed since.
    #[schema(pattern = "^(live|published)$")]
    pub(crate) status: &'static str,
    /// Whether something was corrected since the card was published.
    is_outdated: bool,
}

impl From<ReportCardOut> for HonouredOut {
    fn from(card: ReportCardOut) -> Self {
        let body = card.body;
        Self {
            student_session: body.student_session,
            student_number: body.student_number,
            student_name: body.student_name,
            academic_class: body.academic_class,
            class_name: body.class_name,
            form_name: body.form_name,
            position_in_class: body.position_in_class,
            class_size: body.class_size,
            position_in_form: body.position_in_form,
            form_size: body.form_size,
            average: body.average,
            points: body.points,
            subjects_taken: body.subjects_taken,
            subjects_passed: body.subjects_passed,
            status: card.status,
            is_outdated: card.is_outdated,
        }
    }
}

impl HonourRollOut {
    fn csv(&self) -> String {
        let mut file = csv::BYTE_ORDER_MARK.to_owned();
        csv::write_row(
            &mut file,
            [
                "position_in_class",
                "position_in_form",
                "student_number",
                "student_name",
                "class_name",
                "form_name",
                "average",
                "points",
                "subjects_taken",
                "subjects_passed",
                "class_size",
                "form_size",
            ],
        );
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        for student in &self.students {
            let average = student.average.map(|average| average.to_string());
            let row = [
                number(student.position_in_class),
                number(student.position_in_form),
                student.student_number.clone(),
                student.student_name.clone(),
                student.class_name.clone(),
                student.form_name.clone(),
                average.unwrap_or_default(),
                number(student.points),
                student.subjects_taken.to_string(),
                student.subjects_passed.to_string(),
                student.class_size.to_string(),
                student.form_size.to_string(),
            ];
            csv::write_row(&mut file, row.iter().map(String::as_str));
        }
        file
    }
}

/// Who is on the roll.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; HonourQuery reads them"
)]
pub(crate) struct HonourParameters {
    /// The form.
    form: Option<uuid::Uuid>,
    /// The class.
    academic_class: Option<uuid::Uuid>,
    /// Whose positions count, `class` or `form`; `class` where absent.
    #[param(pattern = "^(class|form)$")]
    by: Option<String>,
    /// The last position, of each class or form; 10 where absent.
    #[param(minimum = 1, maximum = 1_000)]
    top: Option<u32>,
    /// The lowest average.
    #[param(minimum = 0, maximum = 100)]
    min_average: Option<f64>,
    /// `json`, `html`, `csv` or `pdf`; `json` where absent.
    #[param(pattern = "^(json|html|csv|pdf)$")]
    format: Option<String>,
}

struct HonourQuery {
    form: Option<String>,
    academic_class: Option<String>,
    by_form: bool,
    top: u32,
    min_average: Option<Mark>,
    format: Format,
}

impl Input for HonourQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let form = fields.optional("form", rules::id::<()>);
        let class = fields.optional("academic_class", rules::id::<()>);
        let by = fields.optional("by", |value| match value.as_str() {
            Some("class") => Ok(false),
            Some("form") => Ok(true),
            _ => Err("Choose one of: \"class\", \"form\".".into()),
        });
        let top = fields.optional("top", rules::integer(1, MAX_STUDENTS.into()));
        let min_average = fields.optional("min_average", Mark::rule);
        let format = fields.optional("format", Format::rule);
        let top = top?.and_then(|top| top.try_into().ok());
        Some(Self {
            form: form?.map(|id| id.to_string()),
            academic_class: class?.map(|id| id.to_string()),
            by_form: by?.unwrap_or(false),
            top: top.unwrap_or(DEFAULT_TOP),
            min_average: min_average?,
            format: format?.unwrap_or_default(),
        })
    }
}

impl HonourQuery {
    /// The position that counts.
    fn position(&self, card: &ReportCardOut) -> Option<u32> {
        if self.by_form {
            card.body.position_in_form
        } else {
            card.body.position_in_class
        }
    }

    /// Whether a card is on the roll: the same as the database is asked of those that are published.
    fn honours(&self, card: &ReportCardOut) -> bool {
        let first = self.position(card).is_some_and(|place| place <= self.top);
        let least = self.min_average.map(Hundredths::from);
        first && !card.is_withheld && (least.is_none() || card.body.average >= least)
    }

    fn filters(&self) -> PageRequest {
        let place = if self.by_form {
            "top_of_form"
        } else {
            "top_of_class"
        };
        let mut filters = vec![
            ("is_withheld", FilterValue::Bool(false)),
            (place, FilterValue::Integer(self.top.into())),
        ];
        let named = [
            ("form", &self.form),
            ("academic_class", &self.academic_class),
        ];
        for (name, id) in named {
            filters.extend(id.clone().map(|id| (name, FilterValue::Text(id))));
        }
        let least = self.min_average.map(Mark::hundredths);
        filters.extend(least.map(|least| ("min_average", FilterValue::Integer(least))));
        PageRequest {
            page: 1,
            page_size: MAX_STUDENTS + 1,
            ordering: Vec::new(),
            search: None,
            filters,
        }
    }
}

fn is_small(students: usize) -> Result<(), ApiError> {
    if u32::try_from(students).is_ok_and(|count| count <= MAX_STUDENTS) {
        return Ok(());
    }
    Err(ApiError::field(
        "top",
        "More than 1,000 students would be on the roll: name a form or a class, or fewer positions.",
    ))
}

/// The best of an exam session
///
/// By the positions and averages of the cards that the caller may see, frozen where they are published: the first ten positions of
/// each class where nothing else is asked for, with all who share them. Nobody without a position, and nobody whose card is withheld.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/honour-roll/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), HonourParameters),
    responses((status = 200, content((HonourRollOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_honour_roll(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let asked: HonourQuery = query.read()?;
    let (session, exam_session) = (ids.get("session")?, ids.get("exam_session")?);
    let (db, user, sees_all) = (&caller.db, caller.actor.user, sees_all(&caller));
    let request = asked.filters();
    let found = find_page(db, session, exam_session, user, sees_all, &request);
    let (mut classes, page) = found.await?;
    let has_classes = !classes.is_empty();
    classes.retain(|class| {
        let is =
            |named: &Option<String>, id: &String| named.as_ref().is_none_or(|named| named == id);
        (sees_all || class.is_led != 0)
            && is(&asked.academic_class, &class.id)
            && is(&asked.form, &class.form)
    });
    if has_classes && classes.is_empty() {
        let named = [
            ("academic_class", &asked.academic_class),
            ("form", &asked.form),
        ];
        if let Some((field, _)) = named.iter().find(|(_, id)| id.is_some()) {
            return Err(ApiError::field(field, "There is no such record."));
        }
    }
    is_small(page.rows.len())?;
    // As in lists: classes in which somebody has no published card are worked out, the others are read.
    let open = classes.iter().filter(|class| class.live > 0);
    let open: Vec<String> = open.map(|class| class.id.clone()).collect();
    let mut cards = Vec::new();
    if !page.rows.is_empty() {
        for row in &find_published(db, exam_session, &page.rows).await? {
            if !open.contains(&row.card.academic_class) {
                cards.push(build::listed(row)?);
            }
        }
    }
    // Where nothing is published, this also finds out whether there is such an exam session.
    if !open.is_empty() || classes.iter().all(|class| class.published == 0) {
        let which = Which::Classes(open);
        let (_, mut live) = seen(&caller, &ids, &which, None, Depth::Cards).await?;
        live.retain(|card| asked.honours(card));
        cards.append(&mut live);
        is_small(cards.len())?;
    }
    cards.sort_by_cached_key(|card| {
        let group = classes.iter().position(|class| {
            if asked.by_form {
                class.form == card.body.form
            } else {
                class.id == card.body.academic_class
            }
        });
        let name = card.body.student_name.to_lowercase();
        (group, asked.position(card), name, card.id.clone())
    });
    let about = cards.first().map(|card| &card.body);
    let roll = HonourRollOut {
        exam_session: ids.get::<()>("exam_session")?.to_string(),
        exam_session_name: about.map(|body| body.exam_session_name.clone()),
        session_name: about.map(|body| body.session_name.clone()),
        term: about.map(|body| body.term.clone()),
        by: if asked.by_form { "form" } else { "class" },
        top: asked.top,
        min_average: asked.min_average,
        students: cards.into_iter().map(HonouredOut::from).collect(),
    };
    match asked.format {
        Format::Json => Ok(Json(&roll).into_response()),
        Format::Csv => Ok(format::table("Honour roll", roll.csv())),
        Format::Html | Format::Pdf => {
            let logo = match logo::find(db, "").await {
                Ok(logo) => logo.data,
                Err(StoreError::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            let paper = papers::of_honour_roll(letterhead(school_name(&caller), logo), &roll);
            match asked.format {
                Format::Pdf => format::print(&caller.app, paper).await,
                _ => Ok(format::web_page(&paper)),
            }
        }
    }
}
