//! Carrying out the promotions of a set-up, and undoing that.

use std::fmt::Write as _;

use axum::response::Response;
use homeroom_domain::{
    permissions::school::{ExecutePromotion, ViewStudentPromotion},
    webhooks::{PROMOTION_EXECUTED, PROMOTION_UNDONE},
};
use homeroom_edge::{
    ApiError, Conflict, Ids, Json, List, NoBody, Post, Query, SchoolArea, SchoolCan,
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::school::promotion::{self as store, ExecutionRow, Readiness, Setup};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::outbox::announce_event;

/// How many names a sentence holds; the list beside it has more.
const NAMES: usize = 5;

/// An execution of a set-up's promotions.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromotionExecutionOut {
    /// The execution.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The set-up.
    #[schema(value_type = uuid::Uuid)]
    session_setup: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    executed_at: Timestamp,
    /// The user who did it.
    #[schema(value_type = Option<uuid::Uuid>)]
    executed_by: Option<String>,
    /// When it was undone.
    #[schema(value_type = Option<String>, format = DateTime)]
    undone_at: Option<Timestamp>,
    /// The user who undid it.
    #[schema(value_type = Option<uuid::Uuid>)]
    undone_by: Option<String>,
    /// How many students of each action; `pending` are those who were left out.
    #[schema(value_type = std::collections::HashMap<String, i64>,
        example = json!({"pending": 0, "promote": 182, "repeat": 7, "transfer": 2, "graduate": 31, "drop_out": 1}))]
    summary: Map<String, Value>,
    /// When the record was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
}

impl From<ExecutionRow> for PromotionExecutionOut {
    fn from(row: ExecutionRow) -> Self {
        Self {
            id: row.id,
            session_setup: row.session_setup,
            executed_at: row.executed_at,
            executed_by: row.executed_by,
            undone_at: row.undone_at,
            undone_by: row.undone_by,
            summary: row.summary,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        }
    }
}

/// An execution that was undone.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromotionUndoneOut {
    /// The execution.
    execution: PromotionExecutionOut,
    /// Students of whom something was changed by hand since, or whose new registration was: that stays as it is.
    changed_since: i64,
}

/// Why promotions are not carried out or undone, and whom or what that is about.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; ApiError writes it"
)]
pub(crate) struct PromotionRefusedOut {
    /// What is in the way, and what to do.
    #[schema(
        example = "2 students are not decided on: Rudo Moyo, Tariro Dube. Decide, or leave them out with skip_pending."
    )]
    detail: String,
    /// Stable, for programs; also in the header `x-error-code`.
    #[schema(example = "promotion_pending")]
    code: String,
    /// Of `promotion_pending` and `promotion_blocked`: the first 100 students.
    #[schema(nullable = false)]
    students: Option<Vec<RefusedStudentOut>>,
    /// Of `class_full`: the classes.
    #[schema(nullable = false)]
    classes: Option<Vec<FullClassOut>>,
    /// Of `registrations_used`: how many records of each kind refer to the registrations.
    #[schema(nullable = false)]
    uses: Option<std::collections::HashMap<String, i64>>,
}

/// A student who is in the way.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the answer for the document")]
pub(crate) struct RefusedStudentOut {
    /// The student.
    student: uuid::Uuid,
    /// The school's number of the student.
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// `pending`: not decided; `left`: has left the school or the session since; `registered`: is in the new session
    /// already; `promoted`: was moved on by another set-up.
    obstacle: String,
}

/// A class that would have more students than places.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the answer for the document")]
pub(crate) struct FullClassOut {
    /// The class of the new session.
    academic_class: uuid::Uuid,
    /// Its name.
    class_name: String,
    /// Its places.
    capacity: i64,
    /// Students who are in it already.
    registered: i64,
    /// Students who are decided into it.
    incoming: i64,
}

/// How promotions are carried out.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ExecuteIn reads it"
)]
pub(crate) struct PromotionExecutionBody {
    /// Whether students who are not decided on are left out; no where absent: then they stop it.
    #[schema(nullable = false)]
    skip_pending: Option<bool>,
}

pub(crate) struct ExecuteIn {
    skip_pending: bool,
}

impl Input for ExecuteIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let skip = fields.optional("skip_pending", rules::boolean)?;
        Some(Self {
            skip_pending: skip.unwrap_or(false),
        })
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct ExecutionFilters {
    /// Whether they were undone.
    is_undone: Option<bool>,
}

