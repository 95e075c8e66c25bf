//! Exams made from who teaches what: one for every assignment that has none.

use homeroom_kernel::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::exams::hold_open;
use crate::{
    batch::{Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    rows,
    sql::{Value, sql},
};

/// Who teaches a subject to a class, and the exam that there is of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Assignment {
    /// The class.
    pub academic_class: String,
    /// The name of the class.
    pub class_name: String,
    /// The subject.
    pub subject: String,
    /// The name of the subject.
    pub subject_name: String,
    /// The member of staff.
    pub teacher: String,
    /// The exam; none: not yet.
    pub exam: Option<String>,
    /// Whether the caller created it.
    #[serde(deserialize_with = "rows::flag")]
    pub is_own_exam: bool,
}

/// An exam session, who asks, and the assignments that concern them.
#[derive(Debug)]
pub struct Assignments {
    /// The caller's staff record.
    pub staff: Option<String>,
    /// The assignments, by class and subject.
    pub rows: Vec<Assignment>,
}

#[derive(Deserialize)]
struct Place {
    staff: Option<String>,
}

/// The assignments of the exam session's classes: all of them, or those of the user.
pub async fn find(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    user: Option<&str>,
    all: bool,
) -> Result<Assignments, StoreError> {
    let place = sql!(
        "select (select w.id from staff w where w.user_id = ?3 and w.is_active = 1) as staff \
         from exam_sessions s where s.id = ?1 and s.session = ?2 and s.is_deleted = 0",
        exam_session,
        session,
        user,
    );
    let assignments = sql!(
        "select a.id as academic_class, c.name as class_name, u.id as subject, u.name as subject_name, t.teacher, \
         x.id as exam, ifnull(x.created_by = ?3, 0) as is_own_exam \
         from academic_classes a join classes c on c.id = a.class join subject_teachers t on t.academic_class = a.id \
         join subjects u on u.id = t.subject \
         left join exams x on x.exam_session = ?1 and x.academic_class = a.id and x.subject = u.id \
         where a.session = ?2 and (?4 or t.teacher in (select w.id from staff w where w.user_id = ?3 and w.is_active = 1)) \
         order by c.name, u.name, t.id",
        exam_session,
        session,
        user,
        all,
    );
    let mut outcomes = db.connection.batch(vec![place, assignments]).await?;
    let place: Place = outcomes.rows()?.pop().ok_or(StoreError::NotFound)?;
    Ok(Assignments {
        staff: place.staff,
        rows: outcomes.rows()?,
    })
}

/// An exam that is made of an assignment.
#[derive(Clone, Debug, Serialize)]
pub struct NewExam {
    /// Its id.
    pub id: String,
    /// The class.
    pub academic_class: String,
    /// The subject.
    pub subject: String,
    /// The member of staff.
    pub teacher: String,
}

/// Creates all of these exams, or none: `changed_meanwhile` where somebody else made one first.
#[must_use]
pub fn insert(stamp: &Stamp<'_>, exam_session: &str, exams: &[NewExam]) -> Batch {
    let rows = json!(exams).to_string();
    let mut batch = hold_open(exam_session);
    batch.push(sql!(
        "insert into exams (id, exam_session, academic_class, subject, teacher, created_at, updated_at, created_by) \
         select json_extract(j.value, '$.id'), ?2, json_extract(j.value, '$.academic_class'), \
         json_extract(j.value, '$.subject'), json_extract(j.value, '$.teacher'), ?3, ?3, ?4 from json_each(?1) j \
         where true on conflict (exam_session, academic_class, subject) do nothing",
        &rows,
        exam_session,
        stamp.now,
        stamp.created_by(),
    ));
    batch.guard(
        "changed_meanwhile",
        "changes() <> json_array_length(?1)",
        vec![Value::from(&rows)],
    );
    let logged: Vec<Json> = exams
        .iter()
        .map(|exam| {
            let fields = [
                ("exam_session", exam_session),
                ("academic_class", &exam.academic_class),
                ("subject", &exam.subject),
                ("teacher", &exam.teacher),
            ];
            let changes: Map<String, Json> = fields
                .into_iter()
                .map(|(name, to)| (name.to_owned(), json!({"from": null, "to": to})))
                .collect();
            json!({"log": stamp.ids.next::<()>(), "id": exam.id, "changes": changes})
        })
        .collect();
    batch.audit_each(
        stamp,
        "exams",
        "select json_extract(j.value, '$.log') as log, 'CREATE' as action, json_extract(j.value, '$.id') as record_id, \
         json_extract(j.value, '$.changes') as changes from json_each(?1) j",
        vec![Value::from(Json::from(logged).to_string())],
    );
    batch
}
