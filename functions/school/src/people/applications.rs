//! Applications for admission: what a school knows of applicants, and its decisions.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::Response;
use futures_util::future::BoxFuture;
use homeroom_domain::{
    academics::{
        application_state::{ApplicationState, Step},
        exam_state::StepFault,
    },
    permissions::school::{DecideApplication, ViewApplication},
    records::{self, Field, Kind, Literal, Record, text},
};
use homeroom_edge::{
    ApiError, At, Conflict, Ids, Json, List, Post, Posted, Query, SchoolArea, SchoolCan,
};
use homeroom_kernel::{FieldErrors, Fields, Input, fields::NON_FIELD};
use homeroom_store::{
    Stamp,
    records::{self as store, Scope},
    school::people::{self as tables, APPLICATIONS as TABLE},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    TAG,
    admissions::{StudentChangeOut, warnings},
};
use crate::{
    exams::steps::OptionalReason,
    promotion::bulk,
    records::{ALONE, Hooks, Owned, Resource, Write},
};

/// Most decisions in one request.
const MAX_ROWS: usize = 200;

pub(crate) static APPLICATIONS: Resource = Resource {
    table: &TABLE,
    noun: "application",
    plural: "applications",
    title: "an application",
    path: "/api/v1/school/applications/",
    tag: TAG,
    hooks: &ApplicationRules,
    warns: true,
    ..ALONE
};

struct ApplicationRules;
impl Hooks for ApplicationRules {
    fn check(&self, application: &Record, errors: &mut FieldErrors) {
        let empty = |name: &&str| text(application, name).is_empty();
        // Enrolling makes a guardian of whoever can be reached.
        if ["guardian_phone", "guardian_email"].iter().all(empty) {
            return;
        }
        for name in ["guardian_first_name", "guardian_last_name"]
            .iter()
            .filter(|name| empty(name))
        {
            errors.add(
                name,
                "Give the name of whom the phone number or email reaches.",
            );
        }
    }

    fn prepare<'a>(&'a self, write: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(settle(write))
    }
}

/// A new application gets its number; a changed one is open, and examined once it has a result; one that goes led to nothing.
async fn settle(write: &mut Write<'_>) -> Result<(), ApiError> {
    let state = write.before.map(state_of).transpose()?;
    if write.before.is_some() {
        write.ahead.append(tables::hold_applications(write.before));
    }
    let Some(after) = write.after.as_mut() else {
        return if state.is_some_and(ApplicationState::may_go) {
            Ok(())
        } else {
            Err(Conflict::ApplicationKept.into())
        };
    };
    let has_result = has_result(after);
    let mut set = |name: &str, value: Value| after.insert(name.to_owned(), value);
    if let (Some(before), Some(state)) = (write.before, state) {
        if !state.is_open() {
            return Err(Conflict::ApplicationEnded.into());
        }
        let to = state.with_result(has_result);
        if to != state {
            set("state", to.as_str().into());
            set("reason", "".into());
        }
        let stamp = write.caller.stamp();
        write
            .batch
            .append(tables::note_states(&stamp, &[(before, after)]));
        return Ok(());
    }
    let state = ApplicationState::undecided(has_result);
    set("state", state.as_str().into());
    set("reason", "".into());
    let found = tables::prepare_application(&write.caller.db, after).await?;
    after.insert("number".to_owned(), found.number.into());
    write.warnings = warnings(&found.namesakes, after);
    Ok(())
}

fn state_of(application: &Record) -> Result<ApplicationState, ApiError> {
    tables::application_state(application)
        .ok_or_else(|| ApiError::Internal("an application without a state".into()))
}

fn has_result(application: &Record) -> bool {
    application
        .get("exam_mark")
        .is_some_and(|mark| !mark.is_null())
}

/// The application after a step.
pub(super) fn stepped(
    stamp: &Stamp<'_>,
    before: &Record,
    step: Step,
    reason: &str,
) -> Result<Record, StepFault> {
    let state = tables::application_state(before).ok_or(StepFault::NotFromHere)?;
    let to = state.after(step, !reason.is_empty(), has_result(before))?;
    let mut after = before.clone();
    let mut set = |name: &str, value: Value| after.insert(name.to_owned(), value);
    set("state", to.as_str().into());
    set("reason", reason.into());
    let now = serde_json::json!(stamp.now);
    set("updated_at", now.clone());
    match step {
        // The decision stays the one that was carried out.
        Step::Enrol => {}
        Step::Reopen => {
            set("decided_by", Value::Null);
            set("decided_at", Value::Null);
        }
        _ => {
            set("decided_by", stamp.created_by().into());
            set("decided_at", now);
        }
    }
    Ok(after)
}

