//! Mark sheets: one exam's marks of all students at once, and who has not entered any.

use std::collections::BTreeMap;

use homeroom_domain::academics::{
    exam_state::ExamState,
    mark_sheet::{Entry, Stored},
    marks::Mark,
};
use homeroom_kernel::{Id, Listing, PageRequest, page::FilterKind, page::FilterValue};
use serde::Deserialize;
use serde_json::{Value as Json, json};

mod row;

use super::{
    exams::with_exams_of,
    marks::{exam_users, exams_of_user, hold_states},
};
use crate::{
    batch::Stamp,
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    school::names::{class_name, staff_name, student_name},
    sql::{Statement, Value, sql},
};

/// The ids of an exam's address.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The academic session.
    pub session: Id<()>,
    /// The exam session.
    pub exam_session: Id<()>,
    /// The exam.
    pub exam: Id<()>,
}

/// An exam as its mark sheet shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Exam {
    /// Its id.
    pub id: String,
    /// The class.
    pub academic_class: String,
    /// The name of the class.
    pub class_name: String,
    /// The subject.
    pub subject: String,
    /// The name of the subject.
    pub subject_name: String,
    /// Who enters the marks.
    pub teacher: String,
    /// The last day for entering them.
    pub marks_due: Option<String>,
    /// How far the marks are.
    pub state: ExamState,
    /// Whether marks are entered in the exam session now.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
    /// Whether the form's curriculum leaves the subject open to its students.
    #[serde(deserialize_with = "rows::flag")]
    pub is_optional: bool,
    /// The users who enter marks here, with commas between.
    pub exam_users: Option<String>,
}

/// A student's row of a mark sheet.
#[derive(Clone, Debug, Deserialize)]
pub struct SheetRow {
    /// The student in the session.
    pub student_session: String,
    /// The school's number of the student.
    pub student_id: String,
    /// The student's name.
    pub student_name: String,
    /// The stored mark; none: nothing is stored.
    pub id: Option<String>,
    /// In hundredths.
    pub mark: Option<Mark>,
    /// Whether the student did not sit; none: nothing is stored.
    pub is_absent: Option<i64>,
    /// For the card.
    pub comment: Option<String>,
    /// 0 where nothing is stored.
    pub version: i64,
    /// The former class of the same form whose mark this is; none: it is of this exam.
    pub former_class: Option<String>,
}

/// Exams `e` of the same subject in other classes of the form of the exam `x`: who changed the class brings their marks along.
macro_rules! siblings {
    () => {
        "academic_classes h join classes i on i.id = h.class join classes o on o.form = i.form \
         join academic_classes l on l.class = o.id and l.session = h.session and l.id <> h.id \
         join exams e on e.exam_session = x.exam_session and e.academic_class = l.id and e.subject = x.subject"
    };
}

/// Whether the form's curriculum has the subject of the exam `x`, and leaves it open.
macro_rules! is_optional {
    () => {
        "exists (select 1 from academic_classes a join classes c on c.id = a.class join curriculum u on u.form = c.form \
         where a.id = x.academic_class and u.subject = x.subject and u.is_compulsory = 0)"
    };
}

fn select_exam(address: &Address) -> Statement {
    sql!(
        concat!(
            "select x.id, x.academic_class, c.name as class_name, x.subject, u.name as subject_name, x.teacher, \
             x.marks_due, s.state, s.is_active, ",
            is_optional!(),
            " as is_optional, ",
            exam_users!(),
            " as exam_users from exams x join exam_sessions s on s.id = x.exam_session and s.is_deleted = 0 \
             join academic_classes a on a.id = x.academic_class join classes c on c.id = a.class \
             join subjects u on u.id = x.subject where x.id = ?1 and x.exam_session = ?2 and s.session = ?3"
        ),
        address.exam,
        address.exam_session,
        address.session,
    )
}

