//! Deciding on leave.
//!
//! An approval writes all school days of the leave at once, those ahead too: who enters attendance then finds them
//! excused. Entries of the whole day and of lessons that said "absent" become excused; who was there, was there.

use std::collections::BTreeSet;

use axum::response::Response;
use chrono::NaiveDate;
use homeroom_domain::{
    academics::attendance::{LessonDays, Status, is_school_day},
    permissions::school::DecideLeaveApplication,
};
use homeroom_edge::{ApiError, At, Conflict, NoBody, Post, SchoolArea};
use homeroom_kernel::Timestamp;
use homeroom_store::school::attendance::{self as store, Decision, LeaveFacts, LeaveRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::days::{day, session_days};

type Decide = Post<SchoolArea, DecideLeaveApplication, NoBody>;

/// A decided leave, and what that did to the attendance.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeaveDecisionOut {
    /// The request.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Who asked.
    #[schema(value_type = uuid::Uuid)]
    student: String,
    /// The student's name, family name last.
    student_name: String,
    /// The first day.
    #[schema(format = Date)]
    start_date: String,
    /// The last day.
    #[schema(format = Date)]
    end_date: String,
    /// Why.
    reason: String,
    /// `approved`, `rejected` or `withdrawn`.
    status: String,
    /// Who decided.
    #[schema(value_type = Option<uuid::Uuid>)]
    decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Who asked for it.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
    /// Entries that are excused by this decision.
    excused: usize,
    /// Entries within the leave that stay as they are: the student was there, or was excused already.
    kept: usize,
    /// Entries that the approval wrote and this decision took back.
    taken_back: usize,
}

fn answer(leave: LeaveRow) -> LeaveDecisionOut {
    LeaveDecisionOut {
        id: leave.id,
        student: leave.student,
        student_name: leave.student_name,
        start_date: leave.start_date,
        end_date: leave.end_date,
        reason: leave.reason,
        status: leave.status,
        decided_by: leave.decided_by,
        decided_at: leave.decided_at,
        created_at: leave.created_at,
        updated_at: leave.updated_at,
        created_by: leave.created_by,
        excused: 0,
        kept: 0,
        taken_back: 0,
    }
}

fn refuse_unless(leave: &LeaveRow, statuses: &[&str]) -> Result<(), ApiError> {
    if statuses.contains(&leave.status.as_str()) {
        Ok(())
    } else {
        Err(Conflict::LeaveDecided.into())
    }
}

/// The school days of a leave, with the student in the session of each.
fn days_of(post: &Decide, facts: &LeaveFacts) -> Result<Vec<(String, NaiveDate)>, ApiError> {
    let (first, last) = (day(&facts.leave.start_date)?, day(&facts.leave.end_date)?);
    let mut days = Vec::new();
    for year in &facts.years {
        let session = session_days(post, year.start_date, year.end_date)?;
        let class = year.academic_class.as_deref();
        let lessons: Vec<LessonDays> = facts
            .lessons
            .iter()
            .filter(|lesson| class == Some(lesson.academic_class.as_str()))
            .cloned()
            .collect();
        let school_days = first
            .iter_days()
            .take_while(|date| *date <= last)
            .filter(|date| session.contains(date))
            .filter(|date| is_school_day(*date, &facts.holidays, &lessons));
        days.extend(school_days.map(|date| (year.student_session.clone(), date)));
    }
    Ok(days)
}

/// Approve a leave
///
/// Enters every school day of the leave as excused, also those ahead: Monday to Friday and days with lessons of the class,
/// within the student's sessions, without holidays. Absences that were entered before become excused.
#[utoipa::path(post, path = "/api/v1/school/leave-applications/{id}/approve/", tag = "attendance",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = LeaveDecisionOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn approve_leave_application(
    id: At<()>,
    post: Decide,
) -> Result<Response, ApiError> {
    let facts = store::find_for_approval(&post.db, id.0).await?;
    refuse_unless(&facts.leave, &["pending"])?;
    let entered: BTreeSet<(&str, &str)> = facts
        .entries
        .iter()
        .filter(|entry| entry.lesson.is_none())
        .map(|entry| (entry.student_session.as_str(), entry.date.as_str()))
        .collect();
    let new: Vec<(String, String)> = days_of(&post, &facts)?
        .into_iter()
        .map(|(student, date)| (student, date.to_string()))
        .filter(|(student, date)| !entered.contains(&(student.as_str(), date.as_str())))
        .collect();
    let absences = facts
        .entries
        .iter()
        .filter(|entry| entry.status == Status::Absent);
    let absences = absences.count();
    let stamp = post.stamp();
    let decision = Decision::new(&stamp, &facts.leave, "approved");
    let answer = LeaveDecisionOut {
        excused: new.len() + absences,
        kept: facts.entries.len() - absences,
        ..answer(decision.after.clone())
    };
    let batch = store::approve(&decision, &new, &facts.entries);
    post.done(batch, &answer).await
}

/// Reject a leave
#[utoipa::path(post, path = "/api/v1/school/leave-applications/{id}/reject/", tag = "attendance",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = LeaveDecisionOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn reject_leave_application(
    id: At<()>,
    post: Decide,
) -> Result<Response, ApiError> {
    let (leave, _) = store::find_for_decision(&post.db, id.0).await?;
    refuse_unless(&leave, &["pending"])?;
    let stamp = post.stamp();
    let decision = Decision::new(&stamp, &leave, "rejected");
    let answer = answer(decision.after.clone());
    post.done(store::reject(&decision), &answer).await
}

/// Withdraw a leave
///
/// A pending leave is closed. Of an approved one, the entries that the approval wrote and nobody changed since are taken
/// back: new ones go, and absences are absences again.
#[utoipa::path(post, path = "/api/v1/school/leave-applications/{id}/withdraw/", tag = "attendance",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = LeaveDecisionOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn withdraw_leave_application(
    id: At<()>,
    post: Decide,
) -> Result<Response, ApiError> {
    let (leave, entries) = store::find_for_decision(&post.db, id.0).await?;
    refuse_unless(&leave, &["pending", "approved"])?;
    let stamp = post.stamp();
    let decision = Decision::new(&stamp, &leave, "withdrawn");
    let answer = LeaveDecisionOut {
        taken_back: entries.len(),
        ..answer(decision.after.clone())
    };
    let batch = store::withdraw(&decision, &entries);
    post.done(batch, &answer).await
}
