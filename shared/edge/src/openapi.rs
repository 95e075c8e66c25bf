//! What every area's document has in common: credentials, headers, error answers, parameters of lists, second body form.

use std::collections::{BTreeMap, BTreeSet};

use homeroom_store::StoreError;
use serde_json::{Value, json};
use utoipa::{
    Modify, ToSchema,
    openapi::{
        Components, Header, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
        content::{Content, ContentBuilder},
        example::ExampleBuilder,
        header::HeaderBuilder,
        path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{AnyOfBuilder, ArrayItems, ObjectBuilder, SchemaType, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::error::ApiError;

/// An error that belongs to no field.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; ApiError writes it"
)]
pub struct ErrorOut {
    /// What is wrong and what to do.
    #[schema(example = "Not found.")]
    detail: String,
    /// Stable, for programs; also in the header `x-error-code`.
    #[schema(example = "not_found")]
    code: String,
}

/// Errors of fields: messages by field name, and `non_field_errors` for those between fields.
#[derive(ToSchema)]
#[schema(example = json!({"email": ["Enter a valid email address."], "first_name": ["This field is required."]}))]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; ApiError writes it"
)]
pub struct FieldErrorsOut(std::collections::HashMap<String, Vec<String>>);

/// Adds to an area's document what the code around every route does.
pub struct Common;

/// Routes before sign-in, by the end of their path.
const OPEN: &[&str] = &["/auth/login/", "/auth/refresh/"];
const SYSTEM: &str = "/api/v1/system/";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// How the schema of a list's page is named: this, and the name of what it lists.
const LIST: &str = "List_";

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        add_security_schemes(components);
        let headers = HEADERS
            .iter()
            .map(|(name, _, _, _)| *name)
            .zip(HEADERS.iter().map(header));
        components
            .headers
            .extend(headers.map(|(name, header)| (name.to_owned(), RefOr::T(header))));
        let parameters =
            parameters().map(|(name, parameter)| (name.to_owned(), RefOr::T(parameter)));
        components.parameters.extend(parameters);
        let errors = ERRORS
            .iter()
            .map(|error| (error.name.to_owned(), RefOr::T(error.response())));
        components.responses.extend(errors);
        complete_schemas(&mut components.schemas);
        let flat = flat_schemas(&components.schemas);
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                Route::new(path, &method, operation).complete(operation, &flat);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn add_security_schemes(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The `access` token of a sign-in; good for 15 minutes.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let key = ApiKeyValue::with_description(
        "X-API-KEY",
        "For programs; made in the system area, for one school or all.",
    );
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
}

/// Headers of answers: component, name on the wire, type, meaning.
const HEADERS: &[(&str, &str, Type, &str)] = &[
    (
        "RequestId",
        "x-request-id",
        Type::String,
        "The id of this request: quote it when you ask about it.",
    ),
    (
        "Bookmark",
        "x-d1-bookmark",
        Type::String,
        "Send it with your next request to read what this one wrote.",
    ),
    (
        "ErrorCode",
        "x-error-code",
        Type::String,
        "The stable code of the error.",
    ),
    (
        "Location",
        "location",
        Type::String,
        "The path of the new record.",
    ),
    (
        "IdempotentReplayed",
        "idempotent-replayed",
        Type::String,
        "`true` when this is the stored answer to an earlier request.",
    ),
    (
        "RetryAfter",
        "retry-after",
        Type::Integer,
        "Seconds to wait.",
    ),
    (
        "WwwAuthenticate",
        "www-authenticate",
        Type::String,
        "The scheme to sign in with.",
    ),
];

fn header((_, _, kind, about): &(&str, &str, Type, &str)) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(kind.clone())))
        .description(Some(*about))
        .build()
}

fn add_header(response: &mut Response, component: &str) {
    if let Some((_, name, _, _)) = HEADERS.iter().find(|(known, _, _, _)| *known == component) {
        let reference = Ref::new(format!("#/components/headers/{component}"));
        response
            .headers
            .insert((*name).to_owned(), RefOr::Ref(reference));
    }
}

/// Parameters that several routes share, by component.
fn parameters() -> impl Iterator<Item = (&'static str, Parameter)> {
    let text = |pattern: &str, max: usize| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(pattern))
            .min_length(Some(1))
            .max_length(Some(max))
    };
    let number = |maximum: f64, default: u32| {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1.0))
            .maximum(Some(maximum));
        number.default(Some(default.into()))
    };
    let ordering = ObjectBuilder::new().schema_type(Type::String);
    let build = |name: &str, place: ParameterIn, schema: ObjectBuilder, about: &str| {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .schema(Some(schema));
        parameter.description(Some(about)).build()
    };
    let (query, head) = (|| ParameterIn::Query, || ParameterIn::Header);
    [
        ("Page", build("page", query(), number(1_000_000.0, 1), "Number of the page, from 1.")),
        ("PageSize", build("page_size", query(), number(100.0, 25), "Rows per page; more than 100 count as 100.")),
        (
            "Ordering",
            build("ordering", query(), ordering, "Fields to order by, with commas between; a minus in front reverses."),
        ),
        (
            "IdempotencyKey",
            build(
                "Idempotency-Key",
                head(),
                text("^[!-~]+$", 255),
                "Any text of your own: a repetition with the same key and body gets the first answer again, for 24 hours.",
            ),
        ),
        (
            "Bookmark",
            build(
                "x-d1-bookmark",
                head(),
                text("^[0-9a-f-]+$", 128),
                "The bookmark of an earlier answer: what you read is at least as new.",
            ),
        ),
        (
            "SchemaName",
            build(
                "X-Schema-Name",
                head(),
                text("^[a-z][a-z0-9-]{1,62}$", 63),
                "The school to act in: for platform superadministrators, who may also call the public host with it.",
            ),
        ),
    ]
    .into_iter()
}

