//! Exam sessions, and their exams: a subject of a class.

use homeroom_domain::{
    academics::exam_state::ExamState,
    records::{self, Field, Kind, Literal, Record},
};
use homeroom_kernel::{Id, Listing, page::FilterKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    records::{Rule, Table, all, update},
    school::names::class_name,
    sql::{Value, sql},
};

/// The parts of an exam session as JSON, in the order of its cards.
macro_rules! parts_of {
    ($id:literal) => {
        concat!(
            "(select json_group_array(json_object('exam_session', q.part, 'name', p.name, 'term', p.term, 'weight', q.weight, \
             'state', p.state) order by q.place) from exam_session_parts q join exam_sessions p on p.id = q.part \
             where q.exam_session = ",
            $id,
            ")"
        )
    };
}
pub(super) use parts_of;

/// The exam sessions whose exams make the results of an exam session: its parts, or where it has none itself.
macro_rules! with_exams_of {
    ($id:literal) => {
        concat!(
            "(select ifnull(q.part, w.id) from exam_sessions w left join exam_session_parts q on q.exam_session = w.id \
             where w.id = ",
            $id,
            ")"
        )
    };
}
pub(super) use with_exams_of;

/// An exam session that the results of another are worked out from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Its id.
    pub exam_session: String,
    /// Its name.
    pub name: String,
    /// Its term.
    pub term: String,
    /// Its weight.
    pub weight: i64,
    /// How far its marks are.
    pub state: ExamState,
}

/// The parts of an exam session; none of one with exams of its own.
pub fn parts(exam_session: &Record) -> Result<Vec<Part>, StoreError> {
    let parts = exam_session.get("parts").cloned().unwrap_or_default();
    Ok(serde_json::from_value(parts)?)
}

/// Exam sessions of an academic session, of those that are named.
pub async fn find_named(
    db: &TenantDb,
    session: Id<()>,
    named: &[Id<()>],
) -> Result<Vec<Record>, StoreError> {
    let condition = "t.session = ?1 and t.id in (select j.value from json_each(?2) j)";
    let params = vec![Value::from(session), json!(named).to_string().into()];
    all(db, &EXAM_SESSIONS, condition, params).await
}

/// Gives an exam session that is open these parts in the place of those that it has, and the record as it is afterwards.
pub fn replace_parts(
    stamp: &Stamp<'_>,
    before: &Record,
    parts: &[Part],
) -> Result<(Batch, Record), StoreError> {
    let mut after = before.clone();
    after.insert("parts".to_owned(), json!(parts));
    after.insert("updated_at".to_owned(), json!(stamp.now));
    let id = records::text(before, "id");
    let mut batch = hold_open(id);
    batch.append(update(stamp, &EXAM_SESSIONS, before, &after)?);
    batch.push(sql!(
        "delete from exam_session_parts where exam_session = ?1",
        id
    ));
    batch.push(sql!(
        "insert into exam_session_parts (exam_session, place, part, weight) \
         select ?1, j.key + 1, j.value ->> '$.exam_session', j.value ->> '$.weight' from json_each(?2) j",
        id,
        json!(parts).to_string(),
    ));
    Ok((batch, after))
}

/// Refuses what changes an exam session once its marks are published.
#[must_use]
pub fn hold_open(exam_session: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "exam_session_closed",
        "not exists (select 1 from exam_sessions s where s.id = ?1 and s.is_deleted = 0 \
         and s.state in ('draft', 'review'))",
        vec![Value::from(exam_session)],
    );
    batch
}

/// Refuses what would take marks of an exam away.
#[must_use]
pub fn hold_exam_without_marks(exam: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "exam_has_marks",
        "exists (select 1 from marks m where m.exam = ?1)",
        vec![Value::from(exam)],
    );
    batch
}

/// Refuses what would take marks of an exam session away.
#[must_use]
pub fn hold_session_without_marks(exam_session: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "exam_has_marks",
        "exists (select 1 from marks m join exams x on x.id = m.exam where x.exam_session = ?1)",
        vec![Value::from(exam_session)],
    );
    batch
}

/// How far the marks of an exam session are; none where the record is not one.
#[must_use]
pub fn state(exam_session: &Record) -> Option<ExamState> {
    ExamState::parse(records::text(exam_session, "state"))
}

/// Moves an exam session to another state: the change with its audit row, and the record as it is afterwards. The batch
/// is refused with `exam_state_changed` where the exam session is no longer in the state that was read.
#[must_use]
pub fn step(
    stamp: &Stamp<'_>,
    before: &Record,
    to: ExamState,
    reason: Option<&str>,
) -> (Batch, Record) {
    let mut after = before.clone();
    let mut set = |name: &str, value: serde_json::Value| after.insert(name.to_owned(), value);
    let published = matches!(to, ExamState::Published | ExamState::Locked);
    set("state", json!(to));
    set("is_published", json!(published));
    set("updated_at", json!(stamp.now));
    // Unlocking does not publish anew.
    if to == ExamState::Published && state(before) != Some(ExamState::Locked) {
        set("published_at", json!(stamp.now));
    }
    let locked = (to == ExamState::Locked).then_some(stamp.now);
    set("locked_at", json!(locked));
    let id = records::text(before, "id");
    let mut batch = Batch::default();
    batch.push(sql!(
        "update exam_sessions set state = ?2, published_at = ?3, locked_at = ?4, updated_at = ?5 \
         where id = ?1 and state = ?6 and is_deleted = 0",
        id,
        to.as_str(),
        records::moment(&after, "published_at"),
        locked,
        stamp.now,
        records::text(before, "state"),
    ));
    batch.guard_academics("exam_state_changed", "changes() = 0", Vec::<Value>::new());
    let mut recorded = after.clone();
    if let Some(reason) = reason {
        recorded.insert("reason".to_owned(), reason.into());
    }
    batch.audit(
        stamp,
        Action::Update,
        "exam_sessions",
        id,
        Some(before),
        Some(&recorded),
    );
    (batch, after)
}

