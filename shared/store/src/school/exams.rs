//! Exam sessions, and their exams: a subject of a class.

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::records::Table;

/// Exam sessions.
pub static EXAM_SESSIONS: Table = Table {
    name: "exam_sessions",
    fields: &[
        Field::path(
            "session",
            Kind::Reference("academic_sessions"),
            "The session.",
        ),
        Field::required("term", Kind::Choice(&["1", "2", "3"]), "The term."),
        Field::required(
            "name",
            Kind::Text { min: 1, max: 255 },
            "Such as \"End of term\"; unique in the term.",
        ),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(true),
            "Whether marks are entered in it now.",
        ),
        Field::nullable(
            "release_at",
            Kind::Moment,
            "When published cards become visible outside the staff; null: at once.",
        ),
        Field::shown(
            "state",
            Kind::Choice(&["draft", "review", "published", "locked"]),
            "How far the marks are.",
        ),
        Field::shown(
            "is_published",
            Kind::Boolean,
            "Whether cards are published.",
        ),
        Field::shown(
            "is_deleted",
            Kind::Boolean,
            "Always false: deleted exam sessions are not shown.",
        ),
        Field::shown_or_null(
            "published_at",
            Kind::Moment,
            "When cards were last published.",
        ),
        Field::shown_or_null("locked_at", Kind::Moment, "When the marks were locked."),
    ],
    computed: &[("is_published", "(t.state in ('published', 'locked'))")],
    listing: Listing {
        orderings: &[
            ("term", "t.term"),
            ("name", "t.name collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "term,created_at",
        search: &["t.name"],
        filters: &[
            ("term", FilterKind::Text, "t.term = ?"),
            ("state", FilterKind::Text, "t.state = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
            (
                "is_published",
                FilterKind::Bool,
                "(t.state in ('published', 'locked')) = ?",
            ),
        ],
    },
    keeps_deleted: true,
    ..Table::PLAIN
};

/// Exams of an exam session.
pub static EXAMS: Table = Table {
    name: "exams",
    fields: &[
        Field::path(
            "exam_session",
            Kind::Reference("exam_sessions"),
            "The exam session.",
        ),
        Field::required(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class, of the same session.",
        ),
        Field::required(
            "subject",
            Kind::Reference("subjects"),
            "The subject; one exam each.",
        ),
        Field::required("teacher", Kind::Reference("staff"), "Who enters its marks."),
        Field::shown(
            "class_name",
            Kind::Text { min: 1, max: 100 },
            "The name of the class.",
        ),
        Field::shown(
            "subject_name",
            Kind::Text { min: 1, max: 100 },
            "The name of the subject.",
        ),
        Field::nullable(
            "marks_due",
            Kind::Date,
            "The last day for entering marks; null: none.",
        ),
    ],
    computed: &[
        (
            "class_name",
            "(select c.name from academic_classes a join classes c on c.id = a.class where a.id = t.academic_class)",
        ),
        (
            "subject_name",
            "(select s.name from subjects s where s.id = t.subject)",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "academic_class",
                "(select c.name from academic_classes a join classes c on c.id = a.class where a.id = t.academic_class)",
            ),
            (
                "subject",
                "(select s.name from subjects s where s.id = t.subject)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "academic_class,subject",
        search: &[],
        filters: &[
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
            ("subject", FilterKind::Id, "t.subject = ?"),
            ("teacher", FilterKind::Id, "t.teacher = ?"),
        ],
    },
    ..Table::PLAIN
};
