//! Samples about exams.

use serde_json::{Map, Value, json};

use super::{Scene, records::PathIds};

pub(super) fn adjust(
    scene: &Scene,
    noun: &str,
    body: &mut Map<String, Value>,
    n: u32,
    ids: &PathIds,
) {
    if noun == "exam" {
        // A class of the same session.
        let class = json!({"class": scene.reference("classes", n)});
        let path = format!("sessions/{}/academic-classes/", ids["session"]);
        let class = scene.created(&scene.school.admin, &path, &class);
        body.insert("academic_class".to_owned(), json!(class));
    }
}
