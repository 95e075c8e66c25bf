//! Carrying out the decisions of a set-up: one transaction over all students.

use homeroom_domain::academics::promotion::Action as Decided;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{history::ExecutionRow, moved_on, reregistered};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    school::names::student_name,
    sql::{new_ids, sql},
};

/// Most students or classes that a refusal names.
const NAMED: usize = 100;
/// The step of a set-up whose promotions are carried out.
const EXECUTED_STEP: i64 = 5;

/// A set-up as the statements below need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Setup {
    /// Its id.
    pub id: String,
    /// What is set up.
    pub session_type: String,
    /// The new session.
    pub academic_session: String,
    /// The exam session that is set up.
    pub exam_session: Option<String>,
    /// The session that ends.
    pub previous_session: Option<String>,
    /// How far people say it is.
    pub status: String,
    /// The step at which people are.
    pub current_step: i64,
    updated_at: i64,
    /// The execution that was not undone.
    pub execution: Option<String>,
    /// The names of the sessions, for people.
    pub title: String,
}

pub(super) const SETUP: &str = "select g.id, g.session_type, g.academic_session, g.exam_session, g.previous_session, \
     g.status, g.current_step, g.updated_at, (select e.id from promotion_executions e where e.session_setup = g.id \
     and e.undone_at is null) as execution, ifnull((select o.name || ' → ' from academic_sessions o \
     where o.id = g.previous_session), '') || (select n.name from academic_sessions n where n.id = g.academic_session) \
     as title from session_setups g where g.id = ?1";

/// Students of the school who are in the session that ends, were not moved on, and about whom nothing is decided.
pub(super) const UNDECIDED: &str = concat!(
    "select reg.student, st.student_id, ",
    student_name!("st"),
    " as student_name, \
     reg.academic_class as source_session_class from session_setups g join student_sessions reg \
     on reg.session = g.previous_session and reg.status = 'active' join students st on st.id = reg.student \
     and st.enrolment = 'active' where g.id = ?1 and not exists (select 1 from student_promotions deed \
     where deed.session_setup = g.id and deed.student = reg.student and deed.action <> 'pending') and not ",
    moved_on!("reg.student")
);

/// What the enrolment becomes by a decision.
macro_rules! becomes {
    () => {
        "case deed.action when 'graduate' then 'graduated' when 'transfer' then 'transferred' \
         when 'drop_out' then 'dropped_out' else 'active' end"
    };
}

/// Decisions that no longer fit: the student has left the school or the session that ends, unless that is what is decided,
/// is in the new session already, or was moved on by another set-up.
const BLOCKED: &str = concat!(
    "select deed.student, st.student_id, ",
    student_name!("st"),
    " as student_name, \
     case when reg.id is not null then 'registered' when ",
    moved_on!("deed.student"),
    " then 'promoted' else 'left' end as obstacle from student_promotions deed \
     join session_setups g on g.id = deed.session_setup join students st on st.id = deed.student \
     left join student_sessions old on old.student = deed.student and old.session = g.previous_session \
     left join student_sessions reg on reg.student = deed.student and reg.session = g.academic_session \
     where deed.session_setup = ?1 and deed.action <> 'pending' and (reg.id is not null or st.enrolment not in ('active', ",
    becomes!(),
    ") or old.id is null or old.status not in ('active', ",
    becomes!(),
    ") or ",
    moved_on!("deed.student"),
    ")"
);

/// Classes that could not take those who are decided into them.
const FULL: &str = "select a.id as academic_class, c.name as class_name, ifnull(a.capacity, c.capacity) as capacity, \
     (select count(*) from student_sessions reg where reg.academic_class = a.id and reg.status = 'active') \
     as registered, count(*) as incoming from student_promotions deed \
     join academic_classes a on a.id = deed.destination_session_class join classes c on c.id = a.class \
     where deed.session_setup = ?1 and deed.action in ('promote', 'repeat') group by a.id \
     having ifnull(a.capacity, c.capacity) < registered + incoming order by c.name";

/// How many of each action; `pending` are those about whom nothing is decided.
fn tally() -> String {
    let decided = Decided::ALL
        .into_iter()
        .filter(|action| *action != Decided::Pending)
        .map(|action| {
            let name = action.as_str();
            format!("'{name}', count(*) filter (where d.action = '{name}')")
        });
    let decided: Vec<String> = decided.collect();
    format!(
        "select json_object('pending', (select count(*) from ({UNDECIDED})), {}) \
         from student_promotions d where d.session_setup = ?1",
        decided.join(", ")
    )
}

