//! What is taught: subjects, which of them a form has, which marks pass, and who teaches what to whom.

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::records::Table;

/// Subjects.
pub static SUBJECTS: Table = Table {
    name: "subjects",
    fields: &[
        Field::required(
            "name",
            Kind::Text { min: 1, max: 100 },
            "Such as \"Mathematics\"; unique.",
        ),
        Field::required(
            "code",
            Kind::Text { min: 1, max: 20 },
            "Such as \"MATH\"; unique.",
        ),
        Field::or(
            "is_active",
            Kind::Boolean,
            Literal::Boolean(true),
            "Whether the school still teaches it.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("name", "t.name collate nocase"),
            ("code", "t.code collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "name",
        search: &["t.name", "t.code"],
        filters: &[
            ("name", FilterKind::Text, "t.name = ?"),
            ("code", FilterKind::Text, "t.code = ?"),
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Which subjects a form has.
pub static CURRICULUM: Table = Table {
    name: "curriculum",
    fields: &[
        Field::required("form", Kind::Reference("forms"), "The form."),
        Field::required(
            "subject",
            Kind::Reference("subjects"),
            "A subject that it has.",
        ),
        Field::or(
            "coefficient",
            Kind::Coefficient,
            Literal::Integer(1),
            "How much the subject weighs in the average.",
        ),
        Field::or(
            "is_compulsory",
            Kind::Boolean,
            Literal::Boolean(true),
            "Whether every student takes it.",
        ),
        Field::or(
            "must_pass",
            Kind::Boolean,
            Literal::Boolean(false),
            "Whether promotion asks that it was passed; an absent student, or one who does not take it, did not pass.",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "form",
                "(select f.sequence from forms f where f.id = t.form)",
            ),
            (
                "subject",
                "(select s.name from subjects s where s.id = t.subject)",
            ),
            ("coefficient", "t.coefficient"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "form,subject",
        search: &[],
        filters: &[
            ("form", FilterKind::Id, "t.form = ?"),
            ("subject", FilterKind::Id, "t.subject = ?"),
            ("is_compulsory", FilterKind::Bool, "t.is_compulsory = ?"),
            ("must_pass", FilterKind::Bool, "t.must_pass = ?"),
        ],
    },
    ..Table::PLAIN
};

/// The marks that pass.
pub static PASS_MARKS: Table = Table {
    name: "pass_marks",
    fields: &[
        Field::required("form", Kind::Reference("forms"), "The form."),
        Field::nullable(
            "subject",
            Kind::Reference("subjects"),
            "The subject; null: all that have no mark of their own.",
        ),
        Field::required("mark", Kind::Mark, "The lowest mark that passes."),
    ],
    listing: Listing {
        orderings: &[
            (
                "form",
                "(select f.sequence from forms f where f.id = t.form)",
            ),
            (
                "subject",
                "(select s.name from subjects s where s.id = t.subject)",
            ),
            ("mark", "t.mark"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "form,subject",
        search: &[],
        filters: &[
            ("form", FilterKind::Id, "t.form = ?"),
            ("subject", FilterKind::Id, "t.subject = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Who teaches a subject to a class.
pub static SUBJECT_TEACHERS: Table = Table {
    name: "subject_teachers",
    fields: &[
        Field::path(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class of the session.",
        ),
        Field::required(
            "subject",
            Kind::Reference("subjects"),
            "The subject; one teacher each.",
        ),
        Field::required("teacher", Kind::Reference("staff"), "The member of staff."),
    ],
    listing: Listing {
        orderings: &[
            (
                "subject",
                "(select s.name from subjects s where s.id = t.subject)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "subject",
        search: &[],
        filters: &[
            ("subject", FilterKind::Id, "t.subject = ?"),
            ("teacher", FilterKind::Id, "t.teacher = ?"),
        ],
    },
    scope: &[
        ("academic_class", "t.academic_class = ?"),
        (
            "session",
            "t.academic_class in (select id from academic_classes where session = ?)",
        ),
    ],
    ..Table::PLAIN
};
