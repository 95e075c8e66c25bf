//! Many decisions at once, each row with a result of its own.

use std::collections::{BTreeMap, HashMap};

use homeroom_domain::{
    permissions::school::ChangeStudentPromotion,
    records::{self, Record, text},
};
use homeroom_edge::{ApiError, Body, Conflict, Ids, Json, SchoolCan};
use homeroom_kernel::{FieldErrors, Fields, Input, fields::NON_FIELD};
use homeroom_store::{
    Stamp,
    school::promotion::{self as store, DecisionRow, Setup, Sought, Written},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::check_action;

/// Most rows of a request.
const MOST: usize = 500;

/// Many decisions.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; BulkIn reads it"
)]
pub(crate) struct StudentPromotionsBulkBody {
    /// A decision each; the students of a request differ.
    #[schema(min_items = 1, max_items = 500)]
    rows: Vec<StudentPromotionRowBody>,
}

/// A decision on a student. What is left out is as in a decision that is written alone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct StudentPromotionRowBody {
    /// The student.
    student: uuid::Uuid,
    /// The class that is left; null: the one in which the student is registered.
    source_session_class: Option<uuid::Uuid>,
    /// The class of the new session.
    destination_session_class: Option<uuid::Uuid>,
    /// What becomes of the student.
    #[schema(nullable = false, example = "promote")]
    action: Option<String>,
    /// Boarding or day in the new session; null: as the student is.
    #[schema(example = "Day")]
    boarding_status: Option<String>,
    /// Why.
    #[schema(nullable = false, max_length = 500)]
    reason: Option<String>,
}

/// What became of many decisions.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct StudentPromotionsBulkOut {
    /// New decisions.
    created: u32,
    /// Changed decisions.
    updated: u32,
    /// Decisions that somebody has made already.
    unchanged: u32,
    /// Rows with mistakes; the others were written all the same.
    refused: u32,
    /// One for each row, in their order.
    results: Vec<StudentPromotionResultOut>,
}

/// What became of a row.
#[derive(Serialize, ToSchema)]
pub(crate) struct StudentPromotionResultOut {
    /// Which row, from 1.
    row: usize,
    /// `created`, `updated`, `unchanged` or `refused`.
    #[schema(example = "created")]
    outcome: &'static str,
    /// The decision.
    #[schema(value_type = Option<uuid::Uuid>)]
    id: Option<String>,
    /// What is wrong, by field.
    errors: BTreeMap<String, Vec<String>>,
}

pub(crate) struct BulkIn {
    rows: Vec<Value>,
}

impl Input for BulkIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let rows = fields.required("rows", |value| rows(value, MOST));
        Some(Self { rows: rows? })
    }
}

/// Rows that are read one by one, so that each has a result of its own.
pub(crate) fn rows(value: &Value, most: usize) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(rows) if rows.is_empty() => Err("Send at least one row.".into()),
        Value::Array(rows) if rows.len() > most => Err(format!("Send no more than {most} rows.")),
        Value::Array(rows) => Ok(rows.clone()),
        _ => Err("Expected a list of rows.".into()),
    }
}

