//! Many opt-outs at once: all of them as a file, and lists that come from elsewhere.

use std::collections::HashSet;

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    csv,
    files::table::{Refusal, Table},
    sms::number::Address,
};
use homeroom_edge::{ApiError, File, Json, Query, TableOr, sms::AppCaller};
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::sms::contacts;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    fields::{receiver, shown},
    opt_outs::opt_out,
};

/// Rows that are read at once.
const PAGE: u32 = 1_000;
/// Numbers of one request, as many as a batch has receivers.
const MAX_NUMBERS: usize = 1_000;
/// Opt-outs of one app to which lists add: what is exported must fit into memory, and nobody fills the database with numbers.
const MAX_OPT_OUTS: u32 = 100_000;
/// Characters of what is no number that are shown again.
const MAX_SHOWN: usize = 40;
const NUMBER: &str = "number";

struct ExportIn {
    has_mark: bool,
}

impl Input for ExportIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let has_mark = fields.optional("bom", rules::boolean);
        Some(Self {
            has_mark: has_mark?.unwrap_or(false),
        })
    }
}

/// Export opt-outs
///
/// All of them as CSV: `number`, `reason` and `created_at`, in RFC 3339. A cell that a spreadsheet would take for a formula, such as a number with
/// its plus, has an apostrophe before it; the import takes it away again.
#[utoipa::path(get, path = "/api/v1/sms/opt-outs.csv", tag = "receivers",
    params(("bom" = Option<bool>, Query, description = "Whether the file begins with a byte order mark, for programs that need one.")),
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv")), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn export_opt_outs(caller: AppCaller, query: Query) -> Result<Response, ApiError> {
    let ExportIn { has_mark } = query.read()?;
    let mut file = String::from(if has_mark { csv::BYTE_ORDER_MARK } else { "" });
    csv::write_row(&mut file, [NUMBER, "reason", "created_at"]);
    let mut after = String::new();
    loop {
        let rows = contacts::list(&caller.db, caller.sms_app.id, &after, PAGE).await?;
        for row in &rows {
            let (number, since) = (shown(&row.number), row.created_at.to_rfc3339());
            csv::write_row(&mut file, [&*number, &*row.reason, &*since]);
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE as usize => after.clone_from(&last.number),
            _ => break,
        }
    }
    let file = File {
        content_type: csv::CONTENT_TYPE,
        name: "opt-outs.csv".to_owned(),
        bytes: file.into_bytes(),
    };
    Ok(file.into_response())
}

struct ImportIn {
    is_dry_run: bool,
}

impl Input for ImportIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_dry_run = fields.optional("dry_run", rules::boolean);
        Some(Self {
            is_dry_run: is_dry_run?.unwrap_or(false),
        })
    }
}

pub(crate) struct NumbersIn(Vec<Value>);

impl Input for NumbersIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let numbers = fields.required("numbers", |value| {
            let numbers = value.as_array().ok_or("Expected a list of items.")?;
            counted(numbers.len())?;
            Ok(numbers.clone())
        });
        Some(Self(numbers?))
    }
}

fn counted(count: usize) -> Result<(), String> {
    if (1..=MAX_NUMBERS).contains(&count) {
        Ok(())
    } else {
        Err(format!("Give 1 to {MAX_NUMBERS} numbers."))
    }
}

/// Receivers.
#[derive(ToSchema)]
#[schema(as = NumbersIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; NumbersIn reads it"
)]
pub(crate) struct NumbersBody {
    /// In international form.
    #[schema(example = json!(["+263771234567"]), min_items = 1, max_items = 1000)]
    numbers: Vec<String>,
}

/// A CSV file in UTF-8 with a column `number`; other columns do not matter. Commas, semicolons or tabs divide it.
#[derive(ToSchema)]
#[schema(example = "number\n+263771234567\n")]
#[expect(dead_code, reason = "the shape of the body for the document")]
pub(crate) struct NumbersFile(String);

/// What became of a row.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowOut {
    /// Its place in the list, from 1; of a file the line in which it begins, of which the head is the first.
    #[schema(example = 2)]
    row: usize,
    /// The number, or what was sent in its place.
    #[schema(example = "+263771234567")]
    number: String,
    /// `added`; `known`, where it had opted out or stands in a row before; `invalid`.
    #[schema(example = "added")]
    outcome: &'static str,
    /// Why it is invalid.
    #[schema(example = "")]
    error: String,
}

