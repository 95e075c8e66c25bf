//! Attendance, its codes, days without school, and leave.

mod day;
mod entries;
mod leave;
mod views;

use homeroom_domain::records::{Field, Kind, Literal, Presence};
use homeroom_kernel::{Listing, page::FilterKind};

use crate::{
    records::{Rule, Table},
    school::names::student_name,
};

pub use day::{ClassDay, Day, Entered, Lesson, Place, StudentDay, class_day, student_day};
pub(crate) use day::{holidays_between, take_holidays};
pub use entries::{NewEntry, detach, enter};
pub use leave::{
    Decision, LeaveEntry, LeaveFacts, LeaveRow, StudentYear, approve, find_for_approval,
    find_for_decision, keep_undecided, reject, withdraw,
};
pub use views::{
    ClassEntry, ClassesOfDay, Counted, LessonEntry, Pupil, SheetFacts, SheetMark, SummaryFacts,
    TermDays, Whose, missing, missing_lessons, sheet, summary,
};

const STATUS: Kind = Kind::Choice(&["present", "absent", "late", "excused"]);
const REASON: Kind = Kind::Text { min: 0, max: 500 };
const CODE: Kind = Kind::Text { min: 1, max: 20 };

/// Holidays, and the vacations that follow terms; of a vacation without an end only the first day is known.
macro_rules! days_off {
    () => {
        "(select name, start_date, end_date from holidays union all select 'Vacation after term ' || term, vacation_start, \
         ifnull(vacation_end, vacation_start) from terms where vacation_start is not null)"
    };
}
const DAYS_OFF: &str = days_off!();

/// A student's name, family name last, where `p` is the student.
pub(super) const STUDENT_NAME: &str = student_name!("p");

