//! Every answer has the form that the document promises.

use homeroom_api_tests::{
    Reply,
    document::{Operation, answers, operations},
    samples::Scene,
};
use serde_json::{Value, json};

/// What is wrong with a value under a schema, with the path to it.
fn mistakes(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    for name in ["oneOf", "anyOf"] {
        if let Some(any) = schema[name].as_array() {
            let all: Vec<Vec<String>> = any.iter().map(|one| mistakes(one, value, path)).collect();
            return if all.iter().any(Vec::is_empty) {
                Vec::new()
            } else {
                all.concat()
            };
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fits = types.contains(&kind) || (kind == "integer" && types.contains(&"number"));
    if !types.is_empty() && !fits {
        return vec![format!("{path} is {kind} and not {types:?}")];
    }
    let mut found = Vec::new();
    match value {
        Value::Object(map) => {
            for name in schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                if !map.contains_key(name) {
                    found.push(format!("{path}.{name} is missing"));
                }
            }
            for (name, inner) in map {
                let known = &schema["properties"][name];
                if schema["properties"].is_null() && schema["additionalProperties"].is_null() {
                    continue;
                }
                if known.is_null() {
                    match &schema["additionalProperties"] {
                        Value::Object(_) => {
                            found.extend(mistakes(&schema["additionalProperties"], inner, path))
                        }
                        _ => found.push(format!("{path}.{name} is undocumented")),
                    }
                } else {
                    found.extend(mistakes(known, inner, &format!("{path}.{name}")));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                found.extend(mistakes(&schema["items"], item, &format!("{path}[]")));
            }
        }
        Value::String(text) => {
            let good = match schema["format"].as_str() {
                Some("uuid") => text.len() == 36,
                Some("date-time") => text.len() == 24 && text.ends_with('Z'),
                Some("date") => text.len() == 10,
                Some("email") => text.contains('@'),
                _ => true,
            };
            if !good {
                found.push(format!("{path} is no {}: {text}", schema["format"]));
            }
            if schema["enum"]
                .as_array()
                .is_some_and(|list| !list.contains(value))
            {
                found.push(format!("{path} is none of {}: {text}", schema["enum"]));
            }
        }
        _ => {}
    }
    found
}

#[track_caller]
fn assert_conforms(operation: &Operation, reply: &Reply) {
    let known = answers(operation);
    let status = reply.status.to_string();
    let Some(schema) = known.get(&status) else {
        panic!(
            "{}: {status} is undocumented: {}",
            operation.name(),
            reply.text
        );
    };
    if reply.text.is_empty() {
        assert!(
            schema.is_null(),
            "{}: {status} has no body",
            operation.name()
        );
        return;
    }
    let found = mistakes(schema, &reply.json, "$");
    assert_eq!(
        found,
        Vec::<String>::new(),
        "{}: {}",
        operation.name(),
        reply.text
    );
}

#[test]
fn good_answers_have_the_documented_form() {
    let scene = Scene::new();
    for operation in operations() {
        assert_conforms(&operation, &scene.prepare(&operation).send());
    }
    // Once more, now that every list has rows.
    for operation in operations()
        .into_iter()
        .filter(|operation| !operation.writes())
    {
        assert_conforms(&operation, &scene.prepare(&operation).send());
    }
}

#[test]
fn errors_have_the_documented_form() {
    // Time passes with each operation, and sign-ins end after a quarter of an hour.
    for portion in operations().chunks(100) {
        errors_of(portion);
    }
}

fn errors_of(operations: &[Operation]) {
    let scene = Scene::new();
    let student = scene.school.user("student@people.example", "Student");
    for operation in operations {
        let sample = scene.prepare(operation);
        let path = operation
            .path
            .replace("{id}", "01890000-0000-7000-8000-00000000dead");
        let body = sample.body.as_ref();
        let mut replies = vec![
            sample
                .client
                .at("nowhere.example")
                .send(&sample.method, &path, body),
            sample
                .client
                .with("x-d1-bookmark", "???")
                .send(&sample.method, &sample.path, body),
            sample
                .client
                .with(
                    "content-length",
                    if operation.writes() { "2000000" } else { "0" },
                )
                .send(&sample.method, &sample.path, body),
        ];
        if !operation.is_open() {
            replies.push(
                sample
                    .client
                    .anonymous()
                    .send(&sample.method, &sample.path, body),
            );
        }
        if operation.area == "school" {
            replies.push(student.send(&sample.method, &sample.path, body));
        }
        if operation.path.contains("{id}") {
            replies.push(sample.client.send(&sample.method, &path, body));
        }
        if body.is_some() {
            replies.push(sample.with_body(json!({"unknown": [1]})).send());
            replies.push(
                sample
                    .client
                    .raw(&sample.method, &sample.path, Some("text/plain"), b"x"),
            );
            replies.push(sample.client.raw(
                &sample.method,
                &sample.path,
                Some("application/json"),
                b"{",
            ));
        }
        if operation.id.starts_with("list_") && operation.id != "list_permissions" {
            replies.push(
                sample
                    .client
                    .get(&format!("{}?page=0&nonsense=1", operation.path)),
            );
            replies.push(sample.client.get(&format!("{}?page=9999", operation.path)));
        }
        scene.app.inject(Some(homeroom_api_tests::Fault {
            nth: 1,
            moment: homeroom_api_tests::Moment::Before,
        }));
        scene.app.pass_seconds(4);
        replies.push(sample.send());
        scene.app.inject(None);
        for reply in replies {
            if reply.status >= 300 {
                assert_conforms(operation, &reply);
                assert!(
                    !reply.code().is_empty(),
                    "{}: {}",
                    operation.name(),
                    reply.text
                );
            }
        }
    }
}

#[test]
fn examples_in_the_documents_are_accepted() {
    let scene = Scene::new();
    let mut tried = 0;
    for operation in operations()
        .into_iter()
        .filter(|operation| !operation.body.is_null())
    {
        let sample = scene.prepare(&operation);
        for (name, schema) in operation.properties() {
            let example = &schema["example"];
            // What names a record cannot be right in an example.
            if example.is_null()
                || schema["format"] == "uuid"
                || ["email", "old_password", "password"].contains(&name.as_str())
                    && operation.path.contains("/auth/")
            {
                continue;
            }
            tried += 1;
            let mut body = sample.body.clone().unwrap();
            body[&name] = example.clone();
            let reply = scene.prepare(&operation).with_body(body).send();
            let taken = ["already exists", "belongs to another"]
                .iter()
                .any(|words| reply.text.contains(words));
            if reply.code() == "invalid" && !taken {
                assert!(
                    !reply.fields().contains(&name),
                    "{}: {name}: {example}: {}",
                    operation.name(),
                    reply.text
                );
            }
        }
    }
    assert!(tried >= 60, "only {tried} examples");
}
