//! Parts against a counter that others wrote; `tests/bridge/oracles/segments.mjs` writes the file.

use homeroom_domain::sms::segments::{Options, split};
use homeroom_domain::sms::text::{Encoding, measure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Texts {
    /// Text, encoding, parts.
    texts: Vec<(String, String, usize)>,
}

#[test]
fn parts_are_counted_as_another_calculator_counts_them() {
    let texts: Texts = serde_json::from_str(include_str!("segments.json")).unwrap();
    assert!(texts.texts.len() > 700, "{}", texts.texts.len());
    let mut wrong = Vec::new();
    for (text, encoding, count) in &texts.texts {
        let expected = match encoding.as_str() {
            "GSM-7" => Encoding::Gsm7,
            "UCS-2" => Encoding::Ucs2,
            other => panic!("{other}"),
        };
        let found = measure(text);
        let sent = split(text, Options::default()).unwrap();
        if (found.encoding, found.segments, sent.parts.len()) != (expected, *count, *count) {
            wrong.push((text, encoding, count, found));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}
