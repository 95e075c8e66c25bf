//! Lessons that are given differently on some days, and the days of a school as they take place.

use homeroom_domain::academics::attendance::Holiday;
use homeroom_domain::records::{Field, Kind, Literal, Record, flag, text};
use homeroom_kernel::{Listing, Timestamp, page::FilterKind};
use serde::Deserialize;

use super::last_day;
use crate::{
    batch::{Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    records::{Rule, Table},
    rows,
    school::{
        attendance::{holidays_between, take_holidays},
        names::{class_name, staff_name},
    },
    sql::{Statement, Value, sql},
};

const NAME: Kind = Kind::Text { min: 1, max: 300 };

/// The days `d.day` on which a lesson `t` as it is given and another, `o`, want the same teacher or room, where either is
/// given otherwise than every week. The first text selects the lesson; the second says which substitutions it has. Lessons of
/// other years, and those that are given every week alike, are left out before days are looked at.
macro_rules! taken {
    ($mine:expr, $own:literal, $columns:expr) => {
        concat!(
            "with recursive mine as (",
            $mine,
            "), days (day) as (select date(mine.valid_from, 'weekday ' || (mine.weekday % 7)) from mine \
             union all select date(day, '+7 day') from days where day < (select ",
            last_day!("mine"),
            " from mine)) select ",
            $columns,
            " from mine t cross join timetable o on o.weekday = t.weekday and o.id <> t.id and o.starts_at < t.ends_at \
             and t.starts_at < o.ends_at and (exists (select 1 from ",
            $own,
            " s where s.lesson = t.id) or exists (select 1 from substitutions s where s.lesson = o.id)) and o.valid_from <= ",
            last_day!("t"),
            " and t.valid_from <= ",
            last_day!("o"),
            " cross join days d on d.day between o.valid_from and ",
            last_day!("o"),
            " and d.day <= ",
            last_day!("t"),
            " left join ",
            $own,
            " w on w.lesson = t.id and d.day between w.start_date and w.end_date \
             left join substitutions v on v.lesson = o.id and d.day between v.start_date and v.end_date \
             where (w.id is not null or v.id is not null) and ifnull(w.is_cancelled, 0) = 0 and ifnull(v.is_cancelled, 0) = 0 \
             and (ifnull(w.teacher, t.teacher) = ifnull(v.teacher, o.teacher) \
             or (ifnull(w.room, t.room) <> '' and ifnull(w.room, t.room) = ifnull(v.room, o.room)))"
        )
    };
}

/// A lesson of the timetable, as `taken!` asks for it.
macro_rules! stored {
    ($id:literal) => {
        concat!(
            "select id, academic_class, teacher, room, weekday, starts_at, ends_at, valid_from, valid_to \
             from timetable where id = ",
            $id
        )
    };
}

/// What [`Taken`] says.
macro_rules! what_is_taken {
    () => {
        concat!(
            "d.day, o.id as lesson, ",
            class_name!("o.academic_class"),
            " as class_name, (select x.name from subjects x where x.id = o.subject) as subject_name, ",
            staff_name!("ifnull(v.teacher, o.teacher)"),
            " as teacher_name, ifnull(w.teacher, t.teacher) = ifnull(v.teacher, o.teacher) as is_teacher, \
             ifnull(v.room, o.room) as room, o.starts_at, o.ends_at"
        )
    };
}

/// Whether lesson `?1` as it is given takes what another one as it is given has.
pub const TAKEN: &str = concat!("exists (", taken!(stored!("?1"), "substitutions", "1"), ")");

/// Lessons that are given differently on some days.
pub static SUBSTITUTIONS: Table = Table {
    name: "substitutions",
    fields: &[
        Field::required(
            "lesson",
            Kind::Reference("timetable"),
            "The lesson of the timetable.",
        ),
        Field::shown("class_name", NAME, "The name of the class."),
        Field::shown("subject_name", NAME, "The name of the subject."),
        Field::shown(
            "usual_teacher_name",
            NAME,
            "Who gives the lesson otherwise.",
        ),
        Field::required("start_date", Kind::Date, "The first day."),
        Field::required(
            "end_date",
            Kind::Date,
            "The last day; at most 366 days in all.",
        ),
        Field::nullable(
            "teacher",
            Kind::Reference("staff"),
            "Who gives the lesson on these days; null: as in the timetable.",
        ),
        Field::shown_or_null("teacher_name", NAME, "The name of who gives it."),
        Field::nullable(
            "room",
            Kind::Text { min: 1, max: 100 },
            "Where it is given on these days; null: as in the timetable.",
        ),
        Field::or(
            "is_cancelled",
            Kind::Boolean,
            Literal::Boolean(false),
            "Whether it does not take place on these days.",
        ),
        Field::or(
            "reason",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "Why.",
        ),
    ],
    computed: &[
        (
            "class_name",
            concat!(
                "(select ",
                class_name!("m.academic_class"),
                " from timetable m where m.id = t.lesson)"
            ),
        ),
        (
            "subject_name",
            "(select x.name from timetable m join subjects x on x.id = m.subject where m.id = t.lesson)",
        ),
        (
            "usual_teacher_name",
            concat!(
                "(select ",
                staff_name!("m.teacher"),
                " from timetable m where m.id = t.lesson)"
            ),
        ),
        ("teacher_name", staff_name!("t.teacher")),
    ],
    facts: &[(
        "takes_place",
        concat!(
            "(select date(max(l.valid_from, t.start_date), 'weekday ' || (l.weekday % 7)) <= min(",
            last_day!("l"),
            ", t.end_date) from timetable l where l.id = t.lesson)"
        ),
    )],
    listing: Listing {
        orderings: &[
            ("start_date", "t.start_date"),
            ("end_date", "t.end_date"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-start_date",
        search: &["t.reason", "t.room"],
        filters: &[
            ("lesson", FilterKind::Id, "t.lesson = ?"),
            ("teacher", FilterKind::Id, "t.teacher = ?"),
            (
                "usual_teacher",
                FilterKind::Id,
                "t.lesson in (select m.id from timetable m where m.teacher = ?)",
            ),
            (
                "academic_class",
                FilterKind::Id,
                "t.lesson in (select m.id from timetable m where m.academic_class = ?)",
            ),
            ("is_cancelled", FilterKind::Bool, "t.is_cancelled = ?"),
            ("from", FilterKind::Date, "t.end_date >= ?"),
            ("to", FilterKind::Date, "t.start_date <= ?"),
        ],
    },
    rules: &[
        Rule {
            name: "attendance_entered",
            broken: "exists (select 1 from substitutions t join attendance a on a.lesson = t.lesson \
                     and a.date between t.start_date and t.end_date where t.id = ?1 and t.is_cancelled = 1)",
        },
        Rule {
            name: "substitutions_overlap",
            broken: "exists (select 1 from substitutions t join substitutions o on o.lesson = t.lesson and o.id <> t.id \
                     and o.start_date <= t.end_date and t.start_date <= o.end_date where t.id = ?1)",
        },
        Rule {
            name: "timetable_conflict",
            broken: concat!(
                "exists (",
                taken!(
                    stored!("(select s.lesson from substitutions s where s.id = ?1)"),
                    "substitutions",
                    "1"
                ),
                ")"
            ),
        },
    ],
    ..Table::PLAIN
};

/// What goes with a substitution: calendars that have its lesson learn that something changed, and one that goes leaves
/// nobody in two places.
#[must_use]
pub fn besides(stamp: &Stamp<'_>, substitution: &Record, is_deleted: bool) -> Batch {
    let mut batch = Batch::default();
    let lesson = text(substitution, "lesson");
    batch.push(sql!(
        "update timetable set revision = revision + 1, updated_at = ?2 where id = ?1",
        lesson,
        stamp.now,
    ));
    if is_deleted {
        const LEFT: &str = concat!(
            "exists (",
            taken!(
                stored!("?1"),
                "(select * from substitutions where id <> ?2)",
                "1"
            ),
            ")"
        );
        let params = vec![Value::from(lesson), text(substitution, "id").into()];
        batch.guard_academics("timetable_conflict", LEFT, params);
    }
    batch
}

/// What a lesson or a substitution would take from another lesson, on a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Taken {
    /// The day.
    pub day: String,
    /// The other lesson.
    pub lesson: String,
    /// The name of its class.
    pub class_name: String,
    /// The name of its subject.
    pub subject_name: String,
    /// The name of who gives it on the day.
    pub teacher_name: String,
    /// Whether that is who would give both; else it is the room.
    #[serde(deserialize_with = "rows::flag")]
    pub is_teacher: bool,
    /// Where it is given on the day.
    pub room: String,
    /// When it starts.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
}

/// What a substitution would take from other lessons; the first few.
pub async fn taken(db: &TenantDb, substitution: &Record) -> Result<Vec<Taken>, StoreError> {
    const FOUND: &str = concat!(
        taken!(
            stored!("?2"),
            "(select ?1 as id, ?2 as lesson, ?3 as start_date, ?4 as end_date, ?5 as teacher, ?6 as room, ?7 as is_cancelled \
             union all select id, lesson, start_date, end_date, teacher, room, is_cancelled from substitutions \
             where lesson = ?2 and id <> ?1)",
            what_is_taken!()
        ),
        " order by d.day, o.id limit 10"
    );
    let statement = sql!(
        FOUND,
        text(substitution, "id"),
        text(substitution, "lesson"),
        text(substitution, "start_date"),
        text(substitution, "end_date"),
        filled(substitution, "teacher"),
        filled(substitution, "room"),
        i64::from(flag(substitution, "is_cancelled")),
    );
    db.connection.rows(statement).await
}

/// The same of a lesson that is to be written.
pub(super) fn taken_by(lesson: &Record) -> Statement {
    const FOUND: &str = concat!(
        taken!(
            "select ?1 as id, ?2 as academic_class, ?3 as teacher, ?4 as room, cast(?5 as integer) as weekday, \
             ?6 as starts_at, ?7 as ends_at, ?8 as valid_from, ?9 as valid_to",
            "substitutions",
            what_is_taken!()
        ),
        " order by d.day, o.id limit 10"
    );
    sql!(
        FOUND,
        text(lesson, "id"),
        text(lesson, "academic_class"),
        text(lesson, "teacher"),
        text(lesson, "room"),
        lesson.get("weekday").and_then(serde_json::Value::as_i64),
        text(lesson, "starts_at"),
        text(lesson, "ends_at"),
        text(lesson, "valid_from"),
        filled(lesson, "valid_to"),
    )
}

fn filled<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    Some(text(record, name)).filter(|text| !text.is_empty())
}

/// The lessons `m` of the day `?1` as they are given, with class `c`, session `y`, and the substitution `z` where there is one. None
/// between the terms of a session, once there are any.
pub(in crate::school) const GIVEN: &str = "timetable m join academic_classes a on a.id = m.academic_class \
     join academic_sessions y on y.id = a.session join classes c on c.id = a.class left join substitutions z on z.lesson = m.id \
     and ?1 between z.start_date and z.end_date where m.weekday % 7 = strftime('%w', ?1) + 0 and m.valid_from <= ?1 and ifnull(m.valid_to, ?1) >= ?1 \
     and ifnull(z.is_cancelled, 0) = 0 and (not exists (select 1 from terms e where e.session = a.session) \
     or exists (select 1 from terms e where e.session = a.session and ?1 between e.start_date and e.end_date))";

/// A lesson of a day.
#[derive(Clone, Debug, Deserialize)]
pub struct GivenLesson {
    /// The lesson of the timetable.
    pub lesson: String,
    /// The substitution, where it is given otherwise than every week.
    pub substitution: Option<String>,
    /// The class in the session.
    pub academic_class: String,
    /// Its name.
    pub class_name: String,
    /// The subject.
    pub subject: String,
    /// Its name.
    pub subject_name: String,
    /// Who gives it.
    pub teacher: String,
    /// The name of who gives it.
    pub teacher_name: String,
    /// Where; may be empty.
    pub room: String,
    /// When it starts.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// When its session begins.
    pub start_date: Timestamp,
    /// When its session ends.
    pub end_date: Timestamp,
}

/// The lessons of a day as they are given, by the time at which they start; of a teacher or a class, where one is named.
pub async fn given_lessons(
    db: &TenantDb,
    date: &str,
    teacher: Option<&str>,
    academic_class: Option<&str>,
) -> Result<(Vec<GivenLesson>, Vec<Holiday>), StoreError> {
    const TEACHER: &str = staff_name!("ifnull(z.teacher, m.teacher)");
    let lessons = format!(
        "select m.id as lesson, z.id as substitution, m.academic_class, c.name as class_name, m.subject, \
         (select x.name from subjects x where x.id = m.subject) as subject_name, \
         ifnull(z.teacher, m.teacher) as teacher, {TEACHER} as teacher_name, ifnull(z.room, m.room) as room, m.starts_at, \
         m.ends_at, y.start_date, y.end_date from {GIVEN} \
         and (?2 is null or ifnull(z.teacher, m.teacher) = ?2) and (?3 is null or m.academic_class = ?3) \
         order by m.starts_at, c.name collate nocase, m.id"
    );
    let mut outcomes = db
        .connection
        .batch(vec![
            sql!(lessons, date, teacher, academic_class),
            holidays_between(date, date),
        ])
        .await?;
    Ok((outcomes.rows()?, take_holidays(&mut outcomes)?))
}