/// An error answer that several routes share.
struct ErrorAnswer {
    status: u16,
    name: &'static str,
    about: &'static str,
    examples: fn() -> Vec<ApiError>,
}

const ERRORS: &[ErrorAnswer] = &[
    ErrorAnswer {
        status: 400,
        name: "BadRequest",
        about: "Fields are wrong, all of them named; or the request cannot be read.",
        examples: || vec![ApiError::Malformed("The body is not valid JSON.")],
    },
    ErrorAnswer {
        status: 401,
        name: "Unauthenticated",
        about: "The credential is missing, wrong, has ended, or does not hold at this address.",
        examples: || {
            vec![
                ApiError::Unauthenticated,
                ApiError::InvalidCredentials { remaining: 2 },
                ApiError::InvalidRefreshToken,
            ]
        },
    },
    ErrorAnswer {
        status: 403,
        name: "Forbidden",
        about: "A permission is lacking, the school is suspended, or the address is not allowed.",
        examples: || vec![ApiError::lacking("school.view_user")],
    },
    ErrorAnswer {
        status: 404,
        name: "NotFound",
        about: "There is no such record, no such page of the list, or no school at this address.",
        examples: || {
            vec![
                ApiError::NotFound,
                ApiError::NoSuchPage,
                ApiError::UnknownHost,
            ]
        },
    },
    ErrorAnswer {
        status: 409,
        name: "Conflict",
        about: "The state of a record forbids it.",
        examples: || {
            let conflict = |rule: &str| StoreError::Conflict(rule.to_owned()).into();
            vec![
                conflict("changed_meanwhile"),
                conflict("last_administrator"),
                conflict("foreign_key"),
            ]
        },
    },
    ErrorAnswer {
        status: 413,
        name: "TooLarge",
        about: "The body is larger than 1 MB.",
        examples: || vec![ApiError::TooLarge],
    },
    ErrorAnswer {
        status: 415,
        name: "UnsupportedMediaType",
        about: "The body is neither JSON nor a form.",
        examples: || vec![ApiError::UnsupportedMediaType],
    },
    ErrorAnswer {
        status: 422,
        name: "KeyReused",
        about: "The Idempotency-Key was used with another body.",
        examples: || vec![ApiError::KeyReused],
    },
    ErrorAnswer {
        status: 429,
        name: "TooManyAttempts",
        about: "Too many failed attempts.",
        examples: || vec![ApiError::TooManyAttempts { retry_after: 900 }],
    },
    ErrorAnswer {
        status: 503,
        name: "Unavailable",
        about: "Not available at the moment.",
        examples: || vec![ApiError::Unavailable(String::new()), ApiError::NoFreeSlot],
    },
];

impl ErrorAnswer {
    fn response(&self) -> Response {
        let error = || Ref::from_schema_name("ErrorOut");
        let mut content = ContentBuilder::new();
        if self.status == 400 {
            let fields = json!({"email": ["Enter a valid email address."], "first_name": ["This field is required."]});
            let either = AnyOfBuilder::new()
                .item(Ref::from_schema_name("FieldErrorsOut"))
                .item(error());
            content = content
                .schema(Some(Schema::AnyOf(either.build())))
                .examples_from_iter([example("invalid", fields)]);
        } else {
            content = content.schema(Some(error()));
        }
        let examples = (self.examples)();
        let examples = examples.iter().map(|error| {
            example(
                error.code(),
                json!({"detail": error.detail(), "code": error.code()}),
            )
        });
        let content = content.examples_from_iter(examples).build();
        let mut response = ResponseBuilder::new()
            .description(self.about)
            .content(JSON, content)
            .build();
        add_header(&mut response, "RequestId");
        add_header(&mut response, "ErrorCode");
        match self.status {
            401 => add_header(&mut response, "WwwAuthenticate"),
            429 | 503 => add_header(&mut response, "RetryAfter"),
            _ => {}
        }
        response
    }
}

fn example(name: &str, value: Value) -> (String, RefOr<utoipa::openapi::example::Example>) {
    (
        name.to_owned(),
        RefOr::T(ExampleBuilder::new().value(Some(value)).build()),
    )
}

/// What decides which common parts a route has.
struct Route {
    is_open: bool,
    is_login: bool,
    writes: bool,
    takes_body: bool,
    takes_key: bool,
    lists: bool,
    in_school: bool,
}

