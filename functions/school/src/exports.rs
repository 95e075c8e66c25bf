//! Exports: files as an import takes them.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{csv, permissions::school::ViewExport};
use homeroom_edge::{ApiError, File, Query, SchoolCan};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::school::{
    exports::{self as store, After, Within},
    imports::{Sheet, sheets},
};

/// What an export is narrowed to, and how it is written.
struct Wanted {
    within: Within,
    has_mark: bool,
}

impl Input for Wanted {
    fn read(fields: &mut Fields) -> Option<Self> {
        let mut id = |name: &str| {
            let id = fields.optional(name, rules::id::<()>);
            id.map(|id| id.map(|id| id.to_string()))
        };
        let (session, class, exam_session) =
            (id("session"), id("academic_class"), id("exam_session"));
        let has_mark = fields.optional("bom", rules::boolean);
        Some(Self {
            within: Within {
                session: session?,
                academic_class: class?,
                exam_session: exam_session?,
            },
            has_mark: has_mark?.unwrap_or(false),
        })
    }
}

macro_rules! export {
    ($name:ident, $path:literal, $sheet:ident, $about:literal $(, $query:literal: $kind:ty = $says:literal)*) => {
        #[doc = $about]
        #[utoipa::path(get, path = $path, tag = "exports",
            params(("bom" = Option<bool>, Query, description = "Whether the file begins with a byte order mark, for programs that need one.")
                $(, ($query = $kind, Query, description = $says))*),
            responses((status = 200, description = "The file.", body = String, content_type = "text/csv")),
            security(("bearer" = []), ("api_key" = [])))]
        pub(crate) async fn $name(caller: SchoolCan<ViewExport>, query: Query) -> Result<Response, ApiError> {
            send(caller, query, &sheets::$sheet, &[$($query),*]).await
        }
    };
}

export!(export_students, "/api/v1/school/exports/students.csv", STUDENTS, "Export students",
    "session": Option<uuid::Uuid> = "Only those who are registered in this session.",
    "academic_class": Option<uuid::Uuid> = "Only those of this class of a session.");
export!(export_applications, "/api/v1/school/exports/applications.csv", APPLICATIONS, "Export applications",
    "session": Option<uuid::Uuid> = "Only those for this session.");
export!(export_guardians, "/api/v1/school/exports/guardians.csv", GUARDIANS, "Export guardians",
    "session": Option<uuid::Uuid> = "Only those of students who are registered in this session.",
    "academic_class": Option<uuid::Uuid> = "Only those of students of this class of a session.");
export!(
    export_staff,
    "/api/v1/school/exports/staff.csv",
    STAFF,
    "Export staff"
);
export!(export_classes, "/api/v1/school/exports/classes.csv", CLASSES, "Export classes",
    "session": Option<uuid::Uuid> = "Only those of this session.");
export!(export_registrations, "/api/v1/school/exports/registrations.csv", REGISTRATIONS, "Export registrations",
    "session": Option<uuid::Uuid> = "Only those of this session.",
    "academic_class": Option<uuid::Uuid> = "Only those of this class of a session.");
export!(export_marks, "/api/v1/school/exports/marks.csv", MARKS,
    "Export the marks of an exam session, with a line for each that is missing",
    "exam_session": uuid::Uuid = "The exam session.",
    "academic_class": Option<uuid::Uuid> = "Only those of this class.");

async fn send(
    caller: SchoolCan<ViewExport>,
    query: Query,
    sheet: &'static Sheet,
    filters: &[&str],
) -> Result<Response, ApiError> {
    caller.require_all(sheet.to_see)?;
    let Wanted { within, has_mark } = query.read()?;
    for (name, given) in [
        ("session", &within.session),
        ("academic_class", &within.academic_class),
        ("exam_session", &within.exam_session),
    ] {
        if given.is_some() && !filters.contains(&name) {
            return Err(ApiError::field(name, "There is no such field."));
        }
    }
    if sheet.asks_for_exam_session() && within.exam_session.is_none() {
        return Err(ApiError::field("exam_session", "This field is required."));
    }
    let mut file = String::from(if has_mark { csv::BYTE_ORDER_MARK } else { "" });
    csv::write_row(&mut file, sheet.columns.iter().map(|column| column.name));
    let mut after = Some(After::default());
    while let Some(from) = after {
        let (rows, next) = store::page(&caller.db, sheet, &within, from).await?;
        for row in &rows {
            let cells: Vec<String> = (0..sheet.columns.len())
                .map(|column| store::cell(sheet, column, row))
                .collect();
            csv::write_row(&mut file, cells.iter().map(String::as_str));
        }
        after = next;
    }
    let file = File {
        content_type: csv::CONTENT_TYPE,
        name: format!("{}.csv", sheet.name),
        bytes: file.into_bytes(),
    };
    Ok(file.into_response())
}
