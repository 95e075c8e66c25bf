//! Guardians, and whose they are.

use homeroom_domain::records::{Field, Kind, Literal, Record, text};
use homeroom_kernel::{Id, Listing, PageRequest, page::FilterKind};
use serde::{Deserialize, Serialize};

use super::NAME;
use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Parent, Source},
    records::{OnlyOne, Table},
    rows,
    school::names::student_name,
    sql::sql,
};

pub(super) const CHANNELS: Kind = Kind::Flags(&["sms", "whatsapp", "email"]);

/// Guardians.
pub static GUARDIANS: Table = Table {
    name: "guardians",
    fields: &[
        Field::required("first_name", NAME, "Given name."),
        Field::required("last_name", NAME, "Family name."),
        Field::nullable(
            "phone_number",
            Kind::Phone,
            "Unique among guardians; a guardian has a phone number, an email or both.",
        ),
        Field::nullable("email", Kind::Email, "Unique among guardians."),
        Field::or(
            "consent",
            CHANNELS,
            Literal::NoFlags,
            "The channels that the guardian agreed to; none where it is left out.",
        ),
        Field::nullable(
            "user",
            Kind::Reference("users"),
            "Who signs in as this guardian.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("last_name", "t.last_name collate nocase"),
            ("first_name", "t.first_name collate nocase"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "last_name,first_name",
        search: &[
            "t.first_name || ' ' || t.last_name",
            "t.phone_number",
            "t.email",
        ],
        filters: &[
            ("phone_number", FilterKind::Text, "t.phone_number = ?"),
            ("email", FilterKind::Text, "t.email = ?"),
            ("user", FilterKind::Id, "t.user = ?"),
        ],
    },
    ..Table::PLAIN
};

/// The guardians of a student.
pub static STUDENT_GUARDIANS: Table = Table {
    name: "student_guardians",
    fields: &[
        Field::path("student", Kind::Reference("students"), "The student."),
        Field::required(
            "guardian",
            Kind::Reference("guardians"),
            "The guardian; once for a student.",
        ),
        Field::required(
            "relation",
            Kind::Text { min: 1, max: 50 },
            "What the guardian is to the student, such as \"mother\".",
        ),
        Field::or(
            "is_primary",
            Kind::Boolean,
            Literal::Boolean(false),
            "Who is called first; making one the first takes it from the other.",
        ),
        Field::shown(
            "guardian_name",
            Kind::Text { min: 1, max: 201 },
            "The guardian's name, family name last.",
        ),
        Field::shown_or_null("phone_number", Kind::Phone, "The guardian's phone number."),
        Field::shown_or_null("email", Kind::Email, "The guardian's email."),
        Field::shown(
            "consent",
            CHANNELS,
            "The channels that the guardian agreed to.",
        ),
    ],
    facts: &[(
        "guardian_user",
        "(select g.user from guardians g where g.id = t.guardian)",
    )],
    computed: &[
        (
            "guardian_name",
            "(select g.first_name || ' ' || g.last_name from guardians g where g.id = t.guardian)",
        ),
        (
            "phone_number",
            "(select g.phone_number from guardians g where g.id = t.guardian)",
        ),
        (
            "email",
            "(select g.email from guardians g where g.id = t.guardian)",
        ),
        (
            "consent",
            "(select g.consent from guardians g where g.id = t.guardian)",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("is_primary", "t.is_primary"),
            (
                "guardian",
                "(select g.last_name || ' ' || g.first_name from guardians g where g.id = t.guardian) collate nocase",
            ),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "-is_primary,guardian",
        search: &[],
        filters: &[
            ("guardian", FilterKind::Id, "t.guardian = ?"),
            ("is_primary", FilterKind::Bool, "t.is_primary = ?"),
        ],
    },
    only_one: Some(OnlyOne {
        column: "is_primary",
        within: Some("student"),
    }),
    scope: &[("student", "t.student = ?")],
    ..Table::PLAIN
};

/// A guardian who may be the same person as another.
#[derive(Clone, Debug, Deserialize)]
pub struct GuardianAlike {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The phone number, or else the email.
    pub reach: String,
}

/// Guardians of the same name.
pub async fn guardians_alike(
    db: &TenantDb,
    guardian: &Record,
) -> Result<Vec<GuardianAlike>, StoreError> {
    let forms = |name: &str| {
        let name = text(guardian, name);
        serde_json::json!([name, name.to_lowercase(), name.to_uppercase()]).to_string()
    };
    // `nocase` knows ASCII only: these cover the common ways of writing other letters.
    let found = db.connection.rows(sql!(
        "select first_name, last_name, ifnull(phone_number, email) as reach from guardians \
         where last_name collate nocase in (select value from json_each(?1)) \
         and first_name collate nocase in (select value from json_each(?2)) order by created_at limit 20",
        forms("last_name"),
        forms("first_name"),
    ));
    found.await
}

/// A student of a guardian.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkedStudent {
    /// The link.
    pub id: Id<()>,
    /// The student.
    pub student: Id<()>,
    /// The school's number of the student.
    pub student_id: String,
    /// The student's name, family name last.
    pub student_name: String,
    /// What became of the student.
    pub enrolment: String,
    /// What the guardian is to the student.
    pub relation: String,
    /// Whether the guardian is called first.
    #[serde(deserialize_with = "rows::flag")]
    pub is_primary: bool,
}

/// What a guardian's students can be ordered, searched and filtered by.
pub static STUDENTS_OF_GUARDIAN: Listing = Listing {
    orderings: &[
        ("last_name", "p.last_name collate nocase"),
        ("first_name", "p.first_name collate nocase"),
        ("student_id", "p.student_id"),
    ],
    default_ordering: "last_name,first_name",
    search: &["p.first_name || ' ' || p.last_name", "p.student_id"],
    filters: &[
        ("enrolment", FilterKind::Text, "p.enrolment = ?"),
        ("is_primary", FilterKind::Bool, "l.is_primary = ?"),
    ],
};

/// One page of a guardian's students.
pub async fn students_of(
    db: &TenantDb,
    guardian: Id<()>,
    request: &PageRequest,
) -> Result<Page<LinkedStudent>, StoreError> {
    let source = Source {
        columns: concat!(
            "l.id, l.student, p.student_id, ",
            student_name!("p"),
            " as student_name, p.enrolment, l.relation, l.is_primary"
        ),
        from: "student_guardians l join students p on p.id = l.student",
        condition: "true",
        key: "l.id",
    };
    let parent = Parent {
        exists: "select 1 from guardians where id = ?",
        condition: "l.guardian = ?",
        id: guardian,
    };
    let search = STUDENTS_OF_GUARDIAN.search;
    list::fetch_within(&db.connection, &parent, &source, search, request).await
}
