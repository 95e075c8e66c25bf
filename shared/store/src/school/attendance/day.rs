//! What is known of a day before attendance is entered on it.

use std::collections::BTreeMap;

use homeroom_domain::academics::attendance::{Holiday, LessonDays, Status};
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use super::DAYS_OFF;
use crate::{
    connection::{Outcomes, TenantDb},
    error::StoreError,
    rows,
    sql::{Statement, sql},
};

/// What is asked about: a day, perhaps a lesson, and who asks.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    /// `2026-01-31`.
    pub date: &'a str,
    /// The lesson.
    pub lesson: Option<&'a str>,
    /// The user who enters.
    pub user: Option<&'a str>,
}

/// A student or a class in a session.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// The student in the session, or the class.
    pub id: String,
    /// The class; none of a student who is in none.
    pub academic_class: Option<String>,
    /// Of a student: `active`, or what became of the student.
    pub status: Option<String>,
    /// When the session begins.
    pub start_date: Timestamp,
    /// When it ends.
    pub end_date: Timestamp,
    /// Whether the user leads the class, teaches it, or gives the lesson.
    #[serde(deserialize_with = "rows::flag")]
    pub own: bool,
}

/// A lesson of the timetable.
#[derive(Clone, Debug, Deserialize)]
pub struct Lesson {
    academic_class: String,
    weekday: u32,
    valid_from: String,
    valid_to: Option<String>,
    #[serde(deserialize_with = "rows::flag")]
    is_cancelled: bool,
}

impl Lesson {
    /// When it takes place.
    pub fn days(self) -> Result<LessonDays, StoreError> {
        Ok(LessonDays {
            valid_from: rows::date(&self.valid_from)?,
            valid_to: self.valid_to.as_deref().map(rows::date).transpose()?,
            academic_class: self.academic_class,
            weekday: self.weekday,
            is_cancelled: self.is_cancelled,
        })
    }
}

#[derive(Deserialize)]
struct HolidayRow {
    name: String,
    start_date: String,
    end_date: String,
}

#[derive(Deserialize)]
struct CodeRow {
    code: String,
    status: Status,
}

/// What is known of a student's day.
#[derive(Debug)]
pub struct StudentDay {
    /// The students that were asked about.
    pub places: Vec<Place>,
    /// Holidays on the day.
    pub holidays: Vec<Holiday>,
    /// The lesson, where it exists.
    pub lesson: Option<LessonDays>,
    /// What the code counts as, where it exists.
    pub code: Option<Status>,
}

/// An entry that is there already.
#[derive(Clone, Debug, Deserialize)]
pub struct Entered {
    /// The entry.
    pub id: String,
    /// The student in the session.
    pub student_session: String,
    /// How the student spent the day.
    pub status: Status,
    /// The code.
    pub code: Option<String>,
    /// Why.
    pub reason: String,
}

/// What is known of a class's day.
#[derive(Debug)]
pub struct ClassDay {
    /// The class, where it exists.
    pub place: Option<Place>,
    /// Holidays on the day.
    pub holidays: Vec<Holiday>,
    /// The lesson, where it exists.
    pub lesson: Option<LessonDays>,
    /// The school's codes.
    pub codes: BTreeMap<String, Status>,
    /// The class's students in the session, and whether each is active.
    pub students: BTreeMap<String, bool>,
    /// What was entered already, by student in the session.
    pub entered: BTreeMap<String, Entered>,
    /// Students in the session who have approved leave on the day.
    pub on_leave: Vec<String>,
}

/// Whether the user `?2` leads the class `a`, teaches it, or gives the lesson `?3`, perhaps only on the day `?4`; a lesson
/// of a former class, too.
const OWN: &str = "exists (select 1 from staff f where f.user_id = ?2 and f.is_active = 1 and (f.id = a.class_teacher \
     or exists (select 1 from subject_teachers x where x.academic_class = a.id and x.teacher = f.id) \
     or exists (select 1 from timetable m where m.id = ?3 and m.teacher = f.id) or exists (select 1 from substitutions z \
     where z.lesson = ?3 and z.teacher = f.id and ?4 between z.start_date and z.end_date)))";

/// Whether the lesson `m` is cancelled on the day `?1`.
pub(super) const CANCELLED: &str = "exists (select 1 from substitutions z where z.lesson = m.id and z.is_cancelled = 1 \
     and ?1 between z.start_date and z.end_date) as is_cancelled";

pub(crate) fn holidays_between(first: &str, last: &str) -> Statement {
    sql!(
        format!(
            "select name, start_date, end_date from {DAYS_OFF} where start_date <= ?2 and end_date >= ?1 \
             order by start_date"
        ),
        first,
        last
    )
}