/// Decide on many students
///
/// Rows without mistakes are written together; the others say what is wrong.
#[utoipa::path(put, path = "/api/v1/school/session-setup/{session_setup}/student-promotions/bulk/",
    tag = "promotion", params(("session_setup" = uuid::Uuid, Path)), request_body = StudentPromotionsBulkBody,
    responses((status = 200, body = StudentPromotionsBulkOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_student_promotions(
    caller: SchoolCan<ChangeStudentPromotion>,
    ids: Ids,
    body: Body<BulkIn>,
) -> Result<Json<StudentPromotionsBulkOut>, ApiError> {
    let setup = ids.get::<()>("session_setup")?.to_string();
    let mut read: Vec<Result<Record, FieldErrors>> = body.input.rows.iter().map(read_row).collect();
    refuse_repetitions(&mut read);
    let sought: Value = read
        .iter()
        .map(|row| Value::Object(row.as_ref().cloned().unwrap_or_default()))
        .collect();
    let (setup, known) = store::seek(&caller.db, &setup, &sought).await?;
    if setup.execution.is_some() {
        return Err(Conflict::PromotionExecuted.into());
    }
    let stamp = caller.stamp();
    let mut answer = StudentPromotionsBulkOut::default();
    let mut written = Vec::new();
    for (n, (row, known)) in read.into_iter().zip(&known).enumerate() {
        let decided = row.and_then(|row| decide(&setup, &row, known, &stamp));
        let (outcome, id, errors) = match decided {
            Err(errors) => {
                answer.refused += 1;
                ("refused", None, errors.messages().clone())
            }
            Ok(decision) => {
                let id = decision.id.clone();
                let same = |before: &store::Proposed| says(&before.row, &decision.after);
                let outcome = match &decision.before {
                    None => {
                        answer.created += 1;
                        "created"
                    }
                    Some(before) if same(before) => {
                        answer.unchanged += 1;
                        "unchanged"
                    }
                    Some(_) => {
                        answer.updated += 1;
                        "updated"
                    }
                };
                if outcome != "unchanged" {
                    written.push(decision);
                }
                (outcome, Some(id), BTreeMap::new())
            }
        };
        answer.results.push(StudentPromotionResultOut {
            row: n + 1,
            outcome,
            id,
            errors,
        });
    }
    caller
        .commit(store::write(&stamp, &setup.id, &written)?)
        .await?;
    Ok(Json(answer))
}

fn read_row(row: &Value) -> Result<Record, FieldErrors> {
    let Value::Object(map) = row else {
        return Err(FieldErrors::one(NON_FIELD, "Expected an object."));
    };
    let record = records::read(store::ROW, map.clone(), false)?;
    let mut errors = FieldErrors::default();
    check_action(&record, &mut errors);
    errors.into_result(record)
}

/// A student has one decision: the first row counts, and a second one is a mistake.
fn refuse_repetitions(rows: &mut [Result<Record, FieldErrors>]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (n, row) in rows.iter_mut().enumerate() {
        let Ok(record) = row else { continue };
        let student = text(record, "student").to_owned();
        if let Some(first) = seen.get(&student) {
            let message = format!("Row {first} is about this student already.");
            *row = Err(FieldErrors::one("student", &message));
        } else {
            seen.insert(student, n + 1);
        }
    }
}

/// Whether a decision says the same as one that somebody made; to repeat a proposal is to decide.
fn says(one: &DecisionRow, other: &DecisionRow) -> bool {
    let by_nobody = |row: &DecisionRow| DecisionRow {
        decided_by: None,
        ..row.clone()
    };
    by_nobody(one) == by_nobody(other)
}

fn decide(
    setup: &Setup,
    row: &Map<String, Value>,
    known: &Sought,
    stamp: &Stamp<'_>,
) -> Result<Written, FieldErrors> {
    let mut errors = FieldErrors::default();
    let student = text(row, "student");
    let given = Some(text(row, "source_session_class")).filter(|class| !class.is_empty());
    let registered = known.registered.as_deref();
    if known.is_student == 0 {
        errors.add("student", "There is no such record.");
    } else if registered.is_none() {
        errors.add(
            "student",
            "The student is not in a class of the session that ends.",
        );
    } else if given.is_some() && known.source_session != setup.previous_session {
        errors.add(
            "source_session_class",
            "The class is not one of the session that ends.",
        );
    } else if given.is_some() && given != registered {
        errors.add(
            "student",
            "The student is not registered in the class that is left.",
        );
    }
    let destination = optional(row, "destination_session_class");
    if destination.is_some() && known.destination_session.as_ref() != Some(&setup.academic_session)
    {
        errors.add(
            "destination_session_class",
            "The class is not one of the new session.",
        );
    }
    let before = known.decision(student);
    errors.into_result(())?;
    let id = match &before {
        Some(before) => before.id.clone(),
        None => stamp.ids.next::<()>().to_string(),
    };
    Ok(Written {
        id,
        before,
        after: DecisionRow {
            student: student.to_owned(),
            source_session_class: registered.unwrap_or_default().to_owned(),
            destination_session_class: destination,
            action: text(row, "action").to_owned(),
            boarding_status: optional(row, "boarding_status"),
            reason: text(row, "reason").to_owned(),
            decided_by: stamp.created_by(),
            is_proposed: false,
        },
    })
}

fn optional(row: &Map<String, Value>, name: &str) -> Option<String> {
    row.get(name).and_then(Value::as_str).map(str::to_owned)
}
