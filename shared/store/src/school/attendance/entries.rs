//! Writing many entries at once.

use homeroom_domain::academics::attendance::Status;
use serde_json::{Map, Value as Json, json};

use super::DAYS_OFF;
use crate::{
    batch::{Batch, Stamp},
    sql::{Statement, Value, sql},
};

/// An entry as it will be.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The student in the session.
    pub student_session: String,
    /// The day.
    pub date: String,
    /// The lesson; none: the whole day.
    pub lesson: Option<String>,
    /// How the student spent it.
    pub status: Status,
    /// The code.
    pub code: Option<String>,
    /// Why.
    pub reason: String,
    /// What was entered before: status, code and reason.
    pub before: Option<(Status, Option<String>, String)>,
}

impl NewEntry {
    /// The row for the statements: the entry under this id, and what the audit log says of it.
    pub(super) fn row(&self, stamp: &Stamp<'_>, id: Option<&str>) -> Json {
        let (status, code, reason) = match &self.before {
            Some((status, code, reason)) => (json!(status), json!(code), json!(reason)),
            None => (Json::Null, Json::Null, Json::Null),
        };
        let mut fields = vec![
            ("status", status, json!(self.status)),
            ("code", code, json!(self.code)),
            ("reason", reason, json!(self.reason)),
        ];
        if self.before.is_none() {
            fields.push(("student_session", Json::Null, json!(self.student_session)));
            fields.push(("date", Json::Null, json!(self.date)));
            fields.push(("lesson", Json::Null, json!(self.lesson)));
        }
        let new = || stamp.ids.next::<()>().to_string();
        json!({
            "id": id.map_or_else(new, str::to_owned), "student_session": self.student_session, "date": self.date,
            "lesson": self.lesson, "status": self.status, "code": self.code, "reason": self.reason,
            "audit": new(), "action": if self.before.is_some() { "UPDATE" } else { "CREATE" },
            "changes": changes(fields),
        })
    }
}

/// What the audit log says of fields: those that differ.
pub(super) fn changes(fields: Vec<(&str, Json, Json)>) -> Map<String, Json> {
    fields
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})))
        .collect()
}

/// Enters the attendance of a class on a day: the last one to enter wins, row by row, where whoever enters may change
/// entries. Refused as a whole once the day is a holiday or the lesson is cancelled, or where a row would change what somebody
/// else just entered.
#[must_use]
pub fn enter(stamp: &Stamp<'_>, entries: &[NewEntry], may_change: bool) -> Batch {
    let mut batch = Batch::default();
    let Some(first) = entries.first() else {
        return batch;
    };
    let rows: Vec<Json> = entries.iter().map(|entry| entry.row(stamp, None)).collect();
    let rows = Json::from(rows).to_string();
    batch.guard_academics(
        "attendance_closed",
        &format!(
            "exists (select 1 from {DAYS_OFF} where ?1 between start_date and end_date) or exists (select 1 \
             from substitutions z where z.lesson = ?2 and z.is_cancelled = 1 and ?1 between z.start_date and z.end_date)"
        ),
        vec![Value::from(&first.date), first.lesson.clone().into()],
    );
    if !may_change {
        batch.guard(
            "changed_meanwhile",
            "exists (select 1 from json_each(?1) j join attendance a on a.student_session = j.value ->> 'student_session' \
             and a.date = j.value ->> 'date' and ifnull(a.lesson, '') = ifnull(j.value ->> 'lesson', ''))",
            vec![Value::from(&rows)],
        );
    }
    batch.push(sql!(
        "insert into attendance (id, student_session, date, lesson, status, code, reason, created_at, updated_at, created_by) \
         select j.value ->> 'id', s.id, j.value ->> 'date', j.value ->> 'lesson', j.value ->> 'status', j.value ->> 'code', \
         j.value ->> 'reason', ?2, ?2, ?3 from json_each(?1) j cross join student_sessions s \
         on s.id = j.value ->> 'student_session' where true \
         on conflict (student_session, date, ifnull(lesson, '')) do update set status = excluded.status, \
         code = excluded.code, reason = excluded.reason, leave_application = null, before_leave = null, \
         updated_at = excluded.updated_at",
        &rows,
        stamp.now,
        stamp.created_by(),
    ));
    batch.push(audit(stamp, &rows, JUST_WRITTEN));
    batch
}

/// The entry of a row of [`audit`], where the row was written a moment ago.
pub(super) const JUST_WRITTEN: &str = "a.student_session = j.value ->> 'student_session' and a.date = j.value ->> 'date' \
     and ifnull(a.lesson, '') = ifnull(j.value ->> 'lesson', '') and a.updated_at = ?7";

/// Records what happens to the entries `a` of the rows `j`, under the ids that the entries have. Where somebody else made an
/// entry first, its creation here is a change.
pub(super) fn audit(stamp: &Stamp<'_>, rows: &str, entry: &str) -> Statement {
    let text = format!(
        "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, ip_address, \
         request_id, timestamp) select j.value ->> 'audit', ?2, ?3, ?4, \
         iif(j.value ->> 'action' = 'CREATE' and a.id <> j.value ->> 'id', 'UPDATE', j.value ->> 'action'), 'attendance', \
         a.id, j.value ->> 'changes', ?5, ?6, ?7 from json_each(?1) j cross join attendance a on {entry}"
    );
    sql!(
        text,
        rows,
        stamp.kind.as_str(),
        stamp.actor_id.clone(),
        &stamp.actor_name,
        stamp.ip.clone(),
        &stamp.request_id,
        stamp.now,
    )
}

/// Forgets what a leave replaced, once somebody else decided about the entry.
#[must_use]
pub fn detach(entry: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update attendance set before_leave = null where id = ?1",
        entry
    ));
    batch
}
