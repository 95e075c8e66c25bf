//! Saving a mark sheet: every row for itself.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Request;
use homeroom_domain::{
    academics::{
        exam_state::open_states,
        mark_sheet::{Decision, Entry, MAX_ROWS, Row, RowFault, Stored, decide},
        marks::Hundredths,
    },
    permissions::{
        Permission,
        school::{AddMark, ChangeMark},
    },
};
use homeroom_edge::{ApiError, Ids, Json, RawBody, SchoolCan};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::school::mark_sheets::{self, Change, Known, Overtaken, Saving};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{access, sheet::address};
use crate::exams::steps::REASON_LENGTH;

/// A mark sheet to be saved. The bare list of its rows is taken, too.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SheetIn reads it"
)]
pub(crate) struct SheetBody {
    /// The rows; a student without a row stays as it is.
    #[schema(max_items = 200, example = json!([{"student_session": "01890000-0000-7000-8000-000000000001", "mark": 57.5, "version": 1}]))]
    marks: Vec<SheetRowBody>,
    /// Why, for the audit log: required once the marks are published.
    #[schema(max_length = 500, example = "Question 4 was marked again.")]
    reason: Option<String>,
}

/// A student's row.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; Row reads it"
)]
pub(crate) struct SheetRowBody {
    /// The student in the session.
    student_session: uuid::Uuid,
    /// 0 to 100 with two decimals; null: absent, or not entered. Asked for unless the student was absent.
    #[schema(minimum = 0, maximum = 100)]
    mark: Option<f64>,
    /// Whether the student did not sit.
    #[schema(nullable = false)]
    is_absent: Option<bool>,
    /// For the card; as it is where absent.
    #[schema(max_length = 500, nullable = false)]
    comment: Option<String>,
    /// The version that was read, 0 where nothing was stored. Absent: what is stored is replaced unless somebody else
    /// entered it.
    #[schema(minimum = 0)]
    version: Option<i64>,
}

struct SheetIn {
    marks: Vec<Value>,
    reason: Option<String>,
}

impl Input for SheetIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let marks = fields.required("marks", |value| match value {
            Value::Array(rows) if rows.len() <= MAX_ROWS => Ok(rows.clone()),
            Value::Array(_) => Err(format!(
                "Ensure this list has no more than {MAX_ROWS} items."
            )),
            _ => Err("Expected a list of items.".to_owned()),
        });
        let reason = fields.nullable("reason", rules::text(0, REASON_LENGTH));
        Some(Self {
            marks: marks?,
            reason: reason?.flatten().filter(|reason| !reason.is_empty()),
        })
    }
}

/// What became of a mark sheet.
#[derive(Serialize, ToSchema)]
pub(crate) struct SheetSavedOut {
    /// Whether no row failed.
    success: bool,
    /// Marks that were changed.
    updated: usize,
    /// Marks that are new.
    created: usize,
    /// Rows that say what is stored.
    unchanged: usize,
    /// Rows that were refused or are stale.
    failed: usize,
    /// One for every row, in their order.
    results: Vec<SheetResultOut>,
}

/// What became of a row.
#[derive(Serialize, ToSchema)]
pub(crate) struct SheetResultOut {
    /// The row, from 1.
    row: usize,
    /// The student in the session; null where the row names none.
    #[schema(format = Uuid)]
    student_session: Option<String>,
    /// `created`, `updated`, `unchanged`, `stale` or `invalid`.
    #[schema(example = "updated")]
    outcome: &'static str,
    /// The version that is stored now; 0: nothing is.
    version: i64,
    /// The field that is wrong, the first of several; null: none is, or the row as a whole.
    field: Option<String>,
    /// What is wrong.
    message: Option<String>,
    /// What is stored now in the place of a stale row; null: nothing is.
    current: Option<CurrentMarkOut>,
}

/// What is stored in the place of a stale row.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentMarkOut {
    /// 0 to 100.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    mark: Option<Hundredths>,
    /// Whether the student did not sit.
    is_absent: bool,
    /// For the card.
    comment: String,
}

impl From<Entry> for CurrentMarkOut {
    fn from(entry: Entry) -> Self {
        Self {
            mark: entry.mark.map(Hundredths::from),
            is_absent: entry.is_absent,
            comment: entry.comment,
        }
    }
}

/// What becomes of a row, as far as it is known.
enum Fate {
    Invalid(RowFault),
    Unchanged(i64),
    Stale(Option<Stored>),
    Write(Change),
}

fn fate(row: &Row, known: Option<&Known>, may_add: bool) -> Fate {
    let Some(known) = known else {
        let message = "There is no such student in a session.";
        return Fate::Invalid(RowFault::of("student_session", message));
    };
    if !known.is_in_class && known.stored.is_none() {
        let message = "The student is not in the class of this exam.";
        return Fate::Invalid(RowFault::of("student_session", message));
    }
    let stored = known.stored.as_ref().map(|(_, stored)| stored);
    match decide(row, stored) {
        Decision::Create(_) if !may_add => {
            Fate::Invalid(RowFault::whole("Only who may add marks enters a new one."))
        }
        Decision::Unchanged => Fate::Unchanged(stored.map_or(0, |stored| stored.version)),
        Decision::Stale => Fate::Stale(stored.cloned()),
        Decision::Create(entry) | Decision::Update(entry, _) => Fate::Write(Change {
            student_session: row.student_session.clone(),
            before: known.stored.clone(),
            entry,
        }),
    }
}

