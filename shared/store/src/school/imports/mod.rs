//! Imports: files that are read in portion by portion. Each portion is one transaction that also takes it away, so that
//! whoever carries an import on, after whatever end, does nothing twice and leaves nothing out.

mod context;
mod file;
mod layout;
mod links;
mod plan;
pub mod sheets;
mod write;

use homeroom_kernel::{Listing, PageRequest, Timestamp, page::FilterKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    batch::{Action, ActorKind, Batch, Stamp},
    connection::{Outcomes, TenantDb},
    error::StoreError,
    list::{self, Page, Source},
    rows,
    sql::{Statement, sql},
};

pub use context::{Known, ask};
pub use file::{FileRow, MAX_ROWS, PORTION, Portions, Refused, read};
pub use layout::Sheet;
pub use plan::{Plan, RowResult, plan};
pub use sheets::{SHEETS, sheet};
pub use write::{refuse, settle, split};

/// Results that an import shows by itself; all of them are in its list.
const SHOWN: usize = 100;
/// How long an import and its results are kept.
const KEPT_DAYS: i64 = 30;

/// An import as stored.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// The import.
    pub id: String,
    /// The name of its [`Sheet`].
    pub resource: String,
    /// The exam session of marks.
    pub exam_session: Option<String>,
    /// Whether only the results are written.
    #[serde(deserialize_with = "rows::flag")]
    pub is_dry_run: bool,
    /// `running`, `completed` or `failed`.
    pub status: String,
    /// Rows of the file.
    pub total: u64,
    /// Rows whose fate is settled.
    pub done: u64,
    /// Rows that became new records.
    pub created: u64,
    /// Rows that changed a record.
    pub updated: u64,
    /// Rows that changed nothing.
    pub skipped: u64,
    /// Rows that are wrong.
    pub failed: u64,
    /// Who sent the file.
    #[serde(deserialize_with = "rows::json")]
    pub actor: Sender,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When a portion was last carried out.
    pub updated_at: Timestamp,
    /// Which user sent it.
    pub created_by: Option<String>,
}

/// Who sent a file, for the audit of what is carried out later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sender {
    kind: String,
    id: Option<String>,
    name: String,
    ip: Option<String>,
    request_id: String,
    /// The user to whom no student is linked: the sender, who gains by it.
    #[serde(default)]
    not_linked: Option<String>,
}

impl Sender {
    fn of(stamp: &Stamp<'_>, not_linked: Option<String>) -> Self {
        Self {
            not_linked,
            kind: stamp.kind.as_str().to_owned(),
            id: stamp.actor_id.clone(),
            name: stamp.actor_name.clone(),
            ip: stamp.ip.clone(),
            request_id: stamp.request_id.clone(),
        }
    }
}

impl Job {
    /// A new import.
    #[must_use]
    pub fn new(
        stamp: &Stamp<'_>,
        sheet: &Sheet,
        exam_session: Option<String>,
        is_dry_run: bool,
        total: usize,
        not_linked: Option<String>,
    ) -> Self {
        Self {
            id: stamp.ids.next::<()>().to_string(),
            resource: sheet.name.to_owned(),
            exam_session,
            is_dry_run,
            status: "running".to_owned(),
            total: u64::try_from(total).unwrap_or(u64::MAX),
            done: 0,
            created: 0,
            updated: 0,
            skipped: 0,
            failed: 0,
            actor: Sender::of(stamp, not_linked),
            created_at: stamp.now,
            updated_at: stamp.now,
            created_by: stamp.created_by(),
        }
    }

    fn not_linked(&self) -> Option<&str> {
        self.actor.not_linked.as_deref()
    }

    /// Whether portions are left.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }

    /// The import once a portion is settled.
    #[must_use]
    pub fn after(mut self, plan: &Plan) -> Self {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.done += count(plan.done);
        self.created += count(plan.created);
        self.updated += count(plan.updated);
        self.skipped += count(plan.skipped());
        self.failed += count(plan.failed);
        if self.done >= self.total {
            "completed".clone_into(&mut self.status);
        }
        self
    }

    /// The stamp of what is carried out for whoever sent the file.
    #[must_use]
    pub fn stamp<'a>(&self, stamp: Stamp<'a>) -> Stamp<'a> {
        Stamp {
            kind: ActorKind::parse(&self.actor.kind),
            actor_id: self.actor.id.clone(),
            actor_name: self.actor.name.clone(),
            ip: self.actor.ip.clone(),
            request_id: self.actor.request_id.clone(),
            ..stamp
        }
    }
}