/// The executions of a set-up
#[utoipa::path(get, path = "/api/v1/school/session-setup/{session_setup}/promotion-executions/", tag = "promotion",
    params(("session_setup" = uuid::Uuid, Path), ExecutionFilters),
    responses((status = 200, body = List<PromotionExecutionOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_promotion_executions(
    caller: SchoolCan<ViewStudentPromotion>,
    ids: Ids,
    query: Query,
) -> Result<Json<List<PromotionExecutionOut>>, ApiError> {
    let request = query.page(&store::EXECUTIONS)?;
    let setup = ids.get("session_setup")?;
    let page = store::list_executions(&caller.db, setup, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// One execution
#[utoipa::path(get, path = "/api/v1/school/session-setup/{session_setup}/promotion-executions/{id}/",
    tag = "promotion", params(("session_setup" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = PromotionExecutionOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_promotion_execution(
    caller: SchoolCan<ViewStudentPromotion>,
    ids: Ids,
) -> Result<Json<PromotionExecutionOut>, ApiError> {
    let setup = ids.get::<()>("session_setup")?.to_string();
    let id = ids.get::<()>("id")?.to_string();
    Ok(Json(
        store::find_execution(&caller.db, &setup, &id).await?.into(),
    ))
}

/// Carry out the decisions
///
/// All of them or none, and once: until it is undone, the decisions of the set-up are locked.
#[utoipa::path(post, path = "/api/v1/school/session-setup/{session_setup}/promotion-executions/", tag = "promotion",
    params(("session_setup" = uuid::Uuid, Path)), request_body = PromotionExecutionBody,
    responses((status = 201, body = PromotionExecutionOut),
        (status = 409, description = "The promotions cannot be carried out.", body = PromotionRefusedOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn execute_promotions(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ExecutePromotion, ExecuteIn>,
) -> Result<Response, ApiError> {
    let setup = ids?.get::<()>("session_setup")?.to_string();
    let ready = store::readiness(&post.db, &setup).await?;
    obstacle(&ready, post.input.skip_pending)?;
    let (row, mut batch) = store::execute(&post.stamp(), &ready);
    announce_event(
        &post,
        &mut batch,
        PROMOTION_EXECUTED,
        &event(&ready.setup, &row),
    );
    let location = format!(
        "/api/v1/school/session-setup/{setup}/promotion-executions/{}/",
        row.id
    );
    post.create(batch, &location, &PromotionExecutionOut::from(row))
        .await
}

/// Undo an execution
///
/// Registrations that it made are removed, and every student is as before. What was changed by hand since stays.
#[utoipa::path(post, path = "/api/v1/school/session-setup/{session_setup}/promotion-executions/{id}/undo/",
    tag = "promotion", params(("session_setup" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = PromotionUndoneOut),
        (status = 409, description = "The execution cannot be undone.", body = PromotionRefusedOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn undo_promotion_execution(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ExecutePromotion, NoBody>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let setup = ids.get::<()>("session_setup")?.to_string();
    let id = ids.get::<()>("id")?.to_string();
    let undoing = store::undoing(&post.db, &setup, &id).await?;
    if undoing.row.undone_at.is_some() {
        return Err(Conflict::PromotionUndone.into());
    }
    let uses = undoing.uses.named();
    if !uses.is_empty() {
        let named: Vec<String> = uses
            .iter()
            .map(|(name, count)| format!("{name} ({count})"))
            .collect();
        let counts: Map<String, Value> = uses
            .iter()
            .map(|(name, count)| (name.replace(' ', "_"), json!(count)))
            .collect();
        return Err(ApiError::Refused {
            conflict: Conflict::RegistrationsUsed,
            which: format!("That is: {}.", named.join(", ")),
            records: Map::from_iter([("uses".to_owned(), counts.into())]),
        });
    }
    let (row, mut batch) = store::undo(&post.stamp(), &undoing);
    announce_event(
        &post,
        &mut batch,
        PROMOTION_UNDONE,
        &event(&undoing.setup, &row),
    );
    let answer = PromotionUndoneOut {
        execution: row.into(),
        changed_since: undoing.kept,
    };
    post.done(batch, &answer).await
}

/// What webhooks are told of an execution.
fn event(setup: &Setup, row: &ExecutionRow) -> Value {
    json!({
        "session_setup": row.session_setup, "execution": row.id, "session": setup.academic_session,
        "previous_session": setup.previous_session, "students": row.summary,
    })
}

/// What stands in the way of an execution, the first of it.
fn obstacle(ready: &Readiness, skip_pending: bool) -> Result<(), ApiError> {
    super::previous_session(&ready.setup)?;
    if ready.setup.execution.is_some() {
        return Err(Conflict::PromotionExecuted.into());
    }
    if ready.decided() == 0 {
        return Err(Conflict::PromotionEmpty.into());
    }
    let pending = ready.pending();
    if pending > 0 && !skip_pending {
        let names = ready.undecided.iter().map(|student| &student.student_name);
        let which = some(names, pending);
        let students = ready.undecided.iter().map(|student| {
            json!({"student": student.student, "student_id": student.student_id,
                "student_name": student.student_name, "obstacle": "pending"})
        });
        return Err(refused(
            Conflict::PromotionPending,
            which,
            "students",
            students,
        ));
    }
    if !ready.blocked.is_empty() {
        let names = ready.blocked.iter().map(|student| &student.student_name);
        let count = i64::try_from(ready.blocked.len()).unwrap_or(i64::MAX);
        let which = some(names, count);
        let students = ready.blocked.iter().map(|student| json!(student));
        return Err(refused(
            Conflict::PromotionBlocked,
            which,
            "students",
            students,
        ));
    }
    if !ready.full.is_empty() {
        let mut which = String::new();
        for (n, class) in ready.full.iter().enumerate() {
            let comma = if n == 0 { "" } else { "; " };
            let (name, capacity) = (&class.class_name, class.capacity);
            let students = class.registered + class.incoming;
            let _ = write!(which, "{comma}{name} has {capacity} for {students}");
        }
        which.push('.');
        let classes = ready.full.iter().map(|class| json!(class));
        return Err(refused(Conflict::ClassFull, which, "classes", classes));
    }
    Ok(())
}

fn refused(
    conflict: Conflict,
    which: String,
    name: &str,
    records: impl Iterator<Item = Value>,
) -> ApiError {
    ApiError::Refused {
        conflict,
        which,
        records: Map::from_iter([(name.to_owned(), records.collect())]),
    }
}

/// The first names, and how many more there are.
fn some<'a>(names: impl Iterator<Item = &'a String>, count: i64) -> String {
    let first: Vec<&str> = names.take(NAMES).map(String::as_str).collect();
    let more = count - i64::try_from(first.len()).unwrap_or(0);
    let names = first.join(", ");
    if more > 0 {
        format!("They are: {names} and {more} more.")
    } else {
        format!("They are: {names}.")
    }
}