/// How many students of each action.
pub type Tally = Map<String, Json>;

/// A student about whom nothing is decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Undecided {
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub student_id: String,
    /// For people.
    pub student_name: String,
    /// The class of the session that ends, if the student is in one.
    pub source_session_class: Option<String>,
}

/// A student whose decision no longer fits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blocked {
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub student_id: String,
    /// For people.
    pub student_name: String,
    /// `left` the school or the session, `registered` in the new session already, or `promoted` by another set-up.
    pub obstacle: String,
}

/// A class that would have more students than places.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FullClass {
    /// The class of the new session.
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// Its places.
    pub capacity: i64,
    /// Students who are in it already.
    pub registered: i64,
    /// Students who are decided into it.
    pub incoming: i64,
}

/// Everything that decides whether promotions can be carried out.
#[derive(Debug)]
pub struct Readiness {
    /// The set-up.
    pub setup: Setup,
    /// How many of each action.
    pub tally: Tally,
    tally_text: String,
    /// Some of those about whom nothing is decided.
    pub undecided: Vec<Undecided>,
    /// Some of those whose decision no longer fits.
    pub blocked: Vec<Blocked>,
    /// Classes without enough places.
    pub full: Vec<FullClass>,
}

impl Readiness {
    /// How many students the decisions are about.
    #[must_use]
    pub fn decided(&self) -> i64 {
        let counted = self.tally.iter().filter(|(name, _)| *name != "pending");
        counted.filter_map(|(_, count)| count.as_i64()).sum()
    }

