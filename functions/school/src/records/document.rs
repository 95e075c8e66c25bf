//! The document of plain records, from the same fields that read their bodies.

use homeroom_domain::records::{Field, Kind, Literal, Presence};
use homeroom_edge::utoipa::openapi::{
    HttpMethod, OpenApi, PathItem, RefOr, Schema, path::Operation,
};
use homeroom_kernel::page::FilterKind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Resource;

/// Adds the operations and schemas of the resources.
pub(crate) fn complete(document: &mut OpenApi, resources: &[&[&Resource]]) {
    let components = document.components.get_or_insert_default();
    for resource in resources.iter().copied().flatten() {
        for (name, schema) in schemas(resource) {
            components
                .schemas
                .insert(name, RefOr::T(read::<Schema>(schema)));
        }
        for (path, method, operation) in operations(resource) {
            let operation: Operation = read(operation);
            let item = PathItem::new(method, operation);
            match document.paths.paths.get_mut(&path) {
                Some(known) => known.merge_operations(item),
                None => {
                    document.paths.paths.insert(path, item);
                }
            }
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "built natively, and every test of the document runs it"
)]
fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("what is built here is a part of a document")
}

/// `ExamSession` of `exam_session`.
fn type_name(noun: &str) -> String {
    let word = |word: &str| {
        word.chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .chain(word.chars().skip(1))
            .collect::<String>()
    };
    noun.split('_').map(word).collect()
}

fn schemas(resource: &Resource) -> Vec<(String, Value)> {
    let name = type_name(resource.noun);
    let what = resource.title;
    let fields = resource.table.fields;
    let mut schemas = vec![
        (format!("{name}Out"), answer(resource)),
        (format!("List_{name}Out"), page(&name)),
    ];
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| matches!(field.presence, Presence::Required))
        .map(|field| field.name)
        .collect();
    let about = format!("The body of {what}.");
    schemas.push((
        format!("{name}Body"),
        object(&about, settable(fields, true), &required),
    ));
    let about = format!("Changes to {what}; absent fields stay as they are.");
    schemas.push((
        format!("{name}Patch"),
        object(&about, settable(fields, false), &[]),
    ));
    if resource.warns {
        let warnings = json!({"type": "array", "items": {"type": "string"}, "description": "What to look at: the record was created all the same."});
        let mut created = answer(resource);
        if let Some(properties) = created.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("warnings".to_owned(), warnings);
        }
        if let Some(required) = created.get_mut("required").and_then(Value::as_array_mut) {
            required.push("warnings".into());
        }
        schemas.push((format!("{name}CreatedOut"), created));
    }
    schemas
}

fn object(about: &str, properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({"type": "object", "description": about, "properties": properties});
    if let (false, Some(object)) = (required.is_empty(), schema.as_object_mut()) {
        object.insert("required".to_owned(), json!(required));
    }
    schema
}

fn settable(fields: &[Field], whole: bool) -> Map<String, Value> {
    let fields = fields.iter().filter(|field| field.is_settable());
    fields
        .map(|field| (field.name.to_owned(), property(field, whole)))
        .collect()
}

fn answer(resource: &Resource) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "id".to_owned(),
        json!({"type": "string", "format": "uuid", "description": "The record."}),
    );
    let shown = resource
        .table
        .fields
        .iter()
        .filter(|field| field.is_shown());
    for field in shown {
        properties.insert(field.name.to_owned(), property(field, false));
    }
    for (name, about) in [
        ("created_at", "When it was created."),
        ("updated_at", "When it was last changed."),
    ] {
        properties.insert(
            name.to_owned(),
            json!({"type": "string", "format": "date-time", "description": about}),
        );
    }
    let by = json!({"type": ["string", "null"], "format": "uuid", "description": "By whom."});
    properties.insert("created_by".to_owned(), by);
    let names: Vec<String> = properties.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let title = resource.title;
    let about = format!(
        "{}{}.",
        title
            .chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .collect::<String>(),
        title.chars().skip(1).collect::<String>()
    );
    object(&about, properties, &names)
}

