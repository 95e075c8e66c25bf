//! The rows of a CSV file, one after the other: RFC 4180 in UTF-8, divided by commas, semicolons or tabs.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::csv;

/// Most columns of a file.
pub const MAX_COLUMNS: usize = 50;
/// Most characters of a cell.
pub const MAX_CELL: usize = 10_000;

/// Why a file cannot be read, for the client.
pub type Refusal = String;

/// A file that is read row by row.
pub struct Table<'a> {
    reader: Reader,
    file: &'a [u8],
    at: usize,
    /// The line of the file in which `at` lies.
    line: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// The names of the columns, in lower case.
    pub columns: Vec<String>,
}

/// A row that is not blank.
pub struct Row<'a> {
    /// The line of the file in which it begins; the first is 1.
    pub line: usize,
    text: &'a str,
    ends: &'a [usize],
    /// Whether it has more cells than there are columns.
    pub is_too_long: bool,
}

impl<'a> Row<'a> {
    /// Its cells, trimmed and as they were before a program defused them.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(self.ends)
            .map(move |(start, end)| csv::restore(text.get(start..*end).unwrap_or_default().trim()))
    }

    fn is_blank(&self) -> bool {
        self.cells().all(str::is_empty)
    }
}

impl<'a> Table<'a> {
    /// Reads the head of a file.
    pub fn open(file: &'a [u8]) -> Result<Self, Refusal> {
        let file = file
            .strip_prefix(csv::BYTE_ORDER_MARK.as_bytes())
            .unwrap_or(file);
        if let Err(error) = std::str::from_utf8(file) {
            let before = file.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            return Err(format!(
                "The file is not UTF-8 (line {line}): save it as CSV in UTF-8."
            ));
        }
        let mut table = Self {
            reader: ReaderBuilder::new().delimiter(delimiter(file)).build(),
            file,
            at: 0,
            line: 1,
            text: vec![0; 4_096],
            ends: vec![0; MAX_COLUMNS],
            columns: Vec::new(),
        };
        let Some(head) = table.next_row()? else {
            return Err("The file is empty.".into());
        };
        if head.is_too_long {
            return Err(format!("The file has more than {MAX_COLUMNS} columns."));
        }
        table.columns = head.cells().map(str::to_lowercase).collect();
        Ok(table)
    }

