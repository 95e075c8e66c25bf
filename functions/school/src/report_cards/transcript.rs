//! A student's published cards of all years on one paper: for the staff, and for the family.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    academics::{
        marks::{Coefficient, Hundredths, Mark},
        transcript::{Standing, overall},
    },
    csv,
    permissions::school::ViewReportCard,
    records::{Record, text},
};
use homeroom_edge::{ApiError, App, At, Ids, Json, Own, Query, SchoolArea, SchoolCan};
use homeroom_kernel::{Fields, Id, Input, Timestamp, rules};
use homeroom_store::{
    StoreError, TenantDb,
    school::report_cards::{self as tables, Depth, Transcript, Wanted},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    build,
    card::ReportCardOut,
    format::{self, Format},
    letterhead, papers, sees_all,
};
use crate::days::day_at;

/// A student's published report cards, over all years.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptOut {
    /// The school.
    #[schema(example = "Greenwood High")]
    pub(crate) school_name: String,
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: Id<()>,
    /// The school's number of the student.
    #[schema(example = "2026-0001")]
    pub(crate) student_number: String,
    /// The student's name, family name last.
    pub(crate) student_name: String,
    /// Date of birth; null: unknown.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) dob: Value,
    /// The year of admission.
    #[schema(value_type = i64, example = 2026)]
    pub(crate) admission_year: Value,
    /// The day on which it was made.
    #[schema(format = Date)]
    pub(crate) issued_on: String,
    /// The cards, the oldest first.
    pub(crate) report_cards: Vec<TranscriptCardOut>,
    /// Σ (average × coefficients) ÷ Σ coefficients over the cards that have an average and are not withheld, those that a shown one is worked out from
    /// left out; null: there are none.
    #[schema(value_type = Option<f64>)]
    pub(crate) cumulative_average: Option<Hundredths>,
    /// Marks in subjects on all these cards.
    pub(crate) subjects_taken: u32,
    /// Those that reach the pass mark.
    pub(crate) subjects_passed: u32,
}

/// A published card on a transcript.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptCardOut {
    /// The student's registration: the card's id on the staff's routes.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The session.
    #[schema(value_type = Option<uuid::Uuid>)]
    session: Value,
    /// Its name.
    pub(crate) session_name: String,
    /// The term.
    pub(crate) term: String,
    /// The first day of the term; null: the term has no dates.
    #[schema(value_type = Option<String>, format = Date)]
    term_start: Value,
    /// The last day of the term.
    #[schema(value_type = Option<String>, format = Date)]
    term_end: Value,
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    exam_session: String,
    /// Its name.
    pub(crate) exam_session_name: String,
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    pub(crate) class_name: String,
    /// The form's name.
    pub(crate) form_name: String,
    /// The form's level.
    level: String,
    /// The version that is published.
    version: Option<u32>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// Whether marks or comments were corrected since.
    is_outdated: bool,
    /// Whether the card is for the staff only.
    is_withheld: bool,
    /// Whether its marks are worked out from other exam sessions, as those of a year are: it counts in place of their cards.
    has_parts: bool,
    /// Those exam sessions.
    #[serde(skip)]
    parts: Vec<String>,
    /// What the card says; null: withheld. The figures are on the card itself.
    pub(crate) figures: Option<FiguresOut>,
}

/// What a card says, as far as a transcript shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiguresOut {
    /// The lines, by subject.
    pub(crate) subjects: Vec<TranscriptLineOut>,
    /// Sum of mark × coefficient.
    #[schema(value_type = f64)]
    total: Hundredths,
    /// Sum of the coefficients of the subjects taken.
    #[schema(value_type = f64)]
    pub(crate) coefficients: Hundredths,
    /// The average that the card shows; null: nothing was sat.
    #[schema(value_type = Option<f64>)]
    pub(crate) average: Option<Hundredths>,
    /// Sum of the points of the grades; null without a scale.
    pub(crate) points: Option<u32>,
    /// Subjects with a mark.
    pub(crate) subjects_taken: u32,
    /// Subjects whose mark reaches the pass mark.
    pub(crate) subjects_passed: u32,
    /// Whether no mark is missing.
    is_complete: bool,
    /// Among the class; null: incomplete, or nothing was sat.
    pub(crate) position_in_class: Option<u32>,
    /// Everybody in the class.
    pub(crate) class_size: u32,
    /// Among the form.
    pub(crate) position_in_form: Option<u32>,
    /// Everybody in the form.
    pub(crate) form_size: u32,
}

/// A subject on a transcript.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptLineOut {
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    subject: String,
    /// Its name.
    pub(crate) name: String,
    /// `marked`, `absent` or `missing`.
    #[schema(pattern = "^(marked|absent|missing)$")]
    pub(crate) status: String,
    /// The mark.
    #[schema(value_type = Option<f64>)]
    pub(crate) mark: Option<Mark>,
    /// Its grade.
    pub(crate) grade: Option<String>,
    /// The weight.
    #[schema(value_type = f64)]
    pub(crate) coefficient: Coefficient,
    /// Whether the mark reaches the pass mark.
    pub(crate) passed: Option<bool>,
    /// Among those of the class who sat.
    pub(crate) position_in_class: Option<u32>,
    /// How many of the class have a mark.
    pub(crate) number_sat: u32,
}

