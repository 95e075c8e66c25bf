//! The cards that a student or guardian may see: published, released and not withheld.

use homeroom_domain::UserId;
use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterKind, page::FilterValue};
use serde::Deserialize;

use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    school::logo::LOGO,
    sql::{Statement, sql},
};

/// What own cards can be ordered and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("published_at", "p.published_at"),
        ("created_at", "r.created_at"),
    ],
    default_ordering: "-published_at",
    search: &[],
    filters: &[
        ("exam_session", FilterKind::Id, "r.exam_session = ?"),
        (
            "student",
            FilterKind::Id,
            "r.student_session in (select o.id from student_sessions o where o.student = ?)",
        ),
    ],
};

/// An own card.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnCard {
    /// The card.
    pub id: String,
    /// Everything that it shows, as JSON.
    pub card: String,
    /// Its version.
    pub version: u32,
    /// When it was published.
    pub published_at: i64,
    /// Whether it will be corrected.
    pub is_outdated: i64,
    /// The school's logo in base64, where it was asked for.
    #[serde(default)]
    pub logo: Option<String>,
}

const COLUMNS: &str = "r.id, r.card, r.version, p.published_at, r.is_outdated";
const FROM: &str = "report_cards r join publications p on p.id = r.publication join exam_sessions x on x.id = r.exam_session";
/// Which exam sessions `x` families see; `?2` is the time. What is worked out from others shows their marks, and waits for them.
macro_rules! released {
    () => {
        "x.is_deleted = 0 and x.state in ('published', 'locked') and (x.release_at is null or x.release_at <= ?2) \
         and not exists (select 1 from exam_session_parts q join exam_sessions w on w.id = q.part \
         where q.exam_session = x.id and w.release_at > ?2)"
    };
}
pub(crate) use released;
/// What withholds a card: a decision on it, or on one that its marks are worked out from, since they stand on it.
macro_rules! holds {
    ($card:literal) => {
        concat!(
            "from withheld_cards h where h.student_session = ",
            $card,
            ".student_session and h.exam_session in (select ",
            $card,
            ".exam_session union all select q.part from exam_session_parts q where q.exam_session = ",
            $card,
            ".exam_session)"
        )
    };
}
pub(super) use holds;
/// Whether the card `r` is for the staff only.
macro_rules! withheld {
    () => {
        concat!("exists (select 1 ", holds!("r"), ")")
    };
}
pub(super) use withheld;
/// Why the card `r` is, if it is; the first reason that was given. D1 knows no `r` in the order of a subselect.
macro_rules! withheld_because {
    () => {
        concat!(
            "(select h.reason ",
            holds!("r"),
            " order by h.withheld_at limit 1) as withheld"
        )
    };
}
pub(super) use withheld_because;
/// Who is a user's own: the student that it is, and the guardian's children.
macro_rules! children {
    ($user:literal) => {
        concat!(
            "(select k.id from students k where k.user = ",
            $user,
            " union all select g.student from guardians w join student_guardians g on g.guardian = w.id where w.user = ",
            $user,
            ")"
        )
    };
}
pub(super) use children;
/// `?1` is the user, `?2` the time.
const VISIBLE: &str = concat!(
    "r.student_session in (select s.id from student_sessions s where s.student in ",
    children!("?1"),
    ") and r.is_current = 1 and ",
    released!(),
    " and not ",
    withheld!()
);

/// One page of the cards that a user may see as a student or guardian.
pub async fn list_own(
    db: &TenantDb,
    user: UserId,
    now: Timestamp,
    request: &PageRequest,
) -> Result<Page<OwnCard>, StoreError> {
    let mut request = request.clone();
    // The values of `?1` and `?2`, which come first in the text.
    let known = [
        ("true", FilterValue::Text(user.to_string())),
        ("true", FilterValue::Integer(now.millis())),
    ];
    request.filters.splice(0..0, known);
    let source = Source {
        columns: COLUMNS,
        from: FROM,
        condition: VISIBLE,
        key: "r.id",
    };
    list::fetch(&db.connection, &source, &[], &request).await
}

/// One card that a user may see: the newest version of the card that the id is one version of.
pub async fn find_own(
    db: &TenantDb,
    user: UserId,
    now: Timestamp,
    id: Id<()>,
    with_logo: bool,
) -> Result<OwnCard, StoreError> {
    let logo = if with_logo { LOGO } else { "null" };
    let found = db.connection.first(sql!(
        format!(
            "select {COLUMNS}, {logo} as logo from report_cards named join {FROM} where named.id = ?3 \
             and r.exam_session = named.exam_session and r.student_session = named.student_session and {VISIBLE}"
        ),
        user,
        now,
        id,
    ));
    found.await?.ok_or(StoreError::NotFound)
}

/// The card of a student for the newest term among those asked for, withheld or not.
#[derive(Clone, Debug, Deserialize)]
pub struct FamilyCard {
    /// The student.
    pub student: String,
    /// The exam session.
    pub exam_session: String,
    /// Its name.
    pub exam_session_name: String,
    /// The card; none: it is for the staff only.
    #[serde(deserialize_with = "rows::optional_json")]
    pub card: Option<OwnCard>,
}

/// The newest card of each of some students that families may see, or know to be withheld: that of the newest session and term,
/// since an older one may be corrected later. `students` is a select of ids that
/// may use `?1`; an exam session and a term narrow the choice.
pub(crate) fn newest(
    students: &str,
    about: &str,
    now: Timestamp,
    exam_session: Option<Id<()>>,
    term: Option<&str>,
) -> Statement {
    let text = format!(
        "select n.student, n.exam_session, n.name as exam_session_name, case when n.is_withheld = 0 then json_object(\
         'id', n.id, 'card', c.card, 'version', c.version, 'published_at', n.published_at, 'is_outdated', c.is_outdated) \
         end as card from (select s.student, r.id, r.exam_session, x.name, p.published_at, {} as is_withheld, \
         row_number() over (partition by s.student order by y.start_date desc, x.term desc, p.published_at desc, r.id desc) \
         as place from student_sessions s join report_cards r on r.student_session = s.id \
         join publications p on p.id = r.publication join exam_sessions x on x.id = r.exam_session \
         join academic_sessions y on y.id = x.session where s.student in ({students}) and r.is_current = 1 and {} \
         and (?3 is null or x.id = ?3) and (?4 is null or x.term = ?4)) n \
         join report_cards c on c.id = n.id where n.place = 1",
        withheld!(),
        released!(),
    );
    sql!(text, about, now, exam_session, term)
}
