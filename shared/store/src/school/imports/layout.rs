//! How a kind of file is laid out: its columns, and how a row names the record that it is about.

use homeroom_domain::{
    academics::marks::Hundredths,
    records::{Field, Kind, Literal, Presence},
};
use serde_json::Value as Json;

use crate::records::Table;

/// A kind of file.
#[derive(Debug)]
pub struct Sheet {
    /// Its name in paths.
    pub name: &'static str,
    /// What it takes to see its records.
    pub to_see: &'static [&'static str],
    /// What it takes to import it, beside the permission to import.
    pub to_import: &'static [&'static str],
    /// Its columns, in the order of an export.
    pub columns: &'static [Column],
    /// The records that its rows are.
    pub(crate) table: &'static Table,
    /// Joins from a row's values `j` to the record `t` that it is about; `?2` is the exam session.
    pub(super) found: &'static [&'static str],
    /// Columns that together name a record.
    pub(super) names: &'static [&'static [&'static str]],
    /// The rules that are its own.
    pub(super) rules: Rules,
    /// What an export selects from: `?1` and `?2` are the last keys of the page before, `?3` the session, `?4` the
    /// academic class, `?5` the exam session.
    pub(crate) export: Export,
}

/// How an export is read in pages.
#[derive(Debug)]
pub(crate) struct Export {
    /// Tables and the condition, without the keys' own.
    pub(crate) from: &'static str,
    /// Two expressions that together order all rows.
    pub(crate) keys: [&'static str; 2],
}

/// A column of a file.
#[derive(Debug)]
pub struct Column {
    /// Its name in the head.
    pub name: &'static str,
    /// The field of the record that it sets.
    pub(super) field: &'static str,
    /// Where it names another record: a join from a row's values `j` to that record `r`.
    pub(super) lookup: Option<&'static str>,
    /// What an export shows.
    pub(crate) shown: &'static str,
}

/// Rules that only one kind of file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    None,
    Students,
    Guardians,
    Staff,
    Registrations,
    Marks,
}

pub(super) const fn column(name: &'static str, shown: &'static str) -> Column {
    Column {
        name,
        field: name,
        lookup: None,
        shown,
    }
}

pub(super) const fn naming(
    name: &'static str,
    field: &'static str,
    lookup: &'static str,
    shown: &'static str,
) -> Column {
    Column {
        name,
        field,
        lookup: Some(lookup),
        shown,
    }
}

impl Column {
    /// How a cell is read.
    pub(super) fn reads(&self, sheet: &Sheet) -> Kind {
        match (self.lookup, sheet.field(self.field).kind) {
            (Some(_), _) => Kind::Text { min: 1, max: 255 },
            (None, Kind::Flags(_)) => Kind::Boolean,
            (None, kind) => kind,
        }
    }

    /// The field's own part that the column sets: `sms` of `consent.sms`.
    pub(super) fn flag(&self) -> Option<&'static str> {
        self.name.split_once('.').map(|(_, flag)| flag)
    }
}

impl Sheet {
    /// Whether a file of it is about one exam session.
    #[must_use]
    pub fn asks_for_exam_session(&self) -> bool {
        self.rules == Rules::Marks
    }

    /// A field of its records, or of the links that its rows make.
    pub(super) fn field(&self, name: &str) -> &'static Field {
        const NONE: Field = Field::shown("", Kind::Boolean, "");
        let linked: &[Field] = match self.rules {
            Rules::Guardians => LINKS.fields,
            _ => &[],
        };
        let mut fields = self.table.fields.iter().chain(linked);
        fields.find(|field| field.name == name).unwrap_or(&NONE)
    }

    /// Whether a column sets a field of the records themselves.
    pub(super) fn is_own(&self, column: &Column) -> bool {
        let mut fields = self.table.fields.iter();
        fields.any(|field| field.name == column.field)
    }

    /// The fields that an import writes.
    pub(super) fn written(&self) -> impl Iterator<Item = &'static Field> {
        let is_written = |field: &&Field| {
            matches!(field.name, "version" | "updated_by")
                || self.columns.iter().any(|column| column.field == field.name)
        };
        self.table.fields.iter().filter(is_written)
    }

    /// A value of a row as it stands in a cell.
    pub(crate) fn cell(&self, column: &Column, value: &Json) -> String {
        let kind = column.reads(self);
        match (kind, value.as_i64()) {
            (Kind::Boolean, Some(number)) => (number != 0).to_string(),
            (Kind::Mark, Some(number)) => Hundredths(number).to_string(),
            _ => value.to_string(),
        }
    }

    /// The columns that a file must have.
    pub(super) fn needed(&self) -> impl Iterator<Item = &'static str> {
        let needs = |column: &&Column| {
            let field = self.field(column.field);
            matches!(field.presence, Presence::Required | Presence::Path)
        };
        self.columns.iter().filter(needs).map(|column| column.name)
    }
}

/// Links as a file names them: all may be left empty.
pub(super) static LINKS: Table = Table {
    name: "student_guardians",
    fields: &[
        Field::nullable("student", Kind::Reference("students"), ""),
        Field::shown("guardian", Kind::Reference("guardians"), ""),
        Field::nullable("relation", Kind::Text { min: 1, max: 50 }, ""),
        Field::or("is_primary", Kind::Boolean, Literal::Boolean(false), ""),
    ],
    ..Table::PLAIN
};
