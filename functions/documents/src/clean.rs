//! Texts as they can be set.

use unicode_bidi::{BidiClass, bidi_class};

/// More marks on one letter than any script has would reach into the lines around it.
const MARKS_AT_MOST: usize = 8;

/// A text of one line: without control characters, and with single spaces for line breaks and tabs.
pub(crate) fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.trim().chars() {
        match character {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                marks = 0;
                if !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            _ if character.is_control() || is_override(character) || is_none(character) => {}
            _ if bidi_class(character) == BidiClass::NSM => {
                marks += 1;
                if marks <= MARKS_AT_MOST {
                    clean.push(character);
                }
            }
            _ => {
                marks = 0;
                clean.push(character);
            }
        }
    }
    clean
}

/// The lines of running text; empty ones are kept between others.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let unified = text.replace("\r\n", "\n");
    let split = unified
        .trim_end()
        .split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
    split.map(line).collect()
}

/// Embeddings and overrides: they would let a name rearrange what stands beside it.
fn is_override(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Code points that are no characters and never will be.
fn is_none(character: char) -> bool {
    let code = u32::from(character);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}
