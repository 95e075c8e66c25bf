//! Samples of plain records, from the fields that the resource describes.

use std::collections::BTreeMap;

use homeroom_domain::records::{Field, Kind, Presence};
use homeroom_school::{RECORDS, Resource};
use http::Method;
use serde_json::{Map, Value, json};

use super::{Sample, Scene, structure, user_body};
use crate::document::Operation;

/// The ids that a path needs, by the names that it gives them.
pub type PathIds = BTreeMap<String, String>;

/// Completes a body with what the fields alone do not say: the noun of the resource, the body, a number that was not
/// used before, and the ids of the path.
type Adjust = fn(&Scene, &str, &mut Map<String, Value>, u32, &PathIds);

const ADJUSTMENTS: &[Adjust] = &[
    structure::adjust, // one line each
    super::people::adjust,
    super::exams::adjust,
    super::attendance::adjust,
    super::report_cards::adjust,
    super::promotion::adjust,
];

/// Every resource of plain records.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    RECORDS.iter().copied().flatten().copied()
}

/// The resource that an operation is one of.
#[must_use]
pub fn of(operation: &Operation) -> Option<&'static Resource> {
    let own = |resource: &&Resource| {
        let rest = operation.path.strip_prefix(resource.path);
        rest == Some("") || rest == Some("{id}/")
    };
    all().find(own)
}

/// The resource whose records are the rows of a table.
fn of_table(table: &str) -> &'static Resource {
    all()
        .find(|resource| resource.table.name == table)
        .unwrap_or_else(|| panic!("no resource makes rows of {table}: add a sample"))
}

/// A path with its ids filled in.
#[must_use]
pub fn fill(path: &str, ids: &PathIds) -> String {
    let mut filled = path.to_owned();
    for (name, id) in ids {
        filled = filled.replace(&format!("{{{name}}}"), id);
    }
    filled
}

impl Scene {
    /// A call of an operation on plain records.
    pub(super) fn prepare_record(
        &self,
        resource: &'static Resource,
        operation: &Operation,
        n: u32,
    ) -> Sample {
        let ids = if operation.path.ends_with("{id}/") || operation.method == Method::GET {
            self.record(resource, n)
        } else {
            self.parents(resource, n)
        };
        let body = (!operation.body.is_null()).then(|| {
            let mut body = self.record_body(resource, n + 500_000, &ids);
            if operation.method == Method::PATCH {
                let first = resource
                    .table
                    .fields
                    .iter()
                    .find(|field| field.is_settable() && body[field.name].is_string());
                // A part of these goes with the others only.
                let bound = ["term", "timetable", "substitution", "student_promotion"]
                    .contains(&resource.noun);
                let whole = bound || first.is_none();
                let keep = |name: &String| whole || first.is_some_and(|first| first.name == *name);
                body.as_object_mut()
                    .expect("an object")
                    .retain(|name, _| keep(name));
            }
            body
        });
        Sample {
            client: self.school.admin.clone(),
            method: operation.method.clone(),
            path: fill(&operation.path, &ids),
            body,
        }
    }

    /// A new record: the ids of its path, its own as `id`.
    pub fn record(&self, resource: &'static Resource, n: u32) -> PathIds {
        let mut ids = self.parents(resource, n);
        let body = self.record_body(resource, n, &ids);
        let id = self.created(&self.school.admin, &fill(resource.path, &ids), &body);
        ids.insert("id".to_owned(), id);
        ids
    }

    /// New records around one of this resource.
    fn parents(&self, resource: &'static Resource, n: u32) -> PathIds {
        let Some((direct, _)) = resource.table.scope.first() else {
            return PathIds::new();
        };
        let target = resource
            .table
            .fields
            .iter()
            .find(|field| field.name == *direct)
            .map(|field| field.kind);
        let around = match target {
            Some(Kind::Reference(table)) => of_table(table),
            _ => all()
                .find(|resource| resource.noun == *direct)
                .unwrap_or_else(|| panic!("{} lies within something unknown", resource.path)),
        };
        let mut ids = self.record(around, n);
        let own = ids.remove("id").expect("an id");
        ids.insert((*direct).to_owned(), own);
        ids
    }

    /// The id of a new row of a table.
    pub fn reference(&self, table: &str, n: u32) -> String {
        let admin = &self.school.admin;
        match table {
            "users" => self.created(admin, "users/", &user_body(n + 700_000 + self.next())),
            "staff" => {
                let number = json!({"staff_number": format!("S-{}", self.next())});
                self.created(admin, "staff/", &number)
            }
            _ => {
                let number = self.next() + 10_000;
                self.record(of_table(table), number)
                    .remove("id")
                    .expect("an id")
            }
        }
    }

    /// A whole body.
    pub fn record_body(&self, resource: &Resource, n: u32, ids: &PathIds) -> Value {
        let mut body = Map::new();
        for field in resource.table.fields {
            if let Some(value) = self.sample_value(resource, field, n) {
                body.insert(field.name.to_owned(), value);
            }
        }
        for adjust in ADJUSTMENTS {
            adjust(self, resource.noun, &mut body, n, ids);
        }
        Value::Object(body)
    }

    fn sample_value(&self, resource: &Resource, field: &Field, n: u32) -> Option<Value> {
        let asked = matches!(field.presence, Presence::Required);
        let text = matches!(
            (field.presence, field.kind),
            (Presence::Default(_), Kind::Text { .. })
        );
        let flag = matches!(field.kind, Kind::Flags(_));
        if !asked && !text && !flag {
            return None;
        }
        Some(match field.kind {
            Kind::List(_) => return None,
            Kind::Text { max, .. } => {
                let long = format!("{} {n}", resource.noun);
                let short = if long.chars().count() > max {
                    n.to_string()
                } else {
                    long
                };
                short.into()
            }
            Kind::Choice(choices) => choices[0].into(),
            Kind::Integer { min, max } => (min + i64::from(n) % (max - min + 1)).into(),
            Kind::Mark | Kind::Coefficient => json!(50),
            Kind::Boolean => true.into(),
            Kind::Date if is_late(field.name) => "2026-03-27".into(),
            Kind::Date => "2026-01-15".into(),
            Kind::Moment if is_late(field.name) => "2026-12-04T22:00:00Z".into(),
            Kind::Moment => "2026-01-01T00:00:00Z".into(),
            Kind::TimeOfDay if is_late(field.name) => "08:40".into(),
            Kind::TimeOfDay => "08:00".into(),
            Kind::Reference(table) => self.reference(table, n).into(),
            Kind::Email => format!("person-{n}@people.example").into(),
            Kind::Phone => format!("+26378{n:07}").into(),
            Kind::Flags(names) => names
                .iter()
                .map(|name| ((*name).to_owned(), json!(true)))
                .collect(),
        })
    }
}

fn is_late(name: &str) -> bool {
    name.contains("end") || name.contains("to") || name.contains("expires")
}
