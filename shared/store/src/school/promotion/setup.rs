//! How far a set-up is, and copying a year's classes into the next.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    super::{exams::with_exams_of, mark_sheets::MISSING},
    execution::{SETUP, Setup, UNDECIDED},
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::{Statement, sql},
};

/// What a set-up is, and counts of what there is for each of its steps.
#[derive(Debug)]
pub struct Progress {
    /// The set-up.
    pub setup: Setup,
    /// Of an academic session: names as the steps use them.
    pub year: Map<String, Json>,
    /// Of an exam session.
    pub exams: Map<String, Json>,
}

const YEAR: &str = "select \
     (select count(*) from terms where session = g.academic_session) as terms, \
     (select count(*) from academic_classes where session = g.previous_session) as previous_classes, \
     (select count(*) from academic_classes where session = g.academic_session) as classes, \
     (select count(*) from academic_classes a join classes c on c.id = a.class where a.session = g.previous_session \
      and c.is_active = 1 and not exists (select 1 from academic_classes b where b.session = g.academic_session \
      and b.class = a.class)) as missing_classes, \
     (select count(*) from academic_classes a join subject_teachers y on y.academic_class = a.id \
      where a.session = g.academic_session) as subject_teachers, \
     (select count(*) from academic_classes a join classes c on c.id = a.class join curriculum r on r.form = c.form \
      where a.session = g.academic_session and not exists (select 1 from subject_teachers y \
      where y.academic_class = a.id and y.subject = r.subject)) as missing_teachers, \
     (select count(*) from student_promotions deed where deed.session_setup = g.id and deed.action <> 'pending') as decided, \
     (select count(*) from promotion_executions e where e.session_setup = g.id and e.undone_at is null) as executed \
     from session_setups g where g.id = ?1";

/// What there is for the steps of a set-up.
pub async fn progress(db: &TenantDb, setup: &str) -> Result<Progress, StoreError> {
    let undecided = format!("select count(*) as undecided from ({UNDECIDED})");
    // Of one with parts, an assignment needs an exam in each.
    let exams = format!(
        "select s.state, (select count(*) from academic_classes a join subject_teachers y on y.academic_class = a.id \
         where a.session = s.session) * max(1, (select count(*) from exam_session_parts q where q.exam_session = s.id)) \
         as assignments, (select count(*) from exams x where x.exam_session in {exams}) as exams, \
         (select ifnull(sum({MISSING}), 0) from exams x where x.exam_session in {exams}) as missing_marks \
         from session_setups g join exam_sessions s on s.id = g.exam_session where g.id = ?1",
        exams = with_exams_of!("s.id"),
    );
    let statements = vec![
        sql!(SETUP, setup),
        sql!(YEAR, setup),
        sql!(exams, setup),
        sql!(undecided, setup),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    let mut first = || -> Result<Map<String, Json>, StoreError> {
        let rows: Vec<Map<String, Json>> = outcomes.rows()?;
        Ok(rows.into_iter().next().unwrap_or_default())
    };
    let (mut year, exams, undecided) = (first()?, first()?, first()?);
    year.extend(undecided);
    Ok(Progress {
        setup: setup.ok_or(StoreError::NotFound)?,
        year,
        exams,
    })
}

/// A class or an assignment of the previous session that the new one lacks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missing {
    /// The class of the school.
    pub class: String,
    /// Its place in the new session, if it has one.
    pub academic_class: Option<String>,
    /// The subject; none of a class.
    pub subject: Option<String>,
    /// The teacher of the class or of the subject; none who has left.
    pub teacher: Option<String>,
    /// The capacity of the class in the previous session.
    pub capacity: Option<i64>,
    /// Whether it is in the new session already.
    pub exists: i64,
    /// Whether the class is one that the school still has, and the subject too.
    pub is_active: i64,
}

const CLASSES: &str = "select a.class, b.id as academic_class, null as subject, \
     (select f.id from staff f where f.id = a.class_teacher and f.is_active = 1) as teacher, a.capacity, \
     b.id is not null as \"exists\", c.is_active from session_setups g join academic_classes a \
     on a.session = g.previous_session join classes c on c.id = a.class left join academic_classes b \
     on b.session = g.academic_session and b.class = a.class where g.id = ?1 order by c.name";

