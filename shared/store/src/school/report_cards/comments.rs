//! What people decide about a single card: comments by hand, and withholding.

use homeroom_domain::UserId;
use homeroom_kernel::Id;
use serde::Deserialize;
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    sql::sql,
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
             (select h.reason from withheld_cards h where h.exam_session = ?1 and h.student_session = ?3) as withheld \
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

/// Writes or takes away comments; a published card that showed another one is outdated.
#[must_use]
pub fn write_comments(
    stamp: &Stamp<'_>,
    card: Holding,
    before: &CommentTarget,
    after: &CommentTarget,
) -> Batch {
    let mut batch = Batch::default();
    for (kind, text) in [
        ("class_teacher", &after.class_teacher),
        ("head_teacher", &after.head_teacher),
    ] {
        batch.push(match text {
            Some(text) => sql!(
                "insert into card_comments (exam_session, student_session, kind, text, updated_at, updated_by) \
                 values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (exam_session, student_session, kind) do update \
                 set text = excluded.text, updated_at = excluded.updated_at, updated_by = excluded.updated_by",
                card.exam_session,
                card.student_session,
                kind,
                text,
                stamp.now,
                stamp.created_by(),
            ),
            None => sql!(
                "delete from card_comments where exam_session = ?1 and student_session = ?2 and kind = ?3",
                card.exam_session,
                card.student_session,
                kind,
            ),
        });
    }
    let shown = |target: &CommentTarget| {
        json!({
            "exam_session": card.exam_session,
            "class_teacher": target.class_teacher,
            "head_teacher": target.head_teacher,
        })
    };
    if shown(before) != shown(after) {
        batch.push(sql!(
            "update report_cards set is_outdated = 1, updated_at = ?3 \
             where exam_session = ?1 and student_session = ?2 and is_current = 1",
            card.exam_session,
            card.student_session,
            stamp.now,
        ));
    }
    let id = card.student_session.to_string();
    batch.audit(
        stamp,
        Action::Update,
        "card_comments",
        &id,
        Some(&shown(before)),
        Some(&shown(after)),
    );
    batch
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
