//! A file's rows, read against the columns of their sheet.

use std::collections::{BTreeMap, HashMap};

use homeroom_domain::{
    files::table::{MAX_CELL, Row, Table},
    records::{Kind, Literal, Presence},
};
use homeroom_kernel::{FieldErrors, fields::NON_FIELD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::layout::{Column, Rules, Sheet};

/// Most rows of a file.
pub const MAX_ROWS: usize = 5_000;
/// Most rows that are carried out at once.
pub const PORTION: usize = 200;
/// Most bytes of the same.
const PORTION_BYTES: usize = 256 * 1_024;

/// Messages by the names of columns.
pub(super) type Messages = BTreeMap<String, Vec<String>>;

/// A row as it waits to be carried out: its values by the names of columns, or what is wrong with them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FileRow {
    pub(super) line: usize,
    pub(super) values: Map<String, Json>,
    #[serde(default, skip_serializing_if = "Messages::is_empty")]
    pub(super) errors: Messages,
}

/// A file's rows in portions, each a JSON array.
#[derive(Debug, Default)]
pub struct Portions {
    /// How many rows there are.
    pub total: usize,
    pub(super) chunks: Vec<String>,
    open: usize,
}

/// Why a file is not imported at all.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// What is wrong with it, by column; `file` for the whole.
    Wrong(FieldErrors),
    /// It has more than [`MAX_ROWS`] rows.
    TooManyRows,
}

fn whole(message: &str) -> Refused {
    Refused::Wrong(FieldErrors::one("file", message))
}

/// Reads a file. Rows that bring the number or name that they go by come first: what the platform gives to the others
/// is then known not to be one of theirs.
pub fn read(sheet: &'static Sheet, file: &[u8]) -> Result<Portions, Refused> {
    let mut table = Table::open(file).map_err(|message| whole(&message))?;
    let columns = head(sheet, &table.columns)?;
    let mut seen = HashMap::new();
    let (mut named, mut nameless) = (Vec::new(), Vec::new());
    while let Some(row) = table.next_row().map_err(|message| whole(&message))? {
        if named.len() + nameless.len() >= MAX_ROWS {
            return Err(Refused::TooManyRows);
        }
        let mut row = read_row(sheet, &columns, &row);
        let has_name = note_names(sheet, &mut row, &mut seen);
        let text = serde_json::to_string(&row).unwrap_or_default();
        if has_name { &mut named } else { &mut nameless }.push(text);
    }
    let mut portions = Portions::default();
    for row in named.into_iter().chain(nameless) {
        portions.add(&row);
    }
    portions.close();
    if portions.total == 0 {
        return Err(whole("The file has no rows."));
    }
    Ok(portions)
}

impl Portions {
    fn add(&mut self, row: &str) {
        let fits = self.open > 0
            && self.open < PORTION
            && self.chunks.last().map_or(0, String::len) + row.len() < PORTION_BYTES;
        match self.chunks.last_mut().filter(|_| fits) {
            Some(portion) => {
                portion.push(',');
                portion.push_str(row);
                self.open += 1;
            }
            None => {
                self.close();
                self.chunks.push(format!("[{row}"));
                self.open = 1;
            }
        }
        self.total += 1;
    }

    fn close(&mut self) {
        if let Some(portion) = self.chunks.last_mut() {
            portion.push(']');
        }
    }

    /// The only portion, where there is but one.
    #[must_use]
    pub fn single(&self) -> Option<Vec<FileRow>> {
        match self.chunks.as_slice() {
            [one] => serde_json::from_str(one).ok(),
            _ => None,
        }
    }
}

