//! Ranking priorities and rules of promotion.

use axum::response::Response;
use homeroom_domain::{
    academics::{
        marks::Hundredths,
        marks::Mark,
        report::{Criterion, ReportSettings, SettingsInput, attendance::AttendanceTier},
    },
    permissions::school::{ChangeReportSetting, ViewReportSetting},
};
use homeroom_edge::{ApiError, Body, Json, NoBody, Post, SchoolArea, SchoolCan};
use homeroom_kernel::Timestamp;
use homeroom_store::school::report_settings::{self, SettingsRow};
use serde::Serialize;
use utoipa::ToSchema;

/// What positions follow, and what promotion asks for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportSettingsOut {
    /// What positions follow in O Level and every level that is not A Level, the first criterion first.
    #[schema(value_type = Vec<String>, example = json!(["Subjects Passed", "Grades", "Total marks"]))]
    o_level: Vec<Criterion>,
    /// What they follow in A Level.
    #[schema(value_type = Vec<String>, example = json!(["Subjects Passed", "Symbol", "Total marks"]))]
    a_level: Vec<Criterion>,
    /// Fewest subjects passed by who is promoted.
    min_subjects_passed: u32,
    /// Lowest average of who is promoted; null: the average does not count.
    #[schema(value_type = Option<f64>)]
    min_average: Option<Mark>,
    /// Whether attendance adds to the averages of report cards and takes from them.
    attendance_bonus: bool,
    /// What unjustified absences of the term are worth.
    attendance_tiers: Vec<AttendanceTierOut>,
    /// When they were last changed; null: they are the defaults.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// What so many unjustified absences are worth.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendanceTierOut {
    /// From how many days on.
    #[schema(minimum = 0, maximum = 366, example = 2)]
    absences: u32,
    /// What is added to the average; less than zero: taken from it.
    #[schema(value_type = f64, minimum = -100, maximum = 100, example = -0.13)]
    points: Hundredths,
}

impl From<AttendanceTier> for AttendanceTierOut {
    fn from(tier: AttendanceTier) -> Self {
        Self {
            absences: tier.absences,
            points: tier.points,
        }
    }
}

/// What positions follow, and what promotion asks for.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; the domain reads it"
)]
pub(crate) struct ReportSettingsBody {
    /// "Subjects Passed", "Grades", "Symbol", "Total marks" in the order in which they decide.
    #[schema(min_items = 1, max_items = 4, example = json!(["Subjects Passed", "Grades", "Total marks"]))]
    o_level: Vec<String>,
    /// The same for A Level.
    #[schema(min_items = 1, max_items = 4, example = json!(["Subjects Passed", "Symbol", "Total marks"]))]
    a_level: Vec<String>,
    /// Fewest subjects passed by who is promoted.
    #[schema(minimum = 0, maximum = 100, default = 5, nullable = false)]
    min_subjects_passed: Option<i64>,
    /// Lowest average of who is promoted; null: the average does not count.
    #[schema(minimum = 0, maximum = 100)]
    min_average: Option<f64>,
    /// Whether attendance adds to the averages of report cards and takes from them.
    #[schema(default = false, nullable = false)]
    attendance_bonus: Option<bool>,
    /// What unjustified absences of the term are worth: the first tier begins with 0, each other one with more than the one before.
    #[schema(min_items = 1, max_items = 10, nullable = false)]
    attendance_tiers: Option<Vec<AttendanceTierOut>>,
}

/// Changes to the report settings; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; the domain reads it"
)]
pub(crate) struct ReportSettingsPatch {
    /// "Subjects Passed", "Grades", "Symbol", "Total marks" in the order in which they decide.
    #[schema(min_items = 1, max_items = 4, nullable = false)]
    o_level: Option<Vec<String>>,
    /// The same for A Level.
    #[schema(min_items = 1, max_items = 4, nullable = false)]
    a_level: Option<Vec<String>>,
    /// Fewest subjects passed by who is promoted.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    min_subjects_passed: Option<i64>,
    /// Lowest average of who is promoted; null: the average does not count.
    #[schema(minimum = 0, maximum = 100)]
    min_average: Option<f64>,
    /// Whether attendance adds to the averages of report cards and takes from them.
    #[schema(nullable = false)]
    attendance_bonus: Option<bool>,
    /// What unjustified absences of the term are worth: the first tier begins with 0, each other one with more than the one before.
    #[schema(min_items = 1, max_items = 10, nullable = false)]
    attendance_tiers: Option<Vec<AttendanceTierOut>>,
}

/// The defaults, now in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResetOut {
    /// Always true.
    reset: bool,
    /// The settings as they are now.
    data: ReportSettingsOut,
}

fn out(row: SettingsRow) -> ReportSettingsOut {
    let SettingsRow {
        settings,
        updated_at,
    } = row;
    ReportSettingsOut {
        o_level: settings.o_level,
        a_level: settings.a_level,
        min_subjects_passed: settings.min_subjects_passed,
        min_average: settings.min_average,
        attendance_bonus: settings.attendance_bonus,
        attendance_tiers: settings
            .attendance_tiers
            .into_iter()
            .map(Into::into)
            .collect(),
        updated_at,
    }
}

/// What positions follow, and what promotion asks for
#[utoipa::path(get, path = "/api/v1/school/report-settings/", tag = "grading",
    responses((status = 200, body = ReportSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_report_settings(
    caller: SchoolCan<ViewReportSetting>,
) -> Result<Json<ReportSettingsOut>, ApiError> {
    Ok(Json(out(report_settings::find(&caller.db).await?)))
}

/// Replace the report settings
#[utoipa::path(put, path = "/api/v1/school/report-settings/", tag = "grading", request_body = ReportSettingsBody,
    responses((status = 200, body = ReportSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_report_settings(
    caller: SchoolCan<ChangeReportSetting>,
    body: Body<SettingsInput>,
) -> Result<Json<ReportSettingsOut>, ApiError> {
    change(&caller, body).await
}

/// Change the report settings
#[utoipa::path(patch, path = "/api/v1/school/report-settings/", tag = "grading", request_body = ReportSettingsPatch,
    responses((status = 200, body = ReportSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_report_settings(
    caller: SchoolCan<ChangeReportSetting>,
    body: Body<SettingsInput>,
) -> Result<Json<ReportSettingsOut>, ApiError> {
    change(&caller, body).await
}

async fn change(
    caller: &SchoolCan<ChangeReportSetting>,
    body: Body<SettingsInput>,
) -> Result<Json<ReportSettingsOut>, ApiError> {
    let before = report_settings::find(&caller.db).await?;
    let after = body.input.apply(&before.settings, body.partial);
    caller
        .commit(report_settings::save(&caller.stamp(), &before, &after)?)
        .await?;
    Ok(Json(out(SettingsRow {
        settings: after,
        updated_at: Some(caller.context.now),
    })))
}

/// Put the default report settings in force
#[utoipa::path(post, path = "/api/v1/school/report-settings/reset/", tag = "grading",
    responses((status = 200, body = ResetOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn reset_report_settings(
    post: Post<SchoolArea, ChangeReportSetting, NoBody>,
) -> Result<Response, ApiError> {
    let before = report_settings::find(&post.db).await?;
    let batch = report_settings::reset(&post.stamp(), &before)?;
    let data = out(SettingsRow {
        settings: ReportSettings::default(),
        updated_at: Some(post.context.now),
    });
    post.done(batch, &ResetOut { reset: true, data }).await
}
