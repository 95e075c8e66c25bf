//! Rows as the text of `insert` statements.

use std::fmt::Write as _;
use std::iter;

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

/// Bytes of the longest statement. D1 takes 100 KB; what a loader puts around it should fit too.
pub(crate) const LONGEST: usize = 90_000;

/// A row of a table.
pub(crate) trait Row {
    /// The table.
    const TABLE: &'static str;
    /// Its columns, in the order of [`Row::write`].
    const COLUMNS: &'static [&'static str];

    /// Writes the values, between commas.
    fn write(&self, sql: &mut String);
}

/// Something that a column holds.
pub(crate) trait Value {
    /// Writes it as a literal.
    fn write(&self, sql: &mut String);
}

impl Value for str {
    fn write(&self, sql: &mut String) {
        sql.push('\'');
        for (n, part) in self.split('\'').enumerate() {
            if n > 0 {
                sql.push_str("''");
            }
            sql.push_str(part);
        }
        sql.push('\'');
    }
}

impl Value for &str {
    fn write(&self, sql: &mut String) {
        (**self).write(sql);
    }
}

impl Value for String {
    fn write(&self, sql: &mut String) {
        self.as_str().write(sql);
    }
}

impl Value for i64 {
    fn write(&self, sql: &mut String) {
        // Writing to a text does not fail.
        let _ = write!(sql, "{self}");
    }
}

impl Value for bool {
    fn write(&self, sql: &mut String) {
        sql.push(if *self { '1' } else { '0' });
    }
}

impl Value for Timestamp {
    fn write(&self, sql: &mut String) {
        self.millis().write(sql);
    }
}

impl Value for NaiveDate {
    fn write(&self, sql: &mut String) {
        let _ = write!(sql, "'{self}'");
    }
}

impl Value for Uuid {
    fn write(&self, sql: &mut String) {
        let mut buffer = Uuid::encode_buffer();
        sql.push('\'');
        sql.push_str(self.as_hyphenated().encode_lower(&mut buffer));
        sql.push('\'');
    }
}

impl<T: Value> Value for Option<T> {
    fn write(&self, sql: &mut String) {
        match self {
            Some(value) => value.write(sql),
            None => sql.push_str("null"),
        }
    }
}

/// Statements that insert the rows, as many rows in each as fit.
pub(crate) fn inserts<R: Row>(rows: &[R]) -> impl Iterator<Item = String> + '_ {
    let mut rows = rows.iter();
    // The row that did not fit any more.
    let mut kept: Option<String> = None;
    iter::from_fn(move || {
        let mut sql = String::new();
        while let Some(values) = kept.take().or_else(|| rows.next().map(values)) {
            if sql.is_empty() {
                sql.reserve(LONGEST);
                let columns = R::COLUMNS.join(", ");
                let _ = writeln!(sql, "insert into {} ({columns}) values", R::TABLE);
            } else if sql.len() + values.len() + 2 > LONGEST {
                kept = Some(values);
                break;
            } else {
                sql.push_str(",\n");
            }
            sql.push_str(&values);
        }
        (!sql.is_empty()).then_some(sql)
    })
}

fn values<R: Row>(row: &R) -> String {
    let mut sql = String::from("(");
    row.write(&mut sql);
    sql.push(')');
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Note(&'static str, Option<i64>);

    impl Row for Note {
        const TABLE: &'static str = "notes";
        const COLUMNS: &'static [&'static str] = &["text", "mark"];

        fn write(&self, sql: &mut String) {
            self.0.write(sql);
            sql.push(',');
            self.1.write(sql);
        }
    }

    #[test]
    fn rows_share_a_statement_and_quotes_are_doubled() {
        let rows = [
            Note("O'Brien's \"x\"; --", None),
            Note("line\nbreak", Some(-5)),
            Note("''", Some(0)),
        ];
        let statements: Vec<String> = inserts(&rows).collect();
        assert_eq!(
            statements,
            ["insert into notes (text, mark) values\n\
              ('O''Brien''s \"x\"; --',null),\n('line\nbreak',-5),\n('''''',0)"]
        );
    }

    #[test]
    fn no_rows_are_no_statement() {
        assert_eq!(inserts::<Note>(&[]).count(), 0);
    }

    #[test]
    fn long_tables_are_split_and_every_row_is_there_once() {
        let rows: Vec<Note> = (0..20_000)
            .map(|n| Note("ninety bytes or so", Some(n)))
            .collect();
        let statements: Vec<String> = inserts(&rows).collect();
        assert!(statements.len() > 5);
        assert!(statements.iter().all(|sql| sql.len() <= LONGEST));
        let all: Vec<i64> = statements
            .iter()
            .flat_map(|sql| sql.lines().skip(1))
            .map(|line| {
                line.trim_end_matches(',')
                    .trim_end_matches(')')
                    .rsplit_once(',')
                    .unwrap()
                    .1
                    .parse()
                    .unwrap()
            })
            .collect();
        assert_eq!(all, (0..20_000).collect::<Vec<i64>>());
    }
}
