//! How far the cards of each class are.

use std::collections::BTreeMap;

use homeroom_domain::{permissions::school::ViewReportCard, records::text};
use homeroom_edge::{ApiError, Caller, Ids, Json, SchoolArea, SchoolCan};
use homeroom_kernel::Timestamp;
use homeroom_store::school::report_cards::{ClassRow, Depth, ExamRow, Loaded, Which};
use serde::Serialize;
use utoipa::ToSchema;

use super::{build, card::ReportCardOut, school_name, sees, sources};

/// How far the cards of each class are.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportCardStatusOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    exam_session: String,
    /// How far its marks are.
    #[schema(pattern = "^(draft|review|published|locked)$")]
    state: String,
    /// The classes that the caller may see.
    results: Vec<ClassStatusOut>,
}

/// How far the cards of a class are.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClassStatusOut {
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    class_name: String,
    /// The form's name.
    form_name: String,
    /// The class teacher.
    #[schema(value_type = Option<uuid::Uuid>)]
    class_teacher: Option<String>,
    /// The class teacher's name.
    class_teacher_name: Option<String>,
    /// Students in the class.
    students: usize,
    /// Cards without a missing mark.
    complete: usize,
    /// The others.
    incomplete: usize,
    /// Marks that are missing.
    marks_missing: usize,
    /// Cards that are published.
    published: usize,
    /// The newest published version of the class; null: none.
    published_version: Option<u32>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// Published cards that were corrected since.
    outdated: usize,
    /// Cards that only the staff may see.
    withheld: usize,
    /// The same by subject and teacher.
    subjects: Vec<SubjectStatusOut>,
}

/// How far the marks of a subject are.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubjectStatusOut {
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    subject: String,
    /// Its name.
    name: String,
    /// Who enters the marks; null: there is no exam yet.
    #[schema(value_type = Option<uuid::Uuid>)]
    teacher: Option<String>,
    /// The teacher's name.
    teacher_name: Option<String>,
    /// Students who take it.
    students: usize,
    /// Marks and absences entered.
    entered: usize,
    /// Marks missing.
    missing: usize,
}

/// How far the comments of each class are.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommentStatusOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    exam_session: String,
    /// The classes that the caller may see.
    results: Vec<ClassCommentsOut>,
}

/// How far the comments of a class are.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClassCommentsOut {
    /// The class of the session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    class_name: String,
    /// The class teacher's name.
    class_teacher_name: Option<String>,
    /// Students in the class.
    students: usize,
    /// The class teacher's comments.
    class_teacher: CommentCountOut,
    /// The head teacher's comments.
    head_teacher: CommentCountOut,
    /// The remarks on marks, by subject and teacher.
    subjects: Vec<SubjectCommentsOut>,
}

/// How far the remarks of a subject are.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubjectCommentsOut {
    /// The subject.
    #[schema(value_type = uuid::Uuid)]
    subject: String,
    /// Its name.
    name: String,
    /// The teacher's name.
    teacher_name: Option<String>,
    /// The remarks.
    #[serde(flatten)]
    counts: CommentCountOut,
}

/// Comments by where they come from.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct CommentCountOut {
    /// Written by hand.
    written: usize,
    /// Filled from a template.
    auto: usize,
    /// Neither.
    missing: usize,
}

impl CommentCountOut {
    fn count<'a>(sources: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut counts = Self::default();
        for source in sources {
            match source {
                Some("written") => counts.written += 1,
                Some(_) => counts.auto += 1,
                None => counts.missing += 1,
            }
        }
        counts
    }
}

/// The live cards of every class that the caller may see.
fn by_class<'a>(
    caller: &Caller<SchoolArea>,
    loaded: &'a Loaded,
) -> Vec<(&'a ClassRow, Vec<ReportCardOut>)> {
    let mut cards: BTreeMap<String, Vec<ReportCardOut>> = BTreeMap::new();
    for card in build::live(school_name(caller), loaded, build::EVERYBODY).cards {
        let class = cards.entry(card.body.academic_class.clone()).or_default();
        class.push(card);
    }
    let classes = loaded.classes.iter().filter(|class| sees(caller, class));
    classes
        .map(|class| (class, cards.remove(&class.id).unwrap_or_default()))
        .collect()
}

fn exam_of<'a>(loaded: &'a Loaded, class: &str, subject: &str) -> Option<&'a ExamRow> {
    // Of exams of several parts the last, as on cards.
    let mut exams = loaded.exams.iter().rev();
    exams.find(|exam| exam.academic_class == class && exam.subject == subject)
}

