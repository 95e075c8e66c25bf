//! The attendance of a whole class on a day, in one request.

use std::collections::BTreeMap;

use axum::response::Response;
use homeroom_domain::{
    academics::attendance::{Status, counts_as},
    permissions::{
        Permission,
        school::{AddAttendance, ChangeAttendance},
    },
    records::{self, Field, Kind, Literal, Presence, text},
};
use homeroom_edge::{ApiError, Conflict, Post, SchoolArea};
use homeroom_kernel::{FieldErrors, Fields, Id, Input, rules};
use homeroom_store::school::attendance::{self as store, ClassDay, Day, NewEntry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{absence_sms, announce, check_place, entries::status_fault};

const MAX_ENTRIES: usize = 200;
/// How often a request is decided whose rows somebody else enters at the same time.
const ATTEMPTS: u32 = 3;

/// The attendance of a class on a day.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; BulkIn reads it"
)]
pub(crate) struct AttendanceBulkBody {
    /// The class of a session.
    academic_class: uuid::Uuid,
    /// The day.
    #[schema(format = Date, example = "2026-01-15")]
    date: String,
    /// The lesson; null: the whole day.
    lesson: Option<uuid::Uuid>,
    /// One for each student.
    #[schema(min_items = 1, max_items = 200, example = json!([{"student_session": "01890000-0000-7000-8000-000000000001", "status": "absent", "reason": "Ill"}]))]
    entries: Vec<AttendanceBulkEntry>,
}

/// A student's attendance.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of a row for the document; ROW reads it"
)]
pub(crate) struct AttendanceBulkEntry {
    /// The student in the session.
    student_session: uuid::Uuid,
    /// `present`, `absent`, `late` or `excused`; may be left out where there is a code.
    status: Option<String>,
    /// One of the school's attendance codes.
    code: Option<String>,
    /// Why.
    #[schema(max_length = 500, nullable = false)]
    reason: Option<String>,
}

const ROW: &[Field] = &[
    Field::required("student_session", Kind::Reference("student_sessions"), ""),
    Field {
        name: "status",
        kind: Kind::Choice(&["present", "absent", "late", "excused"]),
        presence: Presence::Nullable,
        nullable: true,
        about: "",
    },
    Field::nullable("code", Kind::Text { min: 1, max: 20 }, ""),
    Field::or(
        "reason",
        Kind::Text { min: 0, max: 500 },
        Literal::Text(""),
        "",
    ),
];

/// What a client says of a class's day.
pub(crate) struct BulkIn {
    academic_class: Id<()>,
    date: String,
    lesson: Option<Id<()>>,
    entries: Vec<Value>,
}

impl Input for BulkIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let academic_class = fields.required("academic_class", rules::id);
        let date = fields.required("date", rules::date);
        let lesson = fields.nullable("lesson", rules::id);
        let entries = fields.required("entries", |value| match value {
            Value::Array(rows) if rows.is_empty() => Err("Give at least one entry.".to_owned()),
            Value::Array(rows) if rows.len() <= MAX_ENTRIES => Ok(rows.clone()),
            Value::Array(_) => Err(format!(
                "Ensure this list has no more than {MAX_ENTRIES} items."
            )),
            _ => Err("Expected a list of items.".to_owned()),
        });
        Some(Self {
            academic_class: academic_class?,
            date: date?,
            lesson: lesson?.flatten(),
            entries: entries?,
        })
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A new entry.
    Created,
    /// An entry that was there is changed.
    Updated,
    /// It was there as it is.
    Unchanged,
    /// Nothing was written.
    Error,
}

/// What became of a row of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendanceRowOut {
    /// The place in `entries`, from 1.
    row: usize,
    /// The student in the session, where the row names one.
    #[schema(value_type = Option<uuid::Uuid>)]
    student_session: Option<String>,
    /// What became of it.
    outcome: Outcome,
    /// Why not, or what to know.
    message: Option<String>,
}

/// What became of the request.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct AttendanceBulkOut {
    /// New entries.
    created: u32,
    /// Changed entries.
    updated: u32,
    /// Entries that were there as they are.
    unchanged: u32,
    /// Rows of which nothing was written.
    errors: u32,
    /// One for each row.
    results: Vec<AttendanceRowOut>,
}

impl AttendanceBulkOut {
    fn add(&mut self, student_session: Option<String>, outcome: Outcome, message: Option<String>) {
        let count = match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Error => &mut self.errors,
        };
        *count += 1;
        self.results.push(AttendanceRowOut {
            row: self.results.len() + 1,
            student_session,
            outcome,
            message,
        });
    }
}