/// A portion that waits.
#[derive(Clone, Debug, Deserialize)]
pub struct Chunk {
    /// Where it stands among the others.
    pub position: i64,
    /// Its rows.
    #[serde(deserialize_with = "rows::json")]
    pub rows: Vec<FileRow>,
}

/// A line of an import's results.
#[derive(Clone, Debug, Deserialize)]
pub struct ResultRow {
    /// The line in the file; the head is line 1.
    pub row: u64,
    /// `error` or `warning`.
    pub outcome: String,
    /// Messages by column.
    #[serde(deserialize_with = "rows::json")]
    pub messages: Map<String, Json>,
}

/// An import with the first of its results.
#[derive(Debug)]
pub struct Report {
    /// The import.
    pub job: Job,
    /// The first lines that are wrong.
    pub errors: Vec<ResultRow>,
    /// The first lines that are notable.
    pub warnings: Vec<ResultRow>,
}

const COLUMNS: &str = "t.id, t.resource, t.exam_session, t.is_dry_run, t.status, t.total, t.done, t.created, t.updated, \
     t.skipped, t.failed, t.actor, t.created_at, t.updated_at, t.created_by";

/// What the list of imports can be ordered and filtered by.
pub static LISTING: Listing = Listing {
    orderings: &[
        ("created_at", "t.created_at"),
        ("updated_at", "t.updated_at"),
    ],
    default_ordering: "-created_at",
    search: &[],
    filters: &[
        ("resource", FilterKind::Text, "t.resource = ?"),
        ("status", FilterKind::Text, "t.status = ?"),
        ("dry_run", FilterKind::Bool, "t.is_dry_run = ?"),
    ],
};

/// What the results of an import can be ordered and filtered by.
pub static RESULTS: Listing = Listing {
    orderings: &[("row", "t.row"), ("outcome", "t.outcome")],
    default_ordering: "row",
    search: &[],
    filters: &[("outcome", FilterKind::Text, "t.outcome = ?")],
};

/// One page of imports.
pub async fn list(db: &TenantDb, request: &PageRequest) -> Result<Page<Job>, StoreError> {
    let source = Source {
        columns: COLUMNS,
        from: "imports t",
        condition: "true",
        key: "t.id",
    };
    list::fetch(&db.connection, &source, LISTING.search, request).await
}

/// One page of the results of an import; not found where the import is not.
pub async fn list_results(
    db: &TenantDb,
    import: &str,
    request: &PageRequest,
) -> Result<Page<ResultRow>, StoreError> {
    let mut request = request.clone();
    let own = homeroom_kernel::page::FilterValue::Text(import.to_owned());
    request.filters.insert(0, ("t.import = ?", own));
    let source = Source {
        columns: "t.row, t.outcome, t.messages",
        from: "import_results t",
        condition: "true",
        key: "t.outcome",
    };
    let page = list::fetch(&db.connection, &source, RESULTS.search, &request).await?;
    if page.count == 0 {
        find(db, import).await?;
    }
    Ok(page)
}

/// An import with the first of its results.
pub async fn find(db: &TenantDb, id: &str) -> Result<Report, StoreError> {
    let mut outcomes = db.connection.batch(find_statements(id)).await?;
    let jobs: Vec<Job> = outcomes.rows()?;
    Ok(Report {
        job: jobs.into_iter().next().ok_or(StoreError::NotFound)?,
        errors: outcomes.rows()?,
        warnings: outcomes.rows()?,
    })
}

fn find_statements(id: &str) -> Vec<Statement> {
    let results = |outcome: &str| {
        let text = format!(
            "select row, outcome, messages from import_results where import = ?1 and outcome = '{outcome}' \
             order by row limit {SHOWN}"
        );
        sql!(text, id)
    };
    let job = format!("select {COLUMNS} from imports t where t.id = ?1");
    vec![sql!(job, id), results("error"), results("warning")]
}

/// The first lines of results that are not stored yet, as they will be found.
#[must_use]
pub fn report(job: Job, plan: &Plan) -> Report {
    let pick = |is_error: bool| {
        let mut rows: Vec<ResultRow> = plan
            .results
            .iter()
            .filter(|result| result.is_error == is_error)
            .map(|result| ResultRow {
                row: u64::try_from(result.row).unwrap_or(u64::MAX),
                outcome: if is_error { "error" } else { "warning" }.to_owned(),
                messages: result
                    .messages
                    .iter()
                    .map(|(name, texts)| (name.clone(), texts.clone().into()))
                    .collect(),
            })
            .collect();
        rows.sort_by_key(|result| result.row);
        rows.truncate(SHOWN);
        rows
    };
    Report {
        errors: pick(true),
        warnings: pick(false),
        job: job.after(plan),
    }
}

