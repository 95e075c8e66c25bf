//! Imports: files of students, guardians, staff, classes, registrations and marks.

mod wire;

use axum::{
    extract::{Request, State as Extension},
    response::Response,
};
use homeroom_domain::permissions::{
    Permission,
    school::{AddImport, ViewImport},
};
use homeroom_edge::{
    ApiError, At, Conflict, Json, List, Query, SchoolArea, SchoolCan, State, Upload,
};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::{
    Batch, TenantDb,
    school::imports::{self as store, Job, Portions, Refused, Report, Sheet, sheets},
    sql::Consistency,
};

use self::wire::{ImportFilters, ImportOut, ImportResultOut, ImportSummaryOut, ResultFilters};
use crate::{import_runs::carry_on, outbox, people};

/// Portions that are carried out after the answer: all of the largest file, twice over where some are halved.
const AFTERWARDS: usize = 50;
/// Portions that whoever asks how far an import is carries on.
const WHILE_ASKED: usize = 2;

/// What an import is asked for beside its file.
struct Wanted {
    is_dry_run: bool,
    exam_session: Option<String>,
}

impl Input for Wanted {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_dry_run = fields.optional("dry_run", rules::boolean);
        let exam_session = fields.optional("exam_session", rules::id::<()>);
        Some(Self {
            is_dry_run: is_dry_run?.unwrap_or(false),
            exam_session: exam_session?.map(|id| id.to_string()),
        })
    }
}

macro_rules! import {
    ($name:ident, $path:literal, $sheet:ident, $about:literal $(, $query:literal)?) => {
        #[doc = $about]
        #[utoipa::path(post, path = $path, tag = "imports",
            params(("dry_run" = Option<bool>, Query, description = "Whether only the results are written.")
                $(, ($query = uuid::Uuid, Query, description = "The exam session."))?),
            request_body(content((wire::File = "text/csv"), (wire::FileForm = "multipart/form-data"))),
            responses((status = 202, description = "Accepted; done at once where the file is small.", body = ImportOut)),
            security(("bearer" = []), ("api_key" = [])))]
        pub(crate) async fn $name(app: Extension<State>, request: Request) -> Result<Response, ApiError> {
            start(app.0, request, &sheets::$sheet).await
        }
    };
}

import!(
    import_students,
    "/api/v1/school/imports/students/",
    STUDENTS,
    "Import students"
);
import!(
    import_guardians,
    "/api/v1/school/imports/guardians/",
    GUARDIANS,
    "Import guardians"
);
import!(
    import_staff,
    "/api/v1/school/imports/staff/",
    STAFF,
    "Import staff"
);
import!(
    import_classes,
    "/api/v1/school/imports/classes/",
    CLASSES,
    "Import classes"
);
import!(
    import_registrations,
    "/api/v1/school/imports/registrations/",
    REGISTRATIONS,
    "Import registrations"
);
import!(
    import_marks,
    "/api/v1/school/imports/marks/",
    MARKS,
    "Import marks of an exam session",
    "exam_session"
);