    /// How many students are undecided.
    #[must_use]
    pub fn pending(&self) -> i64 {
        self.tally
            .get("pending")
            .and_then(Json::as_i64)
            .unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct TallyRow {
    tally: String,
}

/// What stands in the way of carrying out a set-up's promotions.
pub async fn readiness(db: &TenantDb, setup: &str) -> Result<Readiness, StoreError> {
    let some = |query: &str, order: &str| format!("{query} order by {order} limit {NAMED}");
    let statements = vec![
        sql!(SETUP, setup),
        sql!(format!("select ({}) as tally", tally()), setup),
        sql!(some(UNDECIDED, "st.last_name, st.first_name, st.id"), setup),
        sql!(some(BLOCKED, "st.last_name, st.first_name, st.id"), setup),
        sql!(FULL, setup),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    let tally_text = outcomes.rows::<TallyRow>()?.into_iter().next();
    let tally_text = tally_text.map(|row| row.tally).unwrap_or_default();
    Ok(Readiness {
        setup: setup.ok_or(StoreError::NotFound)?,
        tally: serde_json::from_str(&tally_text)?,
        tally_text,
        undecided: outcomes.rows()?,
        blocked: outcomes.rows()?,
        full: outcomes.rows()?,
    })
}

/// Carries out every decision of the set-up that is not pending. Of several executions one happens
/// (`promotion_executed`); where decisions or students are no longer as they were read, none does
/// (`changed_meanwhile`).
#[must_use]
pub fn execute(stamp: &Stamp<'_>, ready: &Readiness) -> (ExecutionRow, Batch) {
    let setup = &ready.setup;
    let row = ExecutionRow {
        id: stamp.ids.next::<()>().to_string(),
        session_setup: setup.id.clone(),
        executed_at: stamp.now,
        executed_by: stamp.created_by(),
        undone_at: None,
        undone_by: None,
        summary: ready.tally.clone(),
        created_at: stamp.now,
        updated_at: stamp.now,
        created_by: stamp.created_by(),
    };
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into promotion_executions (id, session_setup, executed_at, executed_by, summary, created_at, \
         updated_at, created_by) values (?1, ?2, ?3, ?4, ?5, ?3, ?3, ?4)",
        &row.id,
        &setup.id,
        stamp.now,
        stamp.created_by(),
        &ready.tally_text,
    ));
    let changed = format!(
        "({}) <> ?2 or exists ({BLOCKED}) or not exists (select 1 from session_setups g where g.id = ?1 \
         and g.updated_at = ?3)",
        tally()
    );
    let read = vec![
        setup.id.as_str().into(),
        ready.tally_text.as_str().into(),
        setup.updated_at.into(),
    ];
    batch.guard("changed_meanwhile", &changed, read);
    let id = new_ids("?1");
    batch.push(sql!(
        format!(
            "insert into student_promotion_history (id, execution, student, source_session_class, \
             destination_session_class, action, student_session, old_enrolment, old_boarding, old_form, \
             new_enrolment, new_boarding, new_form, created_at) \
             select {id}, ?2, deed.student, deed.source_session_class, deed.destination_session_class, deed.action, \
             case when deed.action in ('promote', 'repeat') then {id} end, st.enrolment, st.status, st.form, {becomes}, \
             case when deed.action in ('promote', 'repeat') then ifnull(deed.boarding_status, st.status) else st.status end, \
             ifnull((select c.form from academic_classes a join classes c on c.id = a.class \
             where a.id = deed.destination_session_class), st.form), ?1 \
             from student_promotions deed join students st on st.id = deed.student \
             where deed.session_setup = ?3 and deed.action <> 'pending'",
            becomes = becomes!()
        ),
        stamp.now,
        &row.id,
        &setup.id,
    ));
    batch.push(sql!(
        "insert into student_sessions (id, session, student, academic_class, boarding_status, status, created_at, \
         updated_at, created_by) select h.student_session, ?2, h.student, h.destination_session_class, \
         h.new_boarding, 'active', ?3, ?3, ?4 from student_promotion_history h \
         where h.execution = ?1 and h.student_session is not null",
        &row.id,
        &setup.academic_session,
        stamp.now,
        stamp.created_by(),
    ));
    batch.guard_academics(
        "class_full",
        "exists (select 1 from academic_classes a join classes c on c.id = a.class where a.id in \
         (select h.destination_session_class from student_promotion_history h where h.execution = ?1) \
         and ifnull(a.capacity, c.capacity) < (select count(*) from student_sessions reg \
         where reg.academic_class = a.id and reg.status = 'active'))",
        vec![row.id.as_str().into()],
    );
    note_changes(&mut batch, stamp, &row.id, &setup.title, Direction::On);
    batch.push(sql!(
        "update students set enrolment = h.new_enrolment, status = h.new_boarding, form = h.new_form, updated_at = ?2 \
         from student_promotion_history h where h.execution = ?1 and h.student = students.id and (h.old_enrolment, \
         h.old_boarding, h.old_form) is not (h.new_enrolment, h.new_boarding, h.new_form)",
        &row.id,
        stamp.now,
    ));
    batch.push(sql!(
        "update student_promotions set execution_date = ?2, updated_at = ?2 \
         where session_setup = ?1 and action <> 'pending'",
        &setup.id,
        stamp.now,
    ));
    move_setup(&mut batch, stamp, setup, "completed", EXECUTED_STEP);
    batch.audit(
        stamp,
        Action::Create,
        "promotion_executions",
        &row.id,
        None::<&ExecutionRow>,
        Some(&row),
    );
    (row, batch)
}

/// Moves a set-up to a step.
pub(super) fn move_setup(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    setup: &Setup,
    status: &str,
    step: i64,
) {
    batch.push(sql!(
        "update session_setups set status = ?2, current_step = ?3, updated_at = ?4 where id = ?1",
        &setup.id,
        status,
        step,
        stamp.now,
    ));
    batch.audit(
        stamp,
        Action::Update,
        "session_setups",
        &setup.id,
        Some(&json!({"status": setup.status, "current_step": setup.current_step})),
        Some(&json!({"status": status, "current_step": step})),
    );
}

/// Whether students move on or go back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    On,
    Back,
}

/// Writes into each student's history what changes about the student.
pub(super) fn note_changes(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    execution: &str,
    title: &str,
    direction: Direction,
) {
    let (from, to, reason) = match direction {
        Direction::On => ("old", "new", format!("Promotion {title}")),
        Direction::Back => ("new", "old", format!("Promotion {title} undone")),
    };
    let parts = [
        ("enrolment", "enrolment"),
        ("status", "boarding"),
        ("form", "form"),
    ]
    .map(|(field, column)| {
        format!(
            "select h.student as student, '{field}' as field, h.{from}_{column} as old_value, \
             h.{to}_{column} as new_value from student_promotion_history h join students st on st.id = h.student \
             where h.execution = ?2 and h.old_{column} is not h.new_{column} and st.{field} is h.{from}_{column} \
             and not {reregistered}",
            reregistered = reregistered!()
        )
    })
    .join(" union all ");
    batch.push(sql!(
        format!(
            "insert into student_history (id, student, field, old_value, new_value, reason, actor_name, changed_at) \
             select {}, n.student, n.field, n.old_value, n.new_value, ?3, ?4, ?1 from ({parts}) n",
            new_ids("?1")
        ),
        stamp.now,
        execution,
        reason,
        &stamp.actor_name,
    ));
}
