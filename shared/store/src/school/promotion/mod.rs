//! The move to the next year: set-ups, decisions, their execution and its undoing.

mod decisions;
mod execution;
mod figures;
mod history;
mod setup;
mod undoing;

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::{
    records::{Rule, Table},
    school::names::student_name,
};

pub use decisions::{DecisionRow, Proposed, Sought, Written, guard_not_executed, seek, write};
pub use execution::{Blocked, FullClass, Readiness, Setup, Tally, Undecided, execute, readiness};
pub use figures::{
    Candidate, Entry, Figures, Place, Preview, Scores, Source, Subject, preview, scores,
};
pub use history::{
    EXECUTIONS, ExecutionRow, HISTORY, HistoryRow, find_execution, list_executions, list_history,
};
pub use setup::{Copied, Missing, Progress, copy, missing, progress};
pub use undoing::{Undoing, Uses, undo, undoing};

/// Promotions lead from the previous session to the new one; `$which` says which decisions are looked at.
macro_rules! mismatch {
    ($which:literal) => {
        concat!(
            "exists (select 1 from student_promotions deed join session_setups g on g.id = deed.session_setup where ",
            $which,
            " and (not exists (select 1 from academic_classes a where a.id = deed.source_session_class \
             and a.session = g.previous_session) or deed.destination_session_class is not null and not exists \
             (select 1 from academic_classes a where a.id = deed.destination_session_class \
             and a.session = g.academic_session)))"
        )
    };
}

/// Whether an execution that stands has moved `$student` on out of the session that the set-up `g` ends.
macro_rules! moved_on {
    ($student:literal) => {
        concat!(
            "exists (select 1 from student_promotion_history h join promotion_executions e on e.id = h.execution \
             and e.undone_at is null join session_setups o on o.id = e.session_setup where h.student = ",
            $student,
            " and o.previous_session = g.previous_session)"
        )
    };
}

/// Whether the registration that `h` made was changed by hand since, or the student was erased: then it stays, and so does the
/// student.
macro_rules! reregistered {
    () => {
        "(exists (select 1 from student_sessions reg where reg.id = h.student_session and (reg.academic_class, \
         reg.boarding_status, reg.status) is not (h.destination_session_class, h.new_boarding, 'active')) \
         or exists (select 1 from students who where who.id = h.student and who.erased_at is not null))"
    };
}

/// Only who is registered in the class can leave it.
macro_rules! stranger {
    ($which:literal) => {
        concat!(
            "exists (select 1 from student_promotions deed join session_setups g on g.id = deed.session_setup where ",
            $which,
            " and not exists (select 1 from student_sessions reg where reg.student = deed.student \
             and reg.session = g.previous_session and reg.academic_class = deed.source_session_class))"
        )
    };
}
pub(crate) use {mismatch, moved_on, reregistered, stranger};

const ACTIONS: Kind = Kind::Choice(&[
    "pending", "promote", "repeat", "transfer", "graduate", "drop_out",
]);
const BOARDING: Kind = Kind::Choice(&["Boarding", "Day"]);
const REASON: Kind = Kind::Text { min: 0, max: 500 };
const DESTINATION: Field = Field::nullable(
    "destination_session_class",
    Kind::Reference("academic_classes"),
    "The class of the new session: of who is promoted or repeats, and of nobody else.",
);
const ACTION: Field = Field::or(
    "action",
    ACTIONS,
    Literal::Text("pending"),
    "What becomes of the student; pending: not decided yet.",
);
const BOARDING_STATUS: Field = Field::nullable(
    "boarding_status",
    BOARDING,
    "Boarding or day in the new session; null: as the student is now.",
);
const WHY: Field = Field::or("reason", REASON, Literal::Text(""), "Why, for people.");

/// A row of many decisions at once.
pub const ROW: &[Field] = &[
    Field::required("student", Kind::Reference("students"), "The student."),
    Field::nullable(
        "source_session_class",
        Kind::Reference("academic_classes"),
        "The class that is left; null: the one in which the student is registered.",
    ),
    DESTINATION,
    ACTION,
    BOARDING_STATUS,
    WHY,
];