/// Days without lessons.
pub static HOLIDAYS: Table = Table {
    name: "holidays",
    fields: &[
        Field::required(
            "name",
            Kind::Text { min: 1, max: 100 },
            "What people call it.",
        ),
        Field::required("start_date", Kind::Date, "The first day without lessons."),
        Field::required("end_date", Kind::Date, "The last day without lessons."),
    ],
    listing: Listing {
        orderings: &[
            ("start_date", "t.start_date"),
            ("end_date", "t.end_date"),
            ("name", "t.name collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "start_date",
        search: &["t.name"],
        filters: &[
            ("name", FilterKind::Text, "t.name = ?"),
            ("from", FilterKind::Date, "t.end_date >= ?"),
            ("to", FilterKind::Date, "t.start_date <= ?"),
        ],
    },
    ..Table::PLAIN
};

/// A school's own codes for attendance.
pub static ATTENDANCE_CODES: Table = Table {
    name: "attendance_codes",
    fields: &[
        Field::required("code", CODE, "Such as \"S\"; unique."),
        Field::required(
            "name",
            Kind::Text { min: 1, max: 100 },
            "Such as \"Sports\".",
        ),
        Field::required("status", STATUS, "What an entry with this code counts as."),
    ],
    listing: Listing {
        orderings: &[
            ("code", "t.code"),
            ("name", "t.name collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "code",
        search: &["t.code", "t.name"],
        filters: &[
            ("code", FilterKind::Text, "t.code = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
        ],
    },
    ..Table::PLAIN
};

/// How students spent days and lessons.
pub static ATTENDANCE: Table = Table {
    name: "attendance",
    fields: &[
        Field::required(
            "student_session",
            Kind::Reference("student_sessions"),
            "The student in the session.",
        ),
        Field::shown("student", Kind::Reference("students"), "The student."),
        Field::shown(
            "student_name",
            Kind::Text { min: 1, max: 300 },
            "The student's name, family name last.",
        ),
        Field::shown_or_null(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The student's class in the session.",
        ),
        Field::required(
            "date",
            Kind::Date,
            "The day, as the school's calendar shows it.",
        ),
        Field::nullable(
            "lesson",
            Kind::Reference("timetable"),
            "The lesson of the timetable; null: the whole day.",
        ),
        Field {
            name: "status",
            kind: STATUS,
            presence: Presence::Nullable,
            nullable: false,
            about: "How the student spent it; where there is a code, the code decides and this may be left out.",
        },
        Field::nullable("code", CODE, "One of the school's attendance codes."),
        Field::or("reason", REASON, Literal::Text(""), "Why."),
        Field::shown_or_null(
            "leave_application",
            Kind::Reference("leave_applications"),
            "The approved leave that wrote it; null once somebody changed it.",
        ),
    ],
    computed: &[
        (
            "student",
            "(select s.student from student_sessions s where s.id = t.student_session)",
        ),
        (
            "student_name",
            concat!(
                "(select ",
                student_name!("p"),
                " from student_sessions s join students p on p.id = s.student where s.id = t.student_session)"
            ),
        ),
        (
            "academic_class",
            "(select s.academic_class from student_sessions s where s.id = t.student_session)",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("date", "t.date"),
            ("status", "t.status"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-date",
        search: &[],
        filters: &[
            ("student_session", FilterKind::Id, "t.student_session = ?"),
            (
                "student",
                FilterKind::Id,
                "t.student_session in (select s.id from student_sessions s where s.student = ?)",
            ),
            (
                "academic_class",
                FilterKind::Id,
                "t.student_session in (select s.id from student_sessions s where s.academic_class = ?)",
            ),
            ("date", FilterKind::Date, "t.date = ?"),
            ("from", FilterKind::Date, "t.date >= ?"),
            ("to", FilterKind::Date, "t.date <= ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("code", FilterKind::Text, "t.code = ?"),
            ("lesson", FilterKind::Id, "t.lesson = ?"),
            (
                "leave_application",
                FilterKind::Id,
                "t.leave_application = ?",
            ),
        ],
    },
    // A holiday may have been announced, or the lesson cancelled, since the day was looked at.
    rules: &[Rule {
        name: "attendance_closed",
        broken: concat!(
            "exists (select 1 from attendance a join ",
            days_off!(),
            " off on a.date between off.start_date and off.end_date where a.id = ?1) or exists (select 1 from attendance a \
             join substitutions z on z.lesson = a.lesson and z.is_cancelled = 1 and a.date between z.start_date and z.end_date \
             where a.id = ?1)"
        ),
    }],
    ..Table::PLAIN
};

/// Requests for leave.
pub static LEAVE_APPLICATIONS: Table = Table {
    name: "leave_applications",
    fields: &[
        Field::required("student", Kind::Reference("students"), "The student."),
        Field::shown(
            "student_name",
            Kind::Text { min: 1, max: 300 },
            "The student's name, family name last.",
        ),
        Field::required("start_date", Kind::Date, "The first day of the leave."),
        Field::required(
            "end_date",
            Kind::Date,
            "The last day of the leave; at most 366 days in all.",
        ),
        Field::or("reason", REASON, Literal::Text(""), "Why."),
        Field::shown(
            "status",
            Kind::Choice(&["pending", "approved", "rejected", "withdrawn"]),
            "Set by `approve/`, `reject/` and `withdraw/`.",
        ),
        Field::shown_or_null("decided_by", Kind::Reference("users"), "Who decided."),
        Field::shown_or_null("decided_at", Kind::Moment, "When."),
    ],
    computed: &[(
        "student_name",
        concat!(
            "(select ",
            student_name!("p"),
            " from students p where p.id = t.student)"
        ),
    )],
    listing: Listing {
        orderings: &[
            ("start_date", "t.start_date"),
            ("end_date", "t.end_date"),
            ("status", "t.status"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-start_date",
        search: &["t.reason"],
        filters: &[
            ("student", FilterKind::Id, "t.student = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("from", FilterKind::Date, "t.end_date >= ?"),
            ("to", FilterKind::Date, "t.start_date <= ?"),
        ],
    },
    rules: &[Rule {
        name: "leave_overlaps",
        broken: "exists (select 1 from leave_applications t join leave_applications o on o.student = t.student \
                 and o.id <> t.id and o.status in ('pending', 'approved') and o.start_date <= t.end_date \
                 and t.start_date <= o.end_date where t.id = ?1 and t.status in ('pending', 'approved'))",
    }],
    ..Table::PLAIN
};
