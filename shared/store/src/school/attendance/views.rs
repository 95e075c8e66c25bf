//! Attendance as schools look at it: a month of a class, the sums of a term, and what is missing.

use homeroom_domain::academics::attendance::{Holiday, LessonDays, Status};
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use super::{
    STUDENT_NAME,
    day::{CANCELLED, holidays_between, take_holidays, take_lessons},
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    rows,
    school::{names::staff_name, timetable::GIVEN},
    sql::sql,
};

/// A student of a class or a term.
#[derive(Clone, Debug, Deserialize)]
pub struct Pupil {
    /// The student in the session.
    pub student_session: String,
    /// The student.
    pub student: String,
    /// The school's number.
    pub student_id: String,
    /// The name, family name last.
    pub student_name: String,
    /// Whether the student is active in the session.
    #[serde(deserialize_with = "rows::flag")]
    pub is_active: bool,
}

/// An entry of a month.
#[derive(Clone, Debug, Deserialize)]
pub struct SheetMark {
    /// The student in the session.
    pub student_session: String,
    /// The day.
    pub date: String,
    /// How it was spent.
    pub status: Status,
}

/// A month of a class.
#[derive(Debug)]
pub struct SheetFacts {
    /// The name of the class, where it exists.
    pub class_name: Option<String>,
    /// Its students, by name.
    pub pupils: Vec<Pupil>,
    /// Their entries.
    pub marks: Vec<SheetMark>,
    /// The holidays of the month.
    pub holidays: Vec<Holiday>,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

const TEACHER: &str = staff_name!("a.class_teacher");
const LESSON_TEACHER: &str = staff_name!("ifnull(z.teacher, m.teacher)");

fn pupil_columns() -> String {
    format!(
        "s.id as student_session, s.student, p.student_id, {STUDENT_NAME} as student_name, s.status = 'active' as is_active"
    )
}

const BY_NAME: &str = "p.last_name collate nocase, p.first_name collate nocase, s.id";

/// A month of a class, of whole days or of one lesson.
pub async fn sheet(
    db: &TenantDb,
    academic_class: &str,
    (first, last): (&str, &str),
    lesson: Option<&str>,
) -> Result<SheetFacts, StoreError> {
    let pupils = format!(
        "select {} from student_sessions s join students p on p.id = s.student where s.academic_class = ?1 \
         order by {BY_NAME}",
        pupil_columns()
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(
                "select c.name from academic_classes a join classes c on c.id = a.class where a.id = ?1",
                academic_class
            ),
            sql!(pupils, academic_class),
            sql!(
                "select e.student_session, e.date, e.status from student_sessions s join attendance e \
                 on e.student_session = s.id and e.date between ?2 and ?3 and ifnull(e.lesson, '') = ?4 \
                 where s.academic_class = ?1",
                academic_class,
                first,
                last,
                lesson.unwrap_or_default()
            ),
            holidays_between(first, last),
        ])
        .await?;
    Ok(SheetFacts {
        class_name: outcomes
            .rows::<Name>()?
            .into_iter()
            .next()
            .map(|row| row.name),
        pupils: outcomes.rows()?,
        marks: outcomes.rows()?,
        holidays: take_holidays(&mut outcomes)?,
    })
}

/// Whose attendance is summed up.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// One student's.
    Student(&'a str),
    /// A whole class's.
    Class(&'a str),
}

/// A term's days.
#[derive(Clone, Debug, Deserialize)]
pub struct TermDays {
    /// The first.
    pub start_date: String,
    /// The last.
    pub end_date: String,
}

/// How often a student had a status.
#[derive(Clone, Debug, Deserialize)]
pub struct Counted {
    /// The student in the session.
    pub student_session: String,
    /// Whether these are lessons and not whole days.
    #[serde(deserialize_with = "rows::flag")]
    pub lesson: bool,
    /// The status.
    pub status: Status,
    /// How often.
    pub times: u32,
}

/// The sums of a term.
#[derive(Debug)]
pub struct SummaryFacts {
    /// The term, where it exists.
    pub term: Option<TermDays>,
    /// Whether the student or class exists.
    pub exists: bool,
    /// The students, by name.
    pub pupils: Vec<Pupil>,
    /// Their counts.
    pub counts: Vec<Counted>,
}

/// The sums of a term up to a day.
pub async fn summary(
    db: &TenantDb,
    whose: Whose<'_>,
    term: &str,
    today: &str,
) -> Result<SummaryFacts, StoreError> {
    let (id, table, condition) = match whose {
        Whose::Student(id) => (id, "students", "s.student = ?1"),
        Whose::Class(id) => (id, "academic_classes", "s.academic_class = ?1"),
    };
    let exists = format!("select 1 as found from {table} where id = ?1");
    let pupils = format!(
        "select {} from terms q join student_sessions s on {condition} and s.session = q.session \
         join students p on p.id = s.student where q.id = ?2 order by {BY_NAME}",
        pupil_columns()
    );
    let counts = format!(
        "select e.student_session, e.lesson is not null as lesson, e.status, count(*) as times from terms q \
         join student_sessions s on {condition} and s.session = q.session join attendance e \
         on e.student_session = s.id and e.date between q.start_date and min(q.end_date, ?3) \
         where q.id = ?2 group by e.student_session, lesson, e.status"
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!("select start_date, end_date from terms where id = ?1", term),
            sql!(exists, id),
            sql!(pupils, id, term),
            sql!(counts, id, term, today),
        ])
        .await?;
    Ok(SummaryFacts {
        term: outcomes.rows()?.into_iter().next(),
        exists: !outcomes.rows::<serde_json::Value>()?.is_empty(),
        pupils: outcomes.rows()?,
        counts: outcomes.rows()?,
    })
}

