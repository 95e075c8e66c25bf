//! Taking an execution back: one transaction over all students.

use serde::{Deserialize, Serialize};

use super::{
    execution::{Direction, SETUP, Setup, move_setup, note_changes},
    history::{self, ExecutionRow},
    reregistered,
};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::sql,
};

/// The step of a set-up whose decisions wait to be carried out.
const DECIDED_STEP: i64 = 4;

/// What refers to the registrations that an execution made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Uses {
    /// Marks of exams.
    pub marks: i64,
    /// Days and lessons of attendance.
    pub attendance: i64,
    /// Published cards.
    pub report_cards: i64,
    /// Comments for cards.
    pub card_comments: i64,
    /// Cards that are withheld, published or not.
    pub withheld_cards: i64,
    /// Later promotions, out of the session into which this one led.
    pub promotions: i64,
}

impl Uses {
    /// Names and counts of what there is.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, i64)> {
        [
            ("marks", self.marks),
            ("attendance", self.attendance),
            ("report cards", self.report_cards),
            ("comments on report cards", self.card_comments),
            ("withheld report cards", self.withheld_cards),
            ("later promotions", self.promotions),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }
}

fn uses() -> String {
    let own = "(select h.student_session from student_promotion_history h where h.execution = ?1)";
    let counts = [
        "marks",
        "attendance",
        "report_cards",
        "card_comments",
        "withheld_cards",
    ]
    .map(|table| {
        format!("(select count(*) from {table} k where k.student_session in {own}) as {table}")
    });
    format!(
        "select {}, (select count(*) from promotion_executions e join session_setups g on g.id = e.session_setup \
         join session_setups o on o.academic_session = g.previous_session join promotion_executions x \
         on x.session_setup = o.id where x.id = ?1 and e.undone_at is null) as promotions",
        counts.join(", ")
    )
}

/// Everything that decides whether an execution can be undone.
#[derive(Debug)]
pub struct Undoing {
    /// The set-up.
    pub setup: Setup,
    /// The execution.
    pub row: ExecutionRow,
    /// What refers to its registrations.
    pub uses: Uses,
    /// Students of whom something was changed by hand since, or whose registration was; that stays.
    pub kept: i64,
}

#[derive(Deserialize)]
struct Kept {
    kept: i64,
}

/// What stands in the way of undoing an execution of a set-up.
pub async fn undoing(db: &TenantDb, setup: &str, execution: &str) -> Result<Undoing, StoreError> {
    let kept = concat!(
        "select count(*) as kept from student_promotion_history h join students st on st.id = h.student \
         where h.execution = ?1 and (h.old_enrolment is not h.new_enrolment \
         and st.enrolment is not h.new_enrolment or h.old_boarding is not h.new_boarding \
         and st.status is not h.new_boarding or h.old_form is not h.new_form and st.form is not h.new_form or ",
        reregistered!(),
        ")"
    );
    let statements = vec![
        sql!(SETUP, setup),
        history::one(setup, execution),
        sql!(uses(), execution),
        sql!(kept, execution),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let setup = outcomes.rows::<Setup>()?.into_iter().next();
    let row = outcomes.rows::<ExecutionRow>()?.into_iter().next();
    let uses = outcomes.rows::<Uses>()?.into_iter().next();
    let kept = outcomes.rows::<Kept>()?.into_iter().next();
    Ok(Undoing {
        setup: setup.ok_or(StoreError::NotFound)?,
        row: row.ok_or(StoreError::NotFound)?,
        uses: uses.unwrap_or_default(),
        kept: kept.map_or(0, |row| row.kept),
    })
}

/// Takes back what an execution did: its registrations go, and each student is as before where nobody has changed the
/// student or the registration since. Once only (`promotion_undone`).
#[must_use]
pub fn undo(stamp: &Stamp<'_>, undoing: &Undoing) -> (ExecutionRow, Batch) {
    let before = &undoing.row;
    let row = ExecutionRow {
        undone_at: Some(stamp.now),
        undone_by: stamp.created_by(),
        updated_at: stamp.now,
        ..before.clone()
    };
    let id = row.id.as_str();
    let mut batch = Batch::default();
    batch.guard_academics(
        "promotion_undone",
        "not exists (select 1 from promotion_executions e where e.id = ?1 and e.undone_at is null)",
        vec![id.into()],
    );
    let used = format!(
        "exists (select 1 from ({}) used where used.marks + used.attendance + used.report_cards + used.card_comments \
         + used.withheld_cards + used.promotions > 0)",
        uses()
    );
    batch.guard("changed_meanwhile", &used, vec![id.into()]);
    batch.push(sql!(
        "update promotion_executions set undone_at = ?2, undone_by = ?3, updated_at = ?2 where id = ?1",
        id,
        stamp.now,
        stamp.created_by(),
    ));
    note_changes(&mut batch, stamp, id, &undoing.setup.title, Direction::Back);
    batch.push(sql!(
        concat!(
        "update students set \
         enrolment = case when students.enrolment is h.new_enrolment then h.old_enrolment else students.enrolment end, \
         status = case when students.status is h.new_boarding then h.old_boarding else students.status end, \
         form = case when students.form is h.new_form then h.old_form else students.form end, updated_at = ?2 \
         from student_promotion_history h where h.execution = ?1 and h.student = students.id and (h.old_enrolment, \
         h.old_boarding, h.old_form) is not (h.new_enrolment, h.new_boarding, h.new_form) and not ",
            reregistered!()
        ),
        id,
        stamp.now,
    ));
    batch.push(sql!(
        concat!(
            "delete from student_sessions where id in \
             (select h.student_session from student_promotion_history h where h.execution = ?1 and not ",
            reregistered!(),
            ")"
        ),
        id,
    ));
    batch.push(sql!(
        "update student_promotions set execution_date = null, updated_at = ?2 \
         where session_setup = ?1 and execution_date is not null",
        &row.session_setup,
        stamp.now,
    ));
    move_setup(&mut batch, stamp, &undoing.setup, "pending", DECIDED_STEP);
    batch.audit(
        stamp,
        Action::Update,
        "promotion_executions",
        id,
        Some(before),
        Some(&row),
    );
    (row, batch)
}
