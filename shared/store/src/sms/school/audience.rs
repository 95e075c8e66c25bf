//! Whom a school writes to: the guardians of students, each with each of them.

use homeroom_kernel::Id;
use serde::Deserialize;
use serde_json::json;

use crate::{connection::TenantDb, error::StoreError, rows, school::names::student_name, sql::sql};

/// Pairs of guardian and student that are looked at; a school that has more writes to a part of it.
pub const MAX_PAIRS: usize = 6_000;

/// Whom to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The guardians of every student who is at the school.
    Everyone,
    /// Of the students of these classes of a session.
    Classes(Vec<Id<()>>),
    /// Of the students of these forms.
    Forms(Vec<Id<()>>),
    /// Of these students.
    Students(Vec<Id<()>>),
    /// Of the students of these registrations in a session.
    Registrations(Vec<Id<()>>),
    /// These guardians.
    Guardians(Vec<Id<()>>),
}

/// A guardian with a student, or one of them without the other.
#[derive(Clone, Debug, Deserialize)]
pub struct Pair {
    /// The student.
    pub student: Option<Id<()>>,
    /// The student's name, family name last.
    pub student_name: Option<String>,
    /// The class in the active session.
    pub class_name: Option<String>,
    /// The guardian.
    pub guardian: Option<Id<()>>,
    /// The guardian's name, family name last.
    pub guardian_name: Option<String>,
    /// The guardian's phone number.
    pub phone_number: Option<String>,
    /// Whether the guardian agreed to text messages.
    #[serde(deserialize_with = "rows::flag")]
    pub agrees: bool,
}

/// What an audience is.
#[derive(Clone, Debug)]
pub struct Found {
    /// At most one more than [`MAX_PAIRS`], by student and by guardian.
    pub pairs: Vec<Pair>,
    /// Of what was named, what does not exist.
    pub missing: Vec<String>,
}

const STUDENT_NAME: &str = student_name!("p");
/// The class of a student in the active session.
const CLASS_NAME: &str = "(select k.name from student_sessions s join academic_sessions y on y.id = s.session \
     join academic_classes a on a.id = s.academic_class join classes k on k.id = a.class \
     where s.student = p.id and s.status = 'active' and y.is_active = 1)";
const AGREES: &str = "ifnull(g.consent ->> '$.sms', 0)";

/// Finds whom to write to; with `primary_only`, only those guardians who are called first.
pub async fn find(
    db: &TenantDb,
    audience: &Audience,
    primary_only: bool,
) -> Result<Found, StoreError> {
    #[derive(Deserialize)]
    struct Missing {
        id: String,
    }
    let none = Vec::new();
    let in_class = "exists (select 1 from student_sessions s where s.student = p.id and s.status = 'active' \
         and s.academic_class in (select value from json_each(?1)))";
    let in_form = "p.enrolment = 'active' and (p.form in (select value from json_each(?1)) or exists \
         (select 1 from student_sessions s join academic_sessions y on y.id = s.session \
         join academic_classes a on a.id = s.academic_class join classes k on k.id = a.class \
         where s.student = p.id and s.status = 'active' and y.is_active = 1 \
         and k.form in (select value from json_each(?1))))";
    let (ids, table, condition) = match audience {
        Audience::Everyone => (
            &none,
            "students",
            "?1 is not null and p.enrolment = 'active'",
        ),
        Audience::Classes(ids) => (ids, "academic_classes", in_class),
        Audience::Forms(ids) => (ids, "forms", in_form),
        Audience::Students(ids) => (
            ids,
            "students where erased_at is null",
            "p.id in (select value from json_each(?1))",
        ),
        Audience::Registrations(ids) => (
            ids,
            "student_sessions",
            "p.id in (select s.student from student_sessions s where s.id in (select value from json_each(?1)))",
        ),
        Audience::Guardians(ids) => (
            ids,
            "guardians",
            "g.id in (select value from json_each(?1))",
        ),
    };
    let primary = if primary_only {
        "and l.is_primary = 1"
    } else {
        ""
    };
    let from = match audience {
        Audience::Guardians(_) => format!(
            "guardians g left join student_guardians l on l.guardian = g.id {primary} \
             left join students p on p.id = l.student and p.enrolment = 'active'"
        ),
        _ => format!(
            "students p left join student_guardians l on l.student = p.id {primary} \
             left join guardians g on g.id = l.guardian"
        ),
    };
    let named = json!(ids).to_string();
    let pairs = format!(
        "select p.id as student, {STUDENT_NAME} as student_name, {CLASS_NAME} as class_name, g.id as guardian, \
         g.first_name || ' ' || g.last_name as guardian_name, g.phone_number, {AGREES} as agrees from {from} \
         where {condition} and p.erased_at is null order by p.last_name collate nocase, p.first_name collate nocase, p.id, g.id limit ?2"
    );
    let missing = format!(
        "select value as id from json_each(?1) where value not in (select id from {table})"
    );
    let limit = i64::try_from(MAX_PAIRS + 1).unwrap_or(i64::MAX);
    let statements = vec![sql!(missing, &named), sql!(pairs, &named, limit)];
    let mut outcomes = db.connection.batch(statements).await?;
    let missing: Vec<Missing> = outcomes.rows()?;
    Ok(Found {
        missing: missing.into_iter().map(|row| row.id).collect(),
        pairs: outcomes.rows()?,
    })
}

/// One guardian, with a student where one is named.
pub async fn find_one(
    db: &TenantDb,
    guardian: Id<()>,
    student: Option<Id<()>>,
) -> Result<Option<Pair>, StoreError> {
    let text = format!(
        "select p.id as student, {STUDENT_NAME} as student_name, {CLASS_NAME} as class_name, g.id as guardian, \
         g.first_name || ' ' || g.last_name as guardian_name, g.phone_number, {AGREES} as agrees from guardians g \
         left join student_guardians l on l.guardian = g.id and l.student = ?2 \
         left join students p on p.id = l.student where g.id = ?1"
    );
    db.connection.first(sql!(text, guardian, student)).await
}

/// The guardian whose number this is, written with a plus.
pub async fn find_by_number(db: &TenantDb, number: &str) -> Result<Option<Pair>, StoreError> {
    let text = format!(
        "select null as student, null as student_name, null as class_name, g.id as guardian, \
         g.first_name || ' ' || g.last_name as guardian_name, g.phone_number, {AGREES} as agrees \
         from guardians g where g.phone_number in (?1, ltrim(?1, '+'))"
    );
    db.connection.first(sql!(text, number)).await
}
