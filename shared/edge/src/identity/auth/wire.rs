//! Sign-in, refresh and password change on the wire.

use homeroom_domain::identity;
use homeroom_kernel::{Fields, Input, rules};
use homeroom_store::identity::users::Identifier;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use crate::identity::users::UserOut;

/// A sign-in: an email address or a phone number, and the password.
#[derive(Debug)]
pub struct LoginIn {
    /// Who.
    pub identifier: Identifier,
    /// The password.
    pub password: SecretString,
}

impl Input for LoginIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let identifier = identifier(fields);
        let password = fields.required("password", identity::presented_password);
        Some(Self {
            identifier: identifier?,
            password: password?,
        })
    }
}

/// Who somebody without a sign-in says to be, by `email` or `phone_number`.
pub fn identifier(fields: &mut Fields) -> Option<Identifier> {
    // Any text is looked up: a malformed address gets the same answer as an unknown one.
    let email = fields.nullable("email", rules::text(1, 254));
    let phone = fields.nullable("phone_number", rules::text(1, 40));
    match (email?.flatten(), phone?.flatten()) {
        (Some(email), None) => Some(Identifier::Email(email.to_lowercase())),
        (None, Some(phone)) => {
            let normalised = identity::phone_number(&serde_json::Value::from(phone.as_str()));
            Some(Identifier::Phone(normalised.unwrap_or(phone)))
        }
        (Some(_), Some(_)) => {
            fields.fail(
                homeroom_kernel::fields::NON_FIELD,
                "Give an email or a phone number, not both.",
            );
            None
        }
        (None, None) => {
            fields.fail(
                homeroom_kernel::fields::NON_FIELD,
                "Give an email or a phone number.",
            );
            None
        }
    }
}

/// The body of a sign-in.
#[derive(Debug, ToSchema)]
#[schema(as = LoginIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; LoginIn reads it"
)]
pub struct LoginBody {
    /// Email address; this or the phone number.
    #[schema(example = "ada@greenwood.example", max_length = 254)]
    email: Option<String>,
    /// Phone number; this or the email address.
    #[schema(max_length = 40)]
    phone_number: Option<String>,
    /// The password.
    #[schema(format = Password, min_length = 1, max_length = 128, example = "correct horse battery")]
    password: String,
}

/// A refresh token.
#[derive(Debug)]
pub struct RefreshIn {
    pub(super) token: String,
}

impl Input for RefreshIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            token: fields.required("refresh", rules::verbatim(1, 512))?,
        })
    }
}

/// The body of a refresh.
#[derive(Debug, ToSchema)]
#[schema(as = RefreshIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; RefreshIn reads it"
)]
pub struct RefreshBody {
    /// The refresh token of the last answer.
    #[schema(
        max_length = 512,
        example = "gB1yVfK0c3Q9m7pTtXo2sJ5hR8wN4uLdE6iAaZkYxWc"
    )]
    refresh: String,
}

/// A change of the own password.
#[derive(Debug)]
pub struct ChangePasswordIn {
    pub(super) old: SecretString,
    pub(super) new: SecretString,
}

impl Input for ChangePasswordIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let old = fields.required("old_password", identity::presented_password);
        let new = fields.required("new_password", identity::new_password);
        Some(Self {
            old: old?,
            new: new?,
        })
    }
}

/// The body of a change of the own password.
#[derive(Debug, ToSchema)]
#[schema(as = ChangePasswordIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ChangePasswordIn reads it"
)]
pub struct ChangePasswordBody {
    /// The password so far.
    #[schema(format = Password, min_length = 1, max_length = 128, example = "correct horse battery")]
    old_password: String,
    /// The new one: 8 to 128 characters, none of the most common.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "staple of the day")]
    new_password: String,
}

/// A pair of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokensOut {
    /// Sent as `Authorization: Bearer …`; good for 15 minutes.
    #[schema(example = "eyJhbGciOiJIUzI1NiIs…")]
    pub access: String,
    /// Exchanged for a new pair; good for 30 days, once.
    #[schema(example = "gB1yVfK0c3Q9m7pTtXo2sJ5hR8wN4uLdE6iAaZkYxWc")]
    pub refresh: String,
}

/// The answer to a sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginOut {
    /// Sent as `Authorization: Bearer …`; good for 15 minutes.
    #[schema(example = "eyJhbGciOiJIUzI1NiIs…")]
    pub access: String,
    /// Exchanged for a new pair; good for 30 days, once.
    #[schema(example = "gB1yVfK0c3Q9m7pTtXo2sJ5hR8wN4uLdE6iAaZkYxWc")]
    pub refresh: String,
    /// Who signed in.
    pub user: UserOut,
}