impl Route {
    fn new(path: &str, method: &HttpMethod, operation: &Operation) -> Self {
        let page = |response: &RefOr<Response>| match response {
            RefOr::T(response) => response
                .content
                .values()
                .any(|content| refers_to(content, LIST)),
            RefOr::Ref(_) => false,
        };
        Self {
            is_open: OPEN.iter().any(|end| path.ends_with(end)),
            is_login: path.ends_with("/auth/login/"),
            writes: *method != HttpMethod::Get,
            takes_body: operation.request_body.is_some(),
            takes_key: *method == HttpMethod::Post && !path.contains("/auth/"),
            lists: operation.responses.responses.get("200").is_some_and(page),
            in_school: !path.starts_with(SYSTEM),
        }
    }

    fn complete(&self, operation: &mut Operation, flat: &BTreeSet<String>) {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response {
                self.complete_answer(status, response);
            }
        }
        for error in ERRORS.iter().filter(|error| self.can_answer(error.status)) {
            let reference = RefOr::Ref(Ref::from_response_name(error.name));
            operation
                .responses
                .responses
                .entry(error.status.to_string())
                .or_insert(reference);
        }
        if self.is_open {
            operation.security = Some(Vec::new());
        }
        let given = operation.parameters.get_or_insert_with(Vec::new);
        for parameter in given.iter_mut() {
            if let RefOr::T(parameter) = parameter
                && parameter.parameter_in == ParameterIn::Path
                && parameter.description.is_none()
            {
                parameter.description = Some("Id of the record.".to_owned());
            }
        }
        let common = [
            (self.lists, "Page"),
            (self.lists, "PageSize"),
            (self.lists, "Ordering"),
            (self.takes_key, "IdempotencyKey"),
            (self.in_school && !self.is_open, "SchemaName"),
            (true, "Bookmark"),
        ];
        for (_, name) in common.into_iter().filter(|(applies, _)| *applies) {
            given.push(RefOr::Ref(Ref::new(format!(
                "#/components/parameters/{name}"
            ))));
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            let form = body
                .content
                .get(JSON)
                .filter(|content| is_flat(content, flat))
                .cloned();
            body.content
                .extend(form.map(|form| (FORM.to_owned(), form)));
        }
    }

    fn complete_answer(&self, status: &str, response: &mut Response) {
        if response.description.is_empty() {
            let about = match status {
                "201" => "Created.",
                _ if self.lists => "One page of the list.",
                _ => "Done.",
            };
            about.clone_into(&mut response.description);
        }
        add_header(response, "RequestId");
        add_header(response, "Bookmark");
        if status == "201" {
            add_header(response, "Location");
        }
        if self.takes_key {
            add_header(response, "IdempotentReplayed");
        }
    }

    fn can_answer(&self, status: u16) -> bool {
        match status {
            409 => self.writes && !self.is_open,
            413 => self.writes,
            415 => self.takes_body || self.takes_key,
            422 => self.takes_key,
            429 => self.is_login,
            _ => true,
        }
    }
}

fn refers_to(content: &RefOr<Content>, stem: &str) -> bool {
    schema_of(content).is_some_and(|name| name.starts_with(stem))
}

fn schema_of(content: &RefOr<Content>) -> Option<&str> {
    match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schema.ref_location.rsplit('/').next(),
        _ => None,
    }
}

/// A form has no objects within objects; the names with dots that it may carry instead have no place in the document.
fn is_flat(content: &RefOr<Content>, flat: &BTreeSet<String>) -> bool {
    schema_of(content).is_some_and(|name| flat.contains(name))
}

fn flat_schemas(schemas: &BTreeMap<String, RefOr<Schema>>) -> BTreeSet<String> {
    let is_text = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => {
            object.properties.is_empty() && object.additional_properties.is_none()
        }
        _ => false,
    };
    let is_field = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Array(array)) => {
            matches!(&array.items, ArrayItems::RefOrSchema(items) if is_text(items))
        }
        other => is_text(other),
    };
    let is_flat = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => {
            !object.properties.is_empty() && object.properties.values().all(is_field)
        }
        _ => false,
    };
    schemas
        .iter()
        .filter(|(_, schema)| is_flat(schema))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Lists refer to what they list, and answers promise the fields that they always carry, null or not.
fn complete_schemas(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let RefOr::T(schema) = schema else { continue };
        if name.ends_with("Out") {
            require_nullable(schema);
        }
        if let (Some(item), Schema::Object(page)) = (name.strip_prefix(LIST), schema)
            && names.contains(item)
            && let Some(RefOr::T(Schema::Array(results))) = page.properties.get_mut("results")
        {
            results.items =
                ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
        }
    }
}

fn require_nullable(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            for (name, property) in &object.properties {
                if is_nullable(property) && !object.required.contains(name) {
                    object.required.push(name.clone());
                }
            }
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| {
            if let RefOr::T(item) = item {
                require_nullable(item);
            }
        }),
        _ => {}
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(is_nullable),
        _ => false,
    }
}
