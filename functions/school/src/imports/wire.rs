//! Imports on the wire.

use homeroom_kernel::Timestamp;
use homeroom_store::school::imports::{Job, Report, ResultRow};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A CSV file in UTF-8: a head that names the columns, and at most 5,000 rows. Commas, semicolons or tabs divide it.
#[derive(ToSchema)]
#[schema(example = "student_id,first_name,last_name,admission_year\n2026-0001,Rudo,Moyo,2026\n")]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct File(String);

/// The same file in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct FileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// An import, without its results.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportSummaryOut {
    /// The import.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// `students`, `guardians`, `staff`, `classes`, `registrations` or `marks`.
    #[schema(example = "students")]
    resource: String,
    /// The exam session, of marks.
    #[schema(value_type = Option<uuid::Uuid>)]
    exam_session: Option<String>,
    /// Whether only the results are written.
    dry_run: bool,
    /// `running`, `completed`, or `failed` where it cannot be carried on.
    #[schema(example = "completed")]
    status: String,
    /// Percent of the rows whose fate is settled.
    #[schema(minimum = 0, maximum = 100)]
    progress: u64,
    /// Rows of the file.
    total: u64,
    /// Rows whose fate is settled: the sum of the four below.
    done: u64,
    /// Rows that became new records.
    created: u64,
    /// Rows that changed a record.
    updated: u64,
    /// Rows that changed nothing.
    skipped: u64,
    /// Rows that are wrong.
    failed: u64,
    /// When the file came.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When rows were last carried out.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    created_by: Option<String>,
}

impl From<Job> for ImportSummaryOut {
    fn from(job: Job) -> Self {
        Self {
            progress: (job.done * 100).checked_div(job.total).unwrap_or(100),
            id: job.id,
            resource: job.resource,
            exam_session: job.exam_session,
            dry_run: job.is_dry_run,
            status: job.status,
            total: job.total,
            done: job.done,
            created: job.created,
            updated: job.updated,
            skipped: job.skipped,
            failed: job.failed,
            created_at: job.created_at,
            updated_at: job.updated_at,
            created_by: job.created_by,
        }
    }
}

/// What is to be said of a row.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowOut {
    /// The line of the file in which the row begins; the head is line 1.
    #[schema(example = 2)]
    row: u64,
    /// Messages by column.
    #[schema(value_type = std::collections::HashMap<String, Vec<String>>)]
    messages: Map<String, Value>,
}

impl From<ResultRow> for RowOut {
    fn from(result: ResultRow) -> Self {
        Self {
            row: result.row,
            messages: result.messages,
        }
    }
}

/// An import.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportOut {
    #[serde(flatten)]
    import: ImportSummaryOut,
    /// The first 100 rows that are wrong; all of them are in `results/`.
    errors: Vec<RowOut>,
    /// The first 100 rows to look at: they were carried out all the same.
    warnings: Vec<RowOut>,
}

impl From<Report> for ImportOut {
    fn from(report: Report) -> Self {
        let rows = |rows: Vec<ResultRow>| rows.into_iter().map(RowOut::from).collect();
        Self {
            import: report.job.into(),
            errors: rows(report.errors),
            warnings: rows(report.warnings),
        }
    }
}

/// What is to be said of a row, and whether it is wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportResultOut {
    /// The line of the file in which the row begins; the head is line 1.
    #[schema(example = 2)]
    row: u64,
    /// `error`, or `warning` for a row that was carried out all the same.
    #[schema(example = "error")]
    outcome: String,
    /// Messages by column.
    #[schema(value_type = std::collections::HashMap<String, Vec<String>>)]
    messages: Map<String, Value>,
}

impl From<ResultRow> for ImportResultOut {
    fn from(result: ResultRow) -> Self {
        Self {
            row: result.row,
            outcome: result.outcome,
            messages: result.messages,
        }
    }
}

/// What imports can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct ImportFilters {
    /// One kind of file.
    #[param(max_length = 255)]
    resource: Option<String>,
    /// `running`, `completed` or `failed`.
    #[param(max_length = 255)]
    status: Option<String>,
    /// Whether only the results are written.
    dry_run: Option<bool>,
}

/// What the results of an import can be filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct ResultFilters {
    /// `error` or `warning`.
    #[param(max_length = 255)]
    outcome: Option<String>,
}
