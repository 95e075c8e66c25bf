//! Working cards out, freezing and withdrawing them.

use std::collections::BTreeMap;

use axum::response::Response;
use homeroom_domain::{
    academics::{
        exam_state::{ExamState, Step},
        grading::ScaleFault,
    },
    permissions::school::{PublishReportCard, ViewReportCard},
    records::text,
    webhooks::{RESULTS_PUBLISHED, RESULTS_UNPUBLISHED},
};
use homeroom_edge::{ApiError, Caller, Conflict, Ids, NoBody, Post, SchoolArea};
use homeroom_kernel::{Fields, Input, Timestamp, fields::NON_FIELD, rules};
use homeroom_store::{
    Batch, StoreError, records,
    school::{
        exams::{self, EXAM_SESSIONS},
        report_cards::{Depth, Freezing, Loaded, Publication, Which, publish, withdraw},
    },
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    build::{self, Cards},
    card::{CardBody, ReportCardOut},
    class_of, school_name, sees, sources, which,
};
use crate::outbox::announce_event;

/// Which cards to work out; all where nothing is named.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ComputeIn reads it"
)]
pub(crate) struct ComputeBody {
    /// The class.
    academic_class: Option<uuid::Uuid>,
    /// The form.
    form: Option<uuid::Uuid>,
}

pub(crate) struct ComputeIn {
    academic_class: Option<String>,
    form: Option<String>,
}

impl Input for ComputeIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class = fields.nullable("academic_class", rules::id::<()>);
        let form = fields.nullable("form", rules::id::<()>);
        let (class, form) = (class?.flatten(), form?.flatten());
        if class.is_some() && form.is_some() {
            fields.fail(NON_FIELD, "Give academic_class or form, not both.");
            return None;
        }
        Some(Self {
            academic_class: class.map(|id| id.to_string()),
            form: form.map(|id| id.to_string()),
        })
    }
}

/// What came of working cards out.
#[derive(Serialize, ToSchema)]
pub(crate) struct ComputedOut {
    /// Cards worked out.
    computed: usize,
    /// Cards without a missing mark.
    complete: usize,
    /// The others.
    incomplete: Vec<IncompleteOut>,
    /// Levels whose grading scale is faulty: their cards have no grades.
    scale_faults: Vec<ScaleFaultsOut>,
    /// Published cards whose own marks or comments were corrected since.
    outdated: usize,
    /// Published cards that would say something else if they were published now, for whatever reason.
    changed: Vec<ChangedOut>,
}

/// A published card that is no longer what would be published.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedOut {
    /// The student's registration.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The school's number of the student.
    student_number: String,
    /// The student's name.
    student_name: String,
    /// The class.
    class_name: String,
    /// The version that is published.
    version: u32,
}

/// A card with missing marks.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct IncompleteOut {
    /// The student's registration.
    #[schema(value_type = uuid::Uuid)]
    student_session: String,
    /// The school's number of the student.
    student_number: String,
    /// The student's name.
    student_name: String,
    /// The class.
    class_name: String,
    /// The subjects whose marks are missing.
    missing: Vec<String>,
}

/// What is wrong with a level's grading scale.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct ScaleFaultsOut {
    /// The level.
    level: String,
    /// What is wrong, for people.
    faults: Vec<String>,
}

impl IncompleteOut {
    /// None of a complete card.
    fn new(body: &CardBody) -> Option<Self> {
        let subjects = body.subjects.iter();
        (!body.is_complete).then(|| Self {
            student_session: body.student_session.clone(),
            student_number: body.student_number.clone(),
            student_name: body.student_name.clone(),
            class_name: body.class_name.clone(),
            missing: subjects
                .filter(|subject| subject.status == "missing")
                .map(|subject| subject.name.clone())
                .collect(),
        })
    }
}

type Faults = BTreeMap<String, Vec<ScaleFault>>;

