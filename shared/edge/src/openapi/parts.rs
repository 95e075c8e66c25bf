//! Credentials, headers and parameters that routes share.

use crate::dialect::Dialect;
use utoipa::openapi::{
    Components, Header, Ref, RefOr, Response,
    header::HeaderBuilder,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, Type},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

pub(super) fn add_security_schemes(components: &mut Components, dialect: Dialect) {
    if dialect == Dialect::Plain {
        add_gateway_schemes(components);
        return;
    }
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

fn add_gateway_schemes(components: &mut Components) {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The `token` of a sign-in at /api/v1/auth/login; good for 12 hours.",
        ))
        .build();
    components.add_security_scheme("sms", SecurityScheme::Http(token));
    for (name, header, about) in [
        ("app_id", "X-App-ID", "The app, with its token."),
        ("admin_key", "X-Admin-Key", "Opens the administration."),
        (
            "bridge",
            "webhook-signature",
            "The bridge's signature, with `webhook-id` and `webhook-timestamp`.",
        ),
    ] {
        let key = ApiKeyValue::with_description(header, about);
        components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// Headers of answers: component, name on the wire, type, meaning.
pub(super) const HEADERS: &[(&str, &str, Type, &str)] = &[
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

pub(super) fn header((_, _, kind, about): &(&str, &str, Type, &str)) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(kind.clone())))
        .description(Some(*about))
        .build()
}

pub(super) fn add_header(response: &mut Response, component: &str) {
    if let Some((_, name, _, _)) = HEADERS.iter().find(|(known, _, _, _)| *known == component) {
        let reference = Ref::new(format!("#/components/headers/{component}"));
        response
            .headers
            .insert((*name).to_owned(), RefOr::Ref(reference));
    }
}

/// Parameters that several routes share, by component.
pub(super) fn parameters() -> impl Iterator<Item = (&'static str, Parameter)> {
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
