//! A student's right to be forgotten.

use axum::response::Response;
use homeroom_domain::{credentials::digest, permissions::school::EraseStudent};
use homeroom_edge::{
    ApiError, Conflict, Ids, Post, SchoolArea,
    identity::users::{refuse_self, refuse_stronger},
    report_card::{CardBody, CardCommentOut},
};
use homeroom_kernel::{Fields, Id, Input, Timestamp, rules};
use homeroom_store::{
    Batch, StoreError,
    identity::users,
    school::people::{self as tables, ERASED_NAME},
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use crate::{exams::steps::REASON_LENGTH, outbox};

/// Whom to erase, said twice, and why.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; EraseIn reads it"
)]
pub(crate) struct EraseBody {
    /// The school's number of the student, typed again.
    #[schema(min_length = 1, max_length = 50)]
    student_id: String,
    /// For the audit log, which keeps it: without the name of anybody.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "The family asked for it in writing."
    )]
    reason: String,
}

pub(crate) struct EraseIn {
    student_id: String,
    reason: String,
}

impl Input for EraseIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let student_id = fields.required("student_id", rules::text(1, 50));
        let reason = fields.required("reason", rules::text(1, REASON_LENGTH));
        Some(Self {
            student_id: student_id?,
            reason: reason?,
        })
    }
}

/// A student who was erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasedOut {
    /// The student, whose record stays.
    #[schema(value_type = uuid::Uuid)]
    id: Id<()>,
    /// The number that stands for the student from now on.
    #[schema(example = "erased-01890000-0000-7000-8000-000000000001")]
    student_id: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    erased_at: Timestamp,
}

/// Whether a text names somebody, in whatever case.
fn mentions(text: &str, names: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words
            // An initial is in too many texts.
            .filter(|word| word.chars().nth(1).is_some())
            .map(str::to_lowercase)
            .collect()
    };
    let names = words(names);
    words(text).iter().any(|word| names.contains(word))
}

/// The card without the person: figures and what comes from templates stay.
fn nameless(id: &str, card: &str, number: &str) -> Result<Json, StoreError> {
    let mut body = CardBody::thaw(card)?;
    body.student_name = ERASED_NAME.join(" ");
    number.clone_into(&mut body.student_number);
    for subject in &mut body.subjects {
        if subject.comment_source.as_deref() == Some("written") {
            subject.comment_source = None;
            subject.comment.clear();
        }
    }
    for comment in [
        &mut body.class_teacher_comment,
        &mut body.head_teacher_comment,
    ] {
        if comment.source.as_deref() == Some("written") {
            *comment = CardCommentOut::default();
        }
    }
    let card = serde_json::to_string(&body)?;
    Ok(json!([id, card, digest(&card)]))
}

/// Erase a student who has left
///
/// Cannot be undone. Everything that tells who the student was goes, with guardians who have no other student and the accounts of
/// them all. The record, marks, registrations and positions stay, so that nothing changes for classmates. A repetition changes
/// nothing and answers the same.
#[utoipa::path(post, path = "/api/v1/school/students/{id}/erase/", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = EraseBody, responses((status = 200, body = ErasedOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn erase_student(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, EraseStudent, EraseIn>,
) -> Result<Response, ApiError> {
    let id = ids?.get("id")?;
    let EraseIn { student_id, reason } = &post.input;
    let found = tables::find_erasable(&post.db, id).await?;
    let stamp = post.stamp();
    let mut answer = ErasedOut {
        id,
        student_id: format!("erased-{id}"),
        erased_at: stamp.now,
    };
    if let Some(erased_at) = found.erased_at {
        answer.erased_at = erased_at;
        return post.done(Batch::default(), &answer).await;
    }
    if found.number != *student_id {
        return Err(ApiError::field(
            "student_id",
            "This is not the student's number.",
        ));
    }
    if reason.contains(student_id.as_str()) || mentions(reason, &found.names) {
        return Err(ApiError::field(
            "reason",
            "The reason is kept: give it without names and number.",
        ));
    }
    if found.is_enrolled {
        return Err(Conflict::StudentEnrolled.into());
    }
    let mut batch = Batch::default();
    for account in &found.accounts {
        let user = match users::find(&post.db, *account).await {
            // Deleted before: only what was left of it goes.
            Err(StoreError::NotFound) => continue,
            user => user?,
        };
        refuse_self(&post, user.id)?;
        refuse_stronger(&post, &user).await?;
        batch.append(users::delete(&stamp, &user));
        outbox::announce(&mut batch, &post.app, user.id, Some(&user), None, stamp.now);
    }
    let mut cards = Vec::new();
    for (version, card) in &found.cards {
        cards.push(nameless(version, card, &answer.student_id)?);
    }
    let number = &answer.student_id;
    batch.append(tables::erase(&stamp, id, &found, number, &cards, reason));
    let done = post.done(batch, &answer).await;
    post.app.forget_actors(stamp.plane);
    outbox::deliver_later(&post.app, &post.context, post.db.school());
    done
}
