//! One file of many, and names that every file system takes.

use std::collections::HashSet;
use std::io::{Cursor, Write};

use homeroom_objects::documents::DocumentError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The longest name, in bytes, without its ending: half of what file systems take.
const LONGEST: usize = 120;
/// What Windows keeps for itself, whatever the ending.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A ZIP in the making.
pub(crate) struct Archive {
    writer: ZipWriter<Cursor<Vec<u8>>>,
    taken: HashSet<String>,
}

impl Archive {
    pub(crate) fn new() -> Self {
        Self {
            writer: ZipWriter::new(Cursor::new(Vec::new())),
            taken: HashSet::new(),
        }
    }

    /// Adds a PDF under a name that no other file in it has.
    pub(crate) fn add(&mut self, name: &str, pdf: &[u8]) -> Result<(), DocumentError> {
        let name = self.free(&file_name(name));
        // The streams of a PDF are compressed already.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.writer
            .start_file(format!("{name}.pdf"), stored)
            .map_err(failed)?;
        self.writer.write_all(pdf).map_err(failed)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, DocumentError> {
        self.writer.finish().map(Cursor::into_inner).map_err(failed)
    }

    /// The name, numbered if it is taken; many file systems do not tell capitals from small letters.
    fn free(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut number = 2;
        while !self.taken.insert(free.to_lowercase()) {
            free = format!("{name} ({number})");
            number += 1;
        }
        free
    }
}

fn failed(error: impl std::fmt::Display) -> DocumentError {
    DocumentError::Failed(format!("the archive: {error}"))
}

/// A name without what a file system may refuse; never empty.
pub(crate) fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for character in crate::clean::line(name).chars() {
        let character = match character {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            other => other,
        };
        if safe.len() + character.len_utf8() <= LONGEST {
            safe.push(character);
        }
    }
    let safe = safe.trim_matches(['.', ' ']);
    let stem = safe.split('.').next().unwrap_or_default().to_lowercase();
    let stem = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    match safe {
        "" => "sheet".to_owned(),
        safe if RESERVED.contains(&stem) => format!("_{safe}"),
        safe => safe.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_a_file_system_may_refuse() {
        for (given, safe) in [
            ("Tendai Moyo", "Tendai Moyo"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("4A: Maths/Science?", "4A- Maths-Science-"),
            ("  ... ", "sheet"),
            ("\u{0}\u{202e}fdp.exe", "fdp.exe"),
            ("com1", "_com1"),
            ("NUL.txt", "_NUL.txt"),
            ("Concetta", "Concetta"),
            ("王小明", "王小明"),
        ] {
            assert_eq!(file_name(given), safe);
        }
        assert!(file_name(&"ሀ".repeat(300)).len() <= LONGEST);
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut archive = Archive::new();
        let names = ["Ann", "ANN", "Ann", "Ann (2)"].map(|name| archive.free(name));
        assert_eq!(names, ["Ann", "ANN (2)", "Ann (3)", "Ann (2) (2)"]);
    }
}
