//! Samples of the structure of a year.

use serde_json::{Map, Value, json};

use super::{Scene, records::PathIds};

pub(super) fn adjust(_: &Scene, noun: &str, body: &mut Map<String, Value>, n: u32, _: &PathIds) {
    if noun == "subject" {
        body.insert("code".to_owned(), json!(format!("S{n}")));
    }
}