/// An exam, and every active student of its class in order.
pub async fn find(db: &TenantDb, address: &Address) -> Result<(Exam, Vec<SheetRow>), StoreError> {
    let students = sql!(
        concat!(
            "select r.id as student_session, p.student_id, ",
            student_name!("p"),
            " as student_name, \
             iif(m.exam = x.id, m.id, null) as id, m.mark, m.is_absent, m.comment, \
             iif(m.exam = x.id, m.version, 0) as version, (select o.name from exams e \
             join academic_classes l on l.id = e.academic_class join classes o on o.id = l.class \
             where e.id = m.exam and e.id <> x.id) as former_class \
             from exams x join student_sessions r on r.academic_class = x.academic_class and r.status = 'active' \
             join students p on p.id = r.student left join marks m on m.id = coalesce( \
             (select k.id from marks k where k.exam = x.id and k.student_session = r.id), (select k.id from ",
            siblings!(),
            " join marks k on k.exam = e.id and k.student_session = r.id where h.id = x.academic_class \
             order by e.id desc limit 1)) where x.id = ?1 \
             order by p.last_name collate nocase, p.first_name collate nocase, p.student_id"
        ),
        address.exam,
    );
    let mut outcomes = db
        .connection
        .batch(vec![select_exam(address), students])
        .await?;
    let exam = outcomes.rows()?.pop().ok_or(StoreError::NotFound)?;
    Ok((exam, outcomes.rows()?))
}

/// What is known of a student in an exam.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whether the student is in the class of the exam.
    pub is_in_class: bool,
    /// The stored mark and its id.
    pub stored: Option<(String, Stored)>,
}

/// A student, a condition that holds of the student or not, and the stored mark.
#[derive(Deserialize)]
struct StudentRow {
    student_session: String,
    #[serde(deserialize_with = "rows::flag")]
    holds: bool,
    id: Option<String>,
    mark: Option<Mark>,
    is_absent: Option<i64>,
    comment: Option<String>,
    version: Option<i64>,
    is_own: Option<i64>,
}

impl StudentRow {
    fn stored(self) -> Option<Stored> {
        let entry = Entry {
            mark: self.mark,
            is_absent: self.is_absent == Some(1),
            comment: self.comment.unwrap_or_default(),
        };
        self.version.map(|version| Stored {
            entry,
            version,
            is_own: self.is_own == Some(1),
        })
    }
}

/// The columns of the mark `m`.
const STORED: &str =
    "m.id, m.mark, m.is_absent, m.comment, m.version, ifnull(m.updated_by = ?3, 1) as is_own";

/// An exam, and what is known of these students in it, for the actor `by`; those who do not exist are left out.
pub async fn find_for_change(
    db: &TenantDb,
    address: &Address,
    student_sessions: &[String],
    by: &str,
) -> Result<(Exam, BTreeMap<String, Known>), StoreError> {
    let students = sql!(
        format!(
            "select r.id as student_session, r.academic_class is x.academic_class as holds, {STORED} \
             from json_each(?1) j join student_sessions r on r.id = j.value join exams x on x.id = ?2 \
             left join marks m on m.exam = x.id and m.student_session = r.id"
        ),
        json!(student_sessions).to_string(),
        address.exam,
        by,
    );
    let mut outcomes = db
        .connection
        .batch(vec![select_exam(address), students])
        .await?;
    let exam = outcomes.rows()?.pop().ok_or(StoreError::NotFound)?;
    let known = outcomes.rows::<StudentRow>()?.into_iter().map(|mut row| {
        let (student, id) = (std::mem::take(&mut row.student_session), row.id.take());
        let known = Known {
            is_in_class: row.holds,
            stored: id.zip(row.stored()),
        };
        (student, known)
    });
    Ok((exam, known.collect()))
}

/// An entry that is to be stored in the place of what was read.
#[derive(Clone, Debug)]
pub struct Change {
    /// The student in the session.
    pub student_session: String,
    /// What is stored there, as it was read, and the mark's id.
    pub before: Option<(String, Stored)>,
    /// What it becomes.
    pub entry: Entry,
}

/// Who saves, what for, and how far the marks may be.
pub struct Saving<'a> {
    /// Who and when.
    pub stamp: &'a Stamp<'a>,
    /// The exam.
    pub exam: &'a str,
    /// The states in which the change is allowed.
    pub states: &'static [ExamState],
    /// Whether the exam session must be active.
    pub only_active: bool,
    /// Why, for the audit log.
    pub reason: Option<&'a str>,
}

