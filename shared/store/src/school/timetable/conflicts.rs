//! What a lesson may conflict with.

use homeroom_domain::{
    academics::timetable::Entry,
    records::{Record, text},
};
use homeroom_kernel::Timestamp;
use serde::Deserialize;

use super::{
    last_day,
    substitutions::{Taken, taken_by},
};
use crate::{
    connection::TenantDb,
    error::StoreError,
    rows,
    school::names::{class_name, staff_name},
    sql::{Value, sql},
};

const CLASS: &str = class_name!("t.academic_class");
const TEACHER: &str = staff_name!("t.teacher");

/// A lesson at the same time that shares class, teacher or room.
#[derive(Clone, Debug, Deserialize)]
pub struct Rival {
    /// The lesson.
    pub id: String,
    /// The class.
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// The name of the subject.
    pub subject_name: String,
    /// The teacher.
    pub teacher: String,
    /// The teacher's name.
    pub teacher_name: String,
    /// The room; may be empty.
    pub room: String,
    /// 1 is Monday.
    pub weekday: u8,
    /// When it starts.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// The first day.
    pub valid_from: String,
    /// The last day, the end of the session where it has none of its own.
    pub valid_to: String,
}

impl Rival {
    /// As the domain compares it.
    pub fn entry(&self) -> Result<Entry, StoreError> {
        Ok(Entry {
            id: self.id.clone(),
            academic_class: self.academic_class.clone(),
            teacher: self.teacher.clone(),
            room: Some(self.room.clone()).filter(|room| !room.is_empty()),
            weekday: self.weekday,
            starts_at: minutes(&self.starts_at),
            ends_at: minutes(&self.ends_at),
            valid_from: rows::date(&self.valid_from)?,
            valid_to: Some(rows::date(&self.valid_to)?),
        })
    }
}

/// What lies around a lesson that is to be written.
#[derive(Debug)]
pub struct Surroundings {
    /// The lesson as the domain compares it.
    pub entry: Entry,
    /// When the session of the class begins and ends, where there is such a class.
    pub session: Option<(Timestamp, Timestamp)>,
    /// Whether the class has a teacher for the subject.
    pub is_taught: bool,
    /// Lessons at the same time that share class, teacher or room.
    pub rivals: Vec<Rival>,
    /// What it would take on days on which something is given otherwise than every week; the first few.
    pub taken: Vec<Taken>,
}

/// Minutes since midnight of a checked time of day.
pub(super) fn minutes(time: &str) -> u16 {
    let mut parts = time.split(':').map(|part| part.parse().unwrap_or(0u16));
    let hours = parts.next().unwrap_or(0);
    hours * 60 + parts.next().unwrap_or(0)
}

/// What lies around a lesson that is to be written.
pub async fn surroundings(db: &TenantDb, lesson: &Record) -> Result<Surroundings, StoreError> {
    #[derive(Deserialize)]
    struct Around {
        last: Option<String>,
        begins: Option<Timestamp>,
        ends: Option<Timestamp>,
        #[serde(deserialize_with = "rows::flag")]
        is_taught: bool,
    }
    const AROUND: &str = concat!(
        "select ",
        last_day!("t"),
        " as last, y.start_date as begins, y.end_date as ends, exists (select 1 from subject_teachers x where x.academic_class = t.academic_class \
         and x.subject = t.subject) as is_taught from (select ?1 as academic_class, ?2 as subject, ?3 as valid_to) t \
         left join academic_classes a on a.id = t.academic_class left join academic_sessions y on y.id = a.session"
    );
    const LAST: &str = last_day!("t");
    let rivals = format!(
        "select t.id, t.academic_class, {CLASS} as class_name, (select x.name from subjects x where x.id = t.subject) \
         as subject_name, t.teacher, {TEACHER} as teacher_name, t.room, \
         t.weekday, t.starts_at, t.ends_at, t.valid_from, {LAST} as valid_to from timetable t \
         where t.weekday = ?1 and t.starts_at < ?3 and ?2 < t.ends_at and t.id <> ?4 \
         and (t.academic_class = ?5 or t.teacher = ?6 or (t.room <> '' and t.room = ?7)) order by t.starts_at, t.id"
    );
    let field = |name: &str| text(lesson, name);
    let weekday = lesson.get("weekday").and_then(serde_json::Value::as_i64);
    let valid_to = Some(field("valid_to")).filter(|day| !day.is_empty());
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(AROUND, field("academic_class"), field("subject"), valid_to),
            sql!(
                rivals,
                Value::from(weekday),
                field("starts_at"),
                field("ends_at"),
                field("id"),
                field("academic_class"),
                field("teacher"),
                field("room"),
            ),
            taken_by(lesson),
        ])
        .await?;
    let around: Option<Around> = outcomes.rows()?.into_iter().next();
    let last = around.as_ref().and_then(|around| around.last.as_deref());
    Ok(Surroundings {
        session: around
            .as_ref()
            .and_then(|around| around.begins.zip(around.ends)),
        entry: Entry {
            id: field("id").to_owned(),
            academic_class: field("academic_class").to_owned(),
            teacher: field("teacher").to_owned(),
            room: Some(field("room").to_owned()).filter(|room| !room.is_empty()),
            weekday: weekday.and_then(|day| u8::try_from(day).ok()).unwrap_or(0),
            starts_at: minutes(field("starts_at")),
            ends_at: minutes(field("ends_at")),
            valid_from: rows::date(field("valid_from"))?,
            valid_to: last.map(rows::date).transpose()?,
        },
        is_taught: around.is_some_and(|around| around.is_taught),
        rivals: outcomes.rows()?,
        taken: outcomes.rows()?,
    })
}