fn page(name: &str) -> Value {
    let link = |about: &str| json!({"type": ["string", "null"], "description": about});
    let mut properties = Map::new();
    properties.insert(
        "count".to_owned(),
        json!({"type": "integer", "format": "int64", "minimum": 0, "description": "Rows of the whole list."}),
    );
    properties.insert("next".to_owned(), link("Address of the next page."));
    properties.insert("previous".to_owned(), link("Address of the page before."));
    let item = json!({"$ref": format!("#/components/schemas/{name}Out")});
    properties.insert(
        "results".to_owned(),
        json!({"type": "array", "items": item, "description": "The rows of this page."}),
    );
    object(
        "One page of a list.",
        properties,
        &["count", "next", "previous", "results"],
    )
}

fn property(field: &Field, with_default: bool) -> Value {
    let mut schema = kind(field.kind);
    let Some(map) = schema.as_object_mut() else {
        return schema;
    };
    if field.nullable {
        if let Some(kind) = map.get_mut("type") {
            *kind = json!([kind.clone(), "null"]);
        }
        if let Some(Value::Array(choices)) = map.get_mut("enum") {
            choices.push(Value::Null);
        }
    }
    map.insert("description".to_owned(), field.about.into());
    if matches!(field.kind, Kind::TimeOfDay) {
        let ends = field.name.starts_with("end");
        map.insert(
            "example".to_owned(),
            if ends { "08:40" } else { "08:00" }.into(),
        );
    }
    if let (true, Presence::Default(literal)) = (with_default, field.presence)
        && !matches!(literal, Literal::NoFlags | Literal::Found)
    {
        map.insert("default".to_owned(), field.default().unwrap_or_default());
    }
    schema
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text { min: 0, max } => json!({"type": "string", "maxLength": max}),
        Kind::Text { min, max } => json!({"type": "string", "minLength": min, "maxLength": max}),
        Kind::Choice(choices) => json!({"type": "string", "enum": choices}),
        Kind::Integer { min, max } => {
            json!({"type": "integer", "format": "int64", "minimum": min, "maximum": max})
        }
        Kind::Mark => json!({"type": "number", "minimum": 0, "maximum": 100}),
        Kind::Coefficient => json!({"type": "number", "minimum": 0.01, "maximum": 100}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Moment => json!({"type": "string", "format": "date-time"}),
        Kind::TimeOfDay => {
            json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
        }
        Kind::Reference(_) => json!({"type": "string", "format": "uuid"}),
        Kind::Email => {
            json!({"type": "string", "maxLength": 254, "example": "rudo@people.example"})
        }
        Kind::Phone => json!({"type": "string", "maxLength": 40, "example": "+263771234567"}),
        Kind::Flags(names) => {
            let flags: Map<String, Value> = names
                .iter()
                .map(|name| ((*name).to_owned(), json!({"type": "boolean"})))
                .collect();
            json!({"type": "object", "properties": flags})
        }
        Kind::List(name) => {
            json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}})
        }
    }
}

/// An operation: its id, what it does, its parameters, the schemas of its body and answer.
struct Draft<'a> {
    id: String,
    summary: String,
    parameters: &'a [Value],
    body: Option<String>,
    status: &'a str,
    answer: Option<String>,
}

impl Draft<'_> {
    fn finish(self, tag: &str) -> Value {
        let mut operation = json!({
            "tags": [tag], "summary": self.summary, "operationId": self.id,
            "security": [{"bearer": []}, {"api_key": []}],
            "responses": {self.status: response(self.answer.as_deref())},
        });
        if let Some(map) = operation.as_object_mut() {
            if !self.parameters.is_empty() {
                map.insert("parameters".to_owned(), self.parameters.into());
            }
            if let Some(body) = self.body {
                let schema = json!({"$ref": format!("#/components/schemas/{body}")});
                let content = json!({"application/json": {"schema": schema}});
                let body = json!({"required": true, "content": content});
                map.insert("requestBody".to_owned(), body);
            }
        }
        operation
    }
}