/// Set-ups.
pub static SETUPS: Table = Table {
    name: "session_setups",
    fields: &[
        Field::required(
            "session_type",
            Kind::Choice(&["academic_session", "exam_session"]),
            "What is set up.",
        ),
        Field::required(
            "academic_session",
            Kind::Reference("academic_sessions"),
            "The session that is set up, or whose exam session is: the new year.",
        ),
        Field::nullable(
            "exam_session",
            Kind::Reference("exam_sessions"),
            "The exam session that is set up.",
        ),
        Field::nullable(
            "previous_session",
            Kind::Reference("academic_sessions"),
            "The session that ends, which begins before the new one: promotions lead from it to that one.",
        ),
        Field::or(
            "status",
            Kind::Choice(&["not_started", "pending", "completed"]),
            Literal::Text("not_started"),
            "How far it is; carrying out the promotions completes it.",
        ),
        Field::or(
            "current_step",
            Kind::Integer { min: 0, max: 100 },
            Literal::Integer(0),
            "The step at which people are.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
            ("status", "t.status"),
        ],
        default_ordering: "-created_at",
        search: &[],
        filters: &[
            ("session_type", FilterKind::Text, "t.session_type = ?"),
            ("academic_session", FilterKind::Id, "t.academic_session = ?"),
            ("exam_session", FilterKind::Id, "t.exam_session = ?"),
            ("previous_session", FilterKind::Id, "t.previous_session = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("current_step", FilterKind::Integer, "t.current_step = ?"),
        ],
    },
    rules: &[
        Rule {
            name: "exam_of_another_session",
            broken: "exists (select 1 from session_setups g join exam_sessions x on x.id = g.exam_session \
                     where g.id = ?1 and x.session <> g.academic_session)",
        },
        Rule {
            name: "sessions_out_of_order",
            broken: "exists (select 1 from session_setups g join academic_sessions o on o.id = g.previous_session \
                     join academic_sessions n on n.id = g.academic_session where g.id = ?1 and o.start_date >= n.start_date)",
        },
        Rule {
            name: "setup_mismatch",
            broken: mismatch!("deed.session_setup = ?1"),
        },
        Rule {
            name: "promotion_executed",
            broken: "exists (select 1 from session_setups g join promotion_executions e on e.session_setup = g.id \
                     where g.id = ?1 and e.undone_at is null and g.status <> 'completed')",
        },
    ],
    ..Table::PLAIN
};

/// Decisions.
pub static PROMOTIONS: Table = Table {
    name: "student_promotions",
    fields: &[
        Field::path(
            "session_setup",
            Kind::Reference("session_setups"),
            "The set-up.",
        ),
        Field::required(
            "student",
            Kind::Reference("students"),
            "The student; once in a set-up.",
        ),
        Field::shown(
            "student_name",
            Kind::Text { min: 1, max: 300 },
            "The student's name, family name last.",
        ),
        Field::shown(
            "student_id",
            Kind::Text { min: 1, max: 50 },
            "The school's number of the student.",
        ),
        Field::required(
            "source_session_class",
            Kind::Reference("academic_classes"),
            "The class of the previous session that the student leaves.",
        ),
        DESTINATION,
        ACTION,
        BOARDING_STATUS,
        WHY,
        Field::shown_or_null(
            "decided_by",
            Kind::Reference("users"),
            "The user who decided; null: proposed by the rules, or decided by another program.",
        ),
        Field::shown(
            "is_proposed",
            Kind::Boolean,
            "Whether the rules proposed it and nobody has decided since: then they may propose anew.",
        ),
        Field::shown_or_null("execution_date", Kind::Moment, "When it was carried out."),
    ],
    computed: &[
        (
            "student_name",
            concat!(
                "(select ",
                student_name!("q"),
                " from students q where q.id = t.student)"
            ),
        ),
        (
            "student_id",
            "(select q.student_id from students q where q.id = t.student)",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "student",
                "(select q.last_name || ' ' || q.first_name from students q where q.id = t.student) collate nocase",
            ),
            (
                "student_id",
                "(select q.student_id from students q where q.id = t.student)",
            ),
            ("action", "t.action"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "student",
        search: &[
            "(select q.first_name || ' ' || q.last_name from students q where q.id = t.student)",
            "(select q.student_id from students q where q.id = t.student)",
        ],
        filters: &[
            ("student", FilterKind::Id, "t.student = ?"),
            (
                "source_session_class",
                FilterKind::Id,
                "t.source_session_class = ?",
            ),
            (
                "destination_session_class",
                FilterKind::Id,
                "t.destination_session_class = ?",
            ),
            ("action", FilterKind::Text, "t.action = ?"),
            ("boarding_status", FilterKind::Text, "t.boarding_status = ?"),
        ],
    },
    rules: &[
        Rule {
            name: "setup_mismatch",
            broken: mismatch!("deed.id = ?1"),
        },
        Rule {
            name: "student_not_in_class",
            broken: stranger!("deed.id = ?1"),
        },
        Rule {
            name: "promotion_executed",
            broken: "exists (select 1 from student_promotions deed join promotion_executions e \
                     on e.session_setup = deed.session_setup where deed.id = ?1 and e.undone_at is null)",
        },
    ],
    scope: &[("session_setup", "t.session_setup = ?")],
    ..Table::PLAIN
};
