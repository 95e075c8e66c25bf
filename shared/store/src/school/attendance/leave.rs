//! Deciding on leave: what an approval writes, and how it is taken back.

use homeroom_domain::academics::attendance::{Holiday, LessonDays, Status};
use homeroom_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    DAYS_OFF, NewEntry, STUDENT_NAME,
    day::{take_holidays, take_lessons},
    entries::{JUST_WRITTEN, audit, changes},
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::{Outcomes, TenantDb},
    error::StoreError,
    rows,
    sql::{Statement, Value, sql},
};

/// A request for leave as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRow {
    /// The request.
    pub id: String,
    /// Who asks.
    pub student: String,
    /// The name of who asks.
    pub student_name: String,
    /// The first day.
    pub start_date: String,
    /// The last day.
    pub end_date: String,
    /// Why.
    pub reason: String,
    /// `pending`, `approved`, `rejected` or `withdrawn`.
    pub status: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom it was asked for.
    pub created_by: Option<String>,
}

/// The student in a session.
#[derive(Clone, Debug, Deserialize)]
pub struct StudentYear {
    /// The student in the session.
    pub student_session: String,
    /// The class.
    pub academic_class: Option<String>,
    /// When the session begins.
    pub start_date: Timestamp,
    /// When it ends.
    pub end_date: Timestamp,
}

/// An entry within the leave.
#[derive(Clone, Debug, Deserialize)]
pub struct LeaveEntry {
    id: String,
    /// The student in the session.
    pub student_session: String,
    /// The day.
    pub date: String,
    /// The lesson; none: the whole day.
    pub lesson: Option<String>,
    /// How the student spent it.
    pub status: Status,
    code: Option<String>,
    reason: String,
    #[serde(deserialize_with = "rows::optional_json")]
    before_leave: Option<Before>,
}

#[derive(Clone, Debug, Deserialize)]
struct Before {
    status: Status,
    code: Option<String>,
    reason: String,
}

/// What an approval depends on.
#[derive(Debug)]
pub struct LeaveFacts {
    /// The request.
    pub leave: LeaveRow,
    /// The sessions in which the student is active.
    pub years: Vec<StudentYear>,
    /// Holidays within the leave.
    pub holidays: Vec<Holiday>,
    /// The lessons of the student's classes.
    pub lessons: Vec<LessonDays>,
    /// What was entered on days of the leave.
    pub entries: Vec<LeaveEntry>,
}

fn leave(id: Id<()>) -> Statement {
    let text = format!(
        "select v.id, v.student, {STUDENT_NAME} as student_name, v.start_date, v.end_date, v.reason, v.status, v.decided_by, \
         v.decided_at, v.created_at, v.updated_at, v.created_by from leave_applications v \
         join students p on p.id = v.student where v.id = ?1"
    );
    sql!(text, id)
}

fn take_leave(outcomes: &mut Outcomes) -> Result<LeaveRow, StoreError> {
    outcomes
        .rows()?
        .into_iter()
        .next()
        .ok_or(StoreError::NotFound)
}

/// The request and all that an approval depends on.
pub async fn find_for_approval(db: &TenantDb, id: Id<()>) -> Result<LeaveFacts, StoreError> {
    let mut outcomes = db
        .connection
        .batch(vec![
            leave(id),
            sql!(
                "select s.id as student_session, s.academic_class, y.start_date, y.end_date from leave_applications v \
                 join student_sessions s on s.student = v.student and s.status = 'active' \
                 join academic_sessions y on y.id = s.session where v.id = ?1",
                id
            ),
            sql!(
                format!(
                    "select off.name, off.start_date, off.end_date from leave_applications v \
                     join {DAYS_OFF} off on off.start_date <= v.end_date and off.end_date >= v.start_date where v.id = ?1"
                ),
                id
            ),
            sql!(
                "select m.academic_class, m.weekday, m.valid_from, m.valid_to, 0 as is_cancelled from leave_applications v \
                 join student_sessions s on s.student = v.student join timetable m on m.academic_class = s.academic_class \
                 where v.id = ?1 and m.weekday > 5",
                id
            ),
            sql!(
                "select e.id, e.student_session, e.date, e.lesson, e.status, e.code, e.reason, e.before_leave \
                 from leave_applications v join student_sessions s on s.student = v.student \
                 join attendance e on e.student_session = s.id and e.date between v.start_date and v.end_date \
                 where v.id = ?1",
                id
            ),
        ])
        .await?;
    Ok(LeaveFacts {
        leave: take_leave(&mut outcomes)?,
        years: outcomes.rows()?,
        holidays: take_holidays(&mut outcomes)?,
        lessons: take_lessons(&mut outcomes)?,
        entries: outcomes.rows()?,
    })
}

