//! Writing CSV (RFC 4180) so that no spreadsheet takes a cell for a formula, and reading such cells back.

use std::borrow::Cow;

/// What a file begins with for programs that would otherwise not take it for UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The media type of what is written here.
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8";

/// Appends a line of cells, defused.
pub fn write_row<'a>(file: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    let start = file.len();
    let mut is_first = true;
    for cell in cells {
        if !is_first {
            file.push(',');
        }
        is_first = false;
        write_cell(file, &defuse(cell));
    }
    if file.len() == start {
        // Otherwise the line would be empty, which readers leave out.
        file.push_str("\"\"");
    }
    file.push_str("\r\n");
}

fn write_cell(file: &mut String, cell: &str) {
    // Some spreadsheets split at `;` or tabs, whatever the file says.
    if !cell.contains([',', ';', '\t', '"', '\r', '\n']) {
        file.push_str(cell);
        return;
    }
    file.push('"');
    for (number, part) in cell.split('"').enumerate() {
        if number > 0 {
            file.push_str("\"\"");
        }
        file.push_str(part);
    }
    file.push('"');
}

/// The cell with an apostrophe before what a spreadsheet would take for a formula; [`restore`] takes it away again.
#[must_use]
pub fn defuse(cell: &str) -> Cow<'_, str> {
    if is_loaded(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// The cell as it was before [`defuse`].
#[must_use]
pub fn restore(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_loaded(rest) => rest,
        _ => cell,
    }
}

/// Whether a formula's first character comes first, or after apostrophes: those get one more, or they could not be told
/// from the ones that were put there.
fn is_loaded(cell: &str) -> bool {
    cell.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(cells: &[&str]) -> String {
        let mut file = String::new();
        write_row(&mut file, cells.iter().copied());
        file
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(row(&["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(
            row(&["a,b", "say \"so\"", "two\nlines"]),
            "\"a,b\",\"say \"\"so\"\"\",\"two\nlines\"\r\n"
        );
        assert_eq!(row(&["1;2", "1\t2"]), "\"1;2\",\"1\t2\"\r\n");
        assert_eq!(row(&[""]), "\"\"\r\n");
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+263771234567", "'+263771234567"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("'=1", "''=1"),
            ("'tis", "'tis"),
            ("O'Brien", "O'Brien"),
            ("", ""),
            ("'", "'"),
        ] {
            assert_eq!(defuse(cell), written);
            assert_eq!(restore(written), cell);
        }
        assert_eq!(restore("=1"), "=1");
    }

    proptest! {
        #[test]
        fn every_cell_is_safe_and_comes_back(cell in "['=+@a\t\r -]{0,6}|.{0,20}") {
            let defused = defuse(&cell);
            prop_assert!(!defused.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(restore(&defused), cell.as_str());
        }
    }
}