fn scale_faults(faults: &Faults) -> Vec<ScaleFaultsOut> {
    faults
        .iter()
        .map(|(level, faults)| ScaleFaultsOut {
            level: level.clone(),
            faults: faults.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

/// Live cards of what the body names.
fn narrowed(
    caller: &Caller<SchoolArea>,
    loaded: &Loaded,
    academic_class: Option<&String>,
) -> Result<Cards, ApiError> {
    let mut cards = build::live(school_name(caller), loaded, build::EVERYBODY);
    if let Some(class) = academic_class {
        class_of(caller, loaded, class)?;
        cards
            .cards
            .retain(|card| card.body.academic_class == *class);
    }
    cards.cards.retain(|card| {
        loaded
            .class(&card.body.academic_class)
            .is_some_and(|class| sees(caller, class))
    });
    Ok(cards)
}

/// Work report cards out without publishing them
///
/// From marks, scales and settings as they are now, published or not; nothing is stored. `changed` names the published cards
/// that publishing again would replace.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/compute/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path)),
    request_body = ComputeBody, responses((status = 200, body = ComputedOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn compute_report_cards(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ViewReportCard, ComputeIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let ComputeIn {
        academic_class,
        form,
    } = &post.input;
    let about = form.as_ref().map_or_else(
        || which(academic_class.as_ref()),
        |form| Which::Form(form.clone()),
    );
    let loaded = sources(&post, &ids, "exam_session", &about, None, Depth::State).await?;
    if form.is_some() && loaded.classes.is_empty() {
        return Err(ApiError::field("form", "There is no such record."));
    }
    let cards = narrowed(&post, &loaded, academic_class.as_ref())?;
    let frozen = loaded.frozen.iter();
    let frozen: BTreeMap<&str, _> = frozen
        .map(|row| (row.student_session.as_str(), row))
        .collect();
    let mut outdated = 0;
    let mut changed = Vec::new();
    for ReportCardOut { body, .. } in &cards.cards {
        let Some(row) = frozen.get(body.student_session.as_str()) else {
            continue;
        };
        outdated += usize::from(row.is_outdated != 0);
        if !row.says(&serde_json::to_string(body).map_err(StoreError::from)?) {
            changed.push(ChangedOut {
                student_session: body.student_session.clone(),
                student_number: body.student_number.clone(),
                student_name: body.student_name.clone(),
                class_name: body.class_name.clone(),
                version: row.version,
            });
        }
    }
    let answer = ComputedOut {
        computed: cards.cards.len(),
        complete: cards
            .cards
            .iter()
            .filter(|card| card.body.is_complete)
            .count(),
        incomplete: cards
            .cards
            .iter()
            .filter_map(|card| IncompleteOut::new(&card.body))
            .collect(),
        scale_faults: scale_faults(&cards.faults),
        outdated,
        changed,
    };
    post.done(Batch::default(), &answer).await
}

/// What to publish.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PublishIn reads it"
)]
pub(crate) struct PublishBody {
    /// The class; absent: all.
    academic_class: Option<uuid::Uuid>,
    /// Whether cards with missing marks, and levels without any grading scale, are published all the same.
    #[schema(default = false, nullable = false)]
    accept_incomplete: Option<bool>,
}

pub(crate) struct PublishIn {
    academic_class: Option<String>,
    accept_incomplete: bool,
}

impl Input for PublishIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class = fields.nullable("academic_class", rules::id::<()>);
        let accept = fields.optional("accept_incomplete", rules::boolean);
        Some(Self {
            academic_class: class?.flatten().map(|id| id.to_string()),
            accept_incomplete: accept?.unwrap_or(false),
        })
    }
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublishedOut {
    /// The exam session.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Its state now.
    #[schema(pattern = "^(draft|review|published|locked)$")]
    state: &'static str,
    /// The newest version; null: withdrawn.
    version: Option<u32>,
    /// How many cards were frozen in it.
    cards: usize,
    /// How many cards say nothing new and keep their version.
    unchanged: usize,
    /// The cards with missing marks.
    incomplete: Vec<IncompleteOut>,
    /// When cards were published last.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
}

/// Why cards were not published.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; ApiError writes it"
)]
pub(crate) struct PublicationRefusedOut {
    /// What is wrong and what to do.
    detail: String,
    /// `cards_incomplete`, `scale_incomplete`, or the code of another conflict.
    code: String,
    /// The cards with missing marks; absent where the state forbids it.
    #[schema(required = false, nullable = false)]
    incomplete: Option<Vec<IncompleteOut>>,
    /// What is wrong with grading scales; absent where the state forbids it.
    #[schema(required = false, nullable = false)]
    scale_faults: Option<Vec<ScaleFaultsOut>>,
}

/// Refuses cards that must not be published, or not without being asked for.
fn check(
    missing: &[IncompleteOut],
    faults: &Faults,
    accept_incomplete: bool,
) -> Result<(), ApiError> {
    let refused = |conflict| {
        Err(ApiError::Refused {
            conflict,
            which: String::new(),
            records: serde_json::Map::from_iter([
                ("incomplete".to_owned(), json!(missing)),
                ("scale_faults".to_owned(), json!(scale_faults(faults))),
            ]),
        })
    };
    let mut all = faults.values().flatten();
    if all.clone().any(|fault| *fault != ScaleFault::Empty) {
        return refused(Conflict::ScaleIncomplete);
    }
    if accept_incomplete {
        return Ok(());
    }
    if all.next().is_some() {
        return refused(Conflict::ScaleMissing);
    }
    if !missing.is_empty() {
        return refused(Conflict::CardsIncomplete);
    }
    Ok(())
}

