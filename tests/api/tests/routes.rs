//! Router and document agree, and bodies are read as the document says.

use homeroom_api_tests::{
    Reply,
    document::{Operation, media_types, operations, properties},
    samples::{Sample, Scene},
};
use http::Method;
use serde_json::{Value, json};

#[test]
fn every_documented_operation_is_routed_and_works_for_who_may() {
    let scene = Scene::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        scene.prepare(operation).send().expect(201);
    }
    let (mut lists, mut creations, mut all) = (0, 0, 0);
    for operation in operations() {
        let sample = scene.prepare(&operation);
        let reply = sample.send();
        let name = operation.name();
        assert!(
            (200..300).contains(&reply.status),
            "{name}: {} {}",
            reply.status,
            reply.text
        );
        assert!(
            operation.statuses.contains(&reply.status.to_string()),
            "{name}: {} is undocumented",
            reply.status
        );
        all += 1;
        match operation.method {
            Method::GET if operation.id.starts_with("list_") => {
                lists += 1;
                let keys: Vec<&String> = reply.json.as_object().unwrap().keys().collect();
                assert_eq!(keys, ["count", "next", "previous", "results"], "{name}");
                assert!(!reply.results().is_empty(), "{name} listed nothing");
            }
            Method::POST if reply.status == 201 => {
                creations += 1;
                assert_eq!(
                    reply.header("location"),
                    format!("{}{}/", sample.path, reply.id()),
                    "{name}"
                );
            }
            // What everybody is told has no place of its own.
            Method::POST if reply.status == 202 && !operation.is_open() => {
                let found = sample.client.get(reply.header("location")).status(200);
                assert_eq!(found.id(), reply.id(), "{name}");
            }
            Method::DELETE => assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{name}"),
            _ => {}
        }
        if reply.status != 204 {
            let given = reply.header("content-type").split(';').next().unwrap();
            let named = media_types(&operation, reply.status);
            assert!(named.iter().any(|name| name == given), "{name}: {given}");
            assert_eq!(
                reply.json.is_null(),
                given != "application/json",
                "{name}: {}",
                reply.text
            );
        }
    }
    scene.app.assert_sound();
    assert!(
        all >= 68 && lists >= 11 && creations >= 8,
        "{all} operations, {lists} lists, {creations} creations"
    );
}

#[test]
fn a_created_object_is_found_at_its_location_as_it_was_answered() {
    let scene = Scene::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        let sample = scene.prepare(operation);
        let created = sample.send().status(201);
        let found = sample.client.get(created.header("location")).status(200);
        for (field, value) in found.json.as_object().unwrap() {
            assert_eq!(
                created.json.get(field),
                Some(value),
                "{}: {field}",
                operation.name()
            );
        }
    }
}

#[test]
fn both_slash_forms_are_the_same_route() {
    let scene = Scene::new();
    for operation in operations() {
        let sample = scene.prepare(&operation);
        let path = sample.path.trim_end_matches('/').to_owned();
        let reply = Sample { path, ..sample }.send();
        assert!(
            (200..300).contains(&reply.status),
            "{}: {} {}",
            operation.name(),
            reply.status,
            reply.text
        );
    }
}

#[test]
fn a_method_that_a_route_lacks_is_405_and_names_those_it_has() {
    let scene = Scene::new();
    let all = operations();
    for operation in &all {
        let known: Vec<&Method> = all
            .iter()
            .filter(|other| other.path == operation.path)
            .map(|other| &other.method)
            .collect();
        let path = scene.prepare(operation).path;
        let client = if operation.area == "system" {
            scene.app.platform()
        } else {
            scene.school.admin.clone()
        };
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            if known.contains(&&method) {
                continue;
            }
            let reply = client.send(&method, &path, None);
            assert_eq!(
                (reply.status, reply.code()),
                (405, "method_not_allowed"),
                "{method} {path}"
            );
            assert!(reply.json["detail"].is_string(), "{method} {path}");
            let allow: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
            for known in &known {
                assert!(
                    allow.contains(&known.as_str()),
                    "{method} {path}: {allow:?} lacks {known}"
                );
            }
        }
    }
}

fn with_bodies() -> Vec<Operation> {
    operations()
        .into_iter()
        .filter(|operation| !operation.body.is_null())
        .collect()
}

/// The fields with errors, apart from those between fields.
fn wrong_fields(reply: &Reply) -> Vec<String> {
    reply
        .fields()
        .into_iter()
        .filter(|name| name != "non_field_errors" && !name.ends_with(".non_field_errors"))
        .collect()
}

#[test]
fn an_empty_body_misses_exactly_what_the_document_requires() {
    let scene = Scene::new();
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        let reply = sample.with_body(json!({})).send();
        let mut required = operation.required();
        if operation.method == Method::PATCH {
            assert_eq!(required, Vec::<String>::new(), "{}", operation.name());
        }
        if required.is_empty() {
            // Nothing by itself: at most one of several, which belongs to no field.
            let good = (200..300).contains(&reply.status) || reply.fields() == ["non_field_errors"];
            assert!(good, "{}: {}", operation.name(), reply.text);
            continue;
        }
        required.sort();
        assert_eq!(
            wrong_fields(&reply),
            required,
            "{}: {}",
            operation.name(),
            reply.text
        );
        for name in required {
            assert_eq!(
                reply.json[&name],
                json!(["This field is required."]),
                "{}: {name}",
                operation.name()
            );
        }
    }
}

