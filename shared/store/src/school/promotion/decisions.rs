//! Many decisions at once.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    execution::{SETUP, Setup},
    mismatch, stranger,
};
use crate::{
    batch::{self, Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::sql,
};

/// Rows of one statement: what is bound stays far from the limit of a value.
const PORTION: usize = 1_000;

/// What a decision says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// The student.
    pub student: String,
    /// The class that is left.
    pub source_session_class: String,
    /// The class of the new session.
    pub destination_session_class: Option<String>,
    /// What becomes of the student.
    pub action: String,
    /// Boarding or day in the new session; none: as the student is.
    pub boarding_status: Option<String>,
    /// Why.
    pub reason: String,
    /// The user who decided.
    pub decided_by: Option<String>,
    /// Whether the rules proposed it.
    pub is_proposed: bool,
}

/// A decision as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The record.
    pub id: String,
    /// What it says.
    pub row: DecisionRow,
    /// When it was last changed, in milliseconds.
    pub updated_at: i64,
}

/// What is known of a row of many decisions.
#[derive(Clone, Debug, Deserialize)]
pub struct Sought {
    /// Whether there is such a student.
    pub is_student: i64,
    /// The class of the previous session in which the student is registered.
    pub registered: Option<String>,
    /// The session of the class that is left.
    pub source_session: Option<String>,
    /// The session of the destination.
    pub destination_session: Option<String>,
    decision: Option<String>,
    source_session_class: Option<String>,
    destination_session_class: Option<String>,
    action: Option<String>,
    boarding_status: Option<String>,
    reason: Option<String>,
    decided_by: Option<String>,
    is_proposed: Option<i64>,
    updated_at: Option<i64>,
}

impl Sought {
    /// The decision that there is about the student.
    #[must_use]
    pub fn decision(&self, student: &str) -> Option<Proposed> {
        Some(Proposed {
            id: self.decision.clone()?,
            row: DecisionRow {
                student: student.to_owned(),
                source_session_class: self.source_session_class.clone()?,
                destination_session_class: self.destination_session_class.clone(),
                action: self.action.clone()?,
                boarding_status: self.boarding_status.clone(),
                reason: self.reason.clone()?,
                decided_by: self.decided_by.clone(),
                is_proposed: self.is_proposed? != 0,
            },
            updated_at: self.updated_at?,
        })
    }
}

/// The set-up, and what is known of each of these rows, in their order. A row is an object with `student`,
/// `source_session_class` and `destination_session_class`.
pub async fn seek(
    db: &TenantDb,
    setup: &str,
    rows: &Json,
) -> Result<(Setup, Vec<Sought>), StoreError> {
    let known = "select st.id is not null as is_student, reg.academic_class as registered, \
         (select a.session from academic_classes a where a.id = j.value ->> '$.source_session_class') as source_session, \
         (select a.session from academic_classes a where a.id = j.value ->> '$.destination_session_class') \
         as destination_session, d.id as decision, d.source_session_class, d.destination_session_class, d.action, \
         d.boarding_status, d.reason, d.decided_by, d.is_proposed, d.updated_at from json_each(?2) j \
         join session_setups g on g.id = ?1 left join students st on st.id = j.value ->> '$.student' \
         left join student_sessions reg on reg.student = st.id and reg.session = g.previous_session \
         left join student_promotions d on d.session_setup = g.id and d.student = st.id order by j.key";
    let statements = vec![sql!(SETUP, setup), sql!(known, setup, rows.to_string())];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    Ok((setup.ok_or(StoreError::NotFound)?, outcomes.rows()?))
}

/// A decision that is written: a new one, or another form of one that there is.
#[derive(Clone, Debug)]
pub struct Written {
    /// The record.
    pub id: String,
    /// As it was read; none: it is new.
    pub before: Option<Proposed>,
    /// As it will be.
    pub after: DecisionRow,
}

/// Writes decisions of a set-up; `changed_meanwhile` where one of them is not as it was read.
pub fn write(stamp: &Stamp<'_>, setup: &str, decisions: &[Written]) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for portion in decisions.chunks(PORTION) {
        write_portion(&mut batch, stamp, setup, portion)?;
    }
    if !decisions.is_empty() {
        batch.append(guard_not_executed(setup));
    }
    Ok(batch)
}

fn write_portion(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    setup: &str,
    decisions: &[Written],
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Bound<'a> {
        id: &'a str,
        read: Option<i64>,
        #[serde(flatten)]
        row: &'a DecisionRow,
    }
    let bound: Vec<Bound<'_>> = decisions
        .iter()
        .map(|decision| Bound {
            id: &decision.id,
            read: decision.before.as_ref().map(|before| before.updated_at),
            row: &decision.after,
        })
        .collect();
    let bound = serde_json::to_string(&bound)?;
    batch.guard(
        "changed_meanwhile",
        "exists (select 1 from json_each(?2) j left join student_promotions d on d.session_setup = ?1 \
         and d.student = j.value ->> '$.student' where d.updated_at is not j.value ->> '$.read')",
        vec![setup.into(), bound.as_str().into()],
    );
    batch.push(sql!(
        "insert into student_promotions (id, session_setup, student, source_session_class, \
         destination_session_class, action, boarding_status, reason, decided_by, is_proposed, created_at, updated_at, \
         created_by) \
         select value ->> '$.id', ?1, value ->> '$.student', value ->> '$.source_session_class', \
         value ->> '$.destination_session_class', value ->> '$.action', value ->> '$.boarding_status', \
         value ->> '$.reason', value ->> '$.decided_by', value ->> '$.is_proposed', ?3, ?3, ?4 from json_each(?2) where true \
         on conflict (id) do update set source_session_class = excluded.source_session_class, \
         destination_session_class = excluded.destination_session_class, action = excluded.action, \
         boarding_status = excluded.boarding_status, reason = excluded.reason, decided_by = excluded.decided_by, \
         is_proposed = excluded.is_proposed, updated_at = excluded.updated_at",
        setup,
        bound,
        stamp.now,
        stamp.created_by(),
    ));
    let ids: Vec<&str> = decisions
        .iter()
        .map(|decision| decision.id.as_str())
        .collect();
    let ids = serde_json::to_string(&ids)?;
    for (rule, broken) in [
        (
            "setup_mismatch",
            mismatch!("deed.id in (select value from json_each(?1))"),
        ),
        (
            "student_not_in_class",
            stranger!("deed.id in (select value from json_each(?1))"),
        ),
    ] {
        batch.guard_academics(rule, broken, vec![ids.as_str().into()]);
    }
    let changes = decisions.iter().map(|decision| {
        let before = decision.before.as_ref().map(|before| &before.row);
        let action = if before.is_none() {
            Action::Create
        } else {
            Action::Update
        };
        let changes = batch::changes(before, Some(&decision.after));
        (action, decision.id.clone(), changes)
    });
    batch.audit_all(stamp, "student_promotions", changes);
    Ok(())
}

/// Refuses the batch with `promotion_executed` once the set-up's promotions are carried out.
#[must_use]
pub fn guard_not_executed(setup: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "promotion_executed",
        "exists (select 1 from promotion_executions e where e.session_setup = ?1 and e.undone_at is null)",
        vec![setup.into()],
    );
    batch
}
