//! The structure of a school year: sessions, terms, forms and classes.

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::records::{OnlyOne, Rule, Table};

const NAME: Kind = Kind::Text { min: 1, max: 255 };
const SIZE: Kind = Kind::Integer {
    min: 1,
    max: 10_000,
};
const COUNT: Kind = Kind::Integer {
    min: 0,
    max: 1_000_000,
};

/// No term lies outside its session, whichever of the two was written; to a day, as only the school's calendar is exact.
const TERM_OUTSIDE_SESSION: &str = "exists (select 1 from terms t join academic_sessions s on s.id = t.session \
     where (t.id = ?1 or s.id = ?1) and (t.start_date < date(s.start_date / 1000, 'unixepoch', '-1 day') \
     or t.end_date > date(s.end_date / 1000, 'unixepoch', '+1 day')))";

/// Academic sessions: the school's years.
pub static SESSIONS: Table = Table {
    name: "academic_sessions",
    fields: &[
        Field::required("name", NAME, "Such as \"2026\"; unique."),
        Field::required("start_date", Kind::Moment, "When the year begins."),
        Field::required("end_date", Kind::Moment, "When it ends."),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(false),
            "Whether this is the present year; activating one deactivates the other.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("name", "t.name collate nocase"),
            ("start_date", "t.start_date"),
            ("end_date", "t.end_date"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-start_date",
        search: &["t.name"],
        filters: &[
            ("name", FilterKind::Text, "t.name = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
        ],
    },
    only_one: Some(OnlyOne {
        column: "is_active",
        within: None,
    }),
    rules: &[Rule {
        name: "term_outside_session",
        broken: TERM_OUTSIDE_SESSION,
    }],
    ..Table::PLAIN
};

/// Terms.
pub static TERMS: Table = Table {
    name: "terms",
    fields: &[
        Field::required(
            "session",
            Kind::Reference("academic_sessions"),
            "The session that it is part of.",
        ),
        Field::required(
            "term",
            Kind::Choice(&["1", "2", "3"]),
            "Which term of the session.",
        ),
        Field::or(
            "name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "What the school calls it.",
        ),
        Field::required(
            "start_date",
            Kind::Date,
            "The first day, within the session.",
        ),
        Field::required("end_date", Kind::Date, "The last day, within the session."),
        Field::nullable(
            "vacation_start",
            Kind::Date,
            "The first day of the vacation after it, in which there is no attendance.",
        ),
        Field::nullable("vacation_end", Kind::Date, "The last day of the vacation."),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(false),
            "Whether this is the present term; activating one deactivates the other.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("start_date", "t.start_date"),
            ("end_date", "t.end_date"),
            ("term", "t.term"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-start_date",
        search: &[],
        filters: &[
            ("session", FilterKind::Id, "t.session = ?"),
            ("term", FilterKind::Text, "t.term = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
        ],
    },
    only_one: Some(OnlyOne {
        column: "is_active",
        within: None,
    }),
    rules: &[
        Rule {
            name: "term_outside_session",
            broken: TERM_OUTSIDE_SESSION,
        },
        Rule {
            name: "terms_overlap",
            broken: "exists (select 1 from terms t join terms o on o.session = t.session and o.id <> t.id \
                     where t.id = ?1 and t.start_date <= ifnull(o.vacation_end, o.end_date) \
                     and o.start_date <= ifnull(t.vacation_end, t.end_date))",
        },
    ],
    ..Table::PLAIN
};

/// Forms: the years of schooling, each of a level.
pub static FORMS: Table = Table {
    name: "forms",
    fields: &[
        Field::required(
            "name",
            Kind::Text { min: 1, max: 100 },
            "Such as \"Form 1\"; unique.",
        ),
        Field::required(
            "level",
            Kind::Text { min: 1, max: 50 },
            "\"O Level\", \"A Level\", or the school's own.",
        ),
        Field::or(
            "sequence",
            Kind::Integer { min: 0, max: 1_000 },
            Literal::Integer(0),
            "Where it stands among the forms, the lowest first.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("sequence", "t.sequence"),
            ("name", "t.name collate nocase"),
            ("level", "t.level collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "sequence",
        search: &["t.name", "t.level"],
        filters: &[
            ("name", FilterKind::Text, "t.name = ?"),
            ("level", FilterKind::Text, "t.level = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Classes, from year to year.
pub static CLASSES: Table = Table {
    name: "classes",
    fields: &[
        Field::required(
            "name",
            Kind::Text { min: 1, max: 100 },
            "Such as \"3A\"; unique.",
        ),
        Field::required(
            "form",
            Kind::Reference("forms"),
            "The form that it is part of.",
        ),
        Field::nullable("capacity", SIZE, "Most students; null: no limit."),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(true),
            "Whether the school still has it.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("name", "t.name collate nocase"),
            (
                "form",
                "(select f.sequence from forms f where f.id = t.form)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "form,name",
        search: &["t.name"],
        filters: &[
            ("name", FilterKind::Text, "t.name = ?"),
            ("form", FilterKind::Id, "t.form = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
        ],
    },
    rules: &[Rule {
        name: "class_full",
        broken: "exists (select 1 from classes c join academic_classes a on a.class = c.id and a.capacity is null \
                 join academic_sessions s on s.id = a.session and s.is_active = 1 where c.id = ?1 and c.capacity < \
                 (select count(*) from student_sessions r where r.academic_class = a.id and r.status = 'active'))",
    }],
    ..Table::PLAIN
};

/// Which class leads to which.
pub static CLASS_PATTERNS: Table = Table {
    name: "class_patterns",
    fields: &[
        Field::required(
            "from_class",
            Kind::Reference("classes"),
            "The class of this year; each leads to one.",
        ),
        Field::required(
            "to_class",
            Kind::Reference("classes"),
            "The class of the next year.",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "from_class",
                "(select c.name from classes c where c.id = t.from_class)",
            ),
            (
                "to_class",
                "(select c.name from classes c where c.id = t.to_class)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "from_class",
        search: &[],
        filters: &[
            ("from_class", FilterKind::Id, "t.from_class = ?"),
            ("to_class", FilterKind::Id, "t.to_class = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Where a class has no more room: its own capacity of the session, else the class's. A registration that takes no seat is let through.
pub(crate) const CLASS_FULL: &str = "exists (select 1 from academic_classes a join classes c on c.id = a.class \
     where a.id in (select academic_class from student_sessions where id = ?1 and status = 'active' union all select ?1) \
     and ifnull(a.capacity, c.capacity) < (select count(*) from student_sessions s \
     where s.academic_class = a.id and s.status = 'active'))";

/// Classes of a session.
pub static ACADEMIC_CLASSES: Table = Table {
    name: "academic_classes",
    fields: &[
        Field::path(
            "session",
            Kind::Reference("academic_sessions"),
            "The session.",
        ),
        Field::required("class", Kind::Reference("classes"), "The class."),
        Field::shown("class_name", NAME, "The name of the class."),
        Field::shown("form", Kind::Reference("forms"), "The form of the class."),
        Field::nullable(
            "class_teacher",
            Kind::Reference("staff"),
            "The member of staff who leads it.",
        ),
        Field::nullable(
            "capacity",
            SIZE,
            "Most students this year; null: as the class says.",
        ),
        Field::shown("size", COUNT, "How many active students it has."),
    ],
    computed: &[
        (
            "class_name",
            "(select c.name from classes c where c.id = t.class)",
        ),
        (
            "form",
            "(select c.form from classes c where c.id = t.class)",
        ),
        (
            "size",
            "(select count(*) from student_sessions s where s.academic_class = t.id and s.status = 'active')",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "form",
                "(select f.sequence from classes c join forms f on f.id = c.form where c.id = t.class)",
            ),
            (
                "class",
                "(select c.name from classes c where c.id = t.class)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "form,class",
        search: &["(select c.name from classes c where c.id = t.class)"],
        filters: &[
            ("class", FilterKind::Id, "t.class = ?"),
            (
                "form",
                FilterKind::Id,
                "(select c.form from classes c where c.id = t.class) = ?",
            ),
            ("class_teacher", FilterKind::Id, "t.class_teacher = ?"),
        ],
    },
    rules: &[Rule {
        name: "class_full",
        broken: CLASS_FULL,
    }],
    scope: &[("session", "t.session = ?")],
    ..Table::PLAIN
};