/// A change that was made by somebody else first.
#[derive(Clone, Debug)]
pub struct Overtaken {
    /// What is stored now; none where it was deleted, or the student left the class.
    pub now: Option<Stored>,
}

/// The rows `j` of `?1`, each with the mark `m` that the exam `?2` has of its student.
const ROWS: &str = "from json_each(?1) j left join marks m on m.exam = ?2 and m.student_session = json_extract(j.value, '$.s')";
/// Whether a row still finds what was read when it was decided: the same version, and a newcomer in the class.
const STILL_HOLDS: &str = "ifnull(m.version, 0) = json_extract(j.value, '$.v') and (m.id is not null or exists (select 1 \
     from student_sessions r join exams x on x.id = ?2 and x.academic_class = r.academic_class \
     where r.id = json_extract(j.value, '$.s')))";

/// Stores what still finds what was read, each with an audit row, and tells of the others, by student. One trip.
pub async fn save(
    db: &TenantDb,
    saving: &Saving<'_>,
    changes: &[Change],
) -> Result<BTreeMap<String, Overtaken>, StoreError> {
    let rows: Vec<Json> = changes
        .iter()
        .map(|change| row::row(saving, change))
        .collect();
    let rows = Json::from(rows).to_string();
    let (stamp, exam) = (saving.stamp, saving.exam);
    let mut batch = hold_states(exam, saving.states, saving.only_active);
    // What the others did first is read before anything is written; all that follows asks the same of the same rows.
    batch.push(sql!(
        format!(
            "select json_extract(j.value, '$.s') as student_session, {STILL_HOLDS} as holds, {STORED} {ROWS}"
        ),
        &rows,
        exam,
        stamp.actor_id.clone(),
    ));
    let logged = format!(
        "select json_extract(j.value, '$.log') as log, iif(m.id is null, 'CREATE', 'UPDATE') as action, \
         ifnull(m.id, json_extract(j.value, '$.id')) as record_id, json_extract(j.value, '$.changes') as changes \
         {ROWS} where {STILL_HOLDS}"
    );
    batch.audit_each(
        stamp,
        "marks",
        &logged,
        vec![Value::from(&rows), Value::from(exam)],
    );
    batch.push(sql!(
        format!(
            "update report_cards set is_outdated = 1, updated_at = ?3 where is_current = 1 and is_outdated = 0 \
             and exam_session = (select x.exam_session from exams x where x.id = ?2) \
             and student_session in (select json_extract(j.value, '$.s') {ROWS} where {STILL_HOLDS})"
        ),
        &rows,
        exam,
        stamp.now,
    ));
    batch.push(sql!(
        format!(
            "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, updated_at, \
             created_by, updated_by) select json_extract(j.value, '$.id'), ?2, json_extract(j.value, '$.s'), \
             json_extract(j.value, '$.mark'), json_extract(j.value, '$.absent'), json_extract(j.value, '$.comment'), \
             json_extract(j.value, '$.v') + 1, ?3, ?3, ?4, ?5 {ROWS} where {STILL_HOLDS} \
             on conflict (exam, student_session) do update set mark = excluded.mark, is_absent = excluded.is_absent, \
             comment = excluded.comment, version = excluded.version, updated_at = excluded.updated_at, \
             updated_by = excluded.updated_by"
        ),
        &rows,
        exam,
        stamp.now,
        stamp.created_by(),
        stamp.actor_id.clone(),
    ));
    let mut outcomes = db.connection.batch(batch.into_statements()).await?;
    // The guard gives no rows.
    let _ = outcomes.changes();
    let found = outcomes.rows::<StudentRow>()?.into_iter();
    let overtaken = found.filter(|row| !row.holds).map(|mut row| {
        let student = std::mem::take(&mut row.student_session);
        (student, Overtaken { now: row.stored() })
    });
    Ok(overtaken.collect())
}

/// How far the marks of one exam are.
#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    /// The exam.
    pub id: String,
    /// The exam session: a part of the one that was asked for, where that has parts.
    pub exam_session: String,
    /// The class.
    pub academic_class: String,
    /// The name of the class.
    pub class_name: String,
    /// The subject.
    pub subject: String,
    /// The name of the subject.
    pub subject_name: String,
    /// Who enters the marks.
    pub teacher: String,
    /// Who that is.
    pub teacher_name: String,
    /// The last day for entering them.
    pub marks_due: Option<String>,
    /// How many students need a mark.
    pub expected: i64,
    /// How many have one.
    pub entered: i64,
    /// How many did not sit.
    pub absent: i64,
    /// How many have neither.
    pub missing: i64,
}