async fn start(app: State, request: Request, sheet: &'static Sheet) -> Result<Response, ApiError> {
    let mut codenames = vec![AddImport::CODENAME];
    codenames.extend(sheet.to_import);
    let upload = Upload::<SchoolArea>::enter(request, &app, &codenames).await?;
    let Wanted {
        is_dry_run,
        exam_session,
    } = upload.query.read()?;
    check_exam_session(&upload.db, sheet, exam_session.as_deref()).await?;
    let portions = store::read(sheet, upload.file()?).map_err(|refused| match refused {
        Refused::Wrong(errors) => errors.into(),
        Refused::TooManyRows => ApiError::TooManyRows,
    })?;
    let stamp = upload.stamp();
    let not_linked = people::not_linked(&upload);
    let job = Job::new(
        &stamp,
        sheet,
        exam_session,
        is_dry_run,
        portions.total,
        not_linked,
    );
    let location = format!("/api/v1/school/imports/{}/", job.id);
    if let Some((batch, report)) = at_once(&upload, sheet, &job, &portions).await? {
        let tells = batch.has_effects();
        match upload
            .accept(batch, &location, &ImportOut::from(report))
            .await
        {
            // Somebody changed what the rows are about: they are judged again, one by one if need be.
            Err(ApiError::Fields(_) | ApiError::Conflict(_)) => {}
            answer => {
                if tells {
                    outbox::deliver_later(&app, &upload.context, upload.db.school());
                }
                return answer;
            }
        }
    }
    let batch = store::create(&stamp, &job, &portions);
    let id = job.id.clone();
    let report = Report {
        job,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let answer = upload
        .accept(batch, &location, &ImportOut::from(report))
        .await?;
    let (school, trace) = (upload.db.school().clone(), upload.context.trace.aside());
    upload.context.defer(Box::pin(async move {
        // What fails here waits for the next who asks, or for the next visit.
        let databases = &*app.ports.databases;
        if let Ok(db) = TenantDb::open(databases, &school, &Consistency::Latest, &trace) {
            let _ = carry_on(&app, &db, &id, AFTERWARDS).await;
            let _ = outbox::deliver(&app, &school, &trace).await;
        }
    }));
    Ok(answer)
}

async fn check_exam_session(
    db: &TenantDb,
    sheet: &Sheet,
    exam_session: Option<&str>,
) -> Result<(), ApiError> {
    const FIELD: &str = "exam_session";
    match (sheet.asks_for_exam_session(), exam_session) {
        (false, None) => Ok(()),
        (false, Some(_)) => Err(ApiError::field(FIELD, "There is no such field.")),
        (true, None) => Err(ApiError::field(FIELD, "This field is required.")),
        (true, Some(id)) => match store::takes_marks(db, id).await? {
            Some((_, true)) => Err(Conflict::ExamsInParts.into()),
            Some((true, false)) => Ok(()),
            Some((false, false)) => Err(Conflict::MarksClosed.into()),
            None => Err(ApiError::field(FIELD, "There is no such record.")),
        },
    }
}

/// What settles a file of one portion together with the import itself.
async fn at_once(
    upload: &Upload<SchoolArea>,
    sheet: &'static Sheet,
    job: &Job,
    portions: &Portions,
) -> Result<Option<(Batch, Report)>, ApiError> {
    let Some(rows) = portions.single() else {
        return Ok(None);
    };
    let (db, stamp) = (&upload.db, upload.stamp());
    let mut known = store::ask(db, sheet, job, &rows).await?;
    let plan = store::plan(sheet, &stamp, &rows, &mut known);
    let mut batch = store::open(&stamp, job);
    batch.append(store::settle(db, &stamp, job, sheet, None, &plan)?);
    Ok(Some((batch, store::report(job.clone(), &plan))))
}

/// Imports
#[utoipa::path(get, path = "/api/v1/school/imports/", tag = "imports", params(ImportFilters),
    responses((status = 200, body = List<ImportSummaryOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_imports(
    caller: SchoolCan<ViewImport>,
    query: Query,
) -> Result<Json<List<ImportSummaryOut>>, ApiError> {
    let request = query.page(&store::LISTING)?;
    let page = store::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// How far an import is
#[utoipa::path(get, path = "/api/v1/school/imports/{id}/", tag = "imports", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ImportOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_import(
    caller: SchoolCan<ViewImport>,
    id: At<()>,
) -> Result<Json<ImportOut>, ApiError> {
    let id = id.0.to_string();
    let mut report = store::find(&caller.db, &id).await?;
    if report.job.is_running() {
        let (app, trace) = (&caller.app, &caller.context.trace);
        let databases = &*app.ports.databases;
        let db = TenantDb::open(databases, caller.db.school(), &Consistency::Latest, trace)?;
        // Whoever asks helps; what fails is carried on later, and the answer is how far it is.
        let _ = carry_on(app, &db, &id, WHILE_ASKED).await;
        report = store::find(&db, &id).await?;
    }
    Ok(Json(report.into()))
}

/// What is to be said of an import's rows
#[utoipa::path(get, path = "/api/v1/school/imports/{id}/results/", tag = "imports",
    params(("id" = uuid::Uuid, Path), ResultFilters),
    responses((status = 200, body = List<ImportResultOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_import_results(
    caller: SchoolCan<ViewImport>,
    id: At<()>,
    query: Query,
) -> Result<Json<List<ImportResultOut>>, ApiError> {
    let request = query.page(&store::RESULTS)?;
    let page = store::list_results(&caller.db, &id.0.to_string(), &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}