/// Enter the attendance of a class
///
/// Each row has a result of its own, and a bad row stops no other. Sending the same again changes nothing. An absence of a
/// student on approved leave is entered as excused. Where the settings of text messages say so, guardians who are called first and agreed to
/// text messages hear of a new absence of today.
#[utoipa::path(post, path = "/api/v1/school/attendance/bulk/", tag = "attendance", request_body = AttendanceBulkBody,
    responses((status = 200, body = AttendanceBulkOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn enter_attendance(
    post: Post<SchoolArea, AddAttendance, BulkIn>,
) -> Result<Response, ApiError> {
    let input = &post.input;
    let lesson = input.lesson.map(|lesson| lesson.to_string());
    let user = post.actor.user.map(|user| user.to_string());
    let day = Day {
        date: &input.date,
        lesson: lesson.as_deref(),
        user: user.as_deref(),
    };
    let class = input.academic_class.to_string();
    let may_change = post.actor.permissions.allows(ChangeAttendance::CODENAME);
    let mut attempt = 1;
    loop {
        let known = store::class_day(&post.db, &day, &class).await?;
        let Some(place) = &known.place else {
            return Err(ApiError::field(
                "academic_class",
                "There is no such record.",
            ));
        };
        let lesson = day.lesson.map(|_| known.lesson.as_ref());
        check_place(&post, place, day.date, &known.holidays, lesson)?;
        let (answer, entries) = decide(&known, &day, &input.entries, may_change);
        let mut batch = store::enter(&post.stamp(), &entries, may_change);
        if !entries.is_empty() {
            let entered = entries.iter();
            let entered: Vec<_> = entered
                .map(|entry| (entry.student_session.as_str(), entry.status))
                .collect();
            let place = (Some(class.as_str()), day.date, day.lesson);
            announce(&post, &mut batch, place, &entered);
        }
        let sender = absence_sms::sender(&post, &entries).await;
        let told = match &sender {
            Some(sender) => absence_sms::prepare(&post, sender, &entries).await,
            None => None,
        };
        let outcome = match told {
            None => post.done(batch, &answer).await,
            Some(told) => {
                batch.append(told.batch());
                let outcome = post.done(batch, &answer).await;
                told.prepared.settle(outcome).await
            }
        };
        match outcome {
            // Somebody else entered some of it meanwhile: that is decided anew, row by row.
            Err(ApiError::Conflict(Conflict::ChangedMeanwhile)) if attempt < ATTEMPTS => {
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// What becomes of each row, and what is written.
fn decide(
    known: &ClassDay,
    day: &Day<'_>,
    rows: &[Value],
    may_change: bool,
) -> (AttendanceBulkOut, Vec<NewEntry>) {
    let mut answer = AttendanceBulkOut::default();
    let mut entries = Vec::new();
    let mut seen = BTreeMap::new();
    for row in rows {
        let named = row.get("student_session").and_then(Value::as_str);
        let named = named.and_then(Id::<()>::parse).map(|id| id.to_string());
        let read = read_row(known, row).and_then(|wish| {
            match seen.insert(wish.student_session.clone(), answer.results.len() + 1) {
                Some(first) => {
                    seen.insert(wish.student_session.clone(), first);
                    Err(format!("The student is in row {first} already."))
                }
                None => Ok(wish),
            }
        });
        match read.and_then(|wish| outcome(known, day, wish, may_change)) {
            Ok((outcome, message, entry)) => {
                answer.add(named, outcome, message);
                entries.extend(entry);
            }
            Err(message) => answer.add(named, Outcome::Error, Some(message)),
        }
    }
    (answer, entries)
}

/// A row that can be entered.
struct Wish {
    student_session: String,
    status: Status,
    code: Option<String>,
    reason: String,
}

fn read_row(known: &ClassDay, row: &Value) -> Result<Wish, String> {
    let Value::Object(map) = row else {
        return Err("Expected an object.".to_owned());
    };
    let row = records::read(ROW, map.clone(), false).map_err(|errors| in_words(&errors))?;
    let student_session = text(&row, "student_session").to_owned();
    match known.students.get(&student_session) {
        None => return Err("The student is not in this class.".to_owned()),
        Some(false) => return Err("The student has left this session.".to_owned()),
        Some(true) => {}
    }
    let code = Some(text(&row, "code").to_owned()).filter(|code| !code.is_empty());
    let counted = code.as_ref().map(|code| known.codes.get(code).copied());
    let status = counts_as(Status::parse(text(&row, "status")), counted).map_err(|fault| {
        let (field, message) = status_fault(fault);
        format!("{field}: {message}")
    })?;
    Ok(Wish {
        student_session,
        status,
        code,
        reason: text(&row, "reason").to_owned(),
    })
}

fn in_words(errors: &FieldErrors) -> String {
    let words: Vec<String> = errors
        .messages()
        .iter()
        .map(|(field, messages)| format!("{field}: {}", messages.join(" ")))
        .collect();
    words.join(" ")
}

type Decided = (Outcome, Option<String>, Option<NewEntry>);

fn outcome(
    known: &ClassDay,
    day: &Day<'_>,
    wish: Wish,
    may_change: bool,
) -> Result<Decided, String> {
    let before = known.entered.get(&wish.student_session);
    let mut entry = NewEntry {
        student_session: wish.student_session,
        date: day.date.to_owned(),
        lesson: day.lesson.map(str::to_owned),
        status: wish.status,
        code: wish.code,
        reason: wish.reason,
        before: before.map(|entry| (entry.status, entry.code.clone(), entry.reason.clone())),
    };
    let mut message = None;
    if known.on_leave.contains(&entry.student_session)
        && matches!(entry.status, Status::Absent | Status::Excused)
    {
        message = Some("The student has approved leave.".to_owned());
        if before.is_some_and(|before| before.status == Status::Excused) {
            return Ok((Outcome::Unchanged, message, None));
        }
        if entry.status == Status::Absent {
            (entry.status, entry.code) = (Status::Excused, None);
        }
    }
    let Some(before) = &entry.before else {
        return Ok((Outcome::Created, message, Some(entry)));
    };
    if (before.0, &before.1, &before.2) == (entry.status, &entry.code, &entry.reason) {
        Ok((Outcome::Unchanged, message, None))
    } else if may_change {
        Ok((Outcome::Updated, message, Some(entry)))
    } else {
        Err(format!(
            "There is an entry already; changing it needs the permission {}.",
            ChangeAttendance::CODENAME
        ))
    }
}
