//! The areas' OpenAPI documents as lists of operations, so that tests run over every route there is.

use std::sync::LazyLock;

use http::Method;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

/// An operation of a document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `system` or `school`, whoever serves it; `sms` for what only the gateway's clients use.
    pub area: &'static str,
    /// The document that it is in.
    document: &'static str,
    /// Its group.
    pub tag: String,
    /// Its method.
    pub method: Method,
    /// Its path with `{id}`.
    pub path: String,
    /// Its name, unique within the area.
    pub id: String,
    /// The schema of its body, references replaced; null where it takes none.
    pub body: Value,
    /// The statuses that the document names.
    pub statuses: Vec<String>,
    /// The names of its query parameters.
    pub query: Vec<String>,
    /// The names of the security schemes that open it; none: it is open to all.
    pub security: Vec<String>,
}

impl Operation {
    /// For messages, and to tell operations of both areas apart.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.area, self.id)
    }

    /// Whether the route is for those who are not signed in yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.security.is_empty()
    }

    /// Whether it changes something.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.method != Method::GET
    }

    /// The properties of its body.
    #[must_use]
    pub fn properties(&self) -> Map<String, Value> {
        properties(&self.body)
    }

    /// The names of the properties that its body must have.
    #[must_use]
    pub fn required(&self) -> Vec<String> {
        let list = self.body["required"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        list.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }
}

/// The properties of an object's schema.
#[must_use]
pub fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// The schema of every answer that the document names for an operation, by status; null for answers without a body.
#[must_use]
pub fn answers(operation: &Operation) -> Map<String, Value> {
    let document = document(operation.document);
    let method = operation.method.as_str().to_lowercase();
    let responses = document["paths"][&operation.path][&method]["responses"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let schema_of = |answer: &Value| {
        resolve(&document, answer)["content"]["application/json"]["schema"].clone()
    };
    responses
        .iter()
        .map(|(status, answer)| (status.clone(), schema_of(answer)))
        .collect()
}

/// The media types that the document names for an answer.
#[must_use]
pub fn media_types(operation: &Operation, status: u16) -> Vec<String> {
    let document = document(operation.document);
    let method = operation.method.as_str().to_lowercase();
    let answer = &document["paths"][&operation.path][&method]["responses"][status.to_string()];
    let content = resolve(&document, answer)["content"].clone();
    content
        .as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

/// Every operation of both areas.
#[must_use]
pub fn operations() -> Vec<Operation> {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        let mut all = of_area("system", &document("system"));
        all.extend(of_area("school", &document("school")));
        all.extend(schools_own());
        all.extend(of_chatbot());
        all
    });
    ALL.clone()
}

/// Every operation of the SMS gateway, whose clients are others than those of the areas in [`operations`].
#[must_use]
pub fn gateway_operations() -> Vec<Operation> {
    let all = of_area("sms", &document("sms")).into_iter();
    all.filter(|operation| !is_schools_own(operation)).collect()
}

/// A school's own messages, which the gateway serves as the school area would.
fn schools_own() -> impl Iterator<Item = Operation> {
    let all = of_area("sms", &document("sms")).into_iter();
    all.filter(is_schools_own).map(|operation| Operation {
        area: "school",
        ..operation
    })
}

/// What the chatbot looks up, with the credentials of the school area.
fn of_chatbot() -> impl Iterator<Item = Operation> {
    let all = of_area("chatbot", &document("chatbot")).into_iter();
    all.map(|operation| Operation {
        area: "school",
        ..operation
    })
}

fn is_schools_own(operation: &Operation) -> bool {
    operation.path.starts_with("/api/v1/school/")
}

/// An area's document.
#[must_use]
pub fn document(area: &str) -> Value {
    static SYSTEM: LazyLock<Value> = LazyLock::new(|| as_json(&homeroom_system::openapi()));
    static SCHOOL: LazyLock<Value> = LazyLock::new(|| as_json(&homeroom_school::openapi()));
    static SMS: LazyLock<Value> = LazyLock::new(|| as_json(&homeroom_sms::openapi()));
    static CHATBOT: LazyLock<Value> = LazyLock::new(|| as_json(&homeroom_chatbot::openapi()));
    match area {
        "chatbot" => CHATBOT.clone(),
        "system" => SYSTEM.clone(),
        "sms" => SMS.clone(),
        _ => SCHOOL.clone(),
    }
}

fn as_json(document: &OpenApi) -> Value {
    serde_json::to_value(document).expect("a document is JSON")
}

fn of_area(area: &'static str, document: &Value) -> Vec<Operation> {
    let mut list = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path item") {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let names = |value: &Value| -> Vec<String> {
                value
                    .as_object()
                    .map(|map| map.keys().cloned().collect())
                    .unwrap_or_default()
            };
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            list.push(Operation {
                area,
                document: area,
                tag: operation["tags"][0].as_str().unwrap_or_default().to_owned(),
                method,
                path: path.clone(),
                id: operation["operationId"]
                    .as_str()
                    .expect("an operation id")
                    .to_owned(),
                body: resolve(document, schema),
                statuses: names(&operation["responses"]),
                query: parameters
                    .iter()
                    .filter(|parameter| parameter["in"] == "query")
                    .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                    .collect(),
                security: operation["security"]
                    .as_array()
                    .map_or_else(Vec::new, |list| list.iter().flat_map(names).collect()),
            });
        }
    }
    list
}

/// The schema with its references replaced and its `allOf` joined.
fn resolve(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return resolve(
            document,
            target.unwrap_or_else(|| panic!("{reference} leads nowhere")),
        );
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts
            .iter()
            .map(|part| resolve(document, part))
            .fold(Value::Null, join);
    }
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), resolve(document, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| resolve(document, item)).collect(),
        other => other.clone(),
    }
}

fn join(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Object(mut left), Value::Object(right)) => {
            for (name, value) in right {
                let joined = join(left.remove(&name).unwrap_or(Value::Null), value);
                left.insert(name, joined);
            }
            Value::Object(left)
        }
        (Value::Array(left), Value::Array(right)) => left.into_iter().chain(right).collect(),
        (_, right) => right,
    }
}
