//! What every area's document has in common: credentials, headers, error answers, parameters of lists, second body form.

mod errors;
mod parts;
mod schemas;

use std::collections::BTreeSet;

use utoipa::{
    Modify, ToSchema,
    openapi::{
        OpenApi, Ref, RefOr, Required, Response,
        content::Content,
        path::{HttpMethod, Operation, ParameterIn, PathItem},
    },
};

use crate::dialect::Dialect;

use self::{
    errors::ERRORS,
    parts::{HEADERS, add_header, add_security_schemes, header, parameters},
    schemas::{complete_schemas, flat_schemas},
};

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

/// An error of the areas whose clients know no other form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; Dialect writes it"
)]
pub struct PlainErrorOut {
    /// What is wrong. Mistakes of fields are one line: `destination: This field is required; esme: Enter a whole number`.
    #[schema(example = "invalid or expired token")]
    error: String,
}

/// Adds to an area's document what the code around every route does.
pub struct Common;

/// Routes without sign-in, by the end of their path.
const OPEN: &[&str] = &[
    "/auth/login/",
    "/auth/refresh/",
    "/auth/password-reset/",
    "/auth/password-reset/confirm/",
    "/timetable.ics/",
];
/// Routes where a password, a code or a PIN is tried, or a code asked for.
const GUARDED: &[&str] = &[
    "/auth/login/",
    "/auth/change-password/",
    "/auth/password-reset/",
    "/auth/password-reset/confirm/",
    "/chatbot/results/",
];
/// Routes that are counted against a school's limits of text messages.
const SENDING: &[&str] = &["/sms/messages/", "/sms/batches/", "/notices/{id}/sms/"];
/// How the path of an action ends that only looks: repeating it asks again.
const PREVIEW: &str = "/preview/";
const SYSTEM: &str = "/api/v1/system/";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// How the schema of a list's page is named: this, and the name of what it lists.
const LIST: &str = "List_";

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let headers = HEADERS
            .iter()
            .map(|(name, _, _, _)| *name)
            .zip(HEADERS.iter().map(header));
        components
            .headers
            .extend(headers.map(|(name, header)| (name.to_owned(), RefOr::T(header))));
        let spoken: Vec<Dialect> = document
            .paths
            .paths
            .keys()
            .map(|path| Dialect::of(path))
            .collect();
        for dialect in [Dialect::House, Dialect::Plain] {
            if spoken.contains(&dialect) {
                add_security_schemes(components, dialect);
                let errors = ERRORS
                    .iter()
                    .map(|error| (error.component(dialect), RefOr::T(error.response(dialect))));
                components.responses.extend(errors);
            }
        }
        complete_schemas(&mut components.schemas);
        let flat = flat_schemas(&components.schemas);
        let mut used = BTreeSet::new();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                let route = Route::new(path, method, operation);
                used.extend(route.parameters());
                route.complete(operation, &flat);
            }
        }
        let used = parameters().filter(|(name, _)| used.contains(name));
        components
            .parameters
            .extend(used.map(|(name, parameter)| (name.to_owned(), RefOr::T(parameter))));
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

/// What decides which common parts a route has.
struct Route<'path> {
    path: &'path str,
    method: HttpMethod,
    dialect: Dialect,
    takes_body: bool,
    is_open: bool,
    lists: bool,
}

impl<'path> Route<'path> {
    fn new(path: &'path str, method: HttpMethod, operation: &Operation) -> Self {
        let is_page = |response: &RefOr<Response>| match response {
            RefOr::T(response) => response
                .content
                .values()
                .filter_map(schema_of)
                .any(|name| name.starts_with(LIST)),
            RefOr::Ref(_) => false,
        };
        Self {
            path,
            method,
            dialect: Dialect::of(path),
            takes_body: operation.request_body.is_some(),
            is_open: match Dialect::of(path) {
                Dialect::House => OPEN.iter().any(|end| path.ends_with(end)),
                Dialect::Plain => operation.security.is_none(),
            },
            lists: operation.responses.responses.values().any(is_page),
        }
    }

    fn writes(&self) -> bool {
        self.method != HttpMethod::Get
    }

    /// Whether an `Idempotency-Key` is heeded.
    fn takes_key(&self) -> bool {
        self.method == HttpMethod::Post
            && self.dialect == Dialect::House
            && !self.path.contains("/auth/")
            && !self.path.ends_with(PREVIEW)
    }

    /// Whether a platform superadministrator may name the school.
    fn takes_schema_name(&self) -> bool {
        self.dialect == Dialect::House && !self.path.starts_with(SYSTEM) && !self.is_open
    }

    /// The shared parameters, by component.
    fn parameters(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.lists, "Page"),
            (self.lists, "PageSize"),
            (self.lists, "Ordering"),
            (self.takes_key(), "IdempotencyKey"),
            (self.takes_schema_name(), "SchemaName"),
            (true, "Bookmark"),
        ]
        .into_iter()
        .filter_map(|(applies, name)| applies.then_some(name))
    }

    fn complete(&self, operation: &mut Operation, flat: &BTreeSet<String>) {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response {
                self.complete_answer(status, response);
            }
        }
        for error in ERRORS.iter().filter(|error| self.can_answer(error.status)) {
            let reference = RefOr::Ref(Ref::from_response_name(error.component(self.dialect)));
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
        for name in self.parameters() {
            given.push(RefOr::Ref(Ref::new(format!(
                "#/components/parameters/{name}"
            ))));
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            if self.method == HttpMethod::Patch {
                body.required = Some(Required::False);
            }
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
        if self.takes_key() {
            add_header(response, "IdempotentReplayed");
        }
    }

    fn can_answer(&self, status: u16) -> bool {
        match status {
            409 => self.writes() && !self.is_open,
            413 => self.writes(),
            415 => self.takes_body || self.takes_key(),
            422 => self.takes_key(),
            // Other areas' clients are counted by what they send.
            429 if self.dialect == Dialect::Plain => self.writes(),
            429 => {
                let ends = |end: &&str| self.path.ends_with(end);
                GUARDED.iter().any(ends) || self.writes() && SENDING.iter().any(ends)
            }
            _ => true,
        }
    }
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
