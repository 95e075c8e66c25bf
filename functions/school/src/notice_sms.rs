//! A notice as a text message.

use axum::response::Response;
use homeroom_domain::{SmsBatchId, permissions::school::SendSms, sms::school::Template};
use homeroom_edge::{
    ApiError, At, Conflict, Post, SchoolArea,
    school_sms::{self, Sender, Wishes},
};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    school::notices::{self, NoticeText},
    sms::school::audience::{self, Audience},
};
use serde::Serialize;
use utoipa::ToSchema;

/// How a notice is sent.
#[derive(ToSchema)]
#[schema(as = NoticeSmsIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; NoticeSmsIn reads it"
)]
pub(crate) struct NoticeSmsBody {
    /// Only to those guardians who are called first.
    #[schema(example = false, nullable = false)]
    primary_only: Option<bool>,
}

pub(crate) struct NoticeSmsIn {
    primary_only: bool,
}

impl Input for NoticeSmsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let primary_only = fields.optional("primary_only", rules::boolean);
        Some(Self {
            primary_only: primary_only?.unwrap_or(false),
        })
    }
}

/// A notice that is being sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticeSmsOut {
    /// The batch of its messages; the header `location` says where it tells what became of them.
    #[schema(value_type = uuid::Uuid)]
    id: SmsBatchId,
    /// Messages.
    #[schema(example = 412)]
    count: usize,
    /// Guardians who did not agree to text messages, have no number, or get none for another reason that the batch tells.
    #[schema(example = 3)]
    left_out: usize,
}

fn audience_of(notice: &NoticeText) -> Result<Audience, ApiError> {
    match (notice.audience.as_str(), notice.form, notice.academic_class) {
        ("everyone" | "guardians", _, _) => Ok(Audience::Everyone),
        ("form", Some(form), _) => Ok(Audience::Forms(vec![form])),
        ("class", _, Some(class)) => Ok(Audience::Classes(vec![class])),
        _ => Err(Conflict::NotForGuardians.into()),
    }
}

/// Send a notice as a text message
///
/// To the guardians whom it concerns, from when on it is shown: title and text, in at most 10 parts. Who did not agree to text messages is left
/// out. The messages are stored before the answer, all or none.
#[utoipa::path(post, path = "/api/v1/school/notices/{id}/sms/", tag = "notices", params(("id" = uuid::Uuid, Path)),
    request_body = NoticeSmsBody,
    responses((status = 202, description = "The messages are on their way.", body = NoticeSmsOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn send_notice_sms(
    id: At<()>,
    post: Post<SchoolArea, SendSms, NoticeSmsIn>,
) -> Result<Response, ApiError> {
    let notice = notices::find_text(&post.db, id.0).await?;
    let audience = audience_of(&notice)?;
    if notice.expires_at.is_some_and(|end| end <= post.context.now) {
        return Err(Conflict::NoticeExpired.into());
    }
    let words = format!("{}\n{}", notice.title, notice.body);
    let wishes = Wishes {
        send_at: Some(notice.publish_at),
        transliterate: true,
        ..Wishes::default()
    };
    let sender = Sender::of(&post).await?;
    // The line's end is always left of it, so it can only be too long.
    if sender.cuts.admit(&words, true).is_err() {
        return Err(Conflict::NoticeTooLong.into());
    }
    let found = audience::find(&post.db, &audience, post.input.primary_only).await?;
    let texts = school_sms::texts(&found, &Template::literal(&words), "")?;
    let weighed = sender.weigh(&post, texts, &wishes).await?;
    let ready = sender
        .prepare_batch(&post, &notice.title, weighed, &wishes)
        .await?;
    let out = NoticeSmsOut {
        id: ready.new.id,
        count: ready.new.count,
        left_out: ready.new.rejected.len(),
    };
    let location = format!("/api/v1/school/sms/batches/{}/", out.id);
    let outcome = post.accept(ready.batch(), &location, &out).await;
    ready.prepared.settle(outcome).await
}