/// Save the mark sheet of an exam
///
/// Every row for itself: a bad one never stops the others. New marks also need `school.add_mark`. A row whose student has another version by now is `stale`, and
/// says what is stored; sending the same again changes nothing.
#[utoipa::path(put,
    path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/exams/{exam}/marks/bulk/", tag = "marks",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("exam" = uuid::Uuid, Path)),
    request_body = SheetBody, responses((status = 200, body = SheetSavedOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn save_mark_sheet(
    caller: SchoolCan<ChangeMark>,
    ids: Result<Ids, ApiError>,
    request: Request,
) -> Result<Json<SheetSavedOut>, ApiError> {
    let address = address(&ids?)?;
    let body = RawBody::with_list(request, "marks").await?;
    let input: SheetIn = Fields::parse(body.fields, false)?;
    let mut seen = BTreeSet::new();
    let rows: Vec<Result<Row, RowFault>> = input
        .marks
        .iter()
        .map(|value| match Row::parse(value) {
            Ok(row) if !seen.insert(row.student_session.clone()) => {
                let message = "The student has another row before this one.";
                Err(RowFault::of("student_session", message))
            }
            row => row,
        })
        .collect();
    let students: Vec<String> = seen.into_iter().collect();
    let (exam, known) =
        mark_sheets::find_for_change(&caller.db, &address, &students, &caller.actor.id).await?;
    let sheet = access::Sheet {
        state: exam.state,
        is_active: exam.is_active,
        marks_due: exam.marks_due.as_deref(),
        exam_users: exam.exam_users.as_deref(),
    };
    access::may_edit(&caller, &sheet, input.reason.is_some())?;
    let may_add = caller.actor.permissions.allows(AddMark::CODENAME);
    let mut changes = Vec::new();
    let mut fates = Vec::new();
    for row in rows {
        let fate = match row {
            Ok(row) => fate(&row, known.get(&row.student_session), may_add),
            Err(fault) => Fate::Invalid(fault),
        };
        if let Fate::Write(change) = &fate {
            changes.push(change.clone());
        }
        fates.push(fate);
    }
    let overtaken = if changes.is_empty() {
        BTreeMap::new()
    } else {
        let saving = Saving {
            stamp: &caller.stamp(),
            exam: &exam.id,
            states: open_states(input.reason.is_some(), access::manages(&caller)),
            only_active: !access::manages(&caller),
            reason: input.reason.as_deref(),
        };
        mark_sheets::save(&caller.db, &saving, &changes).await?
    };
    Ok(Json(answer(&input.marks, fates, &overtaken)))
}

fn answer(
    sent: &[Value],
    fates: Vec<Fate>,
    overtaken: &BTreeMap<String, Overtaken>,
) -> SheetSavedOut {
    let mut out = SheetSavedOut {
        success: true,
        updated: 0,
        created: 0,
        unchanged: 0,
        failed: 0,
        results: Vec::with_capacity(fates.len()),
    };
    for (n, (value, fate)) in sent.iter().zip(fates).enumerate() {
        let fate = match fate {
            Fate::Write(change) => match overtaken.get(&change.student_session) {
                Some(overtaken) => Fate::Stale(overtaken.now.clone()),
                None => Fate::Write(change),
            },
            fate => fate,
        };
        let mut result = SheetResultOut {
            row: n + 1,
            student_session: Row::named(value),
            outcome: "invalid",
            version: 0,
            field: None,
            message: None,
            current: None,
        };
        let count = match fate {
            Fate::Write(Change {
                before: Some((_, before)),
                ..
            }) => {
                (result.outcome, result.version) = ("updated", before.version + 1);
                &mut out.updated
            }
            Fate::Write(_) => {
                (result.outcome, result.version) = ("created", 1);
                &mut out.created
            }
            Fate::Unchanged(version) => {
                (result.outcome, result.version) = ("unchanged", version);
                &mut out.unchanged
            }
            Fate::Stale(now) => {
                let message = "Somebody else changed this mark meanwhile. Look at it, and send the row again with its version.";
                result.outcome = "stale";
                result.field = Some("version".to_owned());
                result.message = Some(message.to_owned());
                result.version = now.as_ref().map_or(0, |now| now.version);
                result.current = now.map(|now| now.entry.into());
                &mut out.failed
            }
            Fate::Invalid(fault) => {
                (result.field, result.message) = (fault.field, Some(fault.message));
                &mut out.failed
            }
        };
        *count += 1;
        out.results.push(result);
    }
    out.success = out.failed == 0;
    out
}