/// Counts the marks `m` of active students of the exam `x` of which a condition holds: of this exam, or where a student has
/// none here, of a former class of the form, as cards take them.
macro_rules! count {
    ($condition:literal) => {
        concat!(
            "((select count(*) from student_sessions r join marks m on m.exam = x.id and m.student_session = r.id \
             where r.academic_class = x.academic_class and r.status = 'active' and ",
            $condition,
            ") + (select count(*) from (select k.mark, k.is_absent, max(e.id) from ",
            siblings!(),
            " join marks k on k.exam = e.id join student_sessions r on r.id = k.student_session \
             and r.academic_class = x.academic_class and r.status = 'active' where h.id = x.academic_class and not exists \
             (select 1 from marks own where own.exam = x.id and own.student_session = r.id) group by r.id) m where ",
            $condition,
            "))"
        )
    };
}

/// Who needs a mark: everybody of the class, or where the subject is left open those who have something on the sheet.
macro_rules! expected {
    () => {
        concat!(
            "iif(",
            is_optional!(),
            ", ",
            count!("true"),
            ", (select count(*) from student_sessions r where r.academic_class = x.academic_class and r.status = 'active'))"
        )
    };
}

macro_rules! missing {
    () => {
        concat!(
            "(",
            expected!(),
            " - ",
            count!("(m.mark is not null or m.is_absent = 1)"),
            ")"
        )
    };
}

/// How many marks the exam `x` lacks.
pub(super) const MISSING: &str = missing!();

const CLASS: &str = class_name!("x.academic_class");
const TEACHER: &str = staff_name!("x.teacher");
const SUBJECT: &str = "(select s.name from subjects s where s.id = x.subject)";

/// What the progress of exams can be ordered and filtered by.
pub static PROGRESS: Listing = Listing {
    orderings: &[
        ("missing", missing!()),
        ("academic_class", CLASS),
        ("subject", SUBJECT),
        ("marks_due", "x.marks_due"),
        ("created_at", "x.created_at"),
    ],
    default_ordering: "-missing",
    search: &[],
    filters: &[
        ("academic_class", FilterKind::Id, "x.academic_class = ?"),
        ("subject", FilterKind::Id, "x.subject = ?"),
        ("teacher", FilterKind::Id, "x.teacher = ?"),
        (
            "is_complete",
            FilterKind::Bool,
            concat!("(", missing!(), " = 0) = ?"),
        ),
    ],
};

/// How far the marks of an exam session's exams are; with a user, of those whose marks the user enters.
pub async fn list_progress(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    user: Option<&str>,
    request: &PageRequest,
) -> Result<Page<Progress>, StoreError> {
    let mut request = request.clone();
    let of_user = user.map(|user| {
        let condition = concat!("x.id in ", exams_of_user!());
        (condition, FilterValue::Text(user.to_owned()))
    });
    let around = [
        (
            concat!("x.exam_session in ", with_exams_of!("?")),
            FilterValue::Text(exam_session.to_string()),
        ),
        (
            "exists (select 1 from exam_sessions s where s.id = x.exam_session and s.is_deleted = 0 and s.session = ?)",
            FilterValue::Text(session.to_string()),
        ),
    ];
    request
        .filters
        .splice(0..0, around.into_iter().chain(of_user));
    let columns = format!(
        "x.id, x.exam_session, x.academic_class, {CLASS} as class_name, x.subject, {SUBJECT} as subject_name, x.teacher, \
         {TEACHER} as teacher_name, x.marks_due, \
         {expected} as expected, {entered} as entered, {absent} as absent, {missing} as missing",
        expected = expected!(),
        entered = count!("m.mark is not null"),
        absent = count!("m.is_absent = 1"),
        missing = missing!(),
    );
    let source = Source {
        columns: &columns,
        from: "exams x",
        condition: "true",
        key: "x.id",
    };
    list::fetch(&db.connection, &source, PROGRESS.search, &request).await
}