fn value(record: Option<&Record>, name: &str) -> Value {
    record
        .and_then(|record| record.get(name))
        .cloned()
        .unwrap_or_default()
}

fn entry(card: ReportCardOut, places: &[Record]) -> TranscriptCardOut {
    let body = card.body;
    let mut places = places.iter();
    let place = places.find(|place| text(place, "exam_session") == body.exam_session);
    let lines = body.subjects.into_iter().map(|line| TranscriptLineOut {
        subject: line.subject,
        name: line.name,
        status: line.status,
        mark: line.mark,
        grade: line.grade,
        coefficient: line.coefficient,
        passed: line.passed,
        position_in_class: line.position_in_class,
        number_sat: line.number_sat,
    });
    let figures = (!card.is_withheld).then(|| FiguresOut {
        subjects: lines.collect(),
        total: body.total,
        coefficients: body.coefficients,
        average: body.average,
        points: body.points,
        subjects_taken: body.subjects_taken,
        subjects_passed: body.subjects_passed,
        is_complete: body.is_complete,
        position_in_class: body.position_in_class,
        class_size: body.class_size,
        position_in_form: body.position_in_form,
        form_size: body.form_size,
    });
    TranscriptCardOut {
        student_session: body.student_session,
        session: value(place, "session"),
        session_name: body.session_name,
        term: body.term,
        term_start: value(place, "term_start"),
        term_end: value(place, "term_end"),
        exam_session: body.exam_session,
        exam_session_name: body.exam_session_name,
        academic_class: body.academic_class,
        class_name: body.class_name,
        form_name: body.form_name,
        level: body.level,
        version: card.version,
        published_at: card.published_at,
        is_outdated: card.is_outdated,
        is_withheld: card.is_withheld,
        has_parts: !body.parts.is_empty(),
        parts: (body.parts.into_iter())
            .map(|part| part.exam_session)
            .collect(),
        figures,
    }
}

/// What the cards that are shown count for. One that is worked out from parts counts in their place, by the weights that the school gave them,
/// and is worth what they are worth together.
fn standings(cards: &[TranscriptCardOut]) -> Vec<Standing> {
    let shown = || {
        let cards = cards.iter();
        cards.filter_map(|card| Some((card, card.figures.as_ref()?)))
    };
    let is_part = |part: &TranscriptCardOut, whole: &TranscriptCardOut| {
        part.student_session == whole.student_session && whole.parts.contains(&part.exam_session)
    };
    let counted = shown().filter(|(card, _)| !shown().any(|(whole, _)| is_part(card, whole)));
    let standing = |(card, figures): (&TranscriptCardOut, &FiguresOut)| {
        let parts = shown().filter(|(part, _)| is_part(part, card));
        let worth: i64 = parts.map(|(_, part)| part.coefficients.0).sum();
        Standing {
            average: figures.average,
            coefficients: if worth == 0 {
                figures.coefficients
            } else {
                Hundredths(worth)
            },
            subjects_taken: figures.subjects_taken,
            subjects_passed: figures.subjects_passed,
        }
    };
    counted.map(standing).collect()
}

impl TranscriptOut {
    fn new(
        school_name: &str,
        student: Id<()>,
        issued_on: String,
        found: &Transcript,
    ) -> Result<Self, StoreError> {
        let mut report_cards = Vec::new();
        for row in &found.cards {
            report_cards.push(entry(build::listed(row)?, &found.places));
        }
        let overall = overall(&standings(&report_cards));
        let of_student = |name: &str| text(&found.student, name).to_owned();
        Ok(Self {
            school_name: school_name.to_owned(),
            student,
            student_number: of_student("student_number"),
            student_name: of_student("student_name"),
            dob: value(Some(&found.student), "dob"),
            admission_year: value(Some(&found.student), "admission_year"),
            issued_on,
            report_cards,
            cumulative_average: overall.average,
            subjects_taken: overall.subjects_taken,
            subjects_passed: overall.subjects_passed,
        })
    }

