//! Which cards a page shows: of published ones the database tells, of others the number in each class does, so that the forms
//! on the page only are worked out.

use homeroom_domain::{UserId, academics::marks::Hundredths};
use homeroom_kernel::{Id, PageRequest, page::FilterValue};
use serde::Deserialize;

use super::{
    FrozenRow,
    own::{holds, withheld_because},
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Source},
    sql::sql,
};

/// A class with its number of cards.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassSize {
    /// The class of the session.
    pub id: String,
    /// Its form.
    pub form: String,
    /// Whether the reader leads the class.
    pub is_led: i64,
    /// Cards that are published in it.
    pub published: u64,
    /// Students of it who have none.
    pub live: u64,
}

impl ClassSize {
    /// Cards of both kinds.
    #[must_use]
    pub fn cards(&self) -> u64 {
        self.published + self.live
    }
}

/// A published card of a list.
#[derive(Debug, Deserialize)]
pub struct ListedRow {
    /// The card.
    #[serde(flatten)]
    pub card: FrozenRow,
    /// Why only the staff may see it; none: others may.
    pub withheld: Option<String>,
}

const SIZES: &str = "with shown as (select y.student_session, y.academic_class from exam_sessions x join report_cards y \
     on y.exam_session = x.id and y.is_current = 1 where x.id = ?1 and x.session = ?2 \
     and x.state in ('published', 'locked')) \
     select a.id, c.form, (select count(*) from staff w where w.user_id = ?3 and w.is_active = 1 and w.id = a.class_teacher) as is_led, \
     (select count(*) from shown where shown.academic_class = a.id) as published, (select count(*) from student_sessions r \
     where r.academic_class = a.id and r.status = 'active' \
     and r.id not in (select shown.student_session from shown)) as live \
     from academic_classes a join classes c on c.id = a.class join forms f on f.id = c.form \
     where a.session = ?2 order by f.sequence, f.name, c.name, a.id";

const LED: &str = "t.academic_class in (select a.id from staff w join academic_classes a on a.class_teacher = w.id \
     where w.user_id = ? and w.is_active = 1)";

/// What a list is ordered by: a class's place first, and within it the incomplete last.
fn ordering(name: &str) -> &'static [&'static str] {
    match name {
        "student_name" => &["t.student_name collate nocase"],
        "student_number" => &["t.student_number"],
        "average" => &["t.average"],
        _ => &[
            "f.sequence",
            "f.name",
            "c.name",
            "t.academic_class",
            "t.position_in_class is null",
            "t.is_complete = 0",
            "t.position_in_class",
        ],
    }
}

fn filter(name: &str) -> &'static str {
    match name {
        "academic_class" => "t.academic_class = ?",
        "is_complete" => "t.is_complete = ?",
        "is_outdated" => "t.is_outdated = ?",
        "form" => "c.form = ?",
        "top_of_class" => "t.position_in_class <= ?",
        // No index has it: the cards are read.
        "top_of_form" => "t.card ->> '$.position_in_form' <= ?",
        "min_average" => "round(t.average * 100) >= ?",
        _ => {
            concat!("exists (select 1 ", holds!("t"), ") = ?")
        }
    }
}

/// What is asked of an exam session's cards, in the database's words; without an order.
fn within(exam_session: Id<()>, request: &PageRequest) -> PageRequest {
    let mut found = request.clone();
    let own_names = found.filters.iter_mut().map(|(name, _)| name);
    own_names.for_each(|name| *name = filter(name));
    let of = FilterValue::Text(exam_session.to_string());
    found.filters.insert(0, ("t.exam_session = ?", of));
    found.ordering.clear();
    found
}

const SEARCHED: [&str; 2] = ["t.student_name", "t.student_number"];

/// The classes of a session in the order of their cards; and which cards are on the page, as far as they are published: by the
/// student's registration.
pub async fn find_page(
    db: &TenantDb,
    session: Id<()>,
    exam_session: Id<()>,
    reader: Option<UserId>,
    sees_all: bool,
    request: &PageRequest,
) -> Result<(Vec<ClassSize>, Page<String>), StoreError> {
    #[derive(Deserialize)]
    struct Row {
        student_session: String,
    }
    let mut found = within(exam_session, request);
    if !sees_all {
        let reader = reader.map(|user| user.to_string()).unwrap_or_default();
        found.filters.push((LED, FilterValue::Text(reader)));
    }
    let orderings = request.ordering.iter();
    found.ordering = orderings
        .flat_map(|(name, descending)| ordering(name).iter().map(|sql| (*sql, *descending)))
        .collect();
    let source = Source {
        columns: "t.student_session",
        from: "report_cards t cross join academic_classes a on a.id = t.academic_class \
               cross join classes c on c.id = a.class cross join forms f on f.id = c.form",
        condition: "t.is_current = 1",
        key: "t.student_session",
    };
    let (count, page) = list::statements(&source, &SEARCHED, &found);
    let sizes = sql!(SIZES, exam_session, session, reader);
    let mut outcomes = db.connection.batch(vec![sizes, count, page]).await?;
    let sizes = outcomes.rows()?;
    let page: Page<Row> = list::take(&mut outcomes)?;
    Ok((sizes, page.map(|row| row.student_session)))
}

/// What a published card is ordered by, without the card.
#[derive(Clone, Debug, Deserialize)]
pub struct CardKey {
    /// The student's registration.
    pub student_session: String,
    /// The class of the session.
    pub academic_class: String,
    /// The student's name.
    pub student_name: String,
    /// The school's number of the student.
    pub student_number: String,
    /// Total ÷ coefficients.
    pub average: Option<Hundredths>,
    /// Among the class.
    pub position_in_class: Option<u32>,
    /// Whether no mark is missing.
    pub is_complete: i64,
}

/// What all cards of a list are ordered by, as far as they are published in these classes: an index has it, and no card is
/// read.
pub async fn find_keys(
    db: &TenantDb,
    exam_session: Id<()>,
    classes: &[String],
    request: &PageRequest,
) -> Result<Vec<CardKey>, StoreError> {
    let mut found = within(exam_session, request);
    let classes = FilterValue::Text(serde_json::to_string(classes)?);
    let of = "t.academic_class in (select j.value from json_each(?) j)";
    found.filters.push((of, classes));
    (found.page, found.page_size) = (1, u32::MAX);
    let source = Source {
        columns: "t.student_session, t.academic_class, t.student_name, t.student_number, \
                  cast(round(t.average * 100) as integer) as average, t.position_in_class, t.is_complete",
        from: "report_cards t",
        condition: "t.is_current = 1",
        key: "t.student_session",
    };
    let (_, keys) = list::statements(&source, &SEARCHED, &found);
    db.connection.rows(keys).await
}

/// Published cards of these students' registrations, in this order.
pub async fn find_published(
    db: &TenantDb,
    exam_session: Id<()>,
    registrations: &[String],
) -> Result<Vec<ListedRow>, StoreError> {
    let found = db.connection.rows(sql!(
        concat!("select r.student_session, r.academic_class, r.version, r.is_outdated, r.is_current, p.published_at, r.card, r.digest, ",
         withheld_because!(), " \
         from json_each(?2) j cross join report_cards r on r.exam_session = ?1 and r.student_session = j.value \
         and r.is_current = 1 join publications p on p.id = r.publication order by j.key"),
        exam_session,
        serde_json::to_string(registrations)?,
    ));
    found.await
}