/// Exam sessions.
pub static EXAM_SESSIONS: Table = Table {
    name: "exam_sessions",
    fields: &[
        Field::path(
            "session",
            Kind::Reference("academic_sessions"),
            "The session.",
        ),
        Field::required("term", Kind::Choice(&["1", "2", "3"]), "The term."),
        Field::required(
            "name",
            Kind::Text { min: 1, max: 255 },
            "Such as \"End of term\"; unique in the term.",
        ),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(true),
            "Whether marks are entered in it now; else only who manages all marks changes them.",
        ),
        Field::nullable(
            "release_at",
            Kind::Moment,
            "When published cards become visible outside the staff; null: at once.",
        ),
        Field::acted(
            "state",
            Kind::Choice(&["draft", "review", "published", "locked"]),
            Literal::Text("draft"),
            "Take one of its steps: submit/, return/, publish/, unpublish/, lock/ or unlock/.",
            "How far the marks are; its steps change it.",
        ),
        Field::acted(
            "is_published",
            Kind::Boolean,
            Literal::Boolean(false),
            "Cards are published by publish/ and withdrawn by unpublish/.",
            "Whether cards are published; `publish/` and `unpublish/` change it.",
        ),
        Field::acted(
            "is_deleted",
            Kind::Boolean,
            Literal::Boolean(false),
            "An exam session is deleted by DELETE.",
            "Always false: deleted exam sessions are not shown.",
        ),
        Field::shown_or_null(
            "published_at",
            Kind::Moment,
            "When cards were last published.",
        ),
        Field::shown_or_null("locked_at", Kind::Moment, "When the marks were locked."),
        Field::shown(
            "parts",
            Kind::List("ExamSessionPartOut"),
            "The exam sessions that its results are worked out from, in the order of its cards; empty where it has exams. `parts/` changes it.",
        ),
    ],
    computed: &[
        ("is_published", "(t.state in ('published', 'locked'))"),
        ("parts", parts_of!("t.id")),
    ],
    listing: Listing {
        orderings: &[
            ("term", "t.term"),
            ("name", "t.name collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "term,created_at",
        search: &["t.name"],
        filters: &[
            ("term", FilterKind::Text, "t.term = ?"),
            ("state", FilterKind::Text, "t.state = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
            (
                "is_published",
                FilterKind::Bool,
                "(t.state in ('published', 'locked')) = ?",
            ),
        ],
    },
    keeps_deleted: true,
    scope: &[("session", "t.session = ?")],
    ..Table::PLAIN
};

/// Exams of an exam session.
pub static EXAMS: Table = Table {
    name: "exams",
    fields: &[
        Field::path(
            "exam_session",
            Kind::Reference("exam_sessions"),
            "The exam session.",
        ),
        Field::required(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class, of the same session.",
        ),
        Field::required(
            "subject",
            Kind::Reference("subjects"),
            "The subject; one exam each.",
        ),
        Field::required("teacher", Kind::Reference("staff"), "Who enters its marks."),
        Field::shown(
            "class_name",
            Kind::Text { min: 1, max: 100 },
            "The name of the class.",
        ),
        Field::shown(
            "subject_name",
            Kind::Text { min: 1, max: 100 },
            "The name of the subject.",
        ),
        Field::nullable(
            "marks_due",
            Kind::Date,
            "The last day for entering marks; null: none.",
        ),
    ],
    computed: &[
        ("class_name", class_name!("t.academic_class")),
        (
            "subject_name",
            "(select s.name from subjects s where s.id = t.subject)",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("academic_class", class_name!("t.academic_class")),
            (
                "subject",
                "(select s.name from subjects s where s.id = t.subject)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "academic_class,subject",
        search: &[],
        filters: &[
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
            ("subject", FilterKind::Id, "t.subject = ?"),
            ("teacher", FilterKind::Id, "t.teacher = ?"),
        ],
    },
    rules: &[Rule {
        name: "class_of_another_session",
        broken: "exists (select 1 from exams x join exam_sessions s on s.id = x.exam_session \
                 join academic_classes a on a.id = x.academic_class where x.id = ?1 and a.session <> s.session)",
    }],
    facts: &[
        (
            "assigned_user",
            "(select w.user_id from subject_teachers s join staff w on w.id = s.teacher and w.is_active = 1 \
              where s.academic_class = t.academic_class and s.subject = t.subject)",
        ),
        (
            "in_curriculum",
            "exists (select 1 from academic_classes a join classes c on c.id = a.class \
              join curriculum k on k.form = c.form where a.id = t.academic_class and k.subject = t.subject)",
        ),
    ],
    scope: &[
        ("exam_session", "t.exam_session = ?"),
        (
            "session",
            "t.exam_session in (select id from exam_sessions where session = ? and is_deleted = 0)",
        ),
    ],
    ..Table::PLAIN
};
