//! Lessons for a calendar.

use homeroom_domain::academics::attendance::Holiday;
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use super::conflicts::minutes;
use crate::{
    connection::TenantDb, error::StoreError, school::attendance::take_holidays,
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

/// `?1` is the user.
const OWN: &str = "t.teacher in (select f.id from staff f where f.user_id = ?1) or t.academic_class in (\
     select reg.academic_class from student_sessions reg where reg.status = 'active' and reg.student in (\
     select p.id from students p where p.user = ?1 union all \
     select g.student from guardians w join student_guardians g on g.guardian = w.id where w.user = ?1))";

const TEACHER: &str = staff_name!("t.teacher");

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
            "t.academic_class = ?1",
        ),
        Whose::Teacher(id) => (
            id,
            concat!(
                "select ",
                staff_name!("w.id"),
                " as name from staff w where w.id = ?1"
            ),
            "t.teacher = ?1",
        ),
        Whose::User(id) => (
            id,
            "select trim(u.first_name || ' ' || u.last_name) as name from users u where u.id = ?1",
            OWN,
        ),
    };
    let lessons = format!(
        "select t.id, a.session, c.name as class_name, x.name as subject_name, {TEACHER} as teacher_name, t.room, t.weekday, \
         t.starts_at, t.ends_at, t.valid_from, t.valid_to, t.revision, t.updated_at, y.start_date as session_start, \
         y.end_date as session_end from timetable t join academic_classes a on a.id = t.academic_class \
         join academic_sessions y on y.id = a.session join classes c on c.id = a.class \
         join subjects x on x.id = t.subject where {condition} order by t.id"
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
