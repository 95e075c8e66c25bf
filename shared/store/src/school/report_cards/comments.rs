//! What people decide about a single card: comments by hand, and withholding.

use homeroom_domain::{UserId, academics::exam_state::ExamState};
use homeroom_kernel::Id;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// A student's card in an exam session, and what was decided about it.
#[derive(Clone, Debug, Deserialize)]
pub struct CommentTarget {
    /// Whether the reader is the class teacher.
    pub is_led: i64,
    /// The class teacher's comment, where one was written.
    pub class_teacher: Option<String>,
    /// The head teacher's comment, where one was written.
    pub head_teacher: Option<String>,
    /// Why the card is withheld, if it is.
    pub withheld: Option<String>,
    /// How far the marks are.
    pub state: ExamState,
}

/// Whose card in which exam session.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// The exam session.
    pub exam_session: Id<()>,
    /// The student's registration.
    pub student_session: Id<()>,
}

/// Finds what was decided about a card.
pub async fn find_comment_target(
    db: &TenantDb,
    session: Id<()>,
    card: Holding,
    user: Option<UserId>,
) -> Result<CommentTarget, StoreError> {
    let comment = "(select c.text from card_comments c where c.exam_session = ?1 and c.student_session = ?3 and c.kind =";
    let found = db.connection.first(sql!(
        format!(
            "select (select count(*) from academic_classes a join staff w on w.id = a.class_teacher \
             where a.id = r.academic_class and w.user_id = ?4 and w.is_active = 1) as is_led, \
             {comment} 'class_teacher') as class_teacher, {comment} 'head_teacher') as head_teacher, \
             (select h.reason from withheld_cards h where h.exam_session = ?1 and h.student_session = ?3) as withheld, x.state \
             from student_sessions r join exam_sessions x on x.session = r.session \
             where r.id = ?3 and x.id = ?1 and x.session = ?2 and x.is_deleted = 0"
        ),
        card.exam_session,
        session,
        card.student_session,
        user,
    ));
    found.await?.ok_or(StoreError::NotFound)
}

/// A comment that is written, or with none taken away.
#[derive(Clone, Debug, Serialize)]
pub struct Comment {
    /// `class_teacher`, `head_teacher`.
    pub kind: &'static str,
    /// The comment.
    pub text: Option<String>,
}

/// The comments `n` of `?1` that say something else than the stored ones `c` of the card.
const CHANGED: &str = "(select j.value ->> '$.kind' as kind, j.value ->> '$.text' as text from json_each(?1) j) n \
     left join card_comments c on c.exam_session = ?2 and c.student_session = ?3 and c.kind = n.kind where c.text is not n.text";

/// Writes comments, or takes them away, and leaves those of other kinds to those who write them; a published card that showed
/// another one is outdated. Without a reason the exam session must not be locked.
pub fn write_comments(
    stamp: &Stamp<'_>,
    card: Holding,
    comments: &[Comment],
    reason: Option<&str>,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    if reason.is_none() {
        batch.guard_academics(
            "exam_state_changed",
            "exists (select 1 from exam_sessions x where x.id = ?1 and x.state = 'locked')",
            vec![card.exam_session.into()],
        );
    }
    let rows = serde_json::to_string(comments)?;
    let about = || {
        vec![
            Value::from(rows.as_str()),
            card.exam_session.into(),
            card.student_session.into(),
        ]
    };
    let note = reason.map_or_else(
        || json!({}),
        |reason| json!({"reason": {"from": null, "to": reason}}),
    );
    // What was there is read where it is replaced: somebody else may have written meanwhile.
    let logged = format!(
        "select ?4 ->> '$.log' as log, 'UPDATE' as action, ?3 as record_id, json_patch(json_group_object(n.kind, \
         json_object('from', c.text, 'to', n.text)), ?4 -> '$.note') as changes from {CHANGED} having count(*) > 0"
    );
    let mut params = about();
    params.push(
        json!({"log": stamp.ids.next::<()>(), "note": note})
            .to_string()
            .into(),
    );
    batch.audit_each(stamp, "card_comments", &logged, params);
    let mut push = |sql: String, more: Vec<Value>| {
        let mut params = about();
        params.extend(more);
        batch.push(Statement {
            sql: sql.into(),
            params,
        });
    };
    push(
        format!(
            "update report_cards set is_outdated = 1, updated_at = ?4 where exam_session = ?2 and student_session = ?3 \
             and is_current = 1 and exists (select 1 from {CHANGED})"
        ),
        vec![stamp.now.into()],
    );
    push(
        format!(
            "insert into card_comments (exam_session, student_session, kind, text, updated_at, updated_by) \
             select ?2, ?3, n.kind, n.text, ?4, ?5 from {CHANGED} and n.text is not null \
             on conflict (exam_session, student_session, kind) do update \
             set text = excluded.text, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
        ),
        vec![stamp.now.into(), stamp.created_by().into()],
    );
    push(
        "delete from card_comments where exam_session = ?2 and student_session = ?3 and kind in \
         (select j.value ->> '$.kind' from json_each(?1) j where j.value ->> '$.text' is null)"
            .to_owned(),
        Vec::new(),
    );
    Ok(batch)
}

/// Withholds a card, or changes the reason.
#[must_use]
pub fn hold(stamp: &Stamp<'_>, card: Holding, before: Option<&str>, reason: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "insert into withheld_cards (exam_session, student_session, reason, withheld_at, withheld_by) \
         values (?1, ?2, ?3, ?4, ?5) on conflict (exam_session, student_session) do update \
         set reason = excluded.reason, withheld_at = excluded.withheld_at, withheld_by = excluded.withheld_by",
        card.exam_session,
        card.student_session,
        reason,
        stamp.now,
        stamp.created_by(),
    ));
    audit_hold(&mut batch, stamp, card, before, Some(reason));
    batch
}

/// Releases a card; `changed_meanwhile` where it is not withheld any more.
#[must_use]
pub fn release(stamp: &Stamp<'_>, card: Holding, before: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push_effective(sql!(
        "delete from withheld_cards where exam_session = ?1 and student_session = ?2",
        card.exam_session,
        card.student_session,
    ));
    audit_hold(&mut batch, stamp, card, Some(before), None);
    batch
}

fn audit_hold(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    card: Holding,
    before: Option<&str>,
    after: Option<&str>,
) {
    let shown = |reason: Option<&str>| json!({"exam_session": card.exam_session, "withheld_reason": reason});
    let action = match (before, after) {
        (None, _) => Action::Create,
        (_, None) => Action::Delete,
        _ => Action::Update,
    };
    let id = card.student_session.to_string();
    batch.audit(
        stamp,
        action,
        "withheld_cards",
        &id,
        before.map(|reason| shown(Some(reason))).as_ref(),
        after.map(|reason| shown(Some(reason))).as_ref(),
    );
}