pub(super) fn refused(fault: StepFault) -> ApiError {
    match fault {
        StepFault::NotFromHere => Conflict::ApplicationNotFromHere.into(),
        StepFault::ReasonRequired => ApiError::field("reason", REASON_REQUIRED),
    }
}

const REASON_REQUIRED: &str = "This field is required.";

/// Takes a step that changes nothing but the application.
async fn take(
    post: &Posted<SchoolArea, OptionalReason>,
    ids: Result<Ids, ApiError>,
    step: Step,
) -> Result<Response, ApiError> {
    let id = ids?.get("id")?;
    let before = store::find(&post.db, &TABLE, &Scope::default(), id).await?;
    let stamp = post.stamp();
    let reason = post.input.0.as_deref().unwrap_or_default();
    let after = stepped(&stamp, &before, step, reason).map_err(refused)?;
    let batch = tables::take_steps(&stamp, &[(&before, &after)]);
    post.done(batch, &Owned(&TABLE, after)).await
}

/// Why a step is taken.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; OptionalReason reads it"
)]
pub(crate) struct ApplicationStepBody {
    /// Shown in the application and kept in its history.
    #[schema(max_length = 500, example = "The family moved.")]
    reason: Option<String>,
}

/// Why a step is taken that must be explained.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; OptionalReason reads it"
)]
pub(crate) struct ApplicationReasonBody {
    /// Shown in the application and kept in its history.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "All places of the form are taken."
    )]
    reason: String,
}

macro_rules! step {
    ($name:ident, $path:literal, $step:ident, $body:ident, $about:literal) => {
        #[doc = $about]
        #[utoipa::path(post, path = $path, tag = "people", params(("id" = uuid::Uuid, Path)), request_body = $body,
            responses((status = 200, body = ref("#/components/schemas/ApplicationOut"))),
            security(("bearer" = []), ("api_key" = [])))]
        pub(crate) async fn $name(
            ids: Result<Ids, ApiError>,
            post: Post<SchoolArea, DecideApplication, OptionalReason>,
        ) -> Result<Response, ApiError> {
            take(&post, ids, Step::$step).await
        }
    };
}

step!(
    offer_application,
    "/api/v1/school/applications/{id}/offer/",
    Offer,
    ApplicationStepBody,
    "Offer a place\n\nWithout an examination too, and to who is on the waiting list."
);
step!(
    waitlist_application,
    "/api/v1/school/applications/{id}/waitlist/",
    Waitlist,
    ApplicationStepBody,
    "Put an application on the waiting list"
);
step!(
    reject_application,
    "/api/v1/school/applications/{id}/reject/",
    Reject,
    ApplicationReasonBody,
    "Reject an application"
);
step!(
    decline_application,
    "/api/v1/school/applications/{id}/decline/",
    Decline,
    ApplicationStepBody,
    "Note that the family does not take the place"
);
step!(
    withdraw_application,
    "/api/v1/school/applications/{id}/withdraw/",
    Withdraw,
    ApplicationStepBody,
    "Note that the family applies no longer"
);
step!(
    reopen_application,
    "/api/v1/school/applications/{id}/reopen/",
    Reopen,
    ApplicationReasonBody,
    "Reopen an application\n\nOne that was rejected or put on the waiting list is again as it was before."
);

/// An application's history: its states, the newest first
#[utoipa::path(get, path = "/api/v1/school/applications/{id}/history/", tag = "people", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = List<StudentChangeOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_application_history(
    caller: SchoolCan<ViewApplication>,
    id: At<()>,
    query: Query,
) -> Result<Json<List<StudentChangeOut>>, ApiError> {
    let request = query.page(&tables::STATES)?;
    let page = tables::application_history(&caller.db, id.0, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Many decisions.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; BulkIn reads it"
)]
pub(crate) struct ApplicationDecisionsBody {
    /// A decision each; the applications of a request differ.
    #[schema(min_items = 1, max_items = 200)]
    rows: Vec<ApplicationDecisionBody>,
}

/// A decision on an application.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct ApplicationDecisionBody {
    /// The application.
    application: uuid::Uuid,
    /// `offer`, `waitlist` or `reject`.
    #[schema(example = "offer")]
    decision: String,
    /// Why; asked for where it is rejected.
    #[schema(nullable = false, max_length = 500)]
    reason: Option<String>,
}

