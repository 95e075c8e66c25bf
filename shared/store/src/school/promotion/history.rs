//! Executions, and what they did with each student.

use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Parent, Source},
    rows,
    school::names::student_name,
    sql::{Statement, sql},
};

/// An execution of a set-up's promotions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExecutionRow {
    /// The execution.
    pub id: String,
    /// The set-up.
    pub session_setup: String,
    /// When.
    pub executed_at: Timestamp,
    /// By whom.
    pub executed_by: Option<String>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// By whom.
    pub undone_by: Option<String>,
    /// How many students of each action.
    #[serde(deserialize_with = "rows::json")]
    pub summary: Map<String, Json>,
    /// When the record was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Option<String>,
}

const COLUMNS: &str = "e.id, e.session_setup, e.executed_at, e.executed_by, e.undone_at, e.undone_by, e.summary, \
     e.created_at, e.updated_at, e.created_by";

/// What the list of executions can be ordered and filtered by.
pub static EXECUTIONS: Listing = Listing {
    orderings: &[
        ("executed_at", "e.executed_at"),
        ("created_at", "e.created_at"),
        ("updated_at", "e.updated_at"),
    ],
    default_ordering: "-executed_at",
    search: &[],
    filters: &[(
        "is_undone",
        FilterKind::Bool,
        "(e.undone_at is not null) = ?",
    )],
};

/// One page of a set-up's executions.
pub async fn list_executions(
    db: &TenantDb,
    setup: Id<()>,
    request: &PageRequest,
) -> Result<Page<ExecutionRow>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "promotion_executions e",
        condition: "true",
        key: "e.id",
    };
    let parent = Parent {
        exists: "select 1 from session_setups where id = ?",
        condition: "e.session_setup = ?",
        id: setup,
    };
    list::fetch_within(&db.connection, &parent, &source, &[], request).await
}

pub(super) fn one(setup: &str, id: &str) -> Statement {
    let text = format!(
        "select {COLUMNS} from promotion_executions e where e.id = ?1 and e.session_setup = ?2"
    );
    sql!(text, id, setup)
}

/// One execution of a set-up.
pub async fn find_execution(
    db: &TenantDb,
    setup: &str,
    id: &str,
) -> Result<ExecutionRow, StoreError> {
    db.connection
        .first(one(setup, id))
        .await?
        .ok_or(StoreError::NotFound)
}

/// What an execution did with a student.
#[derive(Clone, Debug, Deserialize)]
pub struct HistoryRow {
    /// The record.
    pub id: String,
    /// The execution.
    pub execution: String,
    /// The set-up.
    pub session_setup: String,
    /// The student.
    pub student: String,
    /// The school's number of the student.
    pub student_id: String,
    /// For people.
    pub student_name: String,
    /// The class that was left.
    pub source_session_class: String,
    /// The class of the new session.
    pub destination_session_class: Option<String>,
    /// What was done.
    pub action: String,
    /// The registration that it made, there until it was undone.
    pub student_session: Option<String>,
    /// Before.
    pub old_enrolment: String,
    /// Before.
    pub old_boarding: String,
    /// Before.
    pub old_form: Option<String>,
    /// After.
    pub new_enrolment: String,
    /// After.
    pub new_boarding: String,
    /// After.
    pub new_form: Option<String>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// When it was done.
    pub created_at: Timestamp,
}

/// What the history can be ordered, searched and filtered by.
pub static HISTORY: Listing = Listing {
    orderings: &[
        ("created_at", "h.created_at"),
        (
            "student",
            "(st.last_name || ' ' || st.first_name) collate nocase",
        ),
        ("action", "h.action"),
    ],
    default_ordering: "-created_at",
    search: &["st.student_id", "st.first_name", "st.last_name"],
    filters: &[
        ("student", FilterKind::Id, "h.student = ?"),
        ("session_setup", FilterKind::Id, "e.session_setup = ?"),
        ("execution", FilterKind::Id, "h.execution = ?"),
        ("action", FilterKind::Text, "h.action = ?"),
        (
            "is_undone",
            FilterKind::Bool,
            "(e.undone_at is not null) = ?",
        ),
    ],
};

/// One page of the history.
pub async fn list_history(
    db: &TenantDb,
    request: &PageRequest,
) -> Result<Page<HistoryRow>, StoreError> {
    let source = Source {
        columns: concat!(
            "h.id, h.execution, e.session_setup, h.student, st.student_id, ",
            student_name!("st"),
            " as student_name, \
                  h.source_session_class, h.destination_session_class, h.action, h.student_session, h.old_enrolment, \
                  h.old_boarding, h.old_form, h.new_enrolment, h.new_boarding, h.new_form, e.undone_at, h.created_at"
        ),
        from: "student_promotion_history h join promotion_executions e on e.id = h.execution \
               join students st on st.id = h.student",
        condition: "true",
        key: "h.id",
    };
    list::fetch(&db.connection, &source, HISTORY.search, request).await
}
