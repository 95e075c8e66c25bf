//! Mistakes in the configuration: where they are and what to write instead. Never shows a line of the file, which may hold a secret.

use std::fmt;
use std::ops::Range;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub text: String,
}

/// Every mistake that was found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The file, as it was named.
    pub file: String,
    /// At least one.
    pub list: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.list.iter().enumerate() {
            if n > 0 {
                writeln!(formatter)?;
            }
            let Self { file, .. } = self;
            let Mistake { line, column, text } = mistake;
            if *line == 0 {
                write!(formatter, "{file}: {text}")?;
            } else {
                write!(formatter, "{file}:{line}:{column}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl Mistake {
    /// A mistake at a place in the text.
    #[must_use]
    pub fn at(source: &str, span: Option<Range<usize>>, text: String) -> Self {
        let Some(span) = span else {
            return Self {
                line: 0,
                column: 0,
                text,
            };
        };
        let before = source.get(..span.start).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            text,
        }
    }

    /// What the TOML reader found.
    #[must_use]
    pub fn of(source: &str, error: &toml::de::Error) -> Self {
        let text = match error.message() {
            message if message.starts_with("unknown field") => unknown_key(message),
            message if message.starts_with("missing field") => {
                message.replace("missing field", "missing here:")
            }
            message => message.to_owned(),
        };
        Self::at(source, error.span(), text)
    }
}

/// From "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let near = known
        .iter()
        .map(|name| (distance(found, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3));
    match near {
        Some((_, name)) => format!("unknown key `{found}`: write `{name}`"),
        None => format!(
            "unknown key `{found}`: remove it, or write one of {}",
            known.join(", ")
        ),
    }
}

/// Edits between two words.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        if let Some(first) = row.first_mut() {
            *first = previous;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(right.chars()) {
            let change = diagonal + usize::from(a != b);
            diagonal = *cell;
            previous = change.min(*cell + 1).min(previous + 1);
            *cell = previous;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_words_is_the_number_of_edits() {
        for (left, right, edits) in [
            ("", "", 0),
            ("systemid", "system_id", 1),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("prot", "port", 2),
        ] {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let source = "a = 1\nä = 2\n";
        let at = |offset: usize| {
            let mistake = Mistake::at(source, Some(offset..offset), String::new());
            (mistake.line, mistake.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(6), (2, 1));
        assert_eq!(at(9), (2, 3));
        assert_eq!(at(99), (3, 1));
    }
}
