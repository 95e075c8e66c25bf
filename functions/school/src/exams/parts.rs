//! Results that are worked out from those of other exam sessions.

use homeroom_domain::{
    academics::{
        exam_state::ExamState,
        parts::{PARTS, WEIGHTS},
    },
    permissions::school::ChangeExamSession,
    records::text,
};
use homeroom_edge::{ApiError, Body, Ids, Json, SchoolCan};
use homeroom_kernel::{FieldErrors, Fields, Id, Input, rules};
use homeroom_store::school::exams::{self, EXAM_SESSIONS, Part};
use serde_json::Value;
use utoipa::ToSchema;

use crate::records::Owned;

/// The parts of an exam session.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PartsIn reads it"
)]
pub(crate) struct ExamSessionPartsBody {
    /// 2 to 6 exam sessions of the same academic session, in the order of the cards; none: it has exams of its own again.
    #[schema(max_items = 6)]
    parts: Vec<ExamSessionPartBody>,
}

/// A part of an exam session.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PartsIn reads it"
)]
pub(crate) struct ExamSessionPartBody {
    /// The exam session. It has exams, and no parts itself.
    exam_session: uuid::Uuid,
    /// Its weight: how the weights compare counts.
    #[schema(minimum = 1, maximum = 100, example = 50)]
    weight: i64,
}

/// An exam session that the results of another are worked out from.
#[cfg(not(target_arch = "wasm32"))]
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; the store writes it"
)]
pub(crate) struct ExamSessionPartOut {
    /// The exam session.
    exam_session: uuid::Uuid,
    /// Its name.
    name: String,
    /// Its term.
    term: String,
    /// Its weight.
    weight: i64,
    /// How far its marks are.
    #[schema(pattern = "^(draft|review|published|locked)$")]
    state: String,
}

pub(crate) struct PartsIn(Vec<(Id<()>, i64)>);

impl Input for PartsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("parts", parts).map(Self)
    }
}

fn parts(value: &Value) -> Result<Vec<(Id<()>, i64)>, String> {
    let parts = rules::list(*PARTS.end(), part)(value)?;
    if !parts.is_empty() && !PARTS.contains(&parts.len()) {
        return Err("Name at least two parts, or none.".into());
    }
    for (n, (id, _)) in parts.iter().enumerate() {
        if parts.iter().take(n).any(|(other, _)| other == id) {
            return Err(format!("Item {}: This part is named twice.", n + 1));
        }
    }
    Ok(parts)
}

fn part(value: &Value) -> Result<(Id<()>, i64), String> {
    let Value::Object(map) = value else {
        return Err("Expected an object.".into());
    };
    if let Some(name) = map
        .keys()
        .find(|name| !["exam_session", "weight"].contains(&name.as_str()))
    {
        return Err(format!("{name}: There is no such field."));
    }
    let field = |name: &str| map.get(name).unwrap_or(&Value::Null);
    let id = rules::id(field("exam_session")).map_err(|fault| format!("exam_session: {fault}"))?;
    let weight = rules::integer(*WEIGHTS.start(), *WEIGHTS.end())(field("weight"));
    Ok((id, weight.map_err(|fault| format!("weight: {fault}"))?))
}

/// Work the results out from other exam sessions
///
/// The mark of a subject is then the weighted mean of the parts' marks, and nothing is entered here. Only as long as the results
/// are not published, and there are no exams.
#[utoipa::path(put, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/parts/", tag = "exams",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)), request_body = ExamSessionPartsBody,
    responses((status = 200, body = ref("#/components/schemas/ExamSessionOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_exam_session_parts(
    caller: SchoolCan<ChangeExamSession>,
    ids: Ids,
    body: Body<PartsIn>,
) -> Result<Json<Owned>, ApiError> {
    let id = ids.get::<()>("id")?;
    let PartsIn(wanted) = body.input;
    let named: Vec<Id<()>> = wanted.iter().map(|(part, _)| *part).chain([id]).collect();
    let known = exams::find_named(&caller.db, ids.get("session")?, &named).await?;
    let find = |id: Id<()>| {
        let id = id.to_string();
        known.iter().find(|record| text(record, "id") == id)
    };
    let before = find(id).ok_or(ApiError::NotFound)?;
    let (mut parts, mut errors) = (Vec::new(), FieldErrors::default());
    for (n, (part, weight)) in (1..).zip(wanted) {
        match find(part) {
            Some(record) => parts.push(Part {
                exam_session: part.to_string(),
                name: text(record, "name").to_owned(),
                term: text(record, "term").to_owned(),
                weight,
                state: exams::state(record).unwrap_or(ExamState::Draft),
            }),
            None => errors.add("parts", &format!("Item {n}: There is no such record.")),
        }
    }
    errors.into_result(())?;
    let (batch, after) = exams::replace_parts(&caller.stamp(), before, &parts)?;
    caller.commit(batch).await?;
    Ok(Json(Owned(&EXAM_SESSIONS, after)))
}
