//! What would become of the students by the rules, without writing it.

use std::collections::BTreeMap;

use homeroom_domain::{academics::marks::Hundredths, permissions::school::ViewStudentPromotion};
use homeroom_edge::{ApiError, Ids, Json, Post, SchoolArea};
use homeroom_store::school::promotion::Place;
use serde::Serialize;
use utoipa::ToSchema;

use super::proposals::{PromotionRulesBody, PromotionRulesOut, RulesIn, Weighed, Weighing, weigh};

/// What the rules propose for the students of a set-up.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromotionPreviewOut {
    /// The set-up.
    #[schema(value_type = uuid::Uuid)]
    session_setup: String,
    /// The exam session whose figures count.
    #[schema(value_type = Option<uuid::Uuid>)]
    exam_session: Option<String>,
    /// The rules that were followed.
    rules: PromotionRulesOut,
    /// How many students of each action, decisions that there are before proposals.
    counts: BTreeMap<&'static str, u32>,
    /// The classes of the new session and their places.
    destinations: Vec<PromotionDestinationOut>,
    /// The students, by class and name.
    students: Vec<PromotionProposalOut>,
}

/// A class of the new session and its places.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromotionDestinationOut {
    /// The class of the new session.
    #[schema(value_type = uuid::Uuid)]
    academic_class: String,
    /// Its name.
    #[schema(example = "2A")]
    class_name: String,
    /// Its places; null: no limit.
    capacity: Option<i64>,
    /// Students who are in it already.
    registered: i64,
    /// Students who are decided or proposed into it.
    incoming: i64,
    /// Whether these are more than its places: carrying it out would be refused.
    is_over: bool,
}

/// What the rules propose for a student.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromotionProposalOut {
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    student: String,
    /// The school's number of the student.
    student_id: String,
    /// The student's name, family name last.
    student_name: String,
    /// The class of the session that ends; null: in none.
    #[schema(value_type = Option<uuid::Uuid>)]
    source_session_class: Option<String>,
    /// Its name.
    #[schema(example = "1A")]
    class_name: Option<String>,
    /// What is proposed.
    #[schema(example = "promote")]
    action: &'static str,
    /// The class of the new session to which it leads.
    #[schema(value_type = Option<uuid::Uuid>)]
    destination_session_class: Option<String>,
    /// Why.
    #[schema(example = "Subjects passed: 7; average 61.5.")]
    reason: String,
    /// The average; null: nothing was sat.
    #[schema(value_type = Option<f64>, example = 61.5)]
    average: Option<Hundredths>,
    /// Subjects passed; null: there are no figures.
    #[schema(example = 7)]
    subjects_passed: Option<u32>,
    /// The names of the subjects that must be passed and were not; null: there are no figures.
    #[schema(example = json!([]))]
    not_passed: Option<Vec<String>>,
    /// Whether no mark is missing; null: there are no figures.
    is_complete: Option<bool>,
    /// Where the figures are from: `report_card` or `marks`.
    #[schema(example = "report_card")]
    figures: Option<&'static str>,
    /// The decision that there is.
    #[schema(example = "pending")]
    decision: Option<String>,
    /// Whether that decision stays, whatever is proposed.
    is_decided: bool,
}

/// Show what the rules propose
///
/// Writes nothing. The figures are those of the published cards of an exam session, or of its marks where no card is
/// published.
#[utoipa::path(post, path = "/api/v1/school/session-setup/{session_setup}/promotion-executions/preview/",
    tag = "promotion", params(("session_setup" = uuid::Uuid, Path)), request_body = PromotionRulesBody,
    responses((status = 200, body = PromotionPreviewOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn preview_promotions(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, ViewStudentPromotion, RulesIn>,
) -> Result<Json<PromotionPreviewOut>, ApiError> {
    let weighing = weigh(&post.db, ids?.get("session_setup")?, &post.input).await?;
    let counts = weighing.counts();
    let destinations = destinations(&weighing);
    let Weighing {
        setup,
        exam_session,
        rules,
        students,
        ..
    } = weighing;
    Ok(Json(PromotionPreviewOut {
        session_setup: setup.id,
        exam_session,
        rules: rules.into(),
        counts,
        destinations,
        students: students.into_iter().map(Into::into).collect(),
    }))
}

fn destinations(weighing: &Weighing) -> Vec<PromotionDestinationOut> {
    let mut proposed: BTreeMap<&str, i64> = BTreeMap::new();
    for student in weighing
        .students
        .iter()
        .filter(|student| !student.is_decided())
    {
        if let Some(place) = &student.proposal.destination {
            *proposed.entry(place).or_default() += 1;
        }
    }
    let shown = |place: &Place| {
        let more = proposed.get(place.academic_class.as_str()).copied();
        let incoming = place.decided + more.unwrap_or(0);
        PromotionDestinationOut {
            academic_class: place.academic_class.clone(),
            class_name: place.class_name.clone(),
            capacity: place.capacity,
            registered: place.registered,
            incoming,
            is_over: place
                .capacity
                .is_some_and(|capacity| capacity < place.registered + incoming),
        }
    };
    weighing.places.iter().map(shown).collect()
}

impl From<Weighed> for PromotionProposalOut {
    fn from(weighed: Weighed) -> Self {
        let is_decided = weighed.is_decided();
        let figures = weighed.figures.as_ref();
        Self {
            is_decided,
            student: weighed.candidate.student,
            student_id: weighed.candidate.student_id,
            student_name: weighed.candidate.student_name,
            source_session_class: weighed.candidate.source_session_class,
            class_name: weighed.class_name,
            action: weighed.proposal.action.as_str(),
            destination_session_class: weighed.proposal.destination,
            reason: weighed.proposal.reason,
            average: figures.and_then(|figures| figures.average),
            subjects_passed: figures.map(|figures| figures.subjects_passed),
            is_complete: figures.map(|figures| figures.is_complete),
            not_passed: figures.map(|figures| figures.not_passed.clone()),
            figures: figures.map(|figures| figures.source),
            decision: weighed.candidate.action,
        }
    }
}
