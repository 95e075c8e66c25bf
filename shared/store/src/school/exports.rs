//! Exports: a sheet's rows as an import takes them, page by page.

use serde_json::{Map, Value as Json};

use super::imports::Sheet;
use crate::{
    connection::TenantDb,
    error::StoreError,
    sql::{Statement, Value},
};

/// Rows of one trip.
pub const PAGE: usize = 1_000;

/// What an export is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Within {
    /// One session.
    pub session: Option<String>,
    /// One class of a session.
    pub academic_class: Option<String>,
    /// One exam session.
    pub exam_session: Option<String>,
}

/// Where the next page begins.
#[derive(Clone, Debug, Default)]
pub struct After([String; 2]);

/// A page of rows, each with a value per column, and where the next one begins if there may be one.
pub async fn page(
    db: &TenantDb,
    sheet: &Sheet,
    within: &Within,
    after: After,
) -> Result<(Vec<Map<String, Json>>, Option<After>), StoreError> {
    let [first, second] = sheet.export.keys;
    let shown = sheet.columns.iter();
    let shown: Vec<String> = shown
        .map(|column| format!("{} as \"{}\"", column.shown, column.name))
        .collect();
    let text = format!(
        "select {first} as \"key?\", {second} as \"key2?\", {} from {} order by {first}, {second} limit {PAGE}",
        shown.join(", "),
        sheet.export.from
    );
    let After([key, key2]) = after;
    let statement = Statement {
        sql: text.into(),
        params: vec![
            Value::from(key),
            Value::from(key2),
            within.session.clone().into(),
            within.academic_class.clone().into(),
            within.exam_session.clone().into(),
        ],
    };
    let rows: Vec<Map<String, Json>> = db.connection.rows(statement).await?;
    let key = |row: &Map<String, Json>, name: &str| {
        let key = row.get(name).and_then(Json::as_str);
        key.unwrap_or_default().to_owned()
    };
    let after = rows
        .last()
        .filter(|_| rows.len() == PAGE)
        .map(|row| After([key(row, "key?"), key(row, "key2?")]));
    Ok((rows, after))
}

/// A cell of an export, as an import reads it.
#[must_use]
pub fn cell(sheet: &Sheet, column: usize, row: &Map<String, Json>) -> String {
    let Some(column) = sheet.columns.get(column) else {
        return String::new();
    };
    match row.get(column.name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(value) => sheet.cell(column, value),
    }
}
