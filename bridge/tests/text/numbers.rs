//! Numbers against libphonenumber; `tests/bridge/oracles/numbers.py` writes the file.

use homeroom_domain::sms::number::Address;
use serde::Deserialize;

#[derive(Deserialize)]
struct Numbers {
    /// As written for callers from abroad, and as E.164.
    abroad: Vec<(String, String)>,
    /// Country, as written at home, and as E.164.
    home: Vec<(String, String, String)>,
}

fn numbers() -> Numbers {
    serde_json::from_str(include_str!("numbers.json")).unwrap()
}

#[test]
fn numbers_of_every_country_are_read_as_libphonenumber_reads_them() {
    let numbers = numbers().abroad;
    assert!(numbers.len() > 10_000, "{}", numbers.len());
    let mut wrong = Vec::new();
    for (text, expected) in &numbers {
        // Iran's shortest numbers of companies, which no message can be sent to.
        if expected.len() < 8 {
            assert!(Address::receiver(text).is_err() || !text.starts_with('+'));
            continue;
        }
        match Address::receiver(text) {
            Ok(address) if address.display() == *expected => {}
            other => wrong.push((text, expected, other)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

/// A number without its country cannot be told from a short one with it; but what starts with a zero or has brackets is never taken for one.
#[test]
fn numbers_as_written_at_home_are_refused_where_they_can_be_told() {
    for (country, text, _) in numbers().home {
        if text.starts_with('0') || text.contains('(') {
            let read = Address::receiver(&text);
            assert!(
                read.as_ref().map_or(true, |address| address.ton == 0),
                "{country} {text} {read:?}"
            );
        }
    }
}
