//! How much may be asked for, so that no request costs more than a Worker has.

use super::{DocumentError, DocumentRequest, Fact, Letterhead, Sheet, Table};

/// The most sheets of one request.
pub const MAX_SHEETS: usize = 400;
/// The most characters of a name, a heading or a label.
pub const MAX_SHORT: usize = 300;
/// The most characters of a cell.
pub const MAX_CELL: usize = 1_000;
/// The most characters of a paragraph.
pub const MAX_TEXT: usize = 12_000;
/// The most characters of a watermark.
pub const MAX_WATERMARK: usize = 40;
/// The most lines below the letterhead's name.
pub const MAX_LETTERHEAD_LINES: usize = 6;
/// The largest logo, in bytes before base64.
pub const MAX_LOGO_BYTES: usize = 200 * 1024;
/// The most pixels along one side of a logo.
pub const MAX_LOGO_PIXELS: u32 = 1_024;
/// The most facts of a sheet, and the most entries of its summary.
pub const MAX_FACTS: usize = 40;
/// The most columns of a table.
pub const MAX_COLUMNS: usize = 40;
/// The most rows of a table.
pub const MAX_ROWS: usize = 2_000;
/// The largest weight of a column.
pub const MAX_WEIGHT: u16 = 1_000;
/// The most paragraphs of a sheet.
pub const MAX_PARAGRAPHS: usize = 20;
/// The most signatures of a sheet.
pub const MAX_SIGNATURES: usize = 9;
/// The most characters of a whole request; the letterhead counts once.
pub const MAX_CHARACTERS: usize = 1_500_000;
/// The longest request, in bytes of JSON.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

impl DocumentRequest {
    /// Whether it is within all bounds; names the first field that is not.
    pub fn check(&self) -> Result<(), DocumentError> {
        let mut seen = Seen::default();
        seen.text("title", &self.title, MAX_SHORT)?;
        seen.text("language", self.language.as_deref().unwrap_or_default(), 35)?;
        seen.letterhead(&self.letterhead)?;
        if self.sheets.is_empty() {
            return Err(refuse("sheets", "is empty"));
        }
        count("sheets", self.sheets.len(), MAX_SHEETS)?;
        for (index, sheet) in self.sheets.iter().enumerate() {
            seen.sheet(&format!("sheets[{index}]"), sheet)?;
        }
        Ok(())
    }
}

fn refuse(field: &str, why: &str) -> DocumentError {
    DocumentError::OutOfBounds(format!("{field} {why}"))
}

fn count(field: &str, number: usize, most: usize) -> Result<(), DocumentError> {
    if number > most {
        return Err(refuse(
            field,
            &format!("has {number} entries, at most {most} are printed"),
        ));
    }
    Ok(())
}

/// The characters so far.
#[derive(Default)]
struct Seen(usize);

impl Seen {
    fn text(&mut self, field: &str, text: &str, most: usize) -> Result<(), DocumentError> {
        // Bytes first: counting the characters of a text of megabytes is work, too.
        let characters = if text.len() > most * 4 {
            most + 1
        } else {
            text.chars().count()
        };
        if characters > most {
            return Err(refuse(field, &format!("has more than {most} characters")));
        }
        self.0 += characters;
        if self.0 > MAX_CHARACTERS {
            return Err(refuse(
                "the request",
                &format!("has more than {MAX_CHARACTERS} characters"),
            ));
        }
        Ok(())
    }

    fn letterhead(&mut self, letterhead: &Letterhead) -> Result<(), DocumentError> {
        self.text("letterhead.name", &letterhead.name, MAX_SHORT)?;
        count(
            "letterhead.lines",
            letterhead.lines.len(),
            MAX_LETTERHEAD_LINES,
        )?;
        for line in &letterhead.lines {
            self.text("letterhead.lines", line, MAX_SHORT)?;
        }
        let logo = letterhead.logo.as_ref().map_or(0, String::len);
        if logo > MAX_LOGO_BYTES.div_ceil(3) * 4 {
            return Err(DocumentError::Logo(format!(
                "is larger than {MAX_LOGO_BYTES} bytes"
            )));
        }
        Ok(())
    }

    fn sheet(&mut self, at: &str, sheet: &Sheet) -> Result<(), DocumentError> {
        for (name, text) in [
            ("file_name", &sheet.file_name),
            ("title", &sheet.title),
            ("subtitle", &sheet.subtitle),
            ("footer", &sheet.footer),
        ] {
            self.text(&format!("{at}.{name}"), text, MAX_SHORT)?;
        }
        if let Some(watermark) = &sheet.watermark {
            self.text(&format!("{at}.watermark"), watermark, MAX_WATERMARK)?;
        }
        self.facts(&format!("{at}.facts"), &sheet.facts)?;
        self.facts(&format!("{at}.summary"), &sheet.summary)?;
        if let Some(table) = &sheet.table {
            self.table(&format!("{at}.table"), table)?;
        }
        let field = format!("{at}.paragraphs");
        count(&field, sheet.paragraphs.len(), MAX_PARAGRAPHS)?;
        for paragraph in &sheet.paragraphs {
            self.text(&field, &paragraph.heading, MAX_SHORT)?;
            self.text(&field, &paragraph.text, MAX_TEXT)?;
        }
        let field = format!("{at}.signatures");
        count(&field, sheet.signatures.len(), MAX_SIGNATURES)?;
        sheet
            .signatures
            .iter()
            .try_for_each(|text| self.text(&field, text, MAX_SHORT))
    }

    fn facts(&mut self, field: &str, facts: &[Fact]) -> Result<(), DocumentError> {
        count(field, facts.len(), MAX_FACTS)?;
        facts.iter().try_for_each(|fact| {
            self.text(field, &fact.label, MAX_SHORT)?;
            self.text(field, &fact.value, MAX_SHORT)
        })
    }

    fn table(&mut self, at: &str, table: &Table) -> Result<(), DocumentError> {
        let columns = table.columns.len();
        if columns == 0 {
            return Err(refuse(&format!("{at}.columns"), "is empty"));
        }
        count(&format!("{at}.columns"), columns, MAX_COLUMNS)?;
        count(&format!("{at}.rows"), table.rows.len(), MAX_ROWS)?;
        for column in &table.columns {
            self.text(&format!("{at}.columns"), &column.heading, MAX_SHORT)?;
            if !(1..=MAX_WEIGHT).contains(&column.weight) {
                return Err(refuse(
                    &format!("{at}.columns"),
                    &format!("has a weight outside of 1 to {MAX_WEIGHT}"),
                ));
            }
        }
        for (index, row) in table.rows.iter().enumerate() {
            let field = format!("{at}.rows[{index}]");
            if row.len() != columns {
                return Err(refuse(
                    &field,
                    &format!("has {} cells for {columns} columns", row.len()),
                ));
            }
            row.iter()
                .try_for_each(|cell| self.text(&field, cell, MAX_CELL))?;
        }
        if table
            .emphasis
            .iter()
            .any(|row| usize::try_from(*row).map_or(true, |row| row >= table.rows.len()))
        {
            return Err(refuse(
                &format!("{at}.emphasis"),
                "names a row that there is not",
            ));
        }
        Ok(())
    }
}