#[test]
fn an_empty_nested_object_misses_exactly_what_the_document_requires() {
    let scene = Scene::new();
    let mut nested = 0;
    for operation in with_bodies() {
        for (name, schema) in operation.properties() {
            let Some(schema) = object_schema(&schema) else {
                continue;
            };
            nested += 1;
            let sample = scene.prepare(&operation);
            let mut body = sample.body.clone().unwrap();
            body[&name] = json!({});
            let reply = sample.with_body(body).send();
            let mut required: Vec<String> = schema["required"]
                .as_array()
                .cloned()
                .unwrap_or_default()
                .iter()
                .map(|inner| format!("{name}.{}", inner.as_str().unwrap()))
                .collect();
            required.sort();
            assert!(!properties(&schema).is_empty());
            if required.is_empty() {
                // Nothing is missing: a part of a change, or what a creation has defaults for.
                let expected = if operation.id.starts_with("create_") {
                    201
                } else {
                    200
                };
                assert_eq!(
                    reply.status,
                    expected,
                    "{}: {}",
                    operation.name(),
                    reply.text
                );
                continue;
            }
            assert_eq!(
                wrong_fields(&reply),
                required,
                "{}: {}",
                operation.name(),
                reply.text
            );
        }
    }
    assert!(nested >= 3, "only {nested} nested objects");
}

/// The schema of an object, also where null may stand in its place.
fn object_schema(schema: &Value) -> Option<Value> {
    if schema["type"] == "object" {
        return Some(schema.clone());
    }
    schema["oneOf"]
        .as_array()?
        .iter()
        .find(|one| one["type"] == "object")
        .cloned()
}

#[test]
fn a_field_that_the_document_does_not_name_is_refused() {
    let scene = Scene::new();
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        let mut body = sample.body.clone().unwrap();
        body["favourite_colour"] = json!("green");
        body["Password"] = json!("x");
        let reply = sample.with_body(body).send();
        assert_eq!(
            reply.fields(),
            ["Password", "favourite_colour"],
            "{}: {}",
            operation.name(),
            reply.text
        );
    }
}

/// The JSON types that a schema names.
fn types(schema: &Value) -> Vec<String> {
    if let Some(any) = schema["oneOf"].as_array() {
        return any.iter().flat_map(types).collect();
    }
    match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// Values that no schema of these types takes. Truth values, numbers and lists of one may come as text, as forms send them.
fn wrong_values(types: &[String]) -> Vec<Value> {
    let candidates = [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("integer", json!(7)),
        ("number", json!(7.5)),
        ("string", json!("\u{1f600} no")),
        ("array", json!([[]])),
        ("object", json!({"x": 1})),
    ];
    candidates
        .into_iter()
        .filter(|(kind, _)| {
            let is = |known: &String| known == kind || (known == "number" && *kind == "integer");
            !types.iter().any(is)
        })
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_value_of_another_type_is_a_400_on_its_field() {
    let scene = Scene::new();
    let mut tried = 0;
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        for (name, schema) in operation.properties() {
            let types = types(&schema);
            assert!(
                !types.is_empty(),
                "{}: {name} has no type: {schema}",
                operation.name()
            );
            for value in wrong_values(&types) {
                tried += 1;
                let mut body = sample.body.clone().unwrap();
                body[&name] = value.clone();
                let reply = sample.with_body(body).send();
                let case = format!("{}: {name} = {value}", operation.name());
                assert_eq!(reply.status, 400, "{case}: {}", reply.text);
                assert_eq!(
                    wrong_fields(&reply),
                    [name.as_str()],
                    "{case}: {}",
                    reply.text
                );
            }
        }
    }
    assert!(tried > 400, "only {tried} tries");
}

#[test]
fn a_text_over_its_documented_length_is_a_400_on_its_field() {
    let scene = Scene::new();
    let mut tried = 0;
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        for (name, schema) in operation.properties() {
            let Some(most) = schema["maxLength"].as_u64() else {
                continue;
            };
            for length in [most + 1, 100_000] {
                tried += 1;
                let mut body = sample.body.clone().unwrap();
                body[&name] = json!("a".repeat(usize::try_from(length).unwrap()));
                let reply = sample.with_body(body).send();
                assert_eq!(
                    wrong_fields(&reply),
                    [name.as_str()],
                    "{}: {name}",
                    operation.name()
                );
            }
        }
    }
    assert!(tried > 40, "only {tried} tries");
}

#[test]
fn a_list_over_its_documented_length_is_a_400_on_its_field() {
    let scene = Scene::new();
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        for (name, schema) in operation.properties() {
            if schema["type"] != "array" {
                continue;
            }
            let most = schema["maxItems"]
                .as_u64()
                .unwrap_or_else(|| panic!("{}: {name} has no end", operation.name()));
            let mut body = sample.body.clone().unwrap();
            body[&name] = Value::Array(vec![json!("x"); usize::try_from(most).unwrap() + 2]);
            let reply = sample.with_body(body).send();
            assert_eq!(
                wrong_fields(&reply),
                [name.as_str()],
                "{}: {}",
                operation.name(),
                reply.text
            );
        }
    }
}

#[test]
fn control_characters_are_refused_in_every_text() {
    let scene = Scene::new();
    for operation in with_bodies() {
        let sample = scene.prepare(&operation);
        for (name, schema) in operation.properties() {
            let secret =
                schema["format"] == "password" || name == "refresh" || name.ends_with("_password");
            if secret || !types(&schema).contains(&"string".to_owned()) {
                continue;
            }
            let mut body = sample.body.clone().unwrap();
            body[&name] = json!("a\u{0}b");
            let reply = sample.with_body(body).send();
            assert_eq!(
                wrong_fields(&reply),
                [name.as_str()],
                "{}: {}",
                operation.name(),
                reply.text
            );
        }
    }
}