fn operations(resource: &Resource) -> Vec<(String, HttpMethod, Value)> {
    let name = type_name(resource.noun);
    let (noun, plural, title) = (resource.noun, resource.plural, resource.title);
    let bare = title.split_once(' ').map_or(title, |(_, bare)| bare);
    let out = format!("{name}Out");
    let body = format!("{name}Body");
    let parents: Vec<Value> = resource
        .table
        .scope
        .iter()
        .map(|(name, _)| path_parameter(name))
        .collect();
    let own: Vec<Value> = parents
        .iter()
        .cloned()
        .chain([path_parameter("id")])
        .collect();
    let queried: Vec<Value> = parents.iter().cloned().chain(query(resource)).collect();
    let (many, one) = (
        resource.path.to_owned(),
        format!("{}{{id}}/", resource.path),
    );
    let read = |id: String, summary: String, parameters, answer: String| Draft {
        id,
        summary,
        parameters,
        body: None,
        status: "200",
        answer: Some(answer),
    };
    let list = read(
        format!("list_{plural}"),
        format!("List of {}", plural.replace('_', " ")),
        &queried,
        format!("List_{out}"),
    );
    let find = read(
        format!("find_{noun}"),
        format!("One {bare}"),
        &own,
        out.clone(),
    );
    let mut all = vec![
        (many.clone(), HttpMethod::Get, list),
        (one.clone(), HttpMethod::Get, find),
    ];
    let answer = if resource.warns {
        format!("{name}CreatedOut")
    } else {
        out.clone()
    };
    let create = Draft {
        body: Some(body.clone()),
        status: "201",
        ..read(
            format!("create_{noun}"),
            format!("Create {title}"),
            &parents,
            answer,
        )
    };
    all.push((many, HttpMethod::Post, create));
    let replace = Draft {
        body: Some(body),
        ..read(
            format!("replace_{noun}"),
            format!("Replace {title}"),
            &own,
            out.clone(),
        )
    };
    let update = Draft {
        body: Some(format!("{name}Patch")),
        ..read(
            format!("update_{noun}"),
            format!("Change {title}"),
            &own,
            out,
        )
    };
    all.push((one.clone(), HttpMethod::Put, replace));
    all.push((one.clone(), HttpMethod::Patch, update));
    let delete = Draft {
        status: "204",
        answer: None,
        ..read(
            format!("delete_{noun}"),
            format!("Delete {title}"),
            &own,
            String::new(),
        )
    };
    all.push((one, HttpMethod::Delete, delete));
    all.into_iter()
        .map(|(path, method, draft)| (path, method, draft.finish(resource.tag)))
        .collect()
}

fn response(schema: Option<&str>) -> Value {
    match schema {
        Some(name) => {
            let schema = json!({"$ref": format!("#/components/schemas/{name}")});
            json!({"description": "", "content": {"application/json": {"schema": schema}}})
        }
        None => json!({"description": ""}),
    }
}

fn path_parameter(name: &str) -> Value {
    let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}});
    if name != "id"
        && let Some(map) = parameter.as_object_mut()
    {
        map.insert(
            "description".to_owned(),
            format!("Id of the {}.", name.replace('_', " ")).into(),
        );
    }
    parameter
}

fn query(resource: &Resource) -> Vec<Value> {
    let listing = &resource.table.listing;
    let search = (!listing.search.is_empty()).then(|| {
        json!({
            "name": "search", "in": "query", "required": false, "description": "Text to look for.",
            "schema": {"type": "string", "maxLength": 100},
        })
    });
    let filters = listing.filters.iter().map(|(name, kind, _)| {
        let schema = match kind {
            FilterKind::Text => json!({"type": "string", "maxLength": 255}),
            FilterKind::Bool => json!({"type": "boolean"}),
            FilterKind::Id => json!({"type": "string", "format": "uuid"}),
            FilterKind::Integer => json!({"type": "integer", "format": "int64"}),
            FilterKind::Date => json!({"type": "string", "format": "date"}),
        };
        let field = resource.table.fields.iter().find(|field| field.name == *name);
        let about = field.map_or("Only records that match.", |field| field.about);
        json!({"name": name, "in": "query", "required": false, "description": about, "schema": schema})
    });
    search.into_iter().chain(filters).collect()
}
