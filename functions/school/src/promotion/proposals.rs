//! What the rules propose for the students of a set-up, and writing that down.

use std::collections::{BTreeMap, HashMap};

use axum::response::Response;
use homeroom_domain::{
    academics::{
        marks::Mark,
        promotion::{self, Action, Proposal, Record, Rules},
    },
    permissions::school::AddStudentPromotion,
};
use homeroom_edge::{ApiError, Conflict, Ids, Post, SchoolArea};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::{
    TenantDb,
    school::promotion::{self as store, Candidate, DecisionRow, Place, Preview, Written},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    figures::{Figures, figures},
    previous_session,
};

/// What is proposed by: what is absent is as the report settings say.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RulesIn reads it"
)]
pub(crate) struct PromotionRulesBody {
    /// Only the students of this class of the session that ends.
    source_session_class: Option<uuid::Uuid>,
    /// The exam session of the session that ends whose figures count; null: the last whose cards are published, or the last.
    exam_session: Option<uuid::Uuid>,
    /// Fewest subjects passed.
    #[schema(nullable = false, minimum = 0, maximum = 100, example = 5)]
    min_subjects_passed: Option<u32>,
    /// Lowest average; null: the average does not count.
    #[schema(minimum = 0, maximum = 100, example = 50)]
    min_average: Option<f64>,
}

pub(crate) struct RulesIn {
    source_session_class: Option<Id<()>>,
    exam_session: Option<Id<()>>,
    min_subjects_passed: Option<i64>,
    min_average: Option<Option<Mark>>,
}

impl Input for RulesIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let class = fields.nullable("source_session_class", rules::id);
        let exams = fields.nullable("exam_session", rules::id);
        let passed = fields.optional("min_subjects_passed", rules::integer(0, 100));
        let average = fields.nullable("min_average", Mark::rule);
        Some(Self {
            source_session_class: class?.flatten(),
            exam_session: exams?.flatten(),
            min_subjects_passed: passed?,
            min_average: average?,
        })
    }
}

/// The rules that a proposal followed.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct PromotionRulesOut {
    /// Fewest subjects passed.
    #[schema(example = 5)]
    min_subjects_passed: u32,
    /// Lowest average; null: it does not count.
    #[schema(value_type = Option<f64>, example = json!(null))]
    min_average: Option<Mark>,
}

impl From<Rules> for PromotionRulesOut {
    fn from(rules: Rules) -> Self {
        Self {
            min_subjects_passed: rules.min_subjects_passed,
            min_average: rules.min_average,
        }
    }
}

/// A student with what the rules say.
pub(super) struct Weighed {
    pub(super) candidate: Candidate,
    pub(super) class_name: Option<String>,
    pub(super) figures: Option<Figures>,
    pub(super) proposal: Proposal,
}

impl Weighed {
    /// Whether somebody has decided already.
    pub(super) fn is_decided(&self) -> bool {
        self.candidate
            .decision()
            .is_some_and(|decision| !decision.row.is_proposed)
    }

    /// What would become of the student once proposals are written.
    pub(super) fn effective(&self) -> Action {
        match self.candidate.action.as_deref().and_then(Action::parse) {
            Some(action) if self.is_decided() => action,
            _ => self.proposal.action,
        }
    }
}

/// The students of a set-up, each with what the rules propose.
pub(super) struct Weighing {
    pub(super) setup: store::Setup,
    pub(super) exam_session: Option<String>,
    pub(super) rules: Rules,
    pub(super) places: Vec<Place>,
    pub(super) students: Vec<Weighed>,
}

impl Weighing {
    /// How many students of each action.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u32> {
        let mut counts: BTreeMap<_, _> = Action::ALL.map(|action| (action.as_str(), 0)).into();
        for student in &self.students {
            *counts.entry(student.effective().as_str()).or_default() += 1;
        }
        counts
    }
}