const TEACHERS: &str = "select a.class, b.id as academic_class, y.subject, \
     (select f.id from staff f where f.id = y.teacher and f.is_active = 1) as teacher, null as capacity, \
     exists (select 1 from subject_teachers z where z.academic_class = b.id and z.subject = y.subject) as \"exists\", \
     min(c.is_active, j.is_active) as is_active from session_setups g join academic_classes a \
     on a.session = g.previous_session join classes c on c.id = a.class \
     join subject_teachers y on y.academic_class = a.id join subjects j on j.id = y.subject \
     left join academic_classes b on b.session = g.academic_session and b.class = a.class \
     where g.id = ?1 order by c.name, j.name";

/// The set-up, and the classes and assignments of its previous session.
pub async fn missing(
    db: &TenantDb,
    setup: &str,
) -> Result<(Setup, Vec<Missing>, Vec<Missing>), StoreError> {
    let statements = vec![
        sql!(SETUP, setup),
        sql!(CLASSES, setup),
        sql!(TEACHERS, setup),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    let setup = setup.ok_or(StoreError::NotFound)?;
    Ok((setup, outcomes.rows()?, outcomes.rows()?))
}

/// A record that copying makes.
#[derive(Clone, Debug, Serialize)]
pub struct Copied {
    /// The new record.
    pub id: String,
    /// The class of the new session: of an assignment.
    pub academic_class: Option<String>,
    /// The class of the school: of a class.
    pub class: Option<String>,
    /// The subject: of an assignment.
    pub subject: Option<String>,
    /// Who leads the class or teaches the subject.
    pub teacher: Option<String>,
    /// The capacity of the class.
    pub capacity: Option<i64>,
}

/// Makes the classes and the assignments; `changed_meanwhile` where somebody else made one of them first.
pub fn copy(
    stamp: &Stamp<'_>,
    setup: &Setup,
    classes: &[Copied],
    teachers: &[Copied],
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    if !classes.is_empty() {
        let rows = serde_json::to_string(classes)?;
        batch.guard(
            "changed_meanwhile",
            "exists (select 1 from json_each(?1) j join academic_classes a on a.session = ?2 \
             and a.class = j.value ->> '$.class')",
            vec![rows.as_str().into(), setup.academic_session.as_str().into()],
        );
        batch.push(sql!(
            "insert into academic_classes (id, session, class, class_teacher, capacity, created_at, updated_at, \
             created_by) select value ->> '$.id', ?2, value ->> '$.class', value ->> '$.teacher', \
             value ->> '$.capacity', ?3, ?3, ?4 from json_each(?1)",
            rows.as_str(),
            &setup.academic_session,
            stamp.now,
            stamp.created_by(),
        ));
        let changes = classes.iter().map(|class| {
            let changes = json!({
                "session": made(&json!(setup.academic_session)), "class": made(&json!(class.class)),
                "class_teacher": made(&json!(class.teacher)), "capacity": made(&json!(class.capacity)),
            });
            (Action::Create, class.id.clone(), changes)
        });
        batch.audit_all(stamp, "academic_classes", changes);
    }
    if !teachers.is_empty() {
        let rows = serde_json::to_string(teachers)?;
        batch.guard(
            "changed_meanwhile",
            "exists (select 1 from json_each(?1) j join subject_teachers y \
             on y.academic_class = j.value ->> '$.academic_class' and y.subject = j.value ->> '$.subject')",
            vec![rows.as_str().into()],
        );
        batch.push(Statement {
            sql: "insert into subject_teachers (id, academic_class, subject, teacher, created_at, updated_at, \
                  created_by) select value ->> '$.id', value ->> '$.academic_class', value ->> '$.subject', \
                  value ->> '$.teacher', ?2, ?2, ?3 from json_each(?1)"
                .into(),
            params: vec![
                rows.into(),
                stamp.now.into(),
                stamp.created_by().into(),
            ],
        });
        let changes = teachers.iter().map(|row| {
            let changes = json!({
                "academic_class": made(&json!(row.academic_class)), "subject": made(&json!(row.subject)),
                "teacher": made(&json!(row.teacher)),
            });
            (Action::Create, row.id.clone(), changes)
        });
        batch.audit_all(stamp, "subject_teachers", changes);
    }
    Ok(batch)
}

fn made(value: &Json) -> Json {
    json!({"from": null, "to": value})
}
