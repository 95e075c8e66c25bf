//! Samples about people.

use serde_json::{Map, Value, json};

use super::{Scene, records::PathIds};

pub(super) fn adjust(_: &Scene, noun: &str, body: &mut Map<String, Value>, n: u32, _: &PathIds) {
    if noun == "admission" {
        body.insert("admission_year".to_owned(), json!(2020 + n % 7));
        body.insert("student_id".to_owned(), json!(format!("N{n}")));
    }
}
