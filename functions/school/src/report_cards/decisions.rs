//! What people decide about a single card: comments by hand, and withholding.

use axum::response::Response;
use homeroom_domain::{
    academics::exam_state::ExamState,
    permissions::{
        Permission,
        school::{ChangeReportCard, PublishReportCard, WithholdReportCard},
    },
};
use homeroom_edge::{
    ApiError, Body, Caller, Conflict, Ids, Json, NoBody, Post, SchoolArea, SchoolCan,
};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::school::report_cards::{
    Comment, CommentTarget, Holding, find_comment_target, hold, release, write_comments,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Comments by hand; absent ones stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; CommentsIn reads it"
)]
pub(crate) struct CardCommentsBody {
    /// The class teacher's; null: as the template says.
    #[schema(max_length = 1_000)]
    class_teacher: Option<String>,
    /// The head teacher's; null: as the template says. Needs the permission to publish report cards.
    #[schema(max_length = 1_000)]
    head_teacher: Option<String>,
    /// Why, for the audit log; required once the exam session is locked.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

pub(crate) struct CommentsIn {
    class_teacher: Option<Option<String>>,
    head_teacher: Option<Option<String>>,
    reason: Option<String>,
}

impl Input for CommentsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class_teacher = fields.nullable("class_teacher", rules::text(1, 1_000));
        let head_teacher = fields.nullable("head_teacher", rules::text(1, 1_000));
        let reason = fields.nullable("reason", rules::text(1, 500));
        Some(Self {
            class_teacher: class_teacher?,
            head_teacher: head_teacher?,
            reason: reason?.flatten(),
        })
    }
}

/// The comments by hand of a card.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardCommentsOut {
    /// The card: the student's registration.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The class teacher's; null: as the template says.
    class_teacher: Option<String>,
    /// The head teacher's; null: as the template says.
    head_teacher: Option<String>,
}

async fn target(
    caller: &Caller<SchoolArea>,
    ids: &Ids,
) -> Result<(Holding, CommentTarget), ApiError> {
    let card = Holding {
        exam_session: ids.get("exam_session")?,
        student_session: ids.get("id")?,
    };
    let session = ids.get("session")?;
    let found = find_comment_target(&caller.db, session, card, caller.actor.user).await?;
    Ok((card, found))
}

/// Write the comments of a report card by hand
///
/// The class teacher's is written by the class teacher, or by who may publish; the head teacher's by who may publish. A
/// published card keeps the comment that it was published with, and is outdated. Once the exam session is locked a `reason` is
/// needed, as for marks.
#[utoipa::path(put, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/{id}/comments/",
    tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    request_body = CardCommentsBody, responses((status = 200, body = CardCommentsOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_report_card_comments(
    caller: SchoolCan<ChangeReportCard>,
    ids: Ids,
    body: Body<CommentsIn>,
) -> Result<Json<CardCommentsOut>, ApiError> {
    let CommentsIn {
        class_teacher,
        head_teacher,
        reason,
    } = body.input;
    if head_teacher.is_some() {
        caller.require::<PublishReportCard>()?;
    }
    let (card, before) = target(&caller, &ids).await?;
    let publishes = caller.actor.permissions.allows(PublishReportCard::CODENAME);
    let is_program = caller.actor.user.is_none();
    if class_teacher.is_some() && before.is_led == 0 && !publishes && !is_program {
        return Err(ApiError::Forbidden {
            code: "not_class_teacher",
            detail: "Only the class teacher, or who publishes report cards, writes this comment."
                .into(),
        });
    }
    if before.state == ExamState::Locked && reason.is_none() {
        return Err(Conflict::CommentLocked.into());
    }
    let named = [
        ("class_teacher", &class_teacher),
        ("head_teacher", &head_teacher),
    ];
    let comments: Vec<Comment> = named
        .into_iter()
        .filter_map(|(kind, text)| {
            let text = text.clone()?;
            Some(Comment { kind, text })
        })
        .collect();
    if !comments.is_empty() {
        let batch = write_comments(&caller.stamp(), card, &comments, reason.as_deref())?;
        caller.commit(batch).await?;
    }
    Ok(Json(CardCommentsOut {
        id: card.student_session.to_string(),
        class_teacher: class_teacher.unwrap_or(before.class_teacher),
        head_teacher: head_teacher.unwrap_or(before.head_teacher),
    }))
}

/// Why a card is withheld.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ReasonIn reads it"
)]
pub(crate) struct WithholdBody {
    /// Why, for the staff.
    #[schema(min_length = 1, max_length = 500, example = "Fees are outstanding.")]
    reason: String,
}

pub(crate) struct ReasonIn(String);

impl Input for ReasonIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("reason", rules::text(1, 500)).map(Self)
    }
}

/// Whether a card is withheld.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithheldOut {
    /// The card: the student's registration.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Whether only the staff may see it.
    is_withheld: bool,
    /// Why.
    withheld_reason: Option<String>,
}

/// Withhold a report card from the student and the guardians
///
/// Published or not; publishing does not release it.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/{id}/withhold/",
    tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    request_body = WithholdBody, responses((status = 200, body = WithheldOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn withhold_report_card(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, WithholdReportCard, ReasonIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let (card, before) = target(&post, &ids).await?;
    let ReasonIn(reason) = &post.input;
    let batch = hold(&post.stamp(), card, before.withheld.as_deref(), reason);
    let answer = WithheldOut {
        id: card.student_session.to_string(),
        is_withheld: true,
        withheld_reason: Some(reason.clone()),
    };
    post.done(batch, &answer).await
}

/// Release a report card that was withheld
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/{id}/release/",
    tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = WithheldOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn release_report_card(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, WithholdReportCard, NoBody>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let (card, before) = target(&post, &ids).await?;
    let reason = before.withheld.ok_or(Conflict::NotWithheld)?;
    let answer = WithheldOut {
        id: card.student_session.to_string(),
        is_withheld: false,
        withheld_reason: None,
    };
    post.done(release(&post.stamp(), card, &reason), &answer)
        .await
}