/// The request, and the entries that its approval wrote and nobody changed since.
pub async fn find_for_decision(
    db: &TenantDb,
    id: Id<()>,
) -> Result<(LeaveRow, Vec<LeaveEntry>), StoreError> {
    let mut outcomes = db
        .connection
        .batch(vec![
            leave(id),
            sql!(
                "select e.id, e.student_session, e.date, e.lesson, e.status, e.code, e.reason, e.before_leave \
                 from attendance e where e.leave_application = ?1",
                id
            ),
        ])
        .await?;
    Ok((take_leave(&mut outcomes)?, outcomes.rows()?))
}

/// A decision: the request as it will be.
pub struct Decision<'a> {
    /// Who decides.
    pub stamp: &'a Stamp<'a>,
    /// As it was read.
    pub before: &'a LeaveRow,
    /// As it will be.
    pub after: LeaveRow,
}

impl<'a> Decision<'a> {
    /// The request with a new status.
    #[must_use]
    pub fn new(stamp: &'a Stamp<'a>, before: &'a LeaveRow, status: &str) -> Self {
        let after = LeaveRow {
            status: status.to_owned(),
            decided_by: stamp.created_by(),
            decided_at: Some(stamp.now),
            updated_at: stamp.now,
            ..before.clone()
        };
        Self {
            stamp,
            before,
            after,
        }
    }

    /// Refused where the request was decided or changed since it was read.
    fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        let Self {
            stamp,
            before,
            after,
        } = self;
        batch.push(sql!(
            "update leave_applications set status = ?1, decided_by = ?2, decided_at = ?3, updated_at = ?3 \
             where id = ?4 and status = ?5",
            &after.status,
            after.decided_by.clone(),
            stamp.now,
            &before.id,
            &before.status,
        ));
        batch.guard_academics("leave_decided", "changes() = 0", Vec::new());
        let read = [
            &before.id,
            &before.student,
            &before.start_date,
            &before.end_date,
        ];
        batch.guard(
            "changed_meanwhile",
            "not exists (select 1 from leave_applications where id = ?1 and student = ?2 and start_date = ?3 \
             and end_date = ?4)",
            read.into_iter().map(Value::from).collect(),
        );
        batch.audit(
            stamp,
            Action::Update,
            "leave_applications",
            &before.id,
            Some(*before),
            Some(after),
        );
        batch
    }
}

/// Rejects a request.
#[must_use]
pub fn reject(decision: &Decision<'_>) -> Batch {
    decision.batch()
}

