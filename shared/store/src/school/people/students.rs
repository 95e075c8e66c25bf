//! Students: their numbers, who may be the same person, and what became of them.

use homeroom_domain::{
    academics::student_number,
    records::{self, Field, Kind, Literal, Record},
};
use homeroom_kernel::{
    Id, Listing, PageRequest, Timestamp,
    page::{FilterKind, FilterValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{BOARDING, ENROLMENT, NAME};
use crate::{
    batch::{Action, Batch, Stamp},
    connection::{Outcomes, TenantDb},
    error::StoreError,
    list::{self, Page, Parent, Source},
    records::{Scope, Table},
    sql::{Statement, sql},
};

/// Students.
pub static STUDENTS: Table = Table {
    name: "students",
    fields: &[
        Field::or(
            "student_id",
            Kind::Text { min: 0, max: 50 },
            Literal::Text(""),
            "The school's number of the student, unique; where it is left out or empty, the platform gives one such as \"2026-0001\".",
        ),
        Field::required("first_name", NAME, "Given name."),
        Field::or(
            "middle_name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "Further given names.",
        ),
        Field::required("last_name", NAME, "Family name."),
        Field::or(
            "gender",
            Kind::Choice(&["male", "female", "other", ""]),
            Literal::Text(""),
            "Gender; empty where it is not known.",
        ),
        Field::nullable("dob", Kind::Date, "Date of birth."),
        Field::required(
            "admission_year",
            Kind::Integer {
                min: 1900,
                max: 2200,
            },
            "The year of admission.",
        ),
        Field::nullable(
            "form",
            Kind::Reference("forms"),
            "The form that the student is in, or applied for.",
        ),
        Field::or("status", BOARDING, Literal::Text("Day"), "Boarding or day."),
        Field::or(
            "enrolment",
            ENROLMENT,
            Literal::Text("active"),
            "What became of the student.",
        ),
        Field::or(
            "parent_name",
            Kind::Text { min: 0, max: 200 },
            Literal::Text(""),
            "The parent's name as on the application.",
        ),
        Field::or(
            "parent_phone",
            Kind::Text { min: 0, max: 40 },
            Literal::Text(""),
            "The parent's phone number as on the application.",
        ),
        Field::or(
            "address",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "Where the student lives.",
        ),
        Field::nullable(
            "user",
            Kind::Reference("users"),
            "Who signs in as this student.",
        ),
        Field::shown_or_null(
            "erased_at",
            Kind::Moment,
            "When what tells who the student was, was erased; null: it is there.",
        ),
        Field::note(
            "reason",
            Kind::Text { min: 0, max: 500 },
            "Why enrolment, status or form change; kept in the student's history.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("last_name", "t.last_name collate nocase"),
            ("first_name", "t.first_name collate nocase"),
            ("student_id", "t.student_id"),
            ("admission_year", "t.admission_year"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "last_name,first_name",
        search: &[
            "t.student_id",
            "t.first_name",
            "t.middle_name",
            "t.last_name",
            "t.parent_name",
            "t.parent_phone",
        ],
        filters: &[
            ("student_id", FilterKind::Text, "t.student_id = ?"),
            (
                "admission_year",
                FilterKind::Integer,
                "t.admission_year = ?",
            ),
            ("form", FilterKind::Id, "t.form = ?"),
            ("gender", FilterKind::Text, "t.gender = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("enrolment", FilterKind::Text, "t.enrolment = ?"),
            ("user", FilterKind::Id, "t.user = ?"),
            ("erased", FilterKind::Bool, ERASED),
        ],
    },
    ..Table::PLAIN
};

const ERASED: &str = "(t.erased_at is not null) = ?";

/// Leaves out who was erased, unless those are asked for.
pub fn hide_erased(request: &mut PageRequest) {
    if !request.filters.iter().any(|(asked, _)| *asked == ERASED) {
        request.filters.push((ERASED, FilterValue::Bool(false)));
    }
}

/// Takes the next number of the year that no student has. Numbers that a school gave itself are passed over.
const NEXT_NUMBER: &str = "insert into student_numbers (admission_year, last_number) \
     select ?1, (with recursive n (number) as ( \
       select ifnull((select last_number from student_numbers where admission_year = ?1), 0) + 1 \
       union all select number + 1 from n \
       where exists (select 1 from students where student_id = printf('%04d-%04d', ?1, n.number))) \
     select max(number) from n) \
     where true on conflict (admission_year) do update set last_number = excluded.last_number returning last_number";

/// What is known before a student is admitted.
#[derive(Debug)]
pub struct Admission {
    /// The number that the platform gives, where it was asked for one: nobody else gets it.
    pub number: Option<String>,
    /// Students who may be the same person.
    pub namesakes: Vec<Namesake>,
}

/// A student who may be the same person as another.
#[derive(Clone, Debug, Deserialize)]
pub struct Namesake {
    /// The school's number.
    pub student_id: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether born on the same day.
    #[serde(deserialize_with = "crate::rows::flag")]
    pub same_dob: bool,
    /// Whether the parent has the same phone number.
    #[serde(deserialize_with = "crate::rows::flag")]
    pub same_phone: bool,
}

#[derive(Deserialize)]
struct LastNumber {
    last_number: u32,
}

/// Looks for students who may be the same person, and takes a number where the student has none.
pub async fn prepare_admission(db: &TenantDb, student: &Record) -> Result<Admission, StoreError> {
    let year = admission_year(student);
    let needs_number = records::text(student, "student_id").is_empty();
    let mut statements = vec![namesakes(STUDENTS_BY_NAME, student, "parent_phone")];
    if needs_number {
        statements.push(sql!(NEXT_NUMBER, i64::from(year)));
    }
    let mut outcomes = db.connection.batch(statements).await?;
    let namesakes = outcomes.rows()?;
    let number = if needs_number {
        Some(taken(year, &mut outcomes)?)
    } else {
        None
    };
    Ok(Admission { number, namesakes })
}

pub(super) fn admission_year(record: &Record) -> u16 {
    let year = record.get("admission_year").and_then(Json::as_u64);
    year.and_then(|year| u16::try_from(year).ok())
        .unwrap_or_default()
}

/// The number that a statement took.
pub(super) fn taken(year: u16, outcomes: &mut Outcomes) -> Result<String, StoreError> {
    let taken: Vec<LastNumber> = outcomes.rows()?;
    let last = taken.first().map(|row| row.last_number);
    let last = last.ok_or_else(|| StoreError::Broken("no number was given".into()))?;
    Ok(student_number::format(year, last))
}

/// Students with the family name, and the date of birth or the parent's phone number.
pub(super) const STUDENTS_BY_NAME: &str = "select student_id, first_name, last_name, ifnull(dob = ?4, 0) as same_dob, \
     ?5 <> '' and replace(replace(parent_phone, ' ', ''), '-', '') = ?5 as same_phone from students \
     where last_name collate nocase in (?1, ?2, ?3) and (dob = ?4 \
     or ?5 <> '' and replace(replace(parent_phone, ' ', ''), '-', '') = ?5) order by student_id limit 20";

/// Looks by a statement for who may be the same person.
pub(super) fn namesakes(statement: &'static str, person: &Record, phone: &str) -> Statement {
    let name = records::text(person, "last_name");
    let dob = Some(records::text(person, "dob")).filter(|dob| !dob.is_empty());
    // `nocase` knows ASCII only: these cover the common ways of writing other letters.
    sql!(
        statement,
        name,
        name.to_lowercase(),
        name.to_uppercase(),
        dob,
        records::text(person, phone).replace([' ', '-'], ""),
    )
}

/// Fields whose changes are kept.
const KEPT: [&str; 3] = ["enrolment", "status", "form"];

/// Notes in the student's history what differs between the two forms of the record.
#[must_use]
pub fn note_changes(stamp: &Stamp<'_>, before: &Record, after: &Record) -> Batch {
    let mut batch = Batch::default();
    let value = |record: &Record, field: &str| {
        let value = record.get(field).and_then(serde_json::Value::as_str);
        value.map(str::to_owned)
    };
    for field in KEPT {
        let (old, new) = (value(before, field), value(after, field));
        if old == new {
            continue;
        }
        batch.push(sql!(
            "insert into student_history (id, student, field, old_value, new_value, reason, actor_name, changed_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            stamp.ids.next::<()>(),
            records::text(before, "id"),
            field,
            old,
            new,
            records::text(after, "reason"),
            &stamp.actor_name,
            stamp.now,
        ));
    }
    end_registrations(&mut batch, stamp, &[(before, after)]);
    batch
}

/// Ends the registrations in the present session of students who leave: who is gone takes no seat and no position. Graduates
/// finish their year.
pub(crate) fn end_registrations(
    batch: &mut Batch,
    stamp: &Stamp<'_>,
    changes: &[(&Record, &Record)],
) {
    let leaving = changes.iter().filter_map(|(before, after)| {
        let left = records::text(after, "enrolment");
        let leaves = records::text(before, "enrolment") == "active"
            && ["transferred", "dropped_out"].contains(&left);
        leaves.then(|| json!([records::text(before, "id"), left, stamp.ids.next::<()>()]))
    });
    let leaving = Json::Array(leaving.collect());
    if leaving.as_array().is_some_and(Vec::is_empty) {
        return;
    }
    batch.push(sql!(
        "insert into audit_logs (id, actor_kind, actor_id, actor_name, action, table_name, record_id, changes, ip_address, \
         request_id, timestamp) select json_extract(j.value, '$[2]'), ?2, ?3, ?4, ?8, 'student_sessions', r.id, \
         json_object('status', json_object('from', 'active', 'to', json_extract(j.value, '$[1]'))), ?5, ?6, ?7 \
         from json_each(?1) j join student_sessions r on r.student = json_extract(j.value, '$[0]') and r.status = 'active' \
         join academic_sessions s on s.id = r.session and s.is_active = 1",
        leaving.to_string(),
        stamp.kind.as_str(),
        stamp.actor_id.clone(),
        &stamp.actor_name,
        stamp.ip.clone(),
        &stamp.request_id,
        stamp.now,
        Action::Update.as_str(),
    ));
    batch.push(sql!(
        "update student_sessions as r set status = json_extract(j.value, '$[1]'), updated_at = ?2 \
         from json_each(?1) j, academic_sessions s where r.student = json_extract(j.value, '$[0]') \
         and r.status = 'active' and s.id = r.session and s.is_active = 1",
        leaving.to_string(),
        stamp.now,
    ));
}

/// A change of enrolment, of boarding or day, or of the form; or of an application's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The change.
    pub id: Id<()>,
    /// What changed.
    pub field: String,
    /// As it was.
    pub old_value: Option<String>,
    /// As it is since then.
    pub new_value: Option<String>,
    /// Why.
    pub reason: String,
    /// Who changed it, by the name of that time.
    pub actor_name: String,
    /// When.
    pub changed_at: Timestamp,
}

/// What a student's history can be ordered and filtered by.
pub static HISTORY: Listing = Listing {
    orderings: &[("changed_at", "h.changed_at")],
    default_ordering: "-changed_at",
    search: &[],
    filters: &[("field", FilterKind::Text, "h.field = ?")],
};

/// One page of a student's history.
pub async fn history(
    db: &TenantDb,
    student: Id<()>,
    request: &PageRequest,
) -> Result<Page<Change>, StoreError> {
    let source = Source {
        columns: "h.id, h.field, h.old_value, h.new_value, h.reason, h.actor_name, h.changed_at",
        from: "student_history h",
        condition: "true",
        key: "h.id",
    };
    let parent = Parent {
        exists: "select 1 from students where id = ?",
        condition: "h.student = ?",
        id: student,
    };
    list::fetch_within(&db.connection, &parent, &source, HISTORY.search, request).await
}

/// In no class of the session of this id; who left the session needs none.
const NOT_IN_SESSION: &str = "? in (select s.id from academic_sessions s where not exists \
     (select 1 from student_sessions r where r.student = t.id and r.session = s.id \
     and (r.academic_class is not null or r.status <> 'active')))";
/// In no class of the session that this set-up is of.
const NOT_IN_SETUP: &str = "? in (select u.id from session_setups u where not exists \
     (select 1 from student_sessions r where r.student = t.id and r.session = u.academic_session \
     and (r.academic_class is not null or r.status <> 'active')))";
/// In no class of the present session.
const NOT_IN_PRESENT: &str = "t.enrolment = 'active' and not exists (select 1 from student_sessions r \
     join academic_sessions s on s.id = r.session where r.student = t.id and s.is_active = 1 \
     and (r.academic_class is not null or r.status <> 'active'))";

/// What students without a class can be ordered, searched and filtered by.
pub static WITHOUT_SESSION: Listing = Listing {
    orderings: STUDENTS.listing.orderings,
    default_ordering: STUDENTS.listing.default_ordering,
    search: STUDENTS.listing.search,
    filters: &[
        ("session", FilterKind::Id, NOT_IN_SESSION),
        ("session_setup", FilterKind::Id, NOT_IN_SETUP),
        (
            "admission_year",
            FilterKind::Integer,
            "t.admission_year = ?",
        ),
        ("form", FilterKind::Id, "t.form = ?"),
        ("gender", FilterKind::Text, "t.gender = ?"),
        ("status", FilterKind::Text, "t.status = ?"),
    ],
};

/// One page of the students of the school who are in no class of a session: the present one where none is named.
pub async fn without_session(
    db: &TenantDb,
    request: &PageRequest,
) -> Result<Page<Record>, StoreError> {
    let names_one = request
        .filters
        .iter()
        .any(|(condition, _)| [NOT_IN_SESSION, NOT_IN_SETUP].contains(condition));
    let condition = if names_one {
        "t.enrolment = 'active'"
    } else {
        NOT_IN_PRESENT
    };
    crate::records::list_where(db, &STUDENTS, &Scope::default(), condition, request).await
}
