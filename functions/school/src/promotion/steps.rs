//! How far a set-up is, from what there is.

use std::collections::BTreeMap;

use homeroom_domain::permissions::school::ViewSessionSetup;
use homeroom_edge::{ApiError, At, Json, SchoolCan};
use homeroom_store::school::promotion::{self as store, Progress};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The steps of a set-up.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupStepsOut {
    /// The set-up.
    #[schema(value_type = uuid::Uuid)]
    session_setup: String,
    /// What is set up.
    #[schema(example = "academic_session")]
    session_type: String,
    /// The first step that is not done; null: all are.
    next_step: Option<u32>,
    /// The steps in their order.
    steps: Vec<SetupStepOut>,
}

/// A step of a set-up.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupStepOut {
    /// From 1.
    step: u32,
    /// Stable, for programs.
    #[schema(example = "classes")]
    name: &'static str,
    /// For people.
    #[schema(example = "Classes of the new session")]
    title: &'static str,
    /// Whether what it asks for is there.
    is_done: bool,
    /// What it was judged by.
    counts: BTreeMap<&'static str, i64>,
}

/// The steps of a set-up, and which are done
#[utoipa::path(get, path = "/api/v1/school/session-setup/{id}/steps/", tag = "promotion",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SetupStepsOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_setup_steps(
    caller: SchoolCan<ViewSessionSetup>,
    id: At<()>,
) -> Result<Json<SetupStepsOut>, ApiError> {
    let progress = store::progress(&caller.db, &id.0.to_string()).await?;
    let steps = if progress.setup.session_type == "exam_session" {
        exam_steps(&progress.exams)
    } else {
        year_steps(&progress)
    };
    Ok(Json(SetupStepsOut {
        next_step: steps
            .iter()
            .find(|step| !step.is_done)
            .map(|step| step.step),
        session_setup: progress.setup.id,
        session_type: progress.setup.session_type,
        steps,
    }))
}

/// Takes named counts out of a row.
fn counts(row: &Map<String, Value>, names: &[&'static str]) -> BTreeMap<&'static str, i64> {
    names
        .iter()
        .map(|name| (*name, row.get(*name).and_then(Value::as_i64).unwrap_or(0)))
        .collect()
}

type Draft = (
    &'static str,
    &'static str,
    &'static [&'static str],
    fn(&dyn Fn(&str) -> i64) -> bool,
);

fn judge(row: &Map<String, Value>, drafts: &[Draft]) -> Vec<SetupStepOut> {
    let of = |name: &str| row.get(name).and_then(Value::as_i64).unwrap_or(0);
    (1..)
        .zip(drafts)
        .map(|(step, (name, title, names, is_done))| SetupStepOut {
            step,
            name,
            title,
            is_done: is_done(&of),
            counts: counts(row, names),
        })
        .collect()
}

fn year_steps(progress: &Progress) -> Vec<SetupStepOut> {
    let mut row = progress.year.clone();
    let previous = i64::from(progress.setup.previous_session.is_some());
    row.insert("previous_sessions".to_owned(), previous.into());
    judge(
        &row,
        &[
            (
                "sessions",
                "Sessions and terms",
                &["previous_sessions", "terms"],
                |of| of("previous_sessions") > 0 && of("terms") > 0,
            ),
            (
                "classes",
                "Classes of the new session",
                &["previous_classes", "classes", "missing_classes"],
                |of| of("classes") > 0 && of("missing_classes") == 0,
            ),
            (
                "subject_teachers",
                "Subject teachers of the new session",
                &["subject_teachers", "missing_teachers"],
                |of| of("subject_teachers") > 0 && of("missing_teachers") == 0,
            ),
            (
                "decisions",
                "A decision on every student",
                &["decided", "undecided"],
                |of| of("decided") > 0 && of("undecided") == 0,
            ),
            ("execution", "Promotions carried out", &["executed"], |of| {
                of("executed") > 0
            }),
        ],
    )
}

fn exam_steps(exams: &Map<String, Value>) -> Vec<SetupStepOut> {
    let state = exams
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut row = exams.clone();
    let is_published = matches!(state, "published" | "locked");
    row.insert("published".to_owned(), i64::from(is_published).into());
    judge(
        &row,
        &[
            (
                "exams",
                "An exam for every subject of a class",
                &["assignments", "exams"],
                |of| of("exams") > 0 && of("exams") >= of("assignments"),
            ),
            (
                "marks",
                "A mark for every student",
                &["missing_marks"],
                |of| of("exams") > 0 && of("missing_marks") == 0,
            ),
            ("publication", "Cards published", &["published"], |of| {
                of("published") > 0
            }),
        ],
    )
}