/// The sheet's columns in the order of the file.
fn head(sheet: &'static Sheet, names: &[String]) -> Result<Vec<&'static Column>, Refused> {
    let mut errors = FieldErrors::default();
    let mut columns = Vec::new();
    for (number, name) in names.iter().enumerate() {
        match sheet.columns.iter().find(|column| column.name == name) {
            Some(column) if columns.iter().any(|known: &&Column| known.name == name) => {
                errors.add(column.name, "This column is there twice.");
            }
            Some(column) => columns.push(column),
            None if name.is_empty() => {
                errors.add("file", &format!("Column {} has no name.", number + 1));
            }
            None => {
                let name: String = name.chars().take(100).collect();
                errors.add(&name, "There is no such column.");
            }
        }
    }
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    for name in sheet.needed().filter(|name| !has(name)) {
        errors.add(name, "This column is required.");
    }
    if sheet.rules == Rules::Guardians && !has("phone_number") && !has("email") {
        errors.add(
            NON_FIELD,
            "Give the column phone_number, or email, or both.",
        );
    }
    errors.into_result(columns).map_err(Refused::Wrong)
}

fn read_row(sheet: &Sheet, columns: &[&'static Column], row: &Row<'_>) -> FileRow {
    let mut errors = FieldErrors::default();
    let mut values = Map::new();
    if row.is_too_long {
        errors.add(
            NON_FIELD,
            "The row has more cells than the head has columns.",
        );
    }
    for (column, cell) in columns.iter().zip(row.cells().chain(std::iter::repeat(""))) {
        match read_cell(sheet, column, cell) {
            Ok(Some(value)) => {
                values.insert(column.name.to_owned(), value);
            }
            Ok(None) => {}
            Err(message) => errors.add(column.name, &message),
        }
    }
    let has = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
    if sheet.rules == Rules::Guardians && errors.is_empty() {
        if !has("phone_number") && !has("email") {
            errors.add(NON_FIELD, "Give an email or a phone number.");
        }
        if !has("student_id") && (has("relation") || has("is_primary")) {
            errors.add("student_id", "Name the student.");
        }
    }
    if sheet.rules == Rules::Marks && has("mark") && values.get("is_absent") == Some(&true.into()) {
        errors.add("mark", "An absent student has no mark.");
    }
    FileRow {
        line: row.line,
        values,
        errors: errors.messages().clone(),
    }
}

/// The value of a cell; none where it is empty and the field cannot be: as if the file did not have the column.
fn read_cell(sheet: &Sheet, column: &Column, cell: &str) -> Result<Option<Json>, String> {
    if cell.chars().take(MAX_CELL + 1).count() > MAX_CELL {
        return Err(format!(
            "Ensure this cell has no more than {MAX_CELL} characters."
        ));
    }
    let kind = column.reads(sheet);
    if cell.is_empty() {
        return match sheet.field(column.field).presence {
            Presence::Nullable => Ok(Some(Json::Null)),
            Presence::Default(Literal::Text("")) => Ok(Some("".into())),
            Presence::Default(_) => Ok(None),
            _ => Err("This field may not be blank.".into()),
        };
    }
    let value = match kind {
        // As spreadsheets write it.
        Kind::Boolean => cell.to_ascii_lowercase().into(),
        _ => Json::from(cell),
    };
    kind.read(&value).map(Some)
}

/// Notes by which names a row goes, and whether it has any; a name that an earlier row has is a mistake.
fn note_names(sheet: &Sheet, row: &mut FileRow, seen: &mut HashMap<String, usize>) -> bool {
    let mut has_name = false;
    for (number, columns) in sheet.names.iter().enumerate() {
        let text = |column: &&str| row.values.get(*column).and_then(Json::as_str);
        let parts: Option<Vec<&str>> = columns
            .iter()
            .map(|column| text(column).filter(|text| !text.is_empty()))
            .collect();
        let Some(parts) = parts else { continue };
        has_name = true;
        // A guardian has a line for each student.
        let student = text(&"student_id").filter(|_| sheet.rules == Rules::Guardians);
        let student = student.unwrap_or_default();
        let name = format!("{number}\u{1f}{}\u{1f}{student}", parts.join("\u{1f}"));
        let first = *seen.entry(name).or_insert(row.line);
        if first != row.line {
            let column = columns.last().copied().unwrap_or(NON_FIELD);
            let message = format!("Line {first} has the same.");
            row.errors
                .entry(column.to_owned())
                .or_default()
                .push(message);
        }
    }
    has_name
}