/// How far the report cards of each class are
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-card-status/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path)),
    responses((status = 200, body = ReportCardStatusOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_report_card_status(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
) -> Result<Json<ReportCardStatusOut>, ApiError> {
    let loaded = sources(
        &caller,
        &ids,
        "exam_session",
        &Which::All,
        None,
        Depth::State,
    )
    .await?;
    let classes = by_class(&caller, &loaded).into_iter();
    let results = classes
        .map(|(class, cards)| class_status(&loaded, class, &cards))
        .collect();
    Ok(Json(ReportCardStatusOut {
        exam_session: text(&loaded.exam_session, "id").to_owned(),
        state: text(&loaded.exam_session, "state").to_owned(),
        results,
    }))
}

fn class_status(loaded: &Loaded, class: &ClassRow, cards: &[ReportCardOut]) -> ClassStatusOut {
    let frozen: Vec<_> = loaded
        .frozen
        .iter()
        .filter(|row| row.academic_class == class.id)
        .collect();
    let newest = frozen.iter().max_by_key(|row| row.version);
    let plans = loaded.plans.iter().filter(|plan| plan.form == class.form);
    let subjects = plans.map(|plan| {
        let lines = || {
            cards
                .iter()
                .flat_map(|card| &card.body.subjects)
                .filter(|line| line.subject == plan.subject)
        };
        let missing = lines().filter(|line| line.status == "missing").count();
        let exam = exam_of(loaded, &class.id, &plan.subject);
        SubjectStatusOut {
            subject: plan.subject.clone(),
            name: plan.name.clone(),
            teacher: exam.map(|exam| exam.teacher.clone()),
            teacher_name: exam.and_then(|exam| exam.teacher_name.clone()),
            students: lines().count(),
            entered: lines().count() - missing,
            missing,
        }
    });
    let complete = cards.iter().filter(|card| card.body.is_complete).count();
    ClassStatusOut {
        academic_class: class.id.clone(),
        class_name: class.name.clone(),
        form_name: class.form_name.clone(),
        class_teacher: class.class_teacher.clone(),
        class_teacher_name: class.class_teacher_name.clone(),
        students: cards.len(),
        complete,
        incomplete: cards.len() - complete,
        marks_missing: cards.iter().map(|card| card.body.missing.len()).sum(),
        published: frozen.len(),
        published_version: newest.map(|row| row.version),
        published_at: newest.map(|row| Timestamp::from_millis(row.published_at)),
        outdated: frozen.iter().filter(|row| row.is_outdated != 0).count(),
        withheld: cards.iter().filter(|card| card.is_withheld).count(),
        subjects: subjects.collect(),
    }
}

/// How far the comments of each class are
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/comment-status/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path)),
    responses((status = 200, body = CommentStatusOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_comment_status(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
) -> Result<Json<CommentStatusOut>, ApiError> {
    let loaded = sources(
        &caller,
        &ids,
        "exam_session",
        &Which::All,
        None,
        Depth::State,
    )
    .await?;
    let classes = by_class(&caller, &loaded).into_iter();
    let results = classes
        .map(|(class, cards)| comment_status(&loaded, class, &cards))
        .collect();
    Ok(Json(CommentStatusOut {
        exam_session: text(&loaded.exam_session, "id").to_owned(),
        results,
    }))
}

fn comment_status(loaded: &Loaded, class: &ClassRow, cards: &[ReportCardOut]) -> ClassCommentsOut {
    let bodies = || cards.iter().map(|card| &card.body);
    let plans = loaded.plans.iter().filter(|plan| plan.form == class.form);
    let subjects = plans.map(|plan| {
        let lines = bodies()
            .flat_map(|body| &body.subjects)
            .filter(|line| line.subject == plan.subject);
        let exam = exam_of(loaded, &class.id, &plan.subject);
        SubjectCommentsOut {
            subject: plan.subject.clone(),
            name: plan.name.clone(),
            teacher_name: exam.and_then(|exam| exam.teacher_name.clone()),
            counts: CommentCountOut::count(lines.map(|line| line.comment_source.as_deref())),
        }
    });
    ClassCommentsOut {
        academic_class: class.id.clone(),
        class_name: class.name.clone(),
        class_teacher_name: class.class_teacher_name.clone(),
        students: cards.len(),
        class_teacher: CommentCountOut::count(
            bodies().map(|body| body.class_teacher_comment.source.as_deref()),
        ),
        head_teacher: CommentCountOut::count(
            bodies().map(|body| body.head_teacher_comment.source.as_deref()),
        ),
        subjects: subjects.collect(),
    }
}
