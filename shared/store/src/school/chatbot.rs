//! What the chatbot looks up: students by phone number or their own number, and what concerns them.

use homeroom_kernel::{
    Id, Listing, PageRequest, Timestamp,
    page::{FilterKind, FilterValue},
};
use serde::{Deserialize, Serialize};

use super::{
    names::student_name,
    report_cards::{FamilyCard, newest, released},
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::sql,
};

/// Students of a phone number, as it is stored with a plus and perhaps without: of guardians, and of students who sign in. The
/// expression is the number.
macro_rules! of_phone {
    ($phone:literal) => {
        concat!(
            "select l.student from guardians g join student_guardians l on l.guardian = g.id where g.phone_number in (",
            $phone,
            ", ltrim(",
            $phone,
            ", '+')) union select o.id from users u join students o on o.user = u.id where u.phone_number in (",
            $phone,
            ", ltrim(",
            $phone,
            ", '+')) and u.deleted_at is null and u.is_active = 1"
        )
    };
}

/// A student of a phone number.
#[derive(Clone, Debug, Deserialize)]
pub struct PhoneStudent {
    /// The student.
    pub id: String,
    /// The school's number of the student.
    pub student_id: String,
    /// The student's name, family name last.
    pub name: String,
    /// What became of the student.
    pub enrolment: String,
    /// What the number's owner is to the student; none: it is the student's own.
    pub relation: Option<String>,
    /// Whether the number's owner agreed to messages by WhatsApp; none: it is the student's own.
    pub whatsapp: Option<i64>,
}

/// Most students of one phone number that are looked at.
pub const MOST_CHILDREN: usize = 50;

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The students of a phone number, by name.
pub async fn students_of_phone(
    db: &TenantDb,
    phone: &str,
) -> Result<Vec<PhoneStudent>, StoreError> {
    let text = concat!(
        "select p.id, p.student_id, ",
        student_name!("p"),
        " as name, p.enrolment, w.relation, w.whatsapp from students p left join (select l.student, l.relation, \
         ifnull(json_extract(g.consent, '$.whatsapp'), 0) as whatsapp from guardians g \
         join student_guardians l on l.guardian = g.id where g.phone_number in (?1, ltrim(?1, '+')) \
         group by l.student) w on w.student = p.id where p.id in (",
        of_phone!("?1"),
        ") order by p.first_name collate nocase, p.last_name collate nocase, p.id limit ?2"
    );
    db.connection
        .rows(sql!(text, phone, limit(MOST_CHILDREN)))
        .await
}