/// Approves a request: the days of each session are entered as excused, and absences that were entered before become
/// excused. What else was entered stays.
#[must_use]
pub fn approve(
    decision: &Decision<'_>,
    days: &[(String, String)],
    entries: &[LeaveEntry],
) -> Batch {
    let mut batch = decision.batch();
    let Decision { stamp, before, .. } = decision;
    let excused = |student_session: &str, date: &str, lesson: Option<&String>| NewEntry {
        student_session: student_session.to_owned(),
        date: date.to_owned(),
        lesson: lesson.cloned(),
        status: Status::Excused,
        code: None,
        reason: before.reason.clone(),
        before: None,
    };
    let absences: Vec<Json> = entries
        .iter()
        .filter(|entry| entry.status == Status::Absent)
        .map(|entry| {
            let lesson = entry.lesson.as_ref();
            NewEntry {
                before: Some((entry.status, entry.code.clone(), entry.reason.clone())),
                ..excused(&entry.student_session, &entry.date, lesson)
            }
            .row(stamp, Some(&entry.id))
        })
        .collect();
    if !absences.is_empty() {
        let rows = Json::from(absences).to_string();
        batch.push(sql!(
            "update attendance set before_leave = json_object('status', status, 'code', code, 'reason', reason), \
             status = 'excused', code = null, reason = ?2, leave_application = ?3, updated_at = ?4 \
             where status = 'absent' and id in (select j.value ->> 'id' from json_each(?1) j)",
            &rows,
            &before.reason,
            &before.id,
            stamp.now,
        ));
        batch.push(audit(stamp, &rows, JUST_WRITTEN));
    }
    let new: Vec<Json> = days
        .iter()
        .map(|(student_session, date)| excused(student_session, date, None).row(stamp, None))
        .collect();
    if !new.is_empty() {
        let rows = Json::from(new).to_string();
        let sql = format!(
            "insert into attendance (id, student_session, date, lesson, status, code, reason, leave_application, created_at, \
             updated_at, created_by) select j.value ->> 'id', s.id, j.value ->> 'date', null, 'excused', null, ?2, ?3, \
             ?4, ?4, ?5 from json_each(?1) j cross join student_sessions s on s.id = j.value ->> 'student_session' \
             where not exists (select 1 from {DAYS_OFF} off where j.value ->> 'date' between off.start_date and off.end_date) \
             on conflict do nothing"
        );
        batch.push(sql!(
            sql,
            &rows,
            &before.reason,
            &before.id,
            stamp.now,
            stamp.created_by(),
        ));
        batch.push(audit(stamp, &rows, JUST_WRITTEN));
    }
    batch
}

/// What the audit log says of an entry that goes, or becomes what it was before the leave.
fn taken_back(stamp: &Stamp<'_>, entry: &LeaveEntry) -> Json {
    let before = entry.before_leave.as_ref();
    let becomes = |pick: fn(&Before) -> Json| before.map_or(Json::Null, pick);
    let changes = changes(vec![
        ("status", json!(entry.status), becomes(|b| json!(b.status))),
        ("code", json!(entry.code), becomes(|b| json!(b.code))),
        ("reason", json!(entry.reason), becomes(|b| json!(b.reason))),
    ]);
    json!({
        "id": entry.id,
        "audit": stamp.ids.next::<()>(),
        "action": if before.is_some() { "UPDATE" } else { "DELETE" },
        "changes": changes,
    })
}

/// Withdraws a request: what its approval wrote and nobody changed since is taken back.
#[must_use]
pub fn withdraw(decision: &Decision<'_>, entries: &[LeaveEntry]) -> Batch {
    let mut batch = decision.batch();
    let Decision { stamp, before, .. } = decision;
    let rows: Vec<Json> = entries
        .iter()
        .map(|entry| taken_back(stamp, entry))
        .collect();
    if !rows.is_empty() {
        let mut audit = audit(
            stamp,
            &Json::from(rows).to_string(),
            "a.id = j.value ->> 'id' and a.leave_application = ?8",
        );
        audit.params.push(Value::from(&before.id));
        batch.push(audit);
    }
    batch.push(sql!(
        "delete from attendance where leave_application = ?1 and before_leave is null",
        &before.id
    ));
    batch.push(sql!(
        "update attendance set status = before_leave ->> 'status', code = before_leave ->> 'code', \
         reason = before_leave ->> 'reason', leave_application = null, before_leave = null, updated_at = ?2 \
         where leave_application = ?1",
        &before.id,
        stamp.now,
    ));
    batch
}

/// Refuses the batch where the request is approved: its entries would be left without it.
#[must_use]
pub fn keep_undecided(id: &str, statuses: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "leave_decided",
        "exists (select 1 from leave_applications where id = ?1 and instr(?2, status) = 0)",
        vec![Value::from(id), Value::from(statuses)],
    );
    batch
}