const ROW: &[Field] = &[
    Field::required("application", Kind::Reference("applications"), ""),
    Field::required(
        "decision",
        Kind::Choice(&["offer", "waitlist", "reject"]),
        "",
    ),
    Field::or(
        "reason",
        Kind::Text { min: 0, max: 500 },
        Literal::Text(""),
        "",
    ),
];

/// What became of many decisions.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct ApplicationDecisionsOut {
    /// Applications that were decided on.
    decided: u32,
    /// Applications that were in the state already.
    unchanged: u32,
    /// Rows with mistakes; the others were decided on all the same.
    refused: u32,
    /// One for each row, in their order.
    #[schema(max_items = 200)]
    results: Vec<ApplicationDecisionOut>,
}

/// What became of a row.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApplicationDecisionOut {
    /// Which row, from 1.
    row: usize,
    /// `decided`, `unchanged` or `refused`.
    #[schema(example = "decided")]
    outcome: &'static str,
    /// What is wrong, by field.
    errors: BTreeMap<String, Vec<String>>,
}

pub(crate) struct BulkIn(Vec<Value>);

impl Input for BulkIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let rows = fields.required("rows", |value| bulk::rows(value, MAX_ROWS));
        Some(Self(rows?))
    }
}

/// Decide on many applications
///
/// Rows without mistakes are decided on together; the others say what is wrong. Repeating is safe.
#[utoipa::path(post, path = "/api/v1/school/applications/bulk-decide/", tag = "people",
    request_body = ApplicationDecisionsBody, responses((status = 200, body = ApplicationDecisionsOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn decide_applications(
    post: Post<SchoolArea, DecideApplication, BulkIn>,
) -> Result<Response, ApiError> {
    let read: Vec<Result<Record, FieldErrors>> = post.input.0.iter().map(read_row).collect();
    let named = read.iter().flatten();
    let named: Value = named.map(|row| text(row, "application")).collect();
    let known = tables::find_applications(&post.db, &named).await?;
    let stamp = post.stamp();
    let mut answer = ApplicationDecisionsOut::default();
    let mut once = BTreeSet::new();
    let mut steps = Vec::new();
    for (n, row) in read.into_iter().enumerate() {
        let decided = row.and_then(|row| {
            if !once.insert(text(&row, "application").to_owned()) {
                let message = "An earlier row is about this application already.";
                return Err(FieldErrors::one("application", message));
            }
            decide(&stamp, &known, &row)
        });
        let (outcome, count, errors) = match decided {
            Ok(Some(step)) => {
                steps.push(step);
                ("decided", &mut answer.decided, BTreeMap::new())
            }
            Ok(None) => ("unchanged", &mut answer.unchanged, BTreeMap::new()),
            Err(errors) => ("refused", &mut answer.refused, errors.messages().clone()),
        };
        *count += 1;
        answer.results.push(ApplicationDecisionOut {
            row: n + 1,
            outcome,
            errors,
        });
    }
    let steps: Vec<_> = steps
        .iter()
        .map(|(before, after)| (*before, after))
        .collect();
    post.done(tables::take_steps(&stamp, &steps), &answer).await
}

fn read_row(row: &Value) -> Result<Record, FieldErrors> {
    match row {
        Value::Object(row) => records::read(ROW, row.clone(), false),
        _ => Err(FieldErrors::one(NON_FIELD, "Expected an object.")),
    }
}

/// The application of a row as it is and as it will be; none where it is in the state already.
fn decide<'a>(
    stamp: &Stamp<'_>,
    known: &'a [Record],
    row: &Record,
) -> Result<Option<(&'a Record, Record)>, FieldErrors> {
    let is_it = |known: &&Record| known.get("id") == row.get("application");
    let before = known
        .iter()
        .find(is_it)
        .ok_or_else(|| FieldErrors::one("application", "There is no such record."))?;
    let (step, state) = match text(row, "decision") {
        "offer" => (Step::Offer, ApplicationState::Offered),
        "waitlist" => (Step::Waitlist, ApplicationState::Waitlisted),
        _ => (Step::Reject, ApplicationState::Rejected),
    };
    if tables::application_state(before) == Some(state) {
        return Ok(None);
    }
    match stepped(stamp, before, step, text(row, "reason")) {
        Ok(after) => Ok(Some((before, after))),
        Err(StepFault::ReasonRequired) => Err(FieldErrors::one("reason", REASON_REQUIRED)),
        Err(StepFault::NotFromHere) => {
            let state = text(before, "state");
            let message = format!("The application is {state}, so this is not decided now.");
            Err(FieldErrors::one("decision", &message))
        }
    }
}