pub(crate) fn take_holidays(outcomes: &mut Outcomes) -> Result<Vec<Holiday>, StoreError> {
    let read = |row: HolidayRow| {
        Ok(Holiday {
            name: row.name,
            days: rows::date(&row.start_date)?..=rows::date(&row.end_date)?,
        })
    };
    outcomes
        .rows::<HolidayRow>()?
        .into_iter()
        .map(read)
        .collect()
}

pub(super) fn take_lessons(outcomes: &mut Outcomes) -> Result<Vec<LessonDays>, StoreError> {
    let lessons: Vec<Lesson> = outcomes.rows()?;
    lessons.into_iter().map(Lesson::days).collect()
}

fn lesson(day: &Day<'_>) -> Statement {
    sql!(
        format!(
            "select m.academic_class, m.weekday, m.valid_from, m.valid_to, {CANCELLED} from timetable m where m.id = ?2"
        ),
        day.date,
        day.lesson
    )
}

/// What is known of a day of one student, or of two: the one whose entry it was and the one whose it will be.
pub async fn student_day(
    db: &TenantDb,
    day: &Day<'_>,
    student: &str,
    other: Option<&str>,
    code: Option<&str>,
) -> Result<StudentDay, StoreError> {
    let places = format!(
        "select s.id, s.academic_class, s.status, y.start_date, y.end_date, {OWN} as own from student_sessions s \
         join academic_sessions y on y.id = s.session left join academic_classes a on a.id = s.academic_class \
         where s.id in (?1, ?5)"
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(places, student, day.user, day.lesson, day.date, other),
            holidays_between(day.date, day.date),
            lesson(day),
            sql!(
                "select code, status from attendance_codes where code = ?1",
                code
            ),
        ])
        .await?;
    Ok(StudentDay {
        places: outcomes.rows()?,
        holidays: take_holidays(&mut outcomes)?,
        lesson: take_lessons(&mut outcomes)?.into_iter().next(),
        code: outcomes.rows::<CodeRow>()?.first().map(|row| row.status),
    })
}

/// What is known of a day of a whole class.
pub async fn class_day(
    db: &TenantDb,
    day: &Day<'_>,
    academic_class: &str,
) -> Result<ClassDay, StoreError> {
    #[derive(Deserialize)]
    struct Student {
        id: String,
        #[serde(deserialize_with = "rows::flag")]
        active: bool,
        #[serde(deserialize_with = "rows::flag")]
        on_leave: bool,
    }
    let place = format!(
        "select a.id, a.id as academic_class, null as status, y.start_date, y.end_date, {OWN} as own \
         from academic_classes a join academic_sessions y on y.id = a.session where a.id = ?1"
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(place, academic_class, day.user, day.lesson, day.date),
            holidays_between(day.date, day.date),
            lesson(day),
            sql!("select code, status from attendance_codes"),
            sql!(
                "select s.id, s.status = 'active' as active, exists (select 1 from leave_applications v \
                 where v.student = s.student and v.status = 'approved' and v.start_date <= ?2 and v.end_date >= ?2) \
                 as on_leave from student_sessions s where s.academic_class = ?1",
                academic_class,
                day.date
            ),
            sql!(
                "select e.id, e.student_session, e.status, e.code, e.reason from student_sessions s \
                 join attendance e on e.student_session = s.id and e.date = ?2 and ifnull(e.lesson, '') = ?3 \
                 where s.academic_class = ?1",
                academic_class,
                day.date,
                day.lesson.unwrap_or_default()
            ),
        ])
        .await?;
    let place = outcomes.rows()?.into_iter().next();
    let holidays = take_holidays(&mut outcomes)?;
    let lesson = take_lessons(&mut outcomes)?.into_iter().next();
    let codes = outcomes.rows::<CodeRow>()?;
    let students: Vec<Student> = outcomes.rows()?;
    let entered: Vec<Entered> = outcomes.rows()?;
    let on_leave = students.iter().filter(|student| student.on_leave);
    Ok(ClassDay {
        place,
        holidays,
        lesson,
        codes: codes
            .into_iter()
            .map(|row| (row.code, row.status))
            .collect(),
        on_leave: on_leave.map(|student| student.id.clone()).collect(),
        students: students
            .into_iter()
            .map(|student| (student.id, student.active))
            .collect(),
        entered: entered
            .into_iter()
            .map(|entry| (entry.student_session.clone(), entry))
            .collect(),
    })
}