/// Writes down a new import with the portions that wait.
#[must_use]
pub fn create(stamp: &Stamp<'_>, job: &Job, portions: &Portions) -> Batch {
    let mut batch = open(stamp, job);
    for (number, rows) in portions.chunks.iter().enumerate() {
        // Room for halves between them.
        let position = i64::try_from(number * PORTION).unwrap_or(i64::MAX);
        batch.push(write::chunk_statement(&job.id, position, rows.clone()));
    }
    batch
}

/// Writes down a new import whose only portion is settled in the same transaction.
#[must_use]
pub fn open(stamp: &Stamp<'_>, job: &Job) -> Batch {
    let mut batch = Batch::default();
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let actor = serde_json::to_string(&job.actor).unwrap_or_default();
    batch.push(sql!(
        "insert into imports (id, resource, exam_session, is_dry_run, status, total, done, created, updated, skipped, \
         failed, actor, created_at, updated_at, created_by) \
         values (?1, ?2, ?3, ?4, 'running', ?5, 0, 0, 0, 0, 0, ?6, ?7, ?7, ?8)",
        &job.id,
        &job.resource,
        job.exam_session.clone(),
        job.is_dry_run,
        count(job.total),
        actor,
        stamp.now,
        job.created_by.clone(),
    ));
    let record = serde_json::json!({"resource": job.resource, "dry_run": job.is_dry_run, "total": job.total});
    batch.audit(
        stamp,
        Action::Create,
        "imports",
        &job.id,
        None::<&()>,
        Some(&record),
    );
    batch
}

/// The ids of imports that are not finished, the oldest first.
pub async fn list_running(db: &TenantDb, most: u8) -> Result<Vec<String>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
    }
    let rows: Vec<Row> = db
        .connection
        .rows(sql!(
            "select id from imports where status = 'running' order by id limit ?1",
            i64::from(most)
        ))
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn next_statements(id: &str) -> [Statement; 2] {
    let job = format!("select {COLUMNS} from imports t where t.id = ?1");
    [
        sql!(job, id),
        sql!(
            "select position, rows from import_chunks where import = ?1 order by position limit 1",
            id
        ),
    ]
}

fn take_next(outcomes: &mut Outcomes) -> Result<Option<(Job, Chunk)>, StoreError> {
    let jobs: Vec<Job> = outcomes.rows()?;
    let chunks: Vec<Chunk> = outcomes.rows()?;
    Ok(jobs.into_iter().next().zip(chunks.into_iter().next()))
}

/// The portion of an import that is next; none where nothing is left.
pub async fn next(db: &TenantDb, id: &str) -> Result<Option<(Job, Chunk)>, StoreError> {
    let mut outcomes = db.connection.batch(next_statements(id).into()).await?;
    take_next(&mut outcomes)
}

/// Carries out a change to an import, and finds the portion that is next then.
pub async fn commit_and_next(
    db: &TenantDb,
    batch: Batch,
    id: &str,
) -> Result<Option<(Job, Chunk)>, StoreError> {
    let mut statements = batch.into_statements();
    let changes = statements.len();
    statements.extend(next_statements(id));
    let mut outcomes = db.connection.batch(statements).await?;
    for _ in 0..changes {
        outcomes.changes();
    }
    take_next(&mut outcomes)
}

/// Gives an import up that cannot be carried on; what is done stays.
#[must_use]
pub fn give_up(id: &str, now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "update imports set status = 'failed', updated_at = ?2 where id = ?1 and status = 'running'",
        id,
        now
    ));
    batch.push(sql!("delete from import_chunks where import = ?1", id));
    batch
}

/// Removes imports of a month ago, with their results.
#[must_use]
pub fn delete_old(now: Timestamp) -> Batch {
    let mut batch = Batch::default();
    batch.push(sql!(
        "delete from imports where created_at < ?1",
        now.plus_seconds(-KEPT_DAYS * 24 * 3600)
    ));
    batch
}

/// Whether the marks of an exam session are open, and whether they are those of its parts: none where there is no such.
pub async fn takes_marks(
    db: &TenantDb,
    exam_session: &str,
) -> Result<Option<(bool, bool)>, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "rows::flag")]
        is_open: bool,
        #[serde(deserialize_with = "rows::flag")]
        has_parts: bool,
    }
    let row: Option<Row> = db
        .connection
        .first(sql!(
            "select state in ('draft', 'review') as is_open, \
             exists (select 1 from exam_session_parts q where q.exam_session = id) as has_parts \
             from exam_sessions where id = ?1 and is_deleted = 0",
            exam_session
        ))
        .await?;
    Ok(row.map(|row| (row.is_open, row.has_parts)))
}