    /// A line per card and subject; of a withheld card one that says no more.
    fn csv(&self) -> String {
        let mut file = csv::BYTE_ORDER_MARK.to_owned();
        csv::write_row(
            &mut file,
            [
                "student_number",
                "student_name",
                "session_name",
                "term",
                "exam_session_name",
                "class_name",
                "form_name",
                "subject",
                "status",
                "mark",
                "grade",
                "coefficient",
                "passed",
                "position_in_class",
                "number_sat",
                "average",
                "points",
                "card_position_in_class",
                "class_size",
                "card_position_in_form",
                "form_size",
            ],
        );
        for card in &self.report_cards {
            let head = [
                &self.student_number,
                &self.student_name,
                &card.session_name,
                &card.term,
                &card.exam_session_name,
                &card.class_name,
                &card.form_name,
            ]
            .map(String::as_str);
            let Some(figures) = &card.figures else {
                let rest = std::iter::repeat_n("", 12);
                csv::write_row(
                    &mut file,
                    head.into_iter().chain(["", "withheld"]).chain(rest),
                );
                continue;
            };
            let whole = [
                blank(figures.average),
                blank(figures.points),
                blank(figures.position_in_class),
                figures.class_size.to_string(),
                blank(figures.position_in_form),
                figures.form_size.to_string(),
            ];
            for line in &figures.subjects {
                let own = [
                    blank(line.mark),
                    line.grade.clone().unwrap_or_default(),
                    line.coefficient.to_string(),
                    blank(line.passed),
                    blank(line.position_in_class),
                    line.number_sat.to_string(),
                ];
                let named = [line.name.as_str(), line.status.as_str()];
                let figures = own.iter().chain(&whole).map(String::as_str);
                csv::write_row(&mut file, head.into_iter().chain(named).chain(figures));
            }
        }
        file
    }
}

fn blank<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// In which form, and of which session.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; TranscriptQuery reads them"
)]
pub(crate) struct TranscriptParameters {
    /// `json`, `html`, `csv` or `pdf`; `json` where absent.
    #[param(pattern = "^(json|html|csv|pdf)$")]
    format: Option<String>,
    /// The one session; all where absent.
    session: Option<uuid::Uuid>,
}

struct TranscriptQuery {
    format: Format,
    session: Option<Id<()>>,
}

impl Input for TranscriptQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let format = fields.optional("format", Format::rule);
        let session = fields.optional("session", rules::id);
        Some(Self {
            format: format?.unwrap_or_default(),
            session: session?,
        })
    }
}

async fn answer(
    (app, db, now): (&App, &TenantDb, Timestamp),
    TranscriptQuery { format, session }: TranscriptQuery,
    mut wanted: Wanted,
) -> Result<Response, ApiError> {
    wanted.session = session;
    wanted.with_logo = format.depth() == Depth::Print;
    let found = tables::find_transcript(db, wanted).await?;
    let issued_on = day_at(app, db, now)?.to_string();
    let name = &db.school().school().name;
    let transcript = TranscriptOut::new(name, wanted.student, issued_on, &found)?;
    let paper = || {
        let logo = value(Some(&found.student), "logo");
        let letterhead = letterhead(name, logo.as_str().map(str::to_owned));
        papers::of_transcript(letterhead, &transcript)
    };
    match format {
        Format::Json => Ok(Json(&transcript).into_response()),
        Format::Csv => Ok(format::table(
            &papers::transcript_name(&transcript),
            transcript.csv(),
        )),
        Format::Html => Ok(format::web_page(&paper())),
        Format::Pdf => format::print(app, paper()).await,
    }
}

/// A student's transcript
///
/// The current published cards of all years, the oldest first, and what they come to. Nothing that is not published is on it, and
/// of a withheld card only that there is one. For who sees the cards of every class.
#[utoipa::path(get, path = "/api/v1/school/students/{student}/transcript/", tag = "report-cards",
    params(("student" = uuid::Uuid, Path), TranscriptParameters),
    responses((status = 200, content((TranscriptOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_transcript(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.read()?;
    if !sees_all(&caller) {
        return Err(ApiError::Forbidden {
            code: "permission_denied",
            detail: "A transcript shows cards of classes that you do not lead. It needs school.publish_report_card, \
                     school.withhold_report_card or school.manage_mark."
                .into(),
        });
    }
    let wanted = Wanted {
        student: ids.get("student")?,
        session: None,
        family: None,
        with_logo: false,
    };
    let place = (&*caller.app, &caller.db, caller.context.now);
    answer(place, query, wanted).await
}

/// The transcript of oneself, or of one of the guardian's children
///
/// The id is the student's, as own report cards name it. Only what `my/report-cards/` shows is on it. Needs no permission.
#[utoipa::path(get, path = "/api/v1/school/my/transcripts/{id}/", tag = "report-cards",
    params(("id" = uuid::Uuid, Path), TranscriptParameters),
    responses((status = 200, content((TranscriptOut = "application/json"), (String = "text/html"), (String = "text/csv"),
    (Vec<u8> = "application/pdf")))), security(("bearer" = [])))]
pub(crate) async fn find_own_transcript(
    caller: Own<SchoolArea>,
    id: At<()>,
    query: Query,
) -> Result<Response, ApiError> {
    let now = caller.context.now;
    let wanted = Wanted {
        student: id.0,
        session: None,
        family: Some((caller.user, now)),
        with_logo: false,
    };
    answer((&caller.app, &caller.db, now), query.read()?, wanted).await
}
