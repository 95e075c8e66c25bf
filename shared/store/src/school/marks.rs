//! Marks of exams, one at a time.

use homeroom_domain::{
    academics::{exam_state::ExamState, mark_sheet::COMMENT_LENGTH},
    records::{self, Field, Kind, Literal, Record},
};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::{
    batch::{Batch, Stamp},
    records::{Scope, Table},
    school::names::student_name,
    sql::{Value, sql},
};

/// The users who enter the marks of the exam `x`, with commas between: its teacher, and who teaches its subject to the class.
macro_rules! exam_users {
    () => {
        "(select group_concat(w.user_id) from staff w where w.is_active = 1 and (w.id = x.teacher \
         or w.id in (select s.teacher from subject_teachers s where s.academic_class = x.academic_class \
         and s.subject = x.subject)))"
    };
}
pub(super) use exam_users;

/// Marks of one exam: the exam is named by the address.
pub static EXAM_MARKS: Table = Table {
    fields: &[
        EXAM,
        STUDENT_SESSION,
        STUDENT_NAME,
        STUDENT_ID,
        SUBJECT,
        MARK,
        IS_ABSENT,
        COMMENT,
        VERSION,
        UPDATED_BY,
        REASON,
    ],
    listing: Listing {
        orderings: ORDERINGS,
        default_ordering: "student",
        search: SEARCH,
        filters: &[OF_REGISTRATION, OF_STUDENT, ABSENT, MISSING],
    },
    scope: &[("exam", "t.exam = ?"), IN_EXAM_SESSION, IN_SESSION],
    ..MARKS
};

/// Marks of all exams of an exam session.
pub static ALL_MARKS: Table = Table {
    fields: &[
        Field::required(
            "exam",
            Kind::Reference("exams"),
            "The exam, of this exam session.",
        ),
        STUDENT_SESSION,
        STUDENT_NAME,
        STUDENT_ID,
        SUBJECT,
        MARK,
        IS_ABSENT,
        COMMENT,
        VERSION,
        UPDATED_BY,
        REASON,
    ],
    listing: Listing {
        orderings: ORDERINGS,
        default_ordering: "created_at",
        search: SEARCH,
        filters: &[
            ("exam", FilterKind::Id, "t.exam = ?"),
            (
                "academic_class",
                FilterKind::Id,
                "t.exam in (select x.id from exams x where x.academic_class = ?)",
            ),
            (
                "subject",
                FilterKind::Id,
                "t.exam in (select x.id from exams x where x.subject = ?)",
            ),
            OF_REGISTRATION,
            OF_STUDENT,
            ABSENT,
            MISSING,
        ],
    },
    scope: &[IN_EXAM_SESSION, IN_SESSION],
    ..MARKS
};

const EXAM: Field = Field::path("exam", Kind::Reference("exams"), "The exam.");
const STUDENT_SESSION: Field = Field::required(
    "student_session",
    Kind::Reference("student_sessions"),
    "The student in the session, of the exam's class; one mark each. It stays what it is.",
);
const STUDENT_NAME: Field = Field::shown(
    "student_name",
    Kind::Text { min: 1, max: 300 },
    "The student's name, family name last.",
);
const STUDENT_ID: Field = Field::shown(
    "student_id",
    Kind::Text { min: 1, max: 50 },
    "The school's number of the student.",
);
const SUBJECT: Field = Field::shown(
    "subject",
    Kind::Reference("subjects"),
    "The subject of the exam.",
);
const MARK: Field = Field::nullable(
    "mark",
    Kind::Mark,
    "0 to 100 with two decimals; null: absent, or not entered yet.",
);
const IS_ABSENT: Field = Field::or(
    "is_absent",
    Kind::Boolean,
    Literal::Boolean(false),
    "Whether the student did not sit: neither zero nor missing.",
);
const COMMENT: Field = Field::or(
    "comment",
    Kind::Text {
        min: 0,
        max: COMMENT_LENGTH,
    },
    Literal::Text(""),
    "For the report card.",
);
const VERSION: Field = Field::nullable(
    "version",
    Kind::Integer {
        min: 0,
        max: 1 << 53,
    },
    "Counts the changes, from 1. In a change, the version that was read: where it is another one now, the change is refused.",
);
const UPDATED_BY: Field = Field::shown_or_null(
    "updated_by",
    Kind::Reference("users"),
    "Whose change was the last one: a user, or an API key.",
);
const REASON: Field = Field::note(
    "reason",
    Kind::Text { min: 1, max: 500 },
    "Why, for the audit log: required once the marks are published.",
);

const STUDENT: &str = "(select p.last_name || ' ' || p.first_name from student_sessions r join students p on p.id = r.student \
                       where r.id = t.student_session) collate nocase";