/// Refuses to publish in this state.
fn may_publish(loaded: &Loaded, academic_class: Option<&String>) -> Result<(), ApiError> {
    let open = loaded.parts.iter();
    let open = open.filter(|part| matches!(part.state, ExamState::Draft | ExamState::Review));
    let open: Vec<&str> = open.map(|part| part.name.as_str()).collect();
    if !open.is_empty() {
        return Err(ApiError::Refused {
            conflict: Conflict::PartsNotPublished,
            which: format!("Not published: {}.", open.join(", ")),
            records: serde_json::Map::new(),
        });
    }
    match exams::state(&loaded.exam_session) {
        Some(ExamState::Locked) => Err(Conflict::ExamLocked.into()),
        // Publishing ends the entering of marks, for the other classes too.
        Some(ExamState::Draft) if academic_class.is_some() => {
            Err(Conflict::MarksNotSubmitted.into())
        }
        _ => Ok(()),
    }
}

/// Publish report cards
///
/// Freezes the cards with the grading scales and settings that they used, as the next version; earlier versions stay
/// readable. The same call publishes anew what was corrected since; cards that say nothing new keep their version. One
/// class alone is published once the marks are submitted, as publishing ends their entering for all. Parts are published before
/// what is worked out from them.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/publish/", tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)), request_body = PublishBody,
    responses((status = 200, body = PublishedOut), (status = 409, description = "Marks are missing, a scale is faulty, or the state forbids it.",
    body = PublicationRefusedOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn publish_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, PublishIn>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let PublishIn {
        academic_class,
        accept_incomplete,
    } = &post.input;
    let about = which(academic_class.as_ref());
    let loaded = sources(&post, &ids, "id", &about, None, Depth::Freeze).await?;
    may_publish(&loaded, academic_class.as_ref())?;
    if let Some(class) = academic_class {
        class_of(&post, &loaded, class)?;
    }
    let stamp = post.stamp();
    let mut freezing = Freezing::new(&loaded);
    let (mut missing, mut classes) = (Vec::new(), Vec::new());
    let take = &mut |ReportCardOut { body, .. }: ReportCardOut| {
        let class = &body.academic_class;
        if academic_class.as_ref().is_some_and(|named| named != class) {
            let (place, size) = (body.position_in_form, body.form_size);
            freezing.note_place(&body.student_session, place, size);
            return Ok(());
        }
        missing.extend(IncompleteOut::new(&body));
        if !classes.contains(class) {
            classes.push(class.clone());
        }
        freezing.add(&stamp, &body.student_session, class, &body)
    };
    let faults = build::each(school_name(&post), &loaded, build::EVERYBODY, take)?;
    if freezing.is_empty() {
        return Err(Conflict::NothingToPublish.into());
    }
    check(&missing, &faults, *accept_incomplete)?;
    let publication = Publication::new(
        &stamp,
        &loaded,
        freezing,
        academic_class.clone(),
        missing.len(),
    );
    let answer = PublishedOut {
        id: text(&loaded.exam_session, "id").to_owned(),
        state: ExamState::Published.as_str(),
        version: Some(publication.version),
        cards: publication.cards,
        unchanged: publication.unchanged,
        incomplete: missing,
        published_at: publication.published_at,
    };
    let shows_more = publication.published_at == Some(stamp.now);
    let mut batch = publish(&post.db, &stamp, &loaded, publication).await?;
    if shows_more {
        let data = json!({
            "session": ids.get::<()>("session")?, "exam_session": answer.id, "academic_class": academic_class,
            "academic_classes": classes, "version": answer.version, "cards": answer.cards,
            "release_at": loaded.exam_session.get("release_at"),
        });
        announce_event(&post, &mut batch, RESULTS_PUBLISHED, &data);
    }
    post.done(batch, &answer).await
}

/// Withdraw published report cards
///
/// Students and guardians see them no longer, until they are published again; every version stays readable for the staff.
#[utoipa::path(post, path = "/api/v1/school/sessions/{session}/exam-sessions/{id}/unpublish/", tag = "report-cards",
    params(("session" = uuid::Uuid, Path), ("id" = uuid::Uuid, Path)),
    responses((status = 200, body = PublishedOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn unpublish_exam_session(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, PublishReportCard, NoBody>,
) -> Result<Response, ApiError> {
    let ids = ids?;
    let scope = EXAM_SESSIONS.within(|name| ids.get(name))?;
    let before = records::find(&post.db, &EXAM_SESSIONS, &scope, ids.get("id")?).await?;
    let after = exams::state(&before).and_then(|state| state.after(Step::Unpublish, false).ok());
    let after = after.ok_or(Conflict::NotPublished)?;
    let stamp = post.stamp();
    let (mut batch, record) = exams::step(&stamp, &before, after, None);
    batch.append(withdraw(&stamp, text(&before, "id")));
    let data = json!({"session": ids.get::<()>("session")?, "exam_session": text(&before, "id")});
    announce_event(&post, &mut batch, RESULTS_UNPUBLISHED, &data);
    let answer = PublishedOut {
        id: text(&record, "id").to_owned(),
        state: after.as_str(),
        version: None,
        cards: 0,
        unchanged: 0,
        incomplete: Vec::new(),
        published_at: homeroom_domain::records::moment(&record, "published_at"),
    };
    post.done(batch, &answer).await
}