/// What became of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedOut {
    /// Whether nothing was written.
    #[schema(example = false)]
    dry_run: bool,
    #[schema(example = 1)]
    added: usize,
    #[schema(example = 0)]
    known: usize,
    #[schema(example = 0)]
    invalid: usize,
    /// Messages to these receivers that may leave yet: the bridge, which is asked about 200 at most, has more of them or does not answer. The same
    /// list again withdraws more.
    #[schema(example = 0)]
    remaining: usize,
    /// Every row, in its order.
    results: Vec<RowOut>,
}

/// A row as it was sent.
struct Row {
    row: usize,
    given: Value,
}

/// The rows of a file.
fn rows_of(file: &[u8]) -> Result<Vec<Row>, Refusal> {
    let mut table = Table::open(file)?;
    let column = table.columns.iter().position(|name| name == NUMBER);
    let column = column.ok_or("There is no column `number`.")?;
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        counted(rows.len() + 1)?;
        let given = row.cells().nth(column).unwrap_or_default();
        rows.push(Row {
            row: row.line,
            given: given.into(),
        });
    }
    counted(rows.len())?;
    Ok(rows)
}

/// Import opt-outs
///
/// Up to 1,000 receivers get no more messages of this app, and what has not left for them yet is withdrawn: all of it once `remaining`
/// is 0. Each row has its outcome, and one that is wrong keeps no other from being written. With `dry_run` nothing is.
#[utoipa::path(post, path = "/api/v1/sms/opt-outs/import", tag = "receivers",
    params(("dry_run" = Option<bool>, Query, description = "Whether only the results are written.")),
    request_body(content((NumbersBody = "application/json"), (NumbersFile = "text/csv"))),
    responses((status = 200, body = ImportedOut)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn import_opt_outs(
    caller: AppCaller,
    query: Query,
    body: TableOr<NumbersIn>,
) -> Result<Json<ImportedOut>, ApiError> {
    let ImportIn { is_dry_run } = query.read()?;
    let rows = match body {
        TableOr::Input(NumbersIn(numbers)) => (1..)
            .zip(numbers)
            .map(|(row, given)| Row { row, given })
            .collect(),
        TableOr::Table(file) => {
            rows_of(&file).map_err(|words| ApiError::field("numbers", &words))?
        }
    };
    let read: Vec<(Row, Result<Address, String>)> = rows
        .into_iter()
        .map(|row| {
            let number = receiver(&row.given);
            (row, number)
        })
        .collect();
    let numbers: Vec<&str> = read
        .iter()
        .filter_map(|(_, number)| number.as_ref().ok())
        .map(Address::as_str)
        .collect();
    let app_id = caller.sms_app.id;
    let known = contacts::list_known(&caller.db, app_id, &numbers).await?;
    let new: HashSet<&str> = numbers.iter().copied().collect();
    let room = contacts::room(&caller.db, app_id, MAX_OPT_OUTS).await?;
    if new.len() - known.len() > room as usize {
        let words = format!("These would be more than {MAX_OPT_OUTS} opt-outs of one app.");
        return Err(ApiError::field("numbers", &words));
    }
    let remaining = if is_dry_run || numbers.is_empty() {
        0
    } else {
        opt_out(&caller, &numbers).await?
    };
    let mut seen: HashSet<&str> = known.iter().map(String::as_str).collect();
    let mut out = ImportedOut {
        dry_run: is_dry_run,
        added: 0,
        known: 0,
        invalid: 0,
        remaining,
        results: Vec::new(),
    };
    for (row, number) in &read {
        let (number, outcome, error) = match number {
            Ok(number) if seen.insert(number.as_str()) => {
                out.added += 1;
                (number.display(), "added", String::new())
            }
            Ok(number) => {
                out.known += 1;
                (number.display(), "known", String::new())
            }
            Err(words) => {
                out.invalid += 1;
                let given = row.given.as_str().unwrap_or_default();
                (
                    given.chars().take(MAX_SHOWN).collect(),
                    "invalid",
                    words.clone(),
                )
            }
        };
        out.results.push(RowOut {
            row: row.row,
            number,
            outcome,
            error,
        });
    }
    Ok(Json(out))
}