/// A class on a day.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassEntry {
    /// The class in the session.
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// Who leads it.
    pub class_teacher: Option<String>,
    /// The name of who leads it.
    pub class_teacher_name: Option<String>,
    /// How many active students it has.
    pub size: u32,
    /// How many of them have an entry on the day.
    pub entered: u32,
    /// When its session begins.
    pub start_date: Timestamp,
    /// When its session ends.
    pub end_date: Timestamp,
}

/// The classes of a day.
#[derive(Debug)]
pub struct ClassesOfDay {
    /// The classes of sessions around the day, by name.
    pub classes: Vec<ClassEntry>,
    /// Holidays on the day.
    pub holidays: Vec<Holiday>,
    /// Lessons on a weekend.
    pub lessons: Vec<LessonDays>,
}

/// A lesson on a day.
#[derive(Clone, Debug, Deserialize)]
pub struct LessonEntry {
    /// The lesson.
    pub lesson: String,
    /// The class in the session.
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// The subject.
    pub subject: String,
    /// Its name.
    pub subject_name: String,
    /// Who gives the lesson.
    pub teacher: String,
    /// The teacher's name.
    pub teacher_name: String,
    /// When it starts.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// How many active students the class has.
    pub size: u32,
    /// How many of them have an entry of the lesson, or were absent or excused all day.
    pub entered: u32,
    /// When its session begins.
    pub start_date: Timestamp,
    /// When its session ends.
    pub end_date: Timestamp,
}

/// The lessons of a day, by the time at which they start, and how far their attendance is entered.
pub async fn missing_lessons(
    db: &TenantDb,
    date: &str,
) -> Result<(Vec<LessonEntry>, Vec<Holiday>), StoreError> {
    let lessons = format!(
        "select m.id as lesson, m.academic_class, c.name as class_name, m.subject, \
         (select x.name from subjects x where x.id = m.subject) as subject_name, \
         ifnull(z.teacher, m.teacher) as teacher, {LESSON_TEACHER} as teacher_name, m.starts_at, m.ends_at, \
         (select count(*) from student_sessions s where s.academic_class = a.id and s.status = 'active') as size, \
         (select count(*) from student_sessions s where s.academic_class = a.id and s.status = 'active' \
         and exists (select 1 from attendance e where e.student_session = s.id and e.date = ?1 and (e.lesson = m.id \
         or e.lesson is null and e.status in ('absent', 'excused')))) as entered, \
         y.start_date, y.end_date from {GIVEN} order by m.starts_at, c.name collate nocase, m.id"
    );
    let mut outcomes = db
        .connection
        .batch(vec![sql!(lessons, date), holidays_between(date, date)])
        .await?;
    Ok((outcomes.rows()?, take_holidays(&mut outcomes)?))
}

/// The classes of a day, and how far their attendance is entered. `around` is a moment within the day.
pub async fn missing(
    db: &TenantDb,
    date: &str,
    around: Timestamp,
) -> Result<ClassesOfDay, StoreError> {
    let classes = format!(
        "select a.id as academic_class, c.name as class_name, a.class_teacher, \
         {TEACHER} as class_teacher_name, \
         (select count(*) from student_sessions s where s.academic_class = a.id and s.status = 'active') as size, \
         (select count(*) from student_sessions s where s.academic_class = a.id and s.status = 'active' \
         and exists (select 1 from attendance e where e.student_session = s.id and e.date = ?1)) as entered, \
         y.start_date, y.end_date from academic_sessions y join academic_classes a on a.session = y.id \
         join classes c on c.id = a.class where y.start_date <= ?2 and y.end_date >= ?3 \
         order by c.name collate nocase, a.id"
    );
    let day = 86_400;
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(classes, date, around.plus_seconds(day), around.plus_seconds(-day)),
            holidays_between(date, date),
            sql!(
                format!(
                    "select m.academic_class, m.weekday, m.valid_from, m.valid_to, {CANCELLED} from timetable m \
                     where m.weekday > 5 and m.weekday = strftime('%w', ?1) + iif(strftime('%w', ?1) = '0', 7, 0)"
                ),
                date
            ),
        ])
        .await?;
    Ok(ClassesOfDay {
        classes: outcomes.rows()?,
        holidays: take_holidays(&mut outcomes)?,
        lessons: take_lessons(&mut outcomes)?,
    })
}
