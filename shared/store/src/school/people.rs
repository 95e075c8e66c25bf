//! Students, and their place in a session.

use homeroom_domain::records::{Field, Kind, Literal};
use homeroom_kernel::{Listing, page::FilterKind};

use super::structure::CLASS_FULL;
use crate::records::{Rule, Table};

const NAME: Kind = Kind::Text { min: 1, max: 100 };
const BOARDING: Kind = Kind::Choice(&["Boarding", "Day"]);
const ENROLMENT: Kind = Kind::Choice(&["active", "transferred", "graduated", "dropped_out"]);

/// Students.
pub static STUDENTS: Table = Table {
    name: "students",
    fields: &[
        Field::or(
            "student_id",
            Kind::Text { min: 0, max: 50 },
            Literal::Text(""),
            "The school's number of the student, unique; where it is left out, the platform gives one such as \"2026-0001\".",
        ),
        Field::required("first_name", NAME, "Given name."),
        Field::or(
            "middle_name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "Further given names.",
        ),
        Field::required("last_name", NAME, "Family name."),
        Field::or(
            "gender",
            Kind::Choice(&["male", "female", "other", ""]),
            Literal::Text(""),
            "Gender; empty where it is not known.",
        ),
        Field::nullable("dob", Kind::Date, "Date of birth."),
        Field::required(
            "admission_year",
            Kind::Integer {
                min: 1900,
                max: 2200,
            },
            "The year of admission.",
        ),
        Field::nullable(
            "form",
            Kind::Reference("forms"),
            "The form that the student is in, or applied for.",
        ),
        Field::or("status", BOARDING, Literal::Text("Day"), "Boarding or day."),
        Field::or(
            "enrolment",
            ENROLMENT,
            Literal::Text("active"),
            "What became of the student.",
        ),
        Field::or(
            "parent_name",
            Kind::Text { min: 0, max: 200 },
            Literal::Text(""),
            "The parent's name as on the application.",
        ),
        Field::or(
            "parent_phone",
            Kind::Text { min: 0, max: 40 },
            Literal::Text(""),
            "The parent's phone number as on the application.",
        ),
        Field::or(
            "address",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "Where the student lives.",
        ),
        Field::nullable(
            "user",
            Kind::Reference("users"),
            "Who signs in as this student.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("last_name", "t.last_name collate nocase"),
            ("first_name", "t.first_name collate nocase"),
            ("student_id", "t.student_id"),
            ("admission_year", "t.admission_year"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "last_name,first_name",
        search: &[
            "t.student_id",
            "t.first_name",
            "t.middle_name",
            "t.last_name",
            "t.parent_name",
            "t.parent_phone",
        ],
        filters: &[
            ("student_id", FilterKind::Text, "t.student_id = ?"),
            (
                "admission_year",
                FilterKind::Integer,
                "t.admission_year = ?",
            ),
            ("form", FilterKind::Id, "t.form = ?"),
            ("gender", FilterKind::Text, "t.gender = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("enrolment", FilterKind::Text, "t.enrolment = ?"),
            ("user", FilterKind::Id, "t.user = ?"),
        ],
    },
    ..Table::PLAIN
};

/// Students in a session.
pub static STUDENT_SESSIONS: Table = Table {
    name: "student_sessions",
    fields: &[
        Field::path(
            "session",
            Kind::Reference("academic_sessions"),
            "The session.",
        ),
        Field::required(
            "student",
            Kind::Reference("students"),
            "The student; once in a session.",
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
        Field::nullable(
            "academic_class",
            Kind::Reference("academic_classes"),
            "The class of this session; null: not placed yet.",
        ),
        Field::or(
            "boarding_status",
            BOARDING,
            Literal::Text("Day"),
            "Boarding or day in this session.",
        ),
        Field::or(
            "status",
            ENROLMENT,
            Literal::Text("active"),
            "Only active students count in class sizes and positions.",
        ),
    ],
    computed: &[
        (
            "student_name",
            "(select trim(p.first_name || ' ' || p.middle_name) || ' ' || p.last_name from students p where p.id = t.student)",
        ),
        (
            "student_id",
            "(select p.student_id from students p where p.id = t.student)",
        ),
    ],
    listing: Listing {
        orderings: &[
            (
                "student",
                "(select p.last_name || ' ' || p.first_name from students p where p.id = t.student) collate nocase",
            ),
            (
                "student_id",
                "(select p.student_id from students p where p.id = t.student)",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "student",
        search: &[
            "(select p.first_name || ' ' || p.last_name from students p where p.id = t.student)",
            "(select p.student_id from students p where p.id = t.student)",
        ],
        filters: &[
            ("student", FilterKind::Id, "t.student = ?"),
            ("academic_class", FilterKind::Id, "t.academic_class = ?"),
            ("status", FilterKind::Text, "t.status = ?"),
            ("boarding_status", FilterKind::Text, "t.boarding_status = ?"),
        ],
    },
    rules: &[
        Rule {
            name: "class_of_another_session",
            broken: "exists (select 1 from student_sessions s join academic_classes a on a.id = s.academic_class \
                     where s.id = ?1 and a.session <> s.session)",
        },
        Rule {
            name: "class_full",
            broken: CLASS_FULL,
        },
    ],
    ..Table::PLAIN
};
