//! Writes the documents of the API into a folder: one per area, and one of all areas together.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("usage: homeroom-openapi <folder>")?.into();
    fs::create_dir_all(&folder)?;
    let areas = [
        ("system", serde_json::to_value(homeroom_system::openapi())?),
        ("school", serde_json::to_value(homeroom_school::openapi())?),
    ];
    let write = |name: &str, document: &Value| -> Result<()> {
        let text = serde_json::to_string_pretty(document)? + "\n";
        fs::write(folder.join(format!("{name}.json")), text).with_context(|| format!("writing {name}.json"))
    };
    for (area, document) in &areas {
        write(area, document)?;
    }
    write("openapi", &merge(&areas))
}

/// Joins the areas. What two areas call by one name and mean differently carries the area's name in the joint document,
/// as do all operations and tags, which every area names for itself.
fn merge(areas: &[(&str, Value)]) -> Value {
    let mut paths = Map::new();
    let mut components: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut tags = Vec::new();
    let mut groups = Vec::new();
    for (area, document) in areas {
        let mut document = document.clone();
        let renamed = clashes(area, &document, areas);
        rename_references(&mut document, &renamed);
        name_operations(&mut document, area);

        let mut names = Vec::new();
        for tag in document.get("tags").and_then(Value::as_array).into_iter().flatten() {
            let name = tag.get("name").and_then(Value::as_str).unwrap_or_default();
            let joint = format!("{area}: {name}");
            tags.push(json!({"name": joint, "description": tag.get("description"), "x-displayName": name}));
            names.push(joint);
        }
        let title = document.pointer("/info/title").and_then(Value::as_str).unwrap_or(area);
        groups.push(json!({"name": title.rsplit(": ").next(), "tags": names}));

        for (kind, entries) in object(&document, "/components") {
            let joint = components.entry(kind.clone()).or_default();
            for (name, entry) in entries.as_object().into_iter().flatten() {
                let reference = format!("#/components/{kind}/{name}");
                let name = renamed.get(&reference).and_then(|new| new.rsplit('/').next()).unwrap_or(name);
                joint.insert(name.to_owned(), entry.clone());
            }
        }
        paths.extend(object(&document, "/paths").clone());
    }
    json!({
        "openapi": areas.first().and_then(|(_, document)| document.get("openapi")),
        "info": {
            "title": "Homeroom",
            "description": "Every area of the platform in one document. Each area has one of its own as well.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
        "tags": tags,
        "x-tagGroups": groups,
    })
}

/// References to components that another area means differently: old to new.
fn clashes(area: &str, document: &Value, areas: &[(&str, Value)]) -> BTreeMap<String, String> {
    let mut renamed = BTreeMap::new();
    for (kind, entries) in object(document, "/components") {
        for (name, entry) in entries.as_object().into_iter().flatten() {
            let pointer = format!("/components/{kind}/{name}");
            let differs = areas.iter().any(|(_, other)| other.pointer(&pointer).is_some_and(|there| there != entry));
            if differs {
                let (first, rest) = area.split_at(1);
                let new = format!("#/components/{kind}/{}{rest}{name}", first.to_uppercase());
                renamed.insert(format!("#{pointer}"), new);
            }
        }
    }
    // What refers to a renamed component differs by that alone, and has to be two as well.
    loop {
        let before = renamed.len();
        for (kind, entries) in object(document, "/components") {
            for (name, entry) in entries.as_object().into_iter().flatten() {
                let reference = format!("#/components/{kind}/{name}");
                if !renamed.contains_key(&reference) && refers_to(entry, &renamed) {
                    let (first, rest) = area.split_at(1);
                    renamed.insert(reference, format!("#/components/{kind}/{}{rest}{name}", first.to_uppercase()));
                }
            }
        }
        if renamed.len() == before {
            return renamed;
        }
    }
}

fn refers_to(value: &Value, renamed: &BTreeMap<String, String>) -> bool {
    match value {
        Value::Object(entries) => entries.iter().any(|(key, value)| {
            (key == "$ref" && value.as_str().is_some_and(|reference| renamed.contains_key(reference)))
                || refers_to(value, renamed)
        }),
        Value::Array(values) => values.iter().any(|value| refers_to(value, renamed)),
        _ => false,
    }
}

fn rename_references(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value.as_str().and_then(|reference| renamed.get(reference))) {
                    ("$ref", Some(new)) => *value = Value::from(new.as_str()),
                    _ => rename_references(value, renamed),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename_references(value, renamed)),
        _ => {}
    }
}

fn name_operations(document: &mut Value, area: &str) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut) {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(Value::String(id)) = operation.get_mut("operationId") {
                *id = format!("{area}_{id}");
            }
            for tag in operation.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Value::String(name) = tag {
                    *name = format!("{area}: {name}");
                }
            }
        }
    }
}

fn object<'a>(document: &'a Value, pointer: &str) -> &'a Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    document.pointer(pointer).and_then(Value::as_object).unwrap_or(&NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(user: &str) -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": "Homeroom: an area"},
            "tags": [{"name": "users"}],
            "paths": {format!("/{user}"): {"get": {"operationId": "find", "tags": ["users"], "responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/List"}}}},
                "404": {"$ref": "#/components/responses/NotFound"},
            }}}},
            "components": {
                "schemas": {
                    "User": {"title": user},
                    "List": {"items": {"$ref": "#/components/schemas/User"}},
                },
                "responses": {"NotFound": {"description": "Not found."}},
            },
        })
    }

    #[test]
    fn what_two_areas_mean_differently_stays_apart_and_what_they_share_stays_one() {
        let joint = merge(&[("one", area("a")), ("two", area("b"))]);
        let schemas: Vec<_> = joint["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(schemas, ["OneList", "OneUser", "TwoList", "TwoUser"]);
        assert_eq!(joint["components"]["schemas"]["TwoList"]["items"]["$ref"], "#/components/schemas/TwoUser");
        assert_eq!(joint["components"]["responses"].as_object().unwrap().len(), 1);
        assert_eq!(joint["paths"]["/b"]["get"]["operationId"], "two_find");
        assert_eq!(joint["paths"]["/b"]["get"]["tags"][0], "two: users");
    }
}
