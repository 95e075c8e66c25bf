//! What the documents Worker is asked to print, and how it refuses. All texts are printed as they are given: the caller
//! has translated, formatted and rounded them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

mod bounds;

pub use bounds::*;

/// The service binding of the documents Worker.
pub const BINDING: &str = "DOCUMENTS";
/// Where requests to it are posted; only the binding gives the address a meaning.
pub const URL: &str = "https://documents/";
/// The content type of [`Packaging::Single`].
pub const PDF: &str = "application/pdf";
/// The content type of [`Packaging::Separate`].
pub const ZIP: &str = "application/zip";

/// Sheets to print, with what they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentRequest {
    /// The title that a reader's window shows; empty takes that of the first sheet. At most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub title: String,
    /// What stands at the head of every sheet.
    #[serde(default)]
    pub letterhead: Letterhead,
    /// The sheets in their order; 1 to [`MAX_SHEETS`].
    pub sheets: Vec<Sheet>,
    /// One file or one per sheet.
    #[serde(default)]
    pub packaging: Packaging,
    /// The language of the texts as a BCP 47 tag (`en`, `ar`, `pt-BR`). It decides which side lines start at, and is
    /// what a screen reader is told.
    #[serde(default)]
    pub language: Option<String>,
}

/// Who the sheets are from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letterhead {
    /// The school's name; at most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub name: String,
    /// Motto, address, telephone; at most [`MAX_LETTERHEAD_LINES`] lines of [`MAX_SHORT`] characters.
    #[serde(default)]
    pub lines: Vec<String>,
    /// A PNG or JPEG in standard base64, at most [`MAX_LOGO_BYTES`] bytes and [`MAX_LOGO_PIXELS`] pixels a side. It is
    /// fitted into a box 50 mm wide and 20 mm high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// How the sheets are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packaging {
    /// One PDF; every sheet begins on a new page and has a bookmark.
    #[default]
    Single,
    /// A ZIP with one PDF per sheet.
    Separate,
}

/// Which way a page of A4 is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// 210 mm wide, 297 mm high.
    #[default]
    Portrait,
    /// 297 mm wide, 210 mm high, for wide tables.
    Landscape,
}

/// One card, list or broadsheet, on as many pages as it needs. Parts that are empty take no room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The name of its file in the ZIP, without ending, and of its bookmark. Characters that a file system may refuse
    /// are replaced, and equal names are numbered. At most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub file_name: String,
    /// Which way the pages are held.
    #[serde(default)]
    pub orientation: Orientation,
    /// The heading; at most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub title: String,
    /// The line below it; at most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub subtitle: String,
    /// Whom or what the sheet is about, set in columns; at most [`MAX_FACTS`].
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// Results that stand out below the table; at most [`MAX_FACTS`].
    #[serde(default)]
    pub summary: Vec<Fact>,
    /// Remarks and other running text; at most [`MAX_PARAGRAPHS`].
    #[serde(default)]
    pub paragraphs: Vec<Paragraph>,
    /// Who signs: the texts below the lines, in rows of three; at most [`MAX_SIGNATURES`].
    #[serde(default)]
    pub signatures: Vec<String>,
    /// What stands at the foot of every page, beside the page number; at most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub footer: String,
    /// A word across every page, pale and behind everything: `DRAFT`. At most [`MAX_WATERMARK`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
}

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// `Class`; at most [`MAX_SHORT`] characters.
    pub label: String,
    /// `Grade 4 East`; at most [`MAX_SHORT`] characters.
    pub value: String,
}

/// Rows under headings, which every page repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The columns; 1 to [`MAX_COLUMNS`].
    pub columns: Vec<Column>,
    /// The rows, each with a cell of at most [`MAX_CELL`] characters per column; at most [`MAX_ROWS`].
    pub rows: Vec<Vec<String>>,
    /// Which rows stand out, as indices into `rows`: totals, averages.
    #[serde(default)]
    pub emphasis: Vec<u32>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The heading, which may be empty; at most [`MAX_SHORT`] characters. In a column too narrow for its longest word
    /// the headings of the table are turned upwards.
    pub heading: String,
    /// Which side its cells lean to.
    #[serde(default)]
    pub align: Align,
    /// Its share of the width, in proportion to the sum of all weights; 1 to [`MAX_WEIGHT`].
    #[serde(default = "one")]
    pub weight: u16,
}

fn one() -> u16 {
    1
}

/// Which side the text of a cell leans to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Where lines start: left, or right in a language that is written from there.
    #[default]
    Start,
    /// The other side; for numbers.
    End,
    /// The middle.
    Center,
}

/// Running text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paragraph {
    /// Its heading, which may be empty; at most [`MAX_SHORT`] characters.
    #[serde(default)]
    pub heading: String,
    /// The text; line breaks are kept. At most [`MAX_TEXT`] characters.
    pub text: String,
}

/// Why nothing was printed. As JSON: `{"code", "detail"}`.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "code", content = "detail", rename_all = "snake_case")]
pub enum DocumentError {
    /// Something is longer, larger or more than its bound, or missing; names the field.
    #[error("{0}")]
    OutOfBounds(String),
    /// The logo cannot be read, is neither PNG nor JPEG, or is too large.
    #[error("the logo {0}")]
    Logo(String),
    /// The request is not one.
    #[error("the request cannot be read: {0}")]
    Malformed(String),
    /// The documents Worker cannot be asked now.
    #[error("documents cannot be printed now: {0}")]
    Unavailable(String),
    /// A mistake of ours.
    #[error("printing failed: {0}")]
    Failed(String),
}

impl DocumentError {
    /// The HTTP status that the documents Worker gives it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::OutOfBounds(_) | Self::Logo(_) => 422,
            Self::Malformed(_) => 400,
            Self::Unavailable(_) => 503,
            Self::Failed(_) => 500,
        }
    }
}

/// A finished file.
#[derive(Clone, PartialEq, Eq)]
pub struct Printed {
    /// [`PDF`] or [`ZIP`].
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printed")
            .field("content_type", &self.content_type)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Packaging {
    /// The content type of what comes of it.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Single => PDF,
            Self::Separate => ZIP,
        }
    }
}

#[cfg(test)]
mod tests;
