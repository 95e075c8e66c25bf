//! Lessons for a calendar.

use homeroom_domain::academics::attendance::Holiday;
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use super::conflicts::minutes;
use crate::{
    connection::TenantDb, error::StoreError, rows, school::attendance::take_holidays,
    school::names::staff_name, sql::sql,
};

/// Whose lessons.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// A class's.
    Class(&'a str),
    /// A teacher's.
    Teacher(&'a str),
    /// A user's own: those that the user gives, or takes part in as a student, or whose children take part in them.
    User(&'a str),
}

/// A lesson for a calendar.
#[derive(Clone, Debug, Deserialize)]
pub struct CalendarLesson {
    /// The lesson.
    pub id: String,
    /// The session of its class.
    pub session: String,
    /// The name of the class.
    pub class_name: String,
    /// The name of the subject.
    pub subject_name: String,
    /// The teacher's name.
    pub teacher_name: String,
    /// The room; may be empty.
    pub room: String,
    /// 1 is Monday.
    pub weekday: u32,
    starts_at: String,
    ends_at: String,
    /// The first day.
    pub valid_from: String,
    /// The last day, if it has one of its own.
    pub valid_to: Option<String>,
    /// How often it was changed.
    pub revision: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When its session begins.
    pub session_start: Timestamp,
    /// When its session ends.
    pub session_end: Timestamp,
    /// From when to when it is given otherwise, each of which is a lesson of its own here.
    #[serde(deserialize_with = "rows::json")]
    pub without: Vec<(String, String)>,
}

impl CalendarLesson {
    /// Start and end in minutes since midnight.
    #[must_use]
    pub fn minutes(&self) -> (u16, u16) {
        (minutes(&self.starts_at), minutes(&self.ends_at))
    }
}

/// A term of a session.
#[derive(Clone, Debug, Deserialize)]
pub struct CalendarTerm {
    /// The session.
    pub session: String,
    /// The first day.
    pub start_date: String,
    /// The last day.
    pub end_date: String,
}

/// What a calendar is made of.
#[derive(Debug)]
pub struct CalendarFacts {
    /// The name of the class or person, where there is such a one.
    pub name: Option<String>,
    /// The lessons.
    pub lessons: Vec<CalendarLesson>,
    /// All terms.
    pub terms: Vec<CalendarTerm>,
    /// All holidays.
    pub holidays: Vec<Holiday>,
}

macro_rules! instead {
    () => {
        "select z.id, l.academic_class, l.subject, {teacher}, ifnull(z.room, l.room), l.weekday, l.starts_at, l.ends_at, \
         max(l.valid_from, z.start_date), min(ifnull(l.valid_to, z.end_date), z.end_date), l.revision, l.updated_at, '[]' \
         from substitutions z join timetable l on l.id = z.lesson where z.is_cancelled = 0 and ({whose})"
    };
}

/// What takes place, where `{whose}` holds of `{teacher}` and `{class}`: the lessons of every week, and what is given instead of
/// them on some days. The condition is within each part, and each teacher is one column's, so that indexes find them.
const GIVEN: [[&str; 2]; 3] = [
    [
        "l.teacher",
        "select l.id, l.academic_class, l.subject, {teacher} as teacher, l.room, l.weekday, l.starts_at, l.ends_at, l.valid_from, \
         l.valid_to, l.revision, l.updated_at, (select json_group_array(json_array(z.start_date, z.end_date)) \
         from substitutions z where z.lesson = l.id) as without from timetable l where ({whose})",
    ],
    [
        "z.teacher",
        concat!(instead!(), " and z.teacher is not null"),
    ],
    ["l.teacher", concat!(instead!(), " and z.teacher is null")],
];

/// `?1` is the user.
const OWN: &str = "{teacher} in (select f.id from staff f where f.user_id = ?1) or {class} in (\
     select reg.academic_class from student_sessions reg where reg.status = 'active' and reg.student in (\
     select p.id from students p where p.user = ?1 union all \
     select g.student from guardians w join student_guardians g on g.guardian = w.id where w.user = ?1))";

const TEACHER: &str = staff_name!("given.teacher");

/// The lessons of a class or a person.
pub async fn calendar(db: &TenantDb, whose: Whose<'_>) -> Result<CalendarFacts, StoreError> {
    #[derive(Deserialize)]
    struct Name {
        name: String,
    }
    let (id, name, condition) = match whose {
        Whose::Class(id) => (
            id,
            "select c.name from academic_classes a join classes c on c.id = a.class where a.id = ?1",
            "{class} = ?1",
        ),
        Whose::Teacher(id) => (
            id,
            concat!(
                "select ",
                staff_name!("w.id"),
                " as name from staff w where w.id = ?1"
            ),
            "{teacher} = ?1",
        ),
        Whose::User(id) => (
            id,
            "select trim(u.first_name || ' ' || u.last_name) as name from users u where u.id = ?1",
            OWN,
        ),
    };
    let given = GIVEN.map(|[teacher, part]| {
        part.replace("{whose}", condition)
            .replace("{teacher}", teacher)
            .replace("{class}", "l.academic_class")
    });
    let lessons = format!(
        "select given.*, a.session, c.name as class_name, x.name as subject_name, {TEACHER} as teacher_name, \
         y.start_date as session_start, y.end_date as session_end from ({}) given \
         join academic_classes a on a.id = given.academic_class join academic_sessions y on y.id = a.session \
         join classes c on c.id = a.class join subjects x on x.id = given.subject order by given.id",
        given.join(" union all ")
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(name, id),
            sql!(lessons, id),
            sql!("select session, start_date, end_date from terms order by start_date"),
            sql!("select name, start_date, end_date from holidays order by start_date"),
        ])
        .await?;
    Ok(CalendarFacts {
        name: outcomes
            .rows::<Name>()?
            .into_iter()
            .next()
            .map(|row| row.name),
        lessons: outcomes.rows()?,
        terms: outcomes.rows()?,
        holidays: take_holidays(&mut outcomes)?,
    })
}
