//! Notices.

use homeroom_domain::{
    UserId,
    records::{Field, Kind, Literal},
};
use homeroom_kernel::{
    Id, Listing, PageRequest, Timestamp,
    page::{FilterKind, FilterValue},
};
use serde::Deserialize;

use crate::{
    connection::TenantDb,
    error::StoreError,
    records::{Scope, Table},
    sql::sql,
};

/// Stands in the place of what only a moment can tell; see [`at`].
const IS_PUBLISHED: &str = "is_published = ?";
const PUBLISHED: &str = "exists (select 1 from (select cast(? as integer) as now) \
     where t.publish_at <= now and (t.expires_at is null or t.expires_at > now))";
const NOT_PUBLISHED: &str = "not exists (select 1 from (select cast(? as integer) as now) \
     where t.publish_at <= now and (t.expires_at is null or t.expires_at > now))";
/// What is published and concerns somebody. Whoever is neither a student nor a guardian is staff; class teachers read what
/// their classes do.
const SEEN: &str = "exists (select 1 from (select json_extract(w.of, '$[0]') as user, json_extract(w.of, '$[1]') as now \
     from (select ? as of) w) me where t.publish_at <= me.now and (t.expires_at is null or t.expires_at > me.now) \
     and (t.audience = 'everyone' \
     or t.audience = 'staff' and (exists (select 1 from staff f where f.user_id = me.user and f.is_active = 1) \
     or not exists (select 1 from students p where p.user = me.user) \
     and not exists (select 1 from guardians g where g.user = me.user)) \
     or t.audience = 'students' and exists (select 1 from students p where p.user = me.user) \
     or t.audience = 'guardians' and exists (select 1 from guardians g where g.user = me.user) \
     or t.audience in ('form', 'class') and exists (select 1 from students p where (p.user = me.user or p.id in \
     (select c.student from guardians g join student_guardians c on c.guardian = g.id where g.user = me.user)) \
     and (t.audience = 'form' and p.form = t.form or exists (select 1 from student_sessions s \
     join academic_classes a on a.id = s.academic_class join classes k on k.id = a.class \
     join academic_sessions y on y.id = s.session where s.student = p.id and s.status = 'active' \
     and (a.id = t.academic_class or y.is_active = 1 and k.form = t.form)))) \
     or t.audience in ('form', 'class') and exists (select 1 from staff f join academic_classes a on a.class_teacher = f.id \
     join classes k on k.id = a.class join academic_sessions y on y.id = a.session where f.user_id = me.user \
     and f.is_active = 1 and (a.id = t.academic_class or y.is_active = 1 and k.form = t.form))))";

/// Notices.
pub static NOTICES: Table = Table {
    name: "notices",
    fields: &[
        Field::required("title", Kind::Text { min: 1, max: 200 }, "The headline."),
        Field::required(
            "body",
            Kind::Text {
                min: 1,
                max: 10_000,
            },
            "The text.",
        ),
        Field::or(
            "audience",
            Kind::Choice(&[
                "everyone",
                "staff",
                "students",
                "guardians",
                "form",
                "class",
            ]),
            Literal::Text("everyone"),
            "Whom it concerns; a form or a class: its students, their guardians and its class teachers.",
        ),
        Field::nullable(
            "form",
            Kind::Reference("forms"),
            "The form, where it is for one.",
        ),
        Field::nullable(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class of a session, where it is for one.",
        ),
        Field::nullable(
            "publish_at",
            Kind::Moment,
            "From when on it is shown; at once where that is not said.",
        ),
        Field::nullable(
            "expires_at",
            Kind::Moment,
            "Until when it is shown; null: for good.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("publish_at", "t.publish_at"),
            ("expires_at", "t.expires_at"),
            ("title", "t.title collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-publish_at",
        search: &["t.title", "t.body"],
        filters: &[
            ("audience", FilterKind::Text, "t.audience = ?"),
            ("is_published", FilterKind::Bool, IS_PUBLISHED),
            ("form", FilterKind::Id, "t.form = ?"),
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Reads the filter `is_published` as of a moment.
pub fn at(request: &mut PageRequest, now: Timestamp) {
    for (condition, value) in &mut request.filters {
        if *condition == IS_PUBLISHED {
            *condition = match value {
                FilterValue::Bool(false) => NOT_PUBLISHED,
                _ => PUBLISHED,
            };
            *value = FilterValue::Integer(now.millis());
        }
    }
}

/// What somebody sees who does not manage notices.
#[must_use]
pub fn seen_by(user: Option<UserId>, now: Timestamp) -> Scope {
    Scope::of([(SEEN, serde_json::json!([user, now.millis()]))])
}

/// A notice as far as text messages of it go.
#[derive(Clone, Debug, Deserialize)]
pub struct NoticeText {
    /// The headline.
    pub title: String,
    /// The text.
    pub body: String,
    /// Whom it concerns.
    pub audience: String,
    /// The form, where it is for one.
    pub form: Option<Id<()>>,
    /// The class of a session, where it is for one.
    pub academic_class: Option<Id<()>>,
    /// From when on it is shown.
    pub publish_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// The text of a notice, and whom it concerns.
pub async fn find_text(db: &TenantDb, id: Id<()>) -> Result<NoticeText, StoreError> {
    let row = db.connection.first(sql!(
        "select title, body, audience, form, academic_class, publish_at, expires_at from notices where id = ?1",
        id
    ));
    row.await?.ok_or(StoreError::NotFound)
}
