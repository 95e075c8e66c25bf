//! The timetable: lessons of every week.

mod calendar;
mod conflicts;
pub mod feeds;
mod substitutions;

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::{
    records::{Rule, Table},
    school::names::{class_name, staff_name},
};

pub use calendar::{CalendarFacts, CalendarLesson, CalendarTerm, Whose, calendar};
pub use conflicts::{Rival, Surroundings, surroundings};
pub(in crate::school) use substitutions::GIVEN;
pub use substitutions::{GivenLesson, SUBSTITUTIONS, TAKEN, Taken, besides, given_lessons, taken};

const NAME: Kind = Kind::Text { min: 1, max: 300 };

/// The last day of a lesson: its own, or where it has none, the end of the session.
macro_rules! last_day {
    ($lesson:literal) => {
        concat!(
            "ifnull(",
            $lesson,
            ".valid_to, (select date(y.end_date / 1000, 'unixepoch', '+1 day') from academic_classes c \
             join academic_sessions y on y.id = c.session where c.id = ",
            $lesson,
            ".academic_class))"
        )
    };
}
pub(crate) use last_day;

/// What is taken twice: the same as `conflicts` of the domain, on rows.
pub const CONFLICT: &str = concat!(
    "exists (select 1 from timetable t join timetable o on o.weekday = t.weekday and o.id <> t.id \
     and (o.academic_class = t.academic_class or o.teacher = t.teacher or (o.room <> '' and o.room = t.room)) \
     and o.starts_at < t.ends_at and t.starts_at < o.ends_at where t.id = ?1 \
     and date(max(t.valid_from, o.valid_from), 'weekday ' || (t.weekday % 7)) <= min(",
    last_day!("t"),
    ", ",
    last_day!("o"),
    "))"
);

/// Lessons of every week.
pub static TIMETABLE: Table = Table {
    name: "timetable",
    fields: &[
        Field::required(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class of a session.",
        ),
        Field::shown("class_name", NAME, "The name of the class."),
        Field::required(
            "subject",
            Kind::Reference("subjects"),
            "A subject that the class has a teacher for.",
        ),
        Field::shown("subject_name", NAME, "The name of the subject."),
        Field::required(
            "teacher",
            Kind::Reference("staff"),
            "Who gives the lesson; may stand in for the subject's teacher.",
        ),
        Field::shown("teacher_name", NAME, "The teacher's name."),
        Field::or(
            "room",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "Where; empty: no room is taken.",
        ),
        Field::required(
            "weekday",
            Kind::Integer { min: 1, max: 7 },
            "1 is Monday, 7 Sunday.",
        ),
        Field::required(
            "starts_at",
            Kind::TimeOfDay,
            "When it starts, by the school's clock.",
        ),
        Field::required("ends_at", Kind::TimeOfDay, "When it ends, on the same day."),
        Field::required(
            "valid_from",
            Kind::Date,
            "The first day on which it may take place.",
        ),
        Field::nullable(
            "valid_to",
            Kind::Date,
            "The last day on which it may take place; null: to the end of the session.",
        ),
        Field::shown(
            "revision",
            Kind::Integer {
                min: 0,
                max: 1_000_000_000,
            },
            "How often it was changed; the SEQUENCE of calendars.",
        ),
    ],
    computed: &[
        ("class_name", class_name!("t.academic_class")),
        (
            "subject_name",
            "(select x.name from subjects x where x.id = t.subject)",
        ),
        ("teacher_name", staff_name!("t.teacher")),
    ],
    listing: Listing {
        orderings: &[
            ("weekday", "t.weekday"),
            ("starts_at", "t.starts_at"),
            ("valid_from", "t.valid_from"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "weekday,starts_at",
        search: &["t.room"],
        filters: &[
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
            ("subject", FilterKind::Id, "t.subject = ?"),
            ("teacher", FilterKind::Id, "t.teacher = ?"),
            ("room", FilterKind::Text, "t.room = ?"),
            ("weekday", FilterKind::Integer, "t.weekday = ?"),
            (
                "date",
                FilterKind::Date,
                "t.id in (select m.id from (select ? as day) d join timetable m on m.valid_from <= d.day \
                 and ifnull(m.valid_to, d.day) >= d.day and m.weekday % 7 = strftime('%w', d.day) + 0)",
            ),
        ],
    },
    rules: &[
        Rule {
            name: "subject_not_taught",
            broken: "exists (select 1 from timetable t where t.id = ?1 and not exists (select 1 from subject_teachers x \
                     where x.academic_class = t.academic_class and x.subject = t.subject))",
        },
        Rule {
            name: "timetable_conflict",
            broken: CONFLICT,
        },
        Rule {
            name: "timetable_conflict",
            broken: TAKEN,
        },
    ],
    ..Table::PLAIN
};