/// Whose results are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The student's of this number.
    Number(&'a str),
    /// Those of the students of a phone number.
    Phone(&'a str),
    /// The student's of this number, who is of this phone number.
    Both(&'a str, &'a str),
}

/// A student with the PIN at rest.
#[derive(Clone, Debug, Deserialize)]
pub struct PinnedStudent {
    /// The student.
    pub id: String,
    /// The school's number of the student.
    pub student_id: String,
    /// The student's name, family name last.
    pub name: String,
    /// The PIN at rest.
    pub pin: Option<String>,
}

/// The students asked for with their PINs, and the newest released card of each, in one trip; one more than [`MOST_CHILDREN`]
/// where there are more. Nothing of it may be told before a PIN was compared.
pub async fn results(
    db: &TenantDb,
    whose: Whose<'_>,
    now: Timestamp,
    exam_session: Option<Id<()>>,
    term: Option<&str>,
) -> Result<(Vec<PinnedStudent>, Vec<FamilyCard>), StoreError> {
    const BY_PHONE: &str = of_phone!("?1");
    let (students, about) = match whose {
        Whose::Number(number) => (
            "select k.id from students k where k.student_id = ?1 and k.erased_at is null".to_owned(),
            number.to_owned(),
        ),
        Whose::Phone(phone) => (BY_PHONE.to_owned(), phone.to_owned()),
        Whose::Both(number, phone) => (
            concat!(
                "select k.id from students k where k.student_id = json_extract(?1, '$[0]') and k.erased_at is null and k.id in (",
                of_phone!("json_extract(?1, '$[1]')"),
                ")"
            )
            .to_owned(),
            serde_json::json!([number, phone]).to_string(),
        ),
    };
    let text = format!(
        "select p.id, p.student_id, {} as name, n.hash as pin from students p left join student_pins n on n.student = p.id \
         where p.id in ({students}) order by p.first_name collate nocase, p.last_name collate nocase, p.id limit ?2",
        student_name!("p"),
    );
    let found = sql!(text, &about, limit(MOST_CHILDREN + 1));
    let cards = newest(&students, &about, now, exam_session, term);
    let mut outcomes = db.connection.batch(vec![found, cards]).await?;
    Ok((outcomes.rows()?, outcomes.rows()?))
}

/// A notice as families read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FamilyNotice {
    /// The notice.
    pub id: String,
    /// The headline.
    pub title: String,
    /// The text.
    pub body: String,
    /// Whom it concerns.
    pub audience: String,
    /// From when on it is shown.
    pub publish_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// What notices can be ordered and filtered by. The conditions of `phone` and `student_id` stand for `CONCERNS`.
pub static NOTICES: Listing = Listing {
    orderings: &[
        ("publish_at", "t.publish_at"),
        ("title", "t.title collate nocase"),
    ],
    default_ordering: "-publish_at",
    search: &["t.title", "t.body"],
    filters: &[
        ("phone", FilterKind::Text, PHONE),
        ("student_id", FilterKind::Text, NUMBER),
    ],
};
const PHONE: &str = "phone = ?";
const NUMBER: &str = "number = ?";

/// What is shown now and is everyone's, or concerns the students of a phone number or the student of a number. Never what is for
/// the staff.
const CONCERNS: &str = concat!(
    "exists (select 1 from (select json_extract(w.of, '$[0]') as phone, json_extract(w.of, '$[1]') as number, \
     json_extract(w.of, '$[2]') as now from (select ? as of) w) me where t.publish_at <= me.now \
     and (t.expires_at is null or t.expires_at > me.now) and (t.audience = 'everyone' \
     or t.audience = 'guardians' and exists (select 1 from guardians g where g.phone_number in (me.phone, ltrim(me.phone, '+'))) \
     or t.audience = 'students' and exists (select 1 from students p where p.student_id = me.number and p.erased_at is null or p.user in \
     (select u.id from users u where u.phone_number in (me.phone, ltrim(me.phone, '+')) and u.deleted_at is null \
     and u.is_active = 1)) \
     or t.audience in ('form', 'class') and exists (select 1 from students p where p.erased_at is null and (p.student_id = me.number or p.id in (",
    of_phone!("me.phone"),
    ")) and (t.audience = 'form' and p.form = t.form or exists (select 1 from student_sessions s \
     join academic_classes a on a.id = s.academic_class join classes k on k.id = a.class \
     join academic_sessions y on y.id = s.session where s.student = p.id and s.status = 'active' \
     and (a.id = t.academic_class or y.is_active = 1 and k.form = t.form))))))"
);

/// One page of the notices that concern a phone number or a student's number, each read by `phone` from what was asked; without
/// either, those for everyone.
pub async fn family_notices(
    db: &TenantDb,
    now: Timestamp,
    request: &PageRequest,
    phone: impl Fn(&str) -> Option<String>,
) -> Result<Page<FamilyNotice>, StoreError> {
    let asked = |wanted: &str| {
        let named = request
            .filters
            .iter()
            .find(|(condition, _)| *condition == wanted);
        named.and_then(|(_, value)| match value {
            FilterValue::Text(text) => Some(text.clone()),
            FilterValue::Bool(_) | FilterValue::Integer(_) => None,
        })
    };
    let number = asked(NUMBER);
    let phone = asked(PHONE).and_then(|text| phone(&text));
    let about = serde_json::json!([phone, number, now.millis()]).to_string();
    let mut request = request.clone();
    request.filters = vec![(CONCERNS, FilterValue::Text(about))];
    let source = Source {
        columns: "t.id, t.title, t.body, t.audience, t.publish_at, t.expires_at",
        from: "notices t",
        condition: "true",
        key: "t.id",
    };
    list::fetch(&db.connection, &source, NOTICES.search, &request).await
}

/// An exam session whose results families see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleasedSession {
    /// The exam session.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The term.
    pub term: String,
    /// The session.
    pub session: String,
    /// The session's name.
    pub session_name: String,
    /// When it was published.
    pub published_at: Option<Timestamp>,
}

/// What released exam sessions can be ordered and filtered by.
pub static RELEASED: Listing = Listing {
    orderings: &[
        ("published_at", "x.published_at"),
        ("name", "x.name collate nocase"),
    ],
    default_ordering: "-published_at",
    search: &[],
    filters: &[
        ("session", FilterKind::Id, "x.session = ?"),
        ("term", FilterKind::Text, "x.term = ?"),
    ],
};

/// One page of the exam sessions whose results families see.
pub async fn released_sessions(
    db: &TenantDb,
    now: Timestamp,
    request: &PageRequest,
) -> Result<Page<ReleasedSession>, StoreError> {
    let mut request = request.clone();
    // The values of `?1`, which is nothing here, and `?2`.
    let known = [
        ("true", FilterValue::Integer(0)),
        ("true", FilterValue::Integer(now.millis())),
    ];
    request.filters.splice(0..0, known);
    let source = Source {
        columns: "x.id, x.name, x.term, x.session, y.name as session_name, x.published_at",
        from: "exam_sessions x join academic_sessions y on y.id = x.session",
        condition: released!(),
        key: "x.id",
    };
    list::fetch(&db.connection, &source, &[], &request).await
}

/// A session of the school.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcademicSession {
    /// The session.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it begins.
    pub start_date: Timestamp,
    /// When it ends.
    pub end_date: Timestamp,
    /// Whether it is the present one.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
}

/// What sessions can be ordered and filtered by.
pub static SESSIONS: Listing = Listing {
    orderings: &[
        ("start_date", "t.start_date"),
        ("name", "t.name collate nocase"),
    ],
    default_ordering: "-start_date",
    search: &[],
    filters: &[("is_active", FilterKind::Bool, "t.is_active = ?")],
};

/// One page of the school's sessions.
pub async fn sessions(
    db: &TenantDb,
    request: &PageRequest,
) -> Result<Page<AcademicSession>, StoreError> {
    let source = Source {
        columns: "t.id, t.name, t.start_date, t.end_date, t.is_active",
        from: "academic_sessions t",
        condition: "true",
        key: "t.id",
    };
    list::fetch(&db.connection, &source, &[], request).await
}
