//! How many cards there are of each class, so that a page of cards is worked out from the forms on it only.

use homeroom_domain::UserId;
use homeroom_kernel::Id;
use serde::Deserialize;

use crate::{connection::TenantDb, error::StoreError, sql::sql};

/// A class with its number of cards.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassSize {
    /// The class of the session.
    pub id: String,
    /// Whether the reader leads the class or teaches in it.
    pub is_own: i64,
    /// Cards that are published in it, and students of it who have none.
    pub cards: u64,
}

/// The classes of a session in the order of their cards.
pub async fn class_sizes(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    user: Option<UserId>,
) -> Result<Vec<ClassSize>, StoreError> {
    let found = db.connection.rows(sql!(
        "with shown as (select y.student_session, y.academic_class from exam_sessions x join report_cards y \
         on y.exam_session = x.id and y.is_current = 1 where x.id = ?1 and x.session = ?2 \
         and x.state in ('published', 'locked')) \
         select a.id, (select count(*) from staff w where w.user_id = ?3 and w.is_active = 1 and (w.id = a.class_teacher \
         or exists (select 1 from subject_teachers g where g.academic_class = a.id and g.teacher = w.id))) as is_own, \
         (select count(*) from shown where shown.academic_class = a.id) + (select count(*) from student_sessions r \
         where r.academic_class = a.id and r.status = 'active' \
         and r.id not in (select shown.student_session from shown)) as cards \
         from academic_classes a join classes c on c.id = a.class join forms f on f.id = c.form \
         where a.session = ?2 order by f.sequence, f.name, c.name, a.id",
        exam_session,
        session,
        user,
    ));
    found.await
}