    /// The next row that is not blank.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Refusal> {
        loop {
            self.skip_breaks();
            let line = self.line;
            let Some((length, cells)) = self.read_record(line)? else {
                return Ok(None);
            };
            if !self.row(line, length, cells).is_blank() {
                return Ok(Some(self.row(line, length, cells)));
            }
        }
    }

    fn row(&self, line: usize, length: usize, cells: usize) -> Row<'_> {
        let most = if self.columns.is_empty() {
            MAX_COLUMNS
        } else {
            self.columns.len()
        };
        let text = self.text.get(..length).unwrap_or_default();
        Row {
            line,
            text: std::str::from_utf8(text).unwrap_or_default(),
            ends: self.ends.get(..cells.min(MAX_COLUMNS)).unwrap_or_default(),
            is_too_long: cells > most,
        }
    }

    /// Reads one record into the buffers: the length of its text, and its number of cells.
    fn read_record(&mut self, line: usize) -> Result<Option<(usize, usize)>, Refusal> {
        if self.at >= self.file.len() {
            return Ok(None);
        }
        let (mut length, mut cells) = (0, 0);
        let mut surplus = [0; MAX_COLUMNS];
        loop {
            let rest = self.file.get(self.at..).unwrap_or_default();
            let is_over = rest.is_empty();
            // A line break behind the file closes its last record, unless that is within quotes.
            let input = if is_over { b"\n" } else { rest };
            let ends = match self.ends.get_mut(cells..) {
                Some(ends) if !ends.is_empty() => ends,
                _ => &mut surplus,
            };
            let text = self.text.get_mut(length..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            length += written;
            cells += ended;
            match result {
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::InputEmpty if is_over => {
                    return Err(format!("The quote in line {line} is never closed."));
                }
                _ => {}
            }
            if !is_over {
                self.pass(read);
            }
            match result {
                ReadRecordResult::Record => return Ok(Some((length, cells))),
                ReadRecordResult::End => return Ok(None),
                _ => {}
            }
        }
    }

    fn skip_breaks(&mut self) {
        while matches!(self.file.get(self.at), Some(b'\n' | b'\r')) {
            self.pass(1);
        }
    }

    /// Goes on by so many bytes, and counts their line breaks: `\n`, `\r`, or both together.
    fn pass(&mut self, bytes: usize) {
        for _ in 0..bytes {
            match (self.file.get(self.at), self.file.get(self.at + 1)) {
                (Some(b'\n'), _) => self.line += 1,
                (Some(b'\r'), next) if next != Some(&b'\n') => self.line += 1,
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// What stands most often between the names of the first line that has some.
fn delimiter(file: &[u8]) -> u8 {
    let head = file
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    let count = |mark: u8| head.split(|byte| *byte == mark).count();
    // The last of equals wins.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|mark| count(*mark))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<(usize, Vec<String>, bool)>;

    fn rows(file: &[u8]) -> Result<Rows, Refusal> {
        let mut table = Table::open(file)?;
        let mut all = vec![(1, table.columns.clone(), false)];
        while let Some(row) = table.next_row()? {
            all.push((
                row.line,
                row.cells().map(str::to_owned).collect(),
                row.is_too_long,
            ));
        }
        Ok(all)
    }

    fn cells(file: &str) -> Vec<Vec<String>> {
        let rows = rows(file.as_bytes()).unwrap();
        rows.into_iter().map(|(_, cells, _)| cells).collect()
    }

    #[test]
    fn cells_are_divided_by_what_stands_between_the_names() {
        for file in [
            "a,b\r\n1,2;3\r\n",
            "A;B\n1;2;3",
            "a\tb\r1\t2;3",
            "\u{feff}a,b\n1,2;3\n\n",
        ] {
            let found = cells(file);
            assert_eq!(found[0], ["a", "b"], "{file:?}");
            assert_eq!(found.len(), 2, "{file:?}");
        }
        assert_eq!(cells("a;b\n1,5;2")[1], ["1,5", "2"]);
        assert_eq!(cells("name\nx,y")[1], ["x", "y"]);
        assert_eq!(
            cells("a,b\n\"say \"\"so\"\", please\", '=1 \n")[1],
            ["say \"so\", please", "=1"]
        );
    }

    #[test]
    fn a_row_is_at_the_line_in_which_it_begins() {
        let lines = |file: &str| -> Vec<usize> {
            let rows = rows(file.as_bytes()).unwrap();
            rows.iter().skip(1).map(|(line, _, _)| *line).collect()
        };
        for end in ["\n", "\r\n", "\r"] {
            let file = "a,b\n1,2\n\"x\n\ny\",3\n\n,\n4,5\n6,\"\n\"\n7,8".replace('\n', end);
            assert_eq!(lines(&file), [2, 3, 8, 9, 11], "{end:?}");
        }
    }

    #[test]
    fn hostile_files_are_refused_or_read_to_their_end() {
        let refused = |file: &[u8]| rows(file).unwrap_err();
        assert_eq!(refused(b""), "The file is empty.");
        assert_eq!(refused(b"\n\r\n,,\n"), "The file is empty.");
        assert_eq!(refused(b"\xef\xbb\xbf"), "The file is empty.");
        assert_eq!(
            refused(b"a\n1\n\"2\n3\n"),
            "The quote in line 3 is never closed."
        );
        assert_eq!(
            refused(b"a\n1\n2,\"3"),
            "The quote in line 3 is never closed."
        );
        assert_eq!(refused(b"\""), "The quote in line 1 is never closed.");
        assert!(refused(b"a\n\xff").contains("line 2"));
        assert!(refused(&[0xff, 0xfe, b'a', 0]).contains("not UTF-8"));
        assert!(refused("x,".repeat(10_000).as_bytes()).contains("50 columns"));
        let wide = format!("a,b\n{}\n1,2\n", "x,".repeat(10_000));
        let found = rows(wide.as_bytes()).unwrap();
        assert!(found[1].2 && !found[2].2);
        assert_eq!((found[1].0, found[2].0), (2, 3));
        let long = format!("a,b\n1,{}\n3,4", "y".repeat(1_000_000));
        let found = rows(long.as_bytes()).unwrap();
        assert_eq!(
            (found[1].1[1].len(), &found[2].1[..]),
            (1_000_000, &["3".to_owned(), "4".to_owned()][..])
        );
        assert_eq!(cells("a\n\0b")[1], ["\0b"]);
        let most = vec!["c"; 50].join(",");
        assert_eq!(cells(&format!("{most}\n{most}"))[1].len(), 50);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            table in prop::collection::vec(prop::collection::vec("[ -~é😀\t\r\n\"',;=+@-]{0,12}", 3), 1..8),
            ended in any::<bool>(),
        ) {
            let mut file = String::from("a,b,c\r\n");
            for row in &table {
                crate::csv::write_row(&mut file, row.iter().map(String::as_str));
            }
            if !ended {
                file.truncate(file.len() - 2);
            }
            let kept = |row: &Vec<String>| -> Vec<String> {
                // Blanks around a cell are no part of it, also where a program put an apostrophe before them.
                row.iter().map(|cell| crate::csv::restore(crate::csv::defuse(cell).trim()).to_owned()).collect()
            };
            let expected: Vec<Vec<String>> = table.iter().map(kept).filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
            let found: Vec<Vec<String>> = cells(&file).into_iter().skip(1).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_file_makes_it_stumble(file in prop::collection::vec(any::<u8>(), 0..200), texts in "[a,;\"\r\n\t ]{0,60}") {
            let _ = rows(&file);
            if let Ok(rows) = rows(texts.as_bytes()) {
                let breaks = texts.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
                prop_assert!(rows.windows(2).skip(1).all(|pair| pair[0].0 < pair[1].0));
                prop_assert!(rows.iter().all(|(line, _, _)| *line <= breaks + 1));
            }
        }
    }
}