const ORDERINGS: &[(&str, &str)] = &[
    ("student", STUDENT),
    (
        "subject",
        "(select s.name from exams x join subjects s on s.id = x.subject where x.id = t.exam)",
    ),
    ("mark", "t.mark"),
    ("created_at", "t.created_at"),
    ("updated_at", "t.updated_at"),
];
const SEARCH: &[&str] = &[
    "(select p.first_name || ' ' || p.last_name from student_sessions r join students p on p.id = r.student where r.id = t.student_session)",
    "(select p.student_id from student_sessions r join students p on p.id = r.student where r.id = t.student_session)",
];

type Filter = (&'static str, FilterKind, &'static str);
const OF_REGISTRATION: Filter = ("student_session", FilterKind::Id, "t.student_session = ?");
const OF_STUDENT: Filter = (
    "student",
    FilterKind::Id,
    "t.student_session in (select r.id from student_sessions r where r.student = ?)",
);
const ABSENT: Filter = ("is_absent", FilterKind::Bool, "t.is_absent = ?");
const MISSING: Filter = (
    "missing",
    FilterKind::Bool,
    "(t.mark is null and t.is_absent = 0) = ?",
);

const IN_EXAM_SESSION: (&str, &str) = (
    "exam_session",
    "t.exam in (select x.id from exams x where x.exam_session = ?)",
);
const IN_SESSION: (&str, &str) = (
    "session",
    "t.exam in (select x.id from exams x join exam_sessions s on s.id = x.exam_session where s.session = ? \
     and s.is_deleted = 0)",
);

const MARKS: Table = Table {
    name: "marks",
    computed: &[
        (
            "student_name",
            concat!(
                "(select ",
                student_name!("p"),
                " from student_sessions r join students p on p.id = r.student where r.id = t.student_session)"
            ),
        ),
        (
            "student_id",
            "(select p.student_id from student_sessions r join students p on p.id = r.student where r.id = t.student_session)",
        ),
        (
            "subject",
            "(select x.subject from exams x where x.id = t.exam)",
        ),
    ],
    facts: &[
        (
            "state",
            "(select s.state from exams x join exam_sessions s on s.id = x.exam_session and s.is_deleted = 0 where x.id = t.exam)",
        ),
        (
            "is_active",
            "(select s.is_active from exams x join exam_sessions s on s.id = x.exam_session where x.id = t.exam)",
        ),
        (
            "marks_due",
            "(select x.marks_due from exams x where x.id = t.exam)",
        ),
        (
            "exam_users",
            concat!(
                "(select ",
                exam_users!(),
                " from exams x where x.id = t.exam)"
            ),
        ),
    ],
    ..Table::PLAIN
};

/// The exams whose marks a user enters: those that the own staff record is the teacher of, or whose subject it teaches the
/// class now. `?` is the user. The joins are crossed, so that they begin with the teacher and not with all exams.
macro_rules! exams_of_user {
    () => {
        "(with own as (select w.id from staff w where w.user_id = ? and w.is_active = 1) \
         select x.id from own join exams x on x.teacher = own.id union \
         select x.id from own cross join subject_teachers s on s.teacher = own.id \
         cross join exams x on x.academic_class = s.academic_class and x.subject = s.subject)"
    };
}
pub(super) use exams_of_user;

/// The marks that a user sees who does not manage all.
#[must_use]
pub fn of_user(user: &str) -> Scope {
    Scope::of([(concat!("t.exam in ", exams_of_user!()), user)])
}

/// The names of states as a list of SQL.
pub(super) fn names(states: &[ExamState]) -> String {
    let quoted: Vec<String> = states
        .iter()
        .map(|state| format!("'{}'", state.as_str()))
        .collect();
    quoted.join(", ")
}

/// Refuses a change of an exam's marks unless its exam session is in one of these states, and active where that counts.
#[must_use]
pub fn hold_states(exam: &str, states: &[ExamState], only_active: bool) -> Batch {
    let mut batch = Batch::default();
    let broken = format!(
        "not exists (select 1 from exams x join exam_sessions s on s.id = x.exam_session where x.id = ?1 \
         and s.is_deleted = 0 and s.state in ({}){})",
        names(states),
        if only_active {
            " and s.is_active = 1"
        } else {
            ""
        }
    );
    batch.guard_academics("marks_closed", &broken, vec![Value::from(exam)]);
    batch
}

/// Refuses a mark of a student who is not in the class of the exam.
#[must_use]
pub fn hold_class(exam: &str, student_session: &str) -> Batch {
    let mut batch = Batch::default();
    batch.guard_academics(
        "student_of_another_class",
        "exists (select 1 from exams x, student_sessions r where x.id = ?1 and r.id = ?2 \
         and r.academic_class is not x.academic_class)",
        vec![Value::from(exam), Value::from(student_session)],
    );
    batch
}

/// Marks the published cards that a changed mark contradicts.
#[must_use]
pub fn outdate_card(stamp: &Stamp<'_>, mark: &Record) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update report_cards set is_outdated = 1, updated_at = ?3 where is_current = 1 and is_outdated = 0 \
         and exam_session = (select x.exam_session from exams x where x.id = ?1) and student_session = ?2",
        records::text(mark, "exam"),
        records::text(mark, "student_session"),
        stamp.now,
    ));
    batch
}
