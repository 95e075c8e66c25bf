//! Students in a session, and placing many of them in a class at once.

use homeroom_domain::records::{self, Field, Kind, Literal, Record};
use homeroom_kernel::{Id, Listing, page::FilterKind};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::structure::CLASS_FULL,
    {BOARDING, ENROLMENT},
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    records::{Rule, Scope, Table},
    school::names::student_name,
    sql::{Statement, Value, sql},
};

/// Students in a session.
pub static STUDENT_SESSIONS: Table = Table {
    name: "student_sessions",
    fields: &[
        Field::path(
            "session",
            Kind::Reference("academic_sessions"),
            "The session.",
        ),
        Field::required(
            "student",
            Kind::Reference("students"),
            "The student; once in a session.",
        ),
        Field::shown(
            "student_name",
            Kind::Text { min: 1, max: 300 },
            "The student's name, family name last.",
        ),
        Field::shown(
            "student_id",
            Kind::Text { min: 1, max: 50 },
            "The school's number of the student.",
        ),
        Field::nullable(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class of this session; null: not placed yet.",
        ),
        Field::or(
            "boarding_status",
            BOARDING,
            Literal::Found,
            "Boarding or day in this session; as the student's record says where it is left out.",
        ),
        Field::or(
            "status",
            ENROLMENT,
            Literal::Text("active"),
            "Only active students count in class sizes and positions.",
        ),
    ],
    computed: &[
        (
            "student_name",
            concat!(
                "(select ",
                student_name!("p"),
                " from students p where p.id = t.student)"
            ),
        ),
        (
            "student_id",
            "(select p.student_id from students p where p.id = t.student)",
        ),
    ],
    defaults: &[(
        "boarding_status",
        "(select p.status from students p where p.id = t.student)",
    )],
    listing: Listing {
        orderings: &[
            (
                "student",
                "(select p.last_name || ' ' || p.first_name from students p where p.id = t.student) collate nocase",
            ),
            (
                "student_id",
                "(select p.student_id from students p where p.id = t.student)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "student",
        search: &[
            "(select p.first_name || ' ' || p.last_name from students p where p.id = t.student)",
            "(select p.student_id from students p where p.id = t.student)",
        ],
        filters: &[
            ("student", FilterKind::Id, "t.student = ?"),
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("boarding_status", FilterKind::Text, "t.boarding_status = ?"),
        ],
    },
    rules: &[
        Rule {
            name: "class_of_another_session",
            broken: "exists (select 1 from student_sessions s join academic_classes a on a.id = s.academic_class \
                     where s.id = ?1 and a.session <> s.session)",
        },
        Rule {
            name: "class_full",
            broken: CLASS_FULL,
        },
        Rule {
            name: "student_left",
            broken: "exists (select 1 from student_sessions s join students p on p.id = s.student \
                     where s.id = ?1 and s.status = 'active' and p.enrolment <> 'active')",
        },
        Rule {
            name: "marks_in_class",
            broken: MARKS_WITHOUT_CLASS,
        },
    ],
    scope: &[("session", "t.session = ?")],
    ..Table::PLAIN
};

/// The registrations of a class.
#[must_use]
pub fn of_class(session: Id<()>, class: Id<()>) -> Scope {
    Scope::of([("t.session = ?", session), ("t.academic_class = ?", class)])
}

/// A student without a class has no card, so somebody with marks must be in one.
const MARKS_WITHOUT_CLASS: &str = "exists (select 1 from student_sessions s join marks m on m.student_session = s.id \
     where s.id = ?1 and s.academic_class is null and (m.mark is not null or m.is_absent = 1))";

/// What became of one row of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Registered in the session and placed.
    Registered,
    /// Moved here from another class, or from none.
    Moved,
    /// In the class already.
    Unchanged,
    /// There is no such student.
    Unknown,
    /// The student has left the school.
    Left,
    /// The registration is no longer an active one.
    Inactive,
    /// The caller may register, but not move.
    Forbidden,
    /// No seat was left.
    Full,
}

/// A row of a placement and what became of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Placed {
    /// The student.
    pub student: Id<()>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Decides on every row from the state in which the statement finds the database. Seats go in the order of the rows.
/// `?1` the rows, `?2` the class, `?3` its session, `?4` whether the caller may move students.
const PLAN: &str = "with room (free) as ( \
       select ifnull(a.capacity, c.capacity) - (select count(*) from student_sessions s \
         where s.academic_class = a.id and s.status = 'active') \
       from academic_classes a join classes c on c.id = a.class where a.id = ?2 and a.session = ?3), \
     judged as ( \
       select j.key as place, j.value ->> 'student' as student, j.value ->> 'id' as new_id, j.value ->> 'audit' as audit, \
         p.status as boarding, r.id as registration, r.academic_class as old_class, case \
           when p.id is null then 'unknown' \
           when r.academic_class = ?2 then 'unchanged' \
           when p.enrolment <> 'active' then 'left' \
           when r.status <> 'active' then 'inactive' \
           when r.id is not null and not ?4 then 'forbidden' \
           else 'seat' end as verdict \
       from json_each(?1) j left join students p on p.id = j.value ->> 'student' \
       left join student_sessions r on r.student = p.id and r.session = ?3), \
     plan as ( \
       select judged.*, case \
           when verdict <> 'seat' then verdict \
           when free < row_number() over (partition by verdict order by place) then 'full' \
           when registration is null then 'registered' \
           else 'moved' end as outcome \
       from judged, room) ";

const IS_WRITTEN: &str = "from plan where outcome in ('registered', 'moved')";

/// Places students in a class of the session: registers those who are not in the session, moves those who are. Every
/// row has an outcome of its own, and the class never has more students than its capacity, as the statements that write
/// decide by what they find. `NotFound` where the session has no such class.
pub async fn place(
    db: &TenantDb,
    stamp: &Stamp<'_>,
    session: Id<()>,
    class: Id<()>,
    students: &[Id<()>],
    may_move: bool,
) -> Result<Vec<Placed>, StoreError> {
    let row = |student: &Id<()>| json!({"student": student, "id": stamp.ids.next::<()>(), "audit": stamp.ids.next::<()>()});
    let rows: serde_json::Value = students.iter().map(row).collect();
    let rows = rows.to_string();
    let plan = |sql: String, more: Vec<Value>| {
        let mut params = vec![
            Value::from(&rows),
            class.into(),
            session.into(),
            may_move.into(),
        ];
        params.extend(more);
        Statement {
            sql: sql.into(),
            params,
        }
    };
    // All three see the same state: the first two write nothing that the plan looks at.
    let statements = vec![
        plan(
            format!("{PLAN} select student, outcome from plan order by place"),
            Vec::new(),
        ),
        plan(
            format!(
                "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, \
                 ip_address, request_id, timestamp) {PLAN} select audit, ?5, ?6, ?7, \
                 case outcome when 'moved' then 'UPDATE' else 'CREATE' end, 'student_sessions', \
                 ifnull(registration, new_id), case outcome when 'moved' \
                 then json_object('academic_class', json_object('from', old_class, 'to', ?2)) \
                 else json_object('id', json_object('from', null, 'to', new_id), \
                   'session', json_object('from', null, 'to', ?3), \
                   'student', json_object('from', null, 'to', student), \
                   'academic_class', json_object('from', null, 'to', ?2), \
                   'boarding_status', json_object('from', null, 'to', boarding), \
                   'status', json_object('from', null, 'to', 'active')) end, ?8, ?9, ?10 {IS_WRITTEN}"
            ),
            vec![
                stamp.kind.as_str().into(),
                stamp.actor_id.clone().into(),
                Value::from(&stamp.actor_name),
                stamp.ip.clone().into(),
                Value::from(&stamp.request_id),
                stamp.now.into(),
            ],
        ),
        plan(
            format!(
                "insert into student_sessions (id, session, student, academic_class, boarding_status, status, \
                 created_at, updated_at, created_by) {PLAN} select new_id, ?3, student, ?2, boarding, 'active', \
                 ?5, ?5, ?6 {IS_WRITTEN} on conflict (student, session) do update set \
                 academic_class = excluded.academic_class, updated_at = excluded.updated_at"
            ),
            vec![stamp.now.into(), stamp.created_by().into()],
        ),
    ];
    let placed: Vec<Placed> = db.connection.batch(statements).await?.rows()?;
    if placed.is_empty() && !students.is_empty() {
        return Err(StoreError::NotFound);
    }
    Ok(placed)
}

/// Takes a student out of the class; the registration stays. Refused while the student has marks.
#[must_use]
pub fn take_out_of_class(stamp: &Stamp<'_>, registration: &Record) -> Batch {
    let mut batch = Batch::default();
    let id = records::text(registration, "id");
    let class = records::text(registration, "academic_class");
    batch.push_effective(sql!(
        "update student_sessions set academic_class = null, updated_at = ?3 where id = ?1 and academic_class = ?2",
        id,
        class,
        stamp.now,
    ));
    batch.guard_academics("marks_in_class", MARKS_WITHOUT_CLASS, vec![id.into()]);
    batch.audit(
        stamp,
        Action::Update,
        "student_sessions",
        id,
        Some(&json!({"academic_class": class})),
        Some(&json!({"academic_class": null})),
    );
    batch
}
