//! Error answers that routes share, with the texts that the code gives.

use serde_json::{Value, json};
use utoipa::openapi::{
    Ref, RefOr, Response, ResponseBuilder, Schema,
    content::ContentBuilder,
    example::{Example, ExampleBuilder},
    schema::AnyOfBuilder,
};

use super::{JSON, parts::add_header};
use crate::{conflicts::Conflict, dialect::Dialect, error::ApiError};

/// An error answer that several routes share.
pub(super) struct ErrorAnswer {
    pub(super) status: u16,
    name: &'static str,
    about: &'static str,
    examples: fn() -> Vec<ApiError>,
}

pub(super) const ERRORS: &[ErrorAnswer] = &[
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
            vec![
                Conflict::ChangedMeanwhile.into(),
                Conflict::LastAdministrator.into(),
                Conflict::InUse.into(),
            ]
        },
    },
    ErrorAnswer {
        status: 413,
        name: "TooLarge",
        about: "The body is too large.",
        examples: || vec![ApiError::TooLarge, ApiError::TooManyRows],
    },
    ErrorAnswer {
        status: 415,
        name: "UnsupportedMediaType",
        about: "The body is of another type than what is taken here.",
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
        about: "Too many attempts.",
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
    /// Its name among the components.
    pub(super) fn component(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::House => self.name.to_owned(),
            Dialect::Plain => format!("Plain{}", self.name),
        }
    }

    pub(super) fn response(&self, dialect: Dialect) -> Response {
        let error = || {
            Ref::from_schema_name(match dialect {
                Dialect::House => "ErrorOut",
                Dialect::Plain => "PlainErrorOut",
            })
        };
        let mut content = ContentBuilder::new();
        if self.status == 400 && dialect == Dialect::House {
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
        let examples = examples
            .iter()
            .map(|error| example(error.code(), dialect.body(&error.detail(), error.code())));
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

fn example(name: &str, value: Value) -> (String, RefOr<Example>) {
    (
        name.to_owned(),
        RefOr::T(ExampleBuilder::new().value(Some(value)).build()),
    )
}