/// Reads the students of a set-up and applies the rules to them; writes nothing.
pub(super) async fn weigh(
    db: &TenantDb,
    setup: Id<()>,
    input: &RulesIn,
) -> Result<Weighing, ApiError> {
    let class = input.source_session_class.map(|id| id.to_string());
    let exams = input.exam_session.map(|id| id.to_string());
    let setup = setup.to_string();
    let preview = store::preview(db, &setup, class.as_deref(), exams.as_deref()).await?;
    previous_session(&preview.setup)?;
    if preview.setup.execution.is_some() {
        return Err(Conflict::PromotionExecuted.into());
    }
    let known = class.as_ref().is_none_or(|class| {
        preview
            .sources
            .iter()
            .any(|source| source.academic_class == *class)
    });
    if !known {
        return Err(ApiError::field(
            "source_session_class",
            "The class is not one of the session that ends.",
        ));
    }
    if exams.is_some() && preview.exam_session.is_none() {
        return Err(ApiError::field(
            "exam_session",
            "The exam session is not one of the session that ends.",
        ));
    }
    let rules = rules_of(&preview, input)?;
    let figures = figures(db, &preview).await?;
    let Preview {
        setup,
        exam_session,
        sources,
        places,
        candidates,
        ..
    } = preview;
    let of_class: HashMap<&str, &str> = places
        .iter()
        .map(|place| (place.class.as_str(), place.academic_class.as_str()))
        .collect();
    let sources: HashMap<&str, &store::Source> = sources
        .iter()
        .map(|source| (source.academic_class.as_str(), source))
        .collect();
    let students = candidates
        .into_iter()
        .map(|candidate| {
            let figures = figures.get(&candidate.student_session).cloned();
            let source = candidate
                .source_session_class
                .as_deref()
                .and_then(|class| sources.get(class));
            let proposal = match source {
                None => Proposal {
                    action: Action::Pending,
                    destination: None,
                    reason: "The student is not in a class.".to_owned(),
                },
                Some(source) => {
                    let proposal = promotion::propose(&rules, &record(figures.as_ref(), source));
                    promotion::place(proposal, |class| {
                        of_class.get(class).map(|place| (*place).to_owned())
                    })
                }
            };
            Weighed {
                class_name: source.map(|source| source.class_name.clone()),
                candidate,
                figures,
                proposal,
            }
        })
        .collect();
    Ok(Weighing {
        setup,
        exam_session,
        rules,
        places,
        students,
    })
}

fn rules_of(preview: &Preview, input: &RulesIn) -> Result<Rules, ApiError> {
    let stored = match &preview.settings {
        Some(text) => serde_json::from_str::<Rules>(text)
            .map_err(|error| ApiError::Internal(error.to_string()))?,
        None => Rules::default(),
    };
    let passed = input
        .min_subjects_passed
        .and_then(|number| u32::try_from(number).ok());
    Ok(Rules {
        min_subjects_passed: passed.unwrap_or(stored.min_subjects_passed),
        min_average: input.min_average.unwrap_or(stored.min_average),
    })
}

fn record(figures: Option<&Figures>, source: &store::Source) -> Record {
    Record {
        subjects_passed: figures.map_or(0, |figures| figures.subjects_passed),
        average: figures.and_then(|figures| figures.average),
        not_passed: figures.map_or_else(Vec::new, |figures| figures.not_passed.clone()),
        is_complete: figures.is_none_or(|figures| figures.is_complete),
        is_outdated: figures.is_some_and(|figures| figures.is_outdated),
        current_class: source.class.clone(),
        has_next: source.next.clone(),
        is_final_form: source.is_final != 0,
    }
}

/// What proposing wrote.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProposalSummaryOut {
    /// Decisions that were made by the rules.
    created: usize,
    /// Earlier proposals that follow the figures and rules of now.
    updated: usize,
    /// Earlier proposals that still hold.
    unchanged: usize,
    /// Students about whom somebody has decided: these decisions stay as they are.
    decided: usize,
    /// Students who are in no class, and so can have no decision.
    without_class: usize,
    /// How many students of each action there are now.
    counts: BTreeMap<&'static str, u32>,
}

/// Write the proposals of the rules
///
/// Proposes for students without a decision, and anew where the rules proposed before. What somebody decided stays.
#[utoipa::path(post, path = "/api/v1/school/session-setup/{session_setup}/student-promotions/propose/",
    tag = "promotion", params(("session_setup" = uuid::Uuid, Path)), request_body = PromotionRulesBody,
    responses((status = 200, body = ProposalSummaryOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn propose_student_promotions(
    ids: Result<Ids, ApiError>,
    post: Post<SchoolArea, AddStudentPromotion, RulesIn>,
) -> Result<Response, ApiError> {
    let weighing = weigh(&post.db, ids?.get("session_setup")?, &post.input).await?;
    let stamp = post.stamp();
    let mut summary = ProposalSummaryOut {
        created: 0,
        updated: 0,
        unchanged: 0,
        decided: 0,
        without_class: 0,
        counts: weighing.counts(),
    };
    let mut written = Vec::new();
    for student in &weighing.students {
        let Some(class) = &student.candidate.source_session_class else {
            summary.without_class += 1;
            continue;
        };
        if student.is_decided() {
            summary.decided += 1;
            continue;
        }
        let before = student.candidate.decision();
        let after = DecisionRow {
            student: student.candidate.student.clone(),
            source_session_class: class.clone(),
            destination_session_class: student.proposal.destination.clone(),
            action: student.proposal.action.as_str().to_owned(),
            boarding_status: before
                .as_ref()
                .and_then(|before| before.row.boarding_status.clone()),
            reason: student.proposal.reason.clone(),
            decided_by: None,
            is_proposed: true,
        };
        match &before {
            None => summary.created += 1,
            Some(before) if before.row == after => {
                summary.unchanged += 1;
                continue;
            }
            Some(_) => summary.updated += 1,
        }
        let id = match &before {
            Some(before) => before.id.clone(),
            None => stamp.ids.next::<()>().to_string(),
        };
        written.push(Written { id, before, after });
    }
    let batch = store::write(&stamp, &weighing.setup.id, &written)?;
    post.done(batch, &summary).await
}
